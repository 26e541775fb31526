"""What could not be written, and what the journal still owes its readers because of it.

A stream goes on when the journal cannot take it. When it can again, every exchange with a
hole gets a MARK ``lost`` with the bytes that are missing, and exchanges that have ended
meanwhile get their END: so nothing with a hole passes for whole, and nothing stays open.
"""

from __future__ import annotations

import threading
from time import monotonic_ns
from typing import Any

import msgspec

from streamgauge.journal.format import ENTRY, LOST, Kind, Mark
from streamgauge.journal.segments import entries_of

# So many exchanges with holes are remembered, at about 500 bytes each. Beyond, they are
# only counted.
MAX_HOLES = 65_536

_pack = msgspec.msgpack.Encoder().encode


class Losses:
    """Counts and remembers losses; for any thread."""

    def __init__(self) -> None:
        self.entries = 0
        self.bytes = 0
        self.is_owing = False
        self._holes: dict[bytes, int] = {}
        self._ends: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def note(self, block: bytes) -> None:
        """Remember that *block* was not written."""
        with self._lock:
            self.bytes += len(block)
            for kind, exchange, entry in entries_of(block):
                self.entries += 1
                known: dict[bytes, Any] = self._ends if kind == Kind.END else self._holes
                if exchange not in known and len(known) >= MAX_HOLES:
                    continue
                if kind == Kind.END:
                    self._ends[exchange] = entry
                else:
                    self._holes[exchange] = self._holes.get(exchange, 0) + len(entry)
            self.is_owing = True

    def marks(self) -> bytes:
        """Return the entries that tell of the holes, as they are written."""
        at = monotonic_ns()
        marks: list[bytes] = []
        with self._lock:
            for exchange, lost in self._holes.items():
                mark = _pack(Mark(name=LOST, value=lost))
                length = ENTRY.size - 4 + len(mark)
                marks += ENTRY.pack(length, Kind.MARK, exchange, at), mark
        return b"".join(marks)

    def ends(self) -> bytes:
        """Return the ENDs that were lost, as they are written."""
        with self._lock:
            return b"".join(self._ends.values())

    def told_marks(self) -> None:
        """Forget the holes: the readers know."""
        with self._lock:
            self._holes.clear()
            self.is_owing = bool(self._ends)

    def told_ends(self) -> None:
        """Forget the ENDs: the readers have them."""
        with self._lock:
            self._ends.clear()
            self.is_owing = bool(self._holes)
