"""A body that is one thing: a JSON document, an error page."""

from __future__ import annotations

from streamgauge.wire.events import Frame

# What is longer is not decoded; its bytes are kept all the same.
MAX_FRAME = 64 * 1024 * 1024


class PlainDecoder:
    """Collects the whole body; it is one frame, at the end."""

    failed = False

    def __init__(self) -> None:
        self.dropped = 0
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take in *chunk*; there is no frame before the end."""
        self._held += len(chunk)
        if self._held > MAX_FRAME:
            self.dropped = 1
            self._pieces = []
        else:
            self._pieces.append(chunk)
        return []

    def close(self) -> list[Frame]:
        """Return the body, if there was one."""
        body = b"".join(self._pieces)
        self._pieces = []
        return [Frame(body)] if body and not self.dropped else []
