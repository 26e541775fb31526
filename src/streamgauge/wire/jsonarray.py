"""A JSON array that grows: one frame an element, as soon as the element is whole.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent: Gemini
streams so unless it is asked for SSE. Nothing is parsed here. What matters is where strings
begin and end and how deep the brackets are, so the search goes from one such mark to the
next, and each byte is looked at once. A body that is an object is one frame; one that is no
JSON at all is one frame too, at the end.
"""

from __future__ import annotations

import re

from streamgauge.wire.events import Frame

# As for SSE: somebody has to bound the memory.
MAX_FRAME = 64 * 1024 * 1024

# What JSON calls white space, and a byte order mark.
_BLANK = b" \t\r\n\xef\xbb\xbf"

_IN_STRING = re.compile(rb'["\\]')
_OUTSIDE = re.compile(rb'["{}\[\],]')


class JsonArrayDecoder:
    """Incremental decoder. Feed it chunks cut anywhere; the frames are the same."""

    failed = False
    is_at_rest = False  # its frames are no lines

    def __init__(self) -> None:
        self.dropped = 0
        self._held = bytearray()  # of an element that is not whole yet
        self._is_too_long = False
        self._is_first = True
        self._is_json = True
        self._in_string = False
        self._skip = 0  # the first byte of the next chunk is escaped by the last of this
        self._depth = 0
        self._floor = 0  # the depth between elements: 1 within the array

    # -- feed ------------------------------------------------------------------------------

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take in *chunk* and return the frames it completed."""
        frames: list[Frame] = []
        if self._is_first:
            chunk = chunk.lstrip(_BLANK)
            if not chunk:
                return frames
            self._is_first = False
            self._is_json = chunk[:1] in (b"[", b"{")
        start = self._elements(chunk, frames) if self._is_json else 0
        if start < len(chunk):
            self._hold(chunk[start:])
        return frames

    def close(self) -> list[Frame]:
        """The stream has ended. Half an element is given all the same, as the client got it."""
        frames: list[Frame] = []
        self._end(b"", frames)
        return frames

    # -- from mark to mark -------------------------------------------------------------------

    def _elements(self, chunk: bytes, frames: list[Frame]) -> int:
        """Take whole elements off *chunk*; return where the rest begins."""
        start, at = 0, self._skip
        self._skip = 0
        while found := (_IN_STRING if self._in_string else _OUTSIDE).search(chunk, at):
            mark, at = found.group(), found.end()
            if mark == b'"':
                self._in_string = not self._in_string
            elif mark == b"\\":
                at += 1
            elif mark == b",":
                if self._depth == self._floor:
                    self._end(chunk[start : at - 1], frames)
                    start = at
            elif mark in b"{[":
                if mark == b"[" and not self._depth:
                    self._end(chunk[start : at - 1], frames)
                    self._floor = 1
                    start = at
                self._depth += 1
            elif self._depth > self._floor:
                self._depth -= 1
                if self._depth == self._floor:
                    self._end(chunk[start:at], frames)
                    start = at
            else:
                # The end of the array.
                self._end(chunk[start : at - 1], frames)
                self._depth = self._floor = 0
                start = at
        self._skip = max(0, at - len(chunk))
        return start

    def _hold(self, piece: bytes) -> None:
        if self._is_too_long:
            return
        self._held += piece
        if len(self._held) > MAX_FRAME:
            self._is_too_long = True
            self._held.clear()

    def _end(self, piece: bytes, frames: list[Frame]) -> None:
        """The element ends with *piece*."""
        self._hold(piece)
        if self._is_too_long:
            self.dropped += 1
            self._is_too_long = False
        elif element := bytes(self._held).strip():
            frames.append(Frame(element))
        self._held.clear()
