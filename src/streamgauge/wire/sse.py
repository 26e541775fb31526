"""Server-sent events (WHATWG HTML §9.2.6): bytes to frames.

A chunk may end anywhere, so what follows the last line end waits as bytes. Each byte is
looked at once: the search for a line end goes on where the last one stopped, and a line
that comes in many pieces is joined when it is whole. The usual chunk of a stream is one or
more whole events of one ``data:`` line each; those take a short cut.
"""

from __future__ import annotations

import re
from functools import lru_cache

from streamgauge.wire.events import Frame

# The spec knows three line ends and no others. str.splitlines() also splits on U+0085 and
# U+2028, which occur inside model output, so we stay with bytes until a line is complete.
LINE_END = re.compile(rb"\r\n|\n|\r")

# An event beyond this is dropped: a provider that sends 64 MiB in one event has lost the
# thread, and somebody has to bound the memory.
MAX_FRAME = 64 * 1024 * 1024

BOM = b"\xef\xbb\xbf"


@lru_cache(maxsize=256)
def _name(raw: bytes) -> str:
    """Return an event's name; providers have few."""
    return raw.decode("utf-8", "replace")


class SseDecoder:
    """Incremental decoder. Feed it chunks cut anywhere; the frames are the same."""

    failed = False

    def __init__(self) -> None:
        self.dropped = 0
        self._is_first = True
        self._pieces: list[bytes] = []  # of a line that is not whole yet
        self._held = 0  # bytes in pieces and data
        self._skip_lf = False  # the last chunk ended with CR; a LF now belongs to it
        self._is_too_long = False
        self._data: list[bytes] = []
        self._event: str | None = None
        self._id: str | None = None

    # -- feed ------------------------------------------------------------------------------

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take in *chunk* and return the frames it completed."""
        frames: list[Frame] = []
        if not chunk:
            return frames
        if self._is_first:
            chunk = self._without_bom(chunk)
        is_within = self._pieces or self._data or self._skip_lf or self._is_too_long
        if not is_within and self._event is None:
            chunk = self._whole_events(chunk, frames)
        if chunk:
            self._lines(chunk, frames)
        return frames

    def close(self) -> list[Frame]:
        """The stream has ended. An event without its blank line is given all the same.

        The spec drops it, but it is what the client of a cut stream has received.
        """
        frames: list[Frame] = []
        if self._pieces:
            line = b"".join(self._pieces)
            self._pieces = []
            if not self._is_first or not BOM.startswith(line):
                self._line(line, frames)
        self._dispatch(frames)
        return frames

    # -- the short cut ---------------------------------------------------------------------

    def _whole_events(self, chunk: bytes, frames: list[Frame]) -> bytes:
        """Take whole events off the front of *chunk* that are one line of data, or an ``event:``
        line and one of data; return what is left."""
        start = 0
        while True:
            at, name = start, None
            if chunk.startswith(b"event: ", at):
                end = chunk.find(b"\n", at)
                if end < 0:
                    break
                name = _name(chunk[at + 7 : end])
                at = end + 1
            if not chunk.startswith(b"data: ", at):
                break
            end = chunk.find(b"\n", at)
            if end < 0 or end - start > MAX_FRAME or not chunk.startswith(b"\n", end + 1):
                break
            if chunk.find(b"\r", start, end) >= 0:
                break
            frames.append(Frame(chunk[at + 6 : end], name, self._id))
            start = end + 2
        return chunk[start:] if start else chunk

    # -- line by line ------------------------------------------------------------------------

    def _lines(self, chunk: bytes, frames: list[Frame]) -> None:
        start = 0
        if self._skip_lf:
            self._skip_lf = False
            if chunk.startswith(b"\n"):
                start = 1
        for found in LINE_END.finditer(chunk, start):
            line = chunk[start : found.start()]
            start = found.end()
            if self._pieces:
                self._held -= sum(map(len, self._pieces))  # the line counts as a whole below
                self._pieces.append(line)
                line = b"".join(self._pieces)
                self._pieces = []
            self._line(line, frames)
        if start < len(chunk):
            self._hold(chunk[start:])
        elif chunk.endswith(b"\r"):
            self._skip_lf = True

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held > MAX_FRAME:
            self._give_up()
            self._pieces = [b":"]  # the rest of this line reads as a comment
            self._held = 1
            return
        self._pieces.append(piece)

    def _give_up(self) -> None:
        """The event is too long: what there is of it goes, the rest will not be kept."""
        self._is_too_long = True
        self._data = []
        self._held = 0

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if not line:
            self._dispatch(frames)
            return
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            # One more, so that a million empty lines count too.
            self._held += len(value) + 1
            if self._held > MAX_FRAME:
                self._give_up()
            elif not self._is_too_long:
                self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _dispatch(self, frames: list[Frame]) -> None:
        if self._is_too_long:
            self.dropped += 1
        elif self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            frames.append(Frame(data, self._event, self._id))
        self._is_too_long = False
        self._data = []
        self._event = None
        self._held = 0

    def _without_bom(self, chunk: bytes) -> bytes:
        """Take a byte order mark off the very beginning, even if it comes in pieces."""
        begun = b"".join(self._pieces) + chunk
        self._pieces = []
        if len(begun) < len(BOM) and BOM.startswith(begun):
            self._pieces = [begun]
            return b""
        self._is_first = False
        return begun.removeprefix(BOM)
