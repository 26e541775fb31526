"""Follows the journals of all workers, in slices that leave room for the API between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from streamgauge.record import Price
from streamgauge.recorder.follower import Finished, Follower, Told
from streamgauge.recorder.live import Live
from streamgauge.recorder.position import Progress, Progresses
from streamgauge.recorder.privacy import Rules
from streamgauge.recorder.spool import Memory
from streamgauge.recorder.workers import Workers

log = logging.getLogger("streamgauge.recorder")

# How often new and dead directories are looked for, and for news nobody woke us for.
LOOK_INTERVAL_S = 1.0

# How long a stop may go on reading.
LAST_READ_S = 2.0


class Tail:
    """Reads every directory in *folder*; *may_read* says whether there is room for more."""

    def __init__(
        self,
        folder: Path,
        progresses: Progresses,
        *,
        wake_path: Path,
        window_s: float,
        live: Live,
        memory: Memory,
        finished: Finished,
        amended: Told,
        may_read: Callable[[], bool],
        prices: Sequence[Price] = (),
        rules: Rules | None = None,
    ) -> None:
        self.folder = folder
        self.followers: dict[str, Follower] = {}
        self.workers = Workers(wake_path, self.wake)
        self._progresses = dict(progresses)
        self._window_s = window_s
        self._live = live
        self._memory = memory
        self._prices = prices
        self._rules = rules
        self._finished = finished
        self._amended = amended
        self._may_read = may_read
        self._news = asyncio.Event()
        self._look_at = 0.0
        self._damages = self._torn_tails = 0  # of directories that are gone

    # -- reading -----------------------------------------------------------------------------

    def wake(self) -> None:
        """There is something to read."""
        self._news.set()

    def listen(self) -> None:
        """Let workers wake us; raises `OSError` where the socket cannot be made."""
        asyncio.get_running_loop().add_reader(self.workers.listen(), self.workers.hear)

    async def run(self) -> None:
        """Read for ever."""
        while True:
            self._news.clear()
            self._look_around()
            if not await self._read_round():
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(max(self._look_at - monotonic(), 0)):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _read_round(self) -> bool:
        """Take one slice of every directory; whether there may be more."""
        is_more = False
        for follower in list(self.followers.values()):
            if not self._may_read():
                return False
            is_more |= self._read(follower)
            await asyncio.sleep(0)
        return is_more

    def _read(self, follower: Follower) -> bool:
        try:
            return follower.read()
        except OSError as error:
            log.warning("cannot read the journal in %s: %s", follower.directory, error)
            return False

    def read_rest(self) -> None:
        """Read what there is before a stop, within limits: the rest waits in the journal."""
        self._look_at = 0.0
        self._look_around()
        until = monotonic() + LAST_READ_S
        for follower in list(self.followers.values()):
            while self._may_read() and monotonic() < until and self._read(follower):
                pass

    # -- directories -------------------------------------------------------------------------

    def _look_around(self) -> None:
        is_news = bool(self.workers.directories() - self.followers.keys())
        if monotonic() < self._look_at and not is_news:
            return
        self._look_at = monotonic() + LOOK_INTERVAL_S
        for name in self._names():
            if name not in self.followers:
                self.followers[name] = self._follow(name)
        self._progresses.clear()  # what is left is of directories that are gone
        for name, follower in list(self.followers.items()):
            follower.look()
            self._prune(name, follower)
        for name in self.workers.directories():
            if name not in self.followers or self.followers[name].is_dead:
                self.workers.forget(name)

    def _names(self) -> list[str]:
        try:
            return sorted(path.name for path in self.folder.iterdir() if path.is_dir())
        except FileNotFoundError:  # no worker has been there yet
            return []

    def _follow(self, name: str) -> Follower:
        return Follower(
            self.folder / name,
            self._progresses.pop(name, Progress()),
            live=self._live,
            memory=self._memory,
            prices=self._prices,
            rules=self._rules,
            finished=self._finished,
            amended=self._amended,
        )

    def _prune(self, name: str, follower: Follower) -> None:
        try:
            is_gone = follower.prune(self._window_s)
        except OSError as error:
            log.warning("cannot delete what is stored of %s: %s", follower.directory, error)
            return
        if is_gone:
            del self.followers[name]
            self._damages += follower.damages
            self._torn_tails += follower.torn_tails

    # -- what is stored ----------------------------------------------------------------------

    def progresses(self) -> Progresses:
        """Return how far each directory is read."""
        known = {name: follower.progress() for name, follower in self.followers.items()}
        # Directories that this process has not come to yet keep what they had.
        return self._progresses | known

    def stored(self, progresses: Progresses) -> None:
        """What *progresses* tell is safe."""
        for name, progress in progresses.items():
            if name in self.followers:
                self.followers[name].stored = progress

    # -- inspecting --------------------------------------------------------------------------

    @property
    def damages(self) -> int:
        """How often something could not be read."""
        return self._damages + sum(f.damages for f in self.followers.values())

    @property
    def torn_tails(self) -> int:
        """How often an unfinished block was cut off."""
        return self._torn_tails + sum(f.torn_tails for f in self.followers.values())

    def close(self) -> None:
        """Let go of everything."""
        fd = self.workers.fileno()
        if fd is not None:
            asyncio.get_running_loop().remove_reader(fd)
        self.workers.close()
        for follower in self.followers.values():
            follower.close()
