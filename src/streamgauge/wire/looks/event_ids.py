"""Event ids in a server-sent stream that has none: where in the stream each event ends.

An id is the number of bytes before what follows it, not counting ids: who comes back with
``Last-Event-ID: 1234`` wants the stream from byte 1234 on.
"""

from __future__ import annotations

import re

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")


class EventIds:
    """Puts an ``id:`` line at the end of every event, however the stream is cut."""

    __slots__ = ("_at", "_is_in_event", "_is_line_start")

    def __init__(self, offset: int = 0) -> None:
        self._at = offset
        self._is_line_start = True
        self._is_in_event = False

    def feed(self, data: bytes) -> bytes:
        """Return *data* with ids."""
        pieces: list[bytes] = []
        for found in _LINE.finditer(data):
            line = found.group()
            if not line:
                break
            self._at += len(line)
            is_whole = line[-1:] in (b"\n", b"\r")
            if self._is_line_start and not line.strip(b"\r\n"):
                if self._is_in_event:
                    pieces.append(b"id: %d\n" % self._at)
                    self._is_in_event = False
            else:
                self._is_in_event = True
            self._is_line_start = is_whole
            pieces.append(line)
        return b"".join(pieces)
