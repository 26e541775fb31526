"""What was answered: one response as far as it has come, and who reads along."""

from __future__ import annotations

import asyncio

from streamgauge.journal.format import Head, headers_of
from streamgauge.recorder.labels import joined
from streamgauge.recorder.source import Ending
from streamgauge.recorder.spool import Memory, Spool


class Response:
    """Its bytes are kept in *memory* until it is over."""

    __slots__ = ("_head", "_whole", "body", "ending", "headers", "readers")

    def __init__(self, memory: Memory) -> None:
        self.headers: dict[str, str] = {}
        self.ending: Ending | None = None
        self._head: Head | None = None
        self.body = Spool(memory)
        self._whole: bytes | None = None  # what was said, once it is over
        self.readers: list[asyncio.Future[None]] = []  # who waits for more

    # -- as it comes -----------------------------------------------------------------------------

    def begin(self, head: Head) -> None:
        """Take the head."""
        self._head = head
        self.headers = joined(headers_of(head.headers))
        self.tell()

    def add(self, data: bytes) -> None:
        """Take in more of the body."""
        self.body.add(data)
        if self.readers:
            self.tell()

    def take(self) -> bytes:
        """Return all of the body, and let go of what holds it."""
        raw = self._whole = self.body.take()
        return raw

    def drop(self) -> None:
        """Let go of the body."""
        self.body.drop()

    def end(self, ending: Ending) -> None:
        """There will be no more."""
        self.ending = ending
        self.tell()

    # -- for who reads along ---------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many bytes there are by now."""
        return self.body.size if self._whole is None else len(self._whole)

    def piece(self, offset: int, limit: int) -> bytes:
        """Return up to *limit* bytes from *offset* on."""
        whole = self._whole
        return self.body.piece(offset, limit) if whole is None else whole[offset : offset + limit]

    async def news(self) -> None:
        """Wait until there is more, or the end."""
        if self.ending is None:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.readers.append(waiting)
            await waiting

    def tell(self) -> None:
        """Wake who waits."""
        readers, self.readers = self.readers, []
        for waiting in readers:
            if not waiting.done():
                waiting.set_result(None)

    # -- for the record --------------------------------------------------------------------------

    @property
    def lost(self) -> int:
        """How many bytes of the body are counted but not kept."""
        return self.body.lost

    @property
    def status(self) -> int | None:
        """The status, None before the head."""
        # 0 where somebody told of an answer without its status.
        return self._head.status or None if self._head is not None else None
