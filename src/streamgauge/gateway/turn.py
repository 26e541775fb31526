"""What one turn of the event loop has to write: requests, then the journal, then answers.

Whatever the loop has read in one turn is collected and written together when it is done
with reading. One journal block then serves all of it, and a provider or client is woken
once instead of once per connection: that takes a fifth off the cost of a chunk and a third
off that of a small request. A lone chunk waits for nobody. What goes to a client goes after
the journal (write-ahead); what goes to a provider need not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING

from streamgauge.journal.format import CHUNK_ENTRY, ENTRY, Kind

if TYPE_CHECKING:
    from streamgauge.gateway.passage import Passage
    from streamgauge.journal.writer import Writer

log = logging.getLogger("streamgauge.gateway")

Entry = tuple[int, bytes, int, bytes]
# What the journal gets, and what the client gets after that.
Entries = list[Entry]
Out = list[bytes]
Send = Callable[[bytes], None]
# The passage and the time of its reading, where it is a chunk.
Sending = tuple[Send, bytes, "Passage | None", int]

# So many bytes are collected, and one read more, before they are written: a bound on memory
# and on the length of a journal block, and what tells us in time that a client is slow.
MAX_COLLECTED = 64 * 1024

# The overhead of a chunk travels as u32 nanoseconds; 4.29 s is as good as any above it.
MAX_OVERHEAD = 0xFFFF_FFFF

# The hot path saves itself the way through their objects.
_pack_entry, _pack_chunk = ENTRY.pack, CHUNK_ENTRY.pack
_ENTRY_LENGTH, _CHUNK_LENGTH = ENTRY.size - 4, CHUNK_ENTRY.size - 4
_CHUNK_KIND = int(Kind.CHUNK)


class Turn:
    """Collects what is to be written in one turn of the loop."""

    __slots__ = (
        "_answers",
        "_append",
        "_bytes",
        "_call_soon",
        "_entries",
        "_flush",
        "_is_due",
        "_requests",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: Writer) -> None:
        # The hot path saves itself the way to them, and the making of methods.
        self._call_soon = loop.call_soon
        self._append = journal.append_block
        self._flush = self.flush
        self._entries: list[bytes] = []  # packed: each one's head, then its payload
        self._requests: list[tuple[Send, bytes]] = []
        self._answers: list[Sending] = []
        self._bytes = 0
        self._is_due = False

    def note(self, entries: Entries) -> None:
        """Journal *entries* before any answer that is sent in this turn."""
        size, packed = 0, self._entries
        for kind, exchange, t_ns, payload in entries:
            length = len(payload)
            size += length
            packed += _pack_entry(_ENTRY_LENGTH + length, kind, exchange, t_ns), payload
        self._count(size)

    def send_up(self, send: Send, data: bytes) -> None:
        """Call *send* with *data*, bytes for a provider, at the end of this turn."""
        self._requests.append((send, data))
        self._count(len(data))

    def send_down(self, send: Send, data: bytes) -> None:
        """Call *send* with *data*, bytes for a client, once the journal is written."""
        answers = self._answers
        if answers and answers[-1][0] is send:
            self._join(data, None, 0)
        else:
            answers.append((send, data, None, 0))
        self._count(len(data))

    def chunk(self, passage: Passage, at: int, body: bytes, framed: bytes) -> None:
        """Journal *body*, read at *at*, and send it as *framed*: the hot path."""
        size = len(body)
        if passage.is_recorded:
            head = _pack_chunk(_CHUNK_LENGTH + size, _CHUNK_KIND, passage.id, at, passage.overhead)
            self._entries += head, body
            passage.overhead = 0
        answers, write = self._answers, passage.write
        if answers and answers[-1][0] is write:
            self._join(framed, passage, at)
        else:
            answers.append((write, framed, passage, at))
        size = self._bytes = self._bytes + size
        if size > MAX_COLLECTED:
            self.flush()
        elif not self._is_due:
            self._is_due = True
            self._call_soon(self._flush)

    def _join(self, data: bytes, passage: Passage | None, at: int) -> None:
        """Send *data* together with the answer before it, which goes to the same client.

        A stream's head and its first event are one write so, and its last event and its end.
        """
        send, before, earlier, earlier_at = self._answers.pop()
        if passage is None:
            passage, at = earlier, earlier_at
        self._answers.append((send, before + data, passage, at))

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_COLLECTED:
            self.flush()
        elif not self._is_due:
            self._is_due = True
            self._call_soon(self._flush)

    def flush(self) -> None:
        """Write everything now; at the end of a turn by itself."""
        self._is_due = False
        self._bytes = 0
        if self._requests:
            requests, self._requests = self._requests, []
            for send, data in requests:
                try:
                    send(data)
                except Exception as error:
                    _unsent(data, error)
        if self._entries:
            entries, self._entries = self._entries, []
            self._append(b"".join(entries))
        if self._answers:
            answers, self._answers = self._answers, []
            for send, data, _, _ in answers:
                try:
                    send(data)
                except Exception as error:
                    _unsent(data, error)
            now = monotonic_ns()
            for _, _, passage, at in answers:
                if passage is not None:
                    spent = now - at
                    passage.overhead = spent if spent < MAX_OVERHEAD else MAX_OVERHEAD


def _unsent(data: bytes, error: Exception) -> None:
    # A connection that was closed in this very turn; the others' bytes go on.
    log.debug("%d bytes were not sent: %s", len(data), error)
