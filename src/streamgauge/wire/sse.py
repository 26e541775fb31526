"""Server-sent events (WHATWG HTML §9.2.6): bytes to frames.

A chunk may end anywhere, so what follows the last line end waits as bytes. Each byte is
looked at once: the search for a line end goes on where the last one stopped. What waits is
held in two buffers, so an event costs about its length, however many lines and pieces it
comes in. The usual chunk of a stream is one or more whole events of one ``data:`` line each;
those take a short cut.
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
        self._part = bytearray()  # of a line that is not whole yet
        self._data = bytearray()  # the lines of data, each with a line end
        self._skip_lf = False  # the last chunk ended with CR; a LF now belongs to it
        self._is_too_long = False
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
        if self.is_at_rest:
            chunk = self._whole_events(chunk, frames)
        if chunk:
            self._lines(chunk, frames)
        return frames

    def close(self) -> list[Frame]:
        """The stream has ended. An event without its blank line is given all the same.

        The spec drops it, but it is what the client of a cut stream has received.
        """
        frames: list[Frame] = []
        if self._part and not (self._is_first and BOM.startswith(self._part)):
            self._line(self._taken(), frames)
        self._dispatch(frames)
        return frames

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing of an event has come that is not whole yet."""
        is_within = self._part or self._data or self._skip_lf or self._is_too_long
        return not is_within and self._event is None

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
            if self._part:
                self._part += line
                line = self._taken()
            self._line(line, frames)
        if start < len(chunk):
            self._hold(chunk[start:])
        elif chunk.endswith(b"\r"):
            self._skip_lf = True

    def _hold(self, piece: bytes) -> None:
        if len(self._data) + len(self._part) + len(piece) > MAX_FRAME:
            self._give_up()
            self._part = bytearray(b":")  # the rest of this line reads as a comment
        else:
            self._part += piece

    def _taken(self) -> bytes:
        line = bytes(self._part)
        self._part = bytearray()
        return line

    def _give_up(self) -> None:
        """The event is too long: what there is of it goes, the rest will not be kept."""
        self._is_too_long = True
        self._data = bytearray()

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if not line:
            self._dispatch(frames)
            return
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            if len(self._data) + len(value) + 1 > MAX_FRAME:
                self._give_up()
            elif not self._is_too_long:
                self._data += value
                self._data += b"\n"
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _dispatch(self, frames: list[Frame]) -> None:
        if self._is_too_long:
            self.dropped += 1
        elif self._data:
            del self._data[-1]  # the line end after the last line is not part of it
            frames.append(Frame(bytes(self._data), self._event, self._id))
        self._is_too_long = False
        self._data = bytearray()
        self._event = None

    def _without_bom(self, chunk: bytes) -> bytes:
        """Take a byte order mark off the very beginning, even if it comes in pieces."""
        begun = self._taken() + chunk
        if len(begun) < len(BOM) and BOM.startswith(begun):
            self._part += begun
            return b""
        self._is_first = False
        return begun.removeprefix(BOM)
