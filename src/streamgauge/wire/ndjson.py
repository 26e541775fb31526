"""Newline-delimited JSON: one frame a line."""

from __future__ import annotations

from streamgauge.wire.events import Frame

# As for SSE: somebody has to bound the memory.
MAX_FRAME = 64 * 1024 * 1024


class NdjsonDecoder:
    """Incremental decoder. Feed it chunks cut anywhere; the frames are the same."""

    failed = False

    def __init__(self) -> None:
        self.dropped = 0
        self._held = bytearray()  # of a line that is not whole yet
        self._is_too_long = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take in *chunk* and return the frames it completed."""
        frames: list[Frame] = []
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._hold(line)
            self._dispatch(frames)
        if rest:
            self._hold(rest)
        return frames

    def close(self) -> list[Frame]:
        """The stream has ended; a last line needs no line end."""
        frames: list[Frame] = []
        self._dispatch(frames)
        return frames

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing of a line has come that is not whole yet."""
        return not self._held and not self._is_too_long

    def _hold(self, piece: bytes) -> None:
        if len(self._held) + len(piece) > MAX_FRAME:
            self._is_too_long = True
            self._held.clear()
        elif not self._is_too_long:
            self._held += piece

    def _dispatch(self, frames: list[Frame]) -> None:
        if self._is_too_long:
            self.dropped += 1
        elif line := bytes(self._held).strip():
            frames.append(Frame(line))
        self._held.clear()
        self._is_too_long = False
