"""Brings finished records into the store, one batch at a time, in a thread.

A batch that fails is kept and tried again, after growing pauses; what comes meanwhile joins
it, up to a bound at which the journal is read no further.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Protocol

from streamgauge.record import Amendment, Outcome, Record, Transcript
from streamgauge.recorder import position
from streamgauge.recorder.live import Live
from streamgauge.recorder.position import Progresses

log = logging.getLogger("streamgauge.recorder")

# What may wait for the store: several batches, and what a small machine can hold. The
# journal keeps the rest.
MAX_PENDING = 20_000
MAX_PENDING_BYTES = 256 * 1024 * 1024

# So many bytes are not kept waiting for the interval.
EARLY_BYTES = 32 * 1024 * 1024

# After a failure: the first pause, and the longest.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0

# While nothing ends, the position is saved this often: what a restart reads again.
SAVE_INTERVAL_S = 5.0

Pair = tuple[Record, Transcript]


class Store(Protocol):
    """The store as the recorder needs it."""

    @property
    def scheme(self) -> str:
        """Which kind it is."""

    def insert(self, batch: Sequence[Pair], /) -> None:
        """Keep *batch* for good; may be repeated."""

    def amend(self, batch: Sequence[Amendment], /) -> None:
        """Keep what was said about records later; may be repeated."""


class Flusher:
    """Stores what `add` is given, and then in *path* how far that was.

    *progresses* tells how far the journal is read; *opened* gives rows for exchanges that
    have been open for long; *stored* is called with the progress that is now safe.
    """

    def __init__(
        self,
        store: Store,
        path: Path,
        *,
        interval_s: float,
        batch: int,
        live: Live,
        progresses: Callable[[], Progresses],
        opened: Callable[[], list[Pair]],
        stored: Callable[[Progresses], None],
    ) -> None:
        self.records_stored = 0
        self.last_error: str | None = None
        self._store = store
        self._path = path
        self._interval_s = interval_s
        self._batch = batch
        self._live = live
        self._progresses = progresses
        self._opened = opened
        self._stored = stored
        self._pending: list[Pair] = []
        self._amendments: list[Amendment] = []
        self._bytes = 0
        self._flying = 0
        self._early = asyncio.Event()
        self._stopping = asyncio.Event()
        self._saved: Progresses | None = None
        self._saved_at = 0.0

    # -- taking --------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether so much waits that the journal should be read no further."""
        return self._waiting() >= MAX_PENDING or self._bytes >= MAX_PENDING_BYTES

    def _waiting(self) -> int:
        return len(self._pending) + len(self._amendments) + self._flying

    def add(self, record: Record, transcript: Transcript) -> None:
        """Store *record* with the next batch."""
        self._pending.append((record, transcript))
        self._bytes += _weight(record, transcript)
        if len(self._pending) >= self._batch or self._bytes >= EARLY_BYTES:
            self._early.set()

    def amend(self, amendment: Amendment) -> None:
        """Store what was said about a record later, with the next batch."""
        self._amendments.append(amendment)

    # -- storing -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Flush until `stop`."""
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            if self.last_error is not None:
                await _wait(self._stopping, pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                pause = FIRST_PAUSE_S
                await _wait(self._early, self._interval_s)
            await self.flush()

    def stop(self) -> None:
        """Let `run` end after the batch that is on its way."""
        self._stopping.set()
        self._early.set()

    async def flush(self) -> bool:
        """Store everything that has ended, and where that was; False if it failed."""
        self._early.clear()
        batch = self._opened() + self._pending
        progresses = self._progresses()
        amendments = self._amendments
        if not batch and not amendments and not self._is_worth_saving(progresses):
            return True
        self._pending, self._amendments = [], []
        self._flying = len(batch) + len(amendments)
        error = await asyncio.to_thread(self._put, batch, amendments, progresses)
        self._flying = 0
        finals = [pair for pair in batch if pair[0].outcome is not Outcome.OPEN]
        for record, _ in finals:
            self._live.closed(record, is_stored=error is None)
        if error is not None:
            self._pending = batch + self._pending
            self._amendments = amendments + self._amendments
            if self.last_error is None:
                log.error("the store takes no records, they wait in the journal: %s", error)
            self.last_error = error
            return False
        if self.last_error is not None:
            log.warning("the store takes records again")
        self.last_error = None
        self.records_stored += len(finals)
        self._bytes -= sum(_weight(*pair) for pair in finals)
        self._saved, self._saved_at = progresses, monotonic()
        self._stored(progresses)
        return True

    def _is_worth_saving(self, progresses: Progresses) -> bool:
        return progresses != self._saved and monotonic() - self._saved_at >= SAVE_INTERVAL_S

    def _put(
        self, batch: list[Pair], amendments: list[Amendment], progresses: Progresses
    ) -> str | None:
        """Store and save, in a thread; returns what went wrong."""
        try:
            for first in range(0, len(batch), self._batch):
                self._store.insert(batch[first : first + self._batch])
            if amendments:
                self._store.amend(amendments)
            position.save(self._path, progresses)
        except Exception as error:  # a driver may raise anything; the batch is tried again
            return str(error) or type(error).__name__
        return None


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _weight(record: Record, transcript: Transcript) -> int:
    """Return about how many bytes a record holds in memory."""
    said = len(record.request_body or "") + 2 * len(record.response_text or "")
    return 2048 + said + len(transcript.raw) + 64 * len(transcript.chunk_ms)
