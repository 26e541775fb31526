"""The recorder: journal in, records out, with a live view in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic, monotonic_ns

from streamgauge import __version__
from streamgauge.errors import ConfigurationError
from streamgauge.meter.prices import use_list
from streamgauge.record import Transcript
from streamgauge.recorder import position
from streamgauge.recorder.flusher import Flusher, Pair, Store
from streamgauge.recorder.follower import Follower
from streamgauge.recorder.health import COUNTERS, Health, RecorderHealth, StoreHealth, WorkerHealth
from streamgauge.recorder.live import Live
from streamgauge.recorder.privacy import Rules
from streamgauge.recorder.spool import Memory
from streamgauge.recorder.tail import Tail
from streamgauge.settings import Settings

log = logging.getLogger("streamgauge.recorder")

RESTART_PAUSE_S = 1.0


class Recorder:
    """Follows the journal of *settings* and fills *store*; make and use it on one event loop."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.live = Live()
        self._settings = settings
        self._began = monotonic()
        self._store = store
        if settings.prices_file:
            _use_prices(Path(settings.prices_file).expanduser())
        path = settings.data_dir / "position.msgpack"
        self._flusher = Flusher(
            store,
            path,
            interval_s=settings.store.flush_interval_s,
            batch=settings.store.batch,
            live=self.live,
            progresses=lambda: self._tail.progresses(),
            opened=self._long_open,
            stored=self._stored,
        )
        self._tail = Tail(
            settings.journal_dir,
            position.load(path),
            wake_path=settings.wake_socket,
            window_s=settings.journal.resume_window_s,
            live=self.live,
            memory=Memory(settings.data_dir / "tmp"),
            prices=settings.prices,
            rules=Rules(settings.privacy),
            finished=self._flusher.add,
            amended=self._flusher.amend,
            may_read=lambda: not self._flusher.is_full,
        )
        self._tasks: list[asyncio.Task[None]] = []

    # -- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to read and to store; raises `OSError` if the wake socket cannot be made."""
        self._tail.listen()
        self._tasks = [
            asyncio.create_task(_keep(self._tail.run)),
            asyncio.create_task(_keep(self._flusher.run)),
        ]

    async def run(self) -> None:
        """Read and store until cancelled."""
        await self.start()
        try:
            await asyncio.gather(*self._tasks)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Store what has ended, and stop. What is still open waits in the journal."""
        tail, flushing = self._tasks
        tail.cancel()
        await asyncio.wait([tail])
        self._flusher.stop()
        await asyncio.wait([flushing])
        self._tail.read_rest()
        await self._flusher.flush()
        self.live.close()
        self._tail.close()

    def _stored(self, progresses: position.Progresses) -> None:
        self._tail.stored(progresses)
        self._tail.wake()  # there is room again

    def _long_open(self) -> list[Pair]:
        """Return rows for exchanges that were open at the last flush already, once for each."""
        before = monotonic() - self._settings.store.flush_interval_s
        rows: list[Pair] = []
        for follower in self._tail.followers.values():
            if not follower.is_at_end:
                continue  # their end may be what is read next
            for capture in follower.captures.values():
                if not capture.is_announced and capture.seen_at <= before:
                    capture.is_announced = True
                    rows.append((capture.so_far(), Transcript()))
        return rows

    # -- health ----------------------------------------------------------------------------------

    def health(self) -> Health:
        """Return the state of things; nothing here waits."""
        followers = list(self._tail.followers.values())
        flusher = self._flusher
        return Health(
            version=__version__,
            uptime_s=round(monotonic() - self._began, 3),
            recorder=RecorderHealth(
                lag_bytes=sum(follower.remaining() for follower in followers),
                lag_s=round(max((_lag_s(follower) for follower in followers), default=0.0), 3),
                records_stored=flusher.records_stored,
                frames_dropped=self._tail.damages,
                frames_repaired=self._tail.torn_tails,
                lost_entries=self._tail.workers.lost_entries,
            ),
            store=StoreHealth(
                scheme=self._store.scheme,
                ok=flusher.last_error is None,
                last_error=flusher.last_error,
            ),
            workers=tuple(
                WorkerHealth(
                    node=status.node,
                    worker=status.worker,
                    pid=status.pid,
                    age_s=round(age_s, 3),
                    **{name: status.counters.get(name, 0) for name in COUNTERS},
                    journal=status.journal,
                )
                for status, age_s in self._tail.workers.seen()
            ),
        )


def _lag_s(follower: Follower) -> float:
    """Return how long ago what was read last was written, while there is more to read."""
    if follower.is_at_end or follower.is_done or not follower.last_ns:
        return 0.0
    return max(monotonic_ns() - follower.last_ns, 0) / 1e9


async def _keep(run: Callable[[], Awaitable[None]]) -> None:
    """Run, and again after a fault that nobody foresaw: better limping than silent."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("a part of the recorder broke and is started again")
            await asyncio.sleep(RESTART_PAUSE_S)
        else:
            return


def _use_prices(path: Path) -> None:
    try:
        use_list(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"prices_file: cannot read {path}: {error.strerror}") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"prices_file: {path}: {error}") from None
