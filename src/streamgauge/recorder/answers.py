"""The answers as their clients got them, from any byte on: while they run, and afterwards.

A client whose connection broke reads on here, whichever worker it had and whether or not
that still lives: the recorder has the bytes from the journal, later from the store. What no
reader may take for whole does not end as if it were: it ends with the error event of its
dialect, or is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from streamgauge.errors import StreamgaugeError
from streamgauge.record import Outcome, Transcript
from streamgauge.recorder.live import Live
from streamgauge.recorder.source import Ending, Source
from streamgauge.store import queries
from streamgauge.store.loader import Store as Queried
from streamgauge.wire.decoding import Decoding
from streamgauge.wire.detect import choose
from streamgauge.wire.looks import native_error
from streamgauge.wire.looks.event_ids import EventIds

# What one read takes; a reader holds no more than this and what its socket buffers.
PIECE = 64 * 1024

# Who ended like this has had everything that there was.
ENDED_WELL = frozenset({Outcome.COMPLETED, Outcome.HTTP_ERROR, Outcome.FAULT_IN_STREAM})


class Cut(StreamgaugeError):  # noqa: N818 - the end of a stream more than an error
    """The answer is not whole, and there is no way to say so within it."""


class Stored:
    """The `Source` of a record in the store; it has ended."""

    def __init__(self, columns: dict[str, Any], transcript: Transcript) -> None:
        self.path: str = columns["path"] or ""
        self.key_hash: str | None = columns["key_hash"]
        self.is_shown = True  # what should not be seen is not stored
        self.response_headers = transcript.response_headers
        self.ending: Ending | None = Ending(
            Outcome(columns["outcome"]), columns["error_type"], columns["error_message"]
        )
        self._raw = memoryview(transcript.raw)

    @property
    def size(self) -> int:
        """All of it."""
        return len(self._raw)

    def piece(self, offset: int, limit: int) -> bytes:
        """Return up to *limit* bytes from *offset* on."""
        return bytes(self._raw[offset : offset + limit])

    async def news(self) -> None:
        """There is none."""

    def resume(self) -> None:
        """Its record is written, and stays as it is."""


async def read(
    source: Source, offset: int, *, is_following: bool = True, is_numbering: bool = False
) -> AsyncGenerator[bytes]:
    """Yield the answer from byte *offset* on, until its end or, not following, until now.

    Raises `Cut` where it ended badly and no event can say so.
    """
    number = EventIds(offset).feed if is_numbering else bytes
    while True:
        is_over = source.ending is not None
        piece = source.piece(offset, PIECE)
        if piece:
            offset += len(piece)
            yield number(piece)
            await asyncio.sleep(0)  # one reader of a long answer must not keep the others
        elif is_over:
            break
        elif not is_following:
            return
        else:
            await source.news()
    event = last_word(source)
    if event:
        yield event


def last_word(source: Source) -> bytes:
    """Return what ends an answer that has ended: nothing if it has had its end already."""
    ending = source.ending
    if ending is None or ending.outcome in ENDED_WELL:
        return b""
    headers = {name.lower(): value for name, value in source.response_headers.items()}
    choice = choose(path=source.path, content_type=headers.get("content-type"))
    decoding = Decoding(choice, headers.get("content-encoding"))
    offset, last = 0, b""
    while piece := source.piece(offset, PIECE):
        decoding.feed(piece)
        offset += len(piece)
        last = piece
    decoding.close()
    if decoding.is_whole or decoding.reply.stream_faults:
        return b""
    event = b""
    if last[-1:] in (b"", b"\n", b"\r") and not headers.get("content-encoding"):
        event = native_error.event(
            choice.framing,
            choice.dialect,
            kind=ending.error_type or ending.outcome.value,
            message=ending.error_message or "the stream was not finished",
        )
    if not event:
        raise Cut("the answer is not whole")
    return event if last.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")) or not last else b"\n" + event


class Answers:
    """Finds the answers of records, and reads them out; for the event loop only."""

    read = staticmethod(read)

    def __init__(self, live: Live, store: Queried) -> None:
        self._live = live
        self._store = store

    async def find(self, record_id: str) -> Source | None:
        """Return where the bytes of its answer are, None if there is no such record (yet)."""
        running = self._live.source(record_id)
        if running is not None:
            return running
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self._stored, record_id)

    def _stored(self, record_id: str) -> Stored | None:
        columns = queries.record(self._store, record_id)
        transcript = queries.transcript(self._store, record_id)
        if columns is None or transcript is None:
            return None
        return Stored(columns, transcript)
