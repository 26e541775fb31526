"""A body that is one thing: a JSON document, an error page."""

from __future__ import annotations

from streamgauge.wire.events import Frame

# What is longer is not decoded; its bytes are kept all the same.
MAX_FRAME = 64 * 1024 * 1024


class PlainDecoder:
    """Collects the whole body; it is one frame, at the end."""

    failed = False
    is_at_rest = False  # its frames are no lines

    def __init__(self) -> None:
        self.dropped = 0
        self._held = bytearray()

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take in *chunk*; there is no frame before the end."""
        if len(self._held) + len(chunk) > MAX_FRAME:
            self.dropped = 1
            self._held = bytearray()
        elif not self.dropped:
            self._held += chunk
        return []

    def close(self) -> list[Frame]:
        """Return the body, if there was one."""
        body = bytes(self._held)
        self._held = bytearray()
        return [Frame(body)] if body and not self.dropped else []
