"""The way of a log to the server: a queue that never blocks, and one thread behind it.

``put`` is all that a caller ever does. The thread turns logs into JSON and posts them, some
at a time; what fails is tried again with growing pauses, under the same id. While the
server is away logs wait in memory, or in the spool folder if there is one. All of it is
bounded: what has no room is counted, and the loss is said once.

The queue is a `SimpleQueue`, because ``put`` may be called by the garbage collector in the
middle of anything, also of another ``put``. The thread is a daemon: it never keeps a
program alive; `process.close_all` gives it a bounded time at the end.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

from streamgauge.errors import ConfigurationError
from streamgauge.sdk import process
from streamgauge.sdk.account import Account
from streamgauge.sdk.post import LATER, REFUSED, Post
from streamgauge.sdk.spool import Letter, Spool

log = logging.getLogger("streamgauge")

LOG_PATH = "/api/v1/log"

# Logs that wait, at most; put refuses the next one.
MAX_QUEUED = 10_000
# And as much of them as JSON, while the server is away and there is no spool.
MAX_QUEUED_BYTES = 64 * 1024 * 1024
# The server refuses what is larger.
MAX_BODY_BYTES = 10 * 1024 * 1024
# Logs that are on their way at the same time, at most.
TOGETHER = 8

# Seconds. A pause doubles from the first to the longest; at the end of the program there is
# no time for long ones.
FIRST_PAUSE_S, LONGEST_PAUSE_S, LAST_PAUSE_S = 0.1, 5.0, 0.25
TIMEOUT_S = 10.0
EXIT_TIMEOUT_S = 5.0

# Where tests and `streamgauge.testing` take logs instead of sending them.
captors: list[Callable[[Account], None]] = []


class Marker(NamedTuple):
    """A place in the queue; set once everything before it has arrived."""

    reached: threading.Event


class Delivery:
    """Brings logs to one server. Safe in threads, in signal handlers and after a fork."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        spool: Path | None = None,
        max_queued: int = MAX_QUEUED,
        timeout: float = TIMEOUT_S,
        exit_timeout: float = EXIT_TIMEOUT_S,
    ) -> None:
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
            raise ConfigurationError(f"base_url: {base_url!r} is no http:// or https:// address")
        self.url = base_url.rstrip("/") + LOG_PATH
        self.exit_timeout = exit_timeout
        self._api_key = api_key
        self._folder = spool
        self._max_queued = max_queued
        self._timeout = timeout
        process.import_client()
        self.begin()
        with suppress(Exception):  # a proxy that is none; sending will say so
            self._post.connected()
        process.everyone.add(self)

    def begin(self) -> None:
        """Begin with nothing, in this process."""
        self._queue: queue.SimpleQueue[Account | Marker | None] = queue.SimpleQueue()
        self._waiting: deque[Letter | Marker] = deque()
        self._waiting_bytes = 0
        self._spool: Spool | None = None
        self._thread: threading.Thread | None = None
        self._post = Post(self.url, api_key=self._api_key, timeout=self._timeout)
        self._start_lock = threading.Lock()
        self._settling = threading.Lock()
        self._sending = threading.Lock()
        self._is_ending = False
        self._failures = 0
        self._not_before = 0.0
        self._trouble = ""
        self._lost: Counter[str] = Counter()
        # The garbage collector may call `put` within any of our lines, also of this lock's.
        self._lost_lock = threading.RLock()

    # -- what callers do ----------------------------------------------------------------------

    def start(self) -> None:
        """Have the thread run; done when a call begins, so that its end only has to ``put``."""
        if self._thread is not None:
            return
        with self._start_lock:
            if self._thread is not None:
                return
            self._is_ending = False
            self._thread = threading.Thread(target=self._run, name="streamgauge", daemon=True)
            process.end_with_it()
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is ending; `close` settles what is left
                self._thread = None

    def put(self, account: Account) -> None:
        """Take a finished call. Returns at once, whatever the server does."""
        if captors:
            captors[-1](account)
        elif self._queue.qsize() + len(self._waiting) >= self._max_queued:
            self._lose("the queue was full")
        else:
            self._queue.put(account)

    def flush(self, timeout: float) -> bool:
        """Wait up to *timeout* seconds; tell whether everything put so far has arrived."""
        if self._thread is None and self._queue.empty():
            return not self._waiting
        self.start()
        marker = Marker(threading.Event())
        self._queue.put(marker)
        return marker.reached.wait(timeout)

    def close(self, timeout: float) -> None:
        """Flush, end the thread, keep or count the rest and say so; a later ``put`` begins anew."""
        if self._thread is None and self._queue.empty():
            return
        end = monotonic() + timeout
        self._is_ending = True
        try:
            while not self.flush(min(LAST_PAUSE_S, end - monotonic())) and monotonic() < end:
                # What can be kept need not be waited for once the server is away.
                if self._folder is not None and self._failures > 1:
                    break
        finally:
            thread, self._thread = self._thread, None
            self._queue.put(None)
            if thread is not None:
                thread.join(max(0.0, min(end - monotonic(), LAST_PAUSE_S)))
            self._post.close()
            with self._settling:
                self._settle()

    def pause(self, timeout: float) -> bool:
        """Wait until nothing is being sent, and let nothing be sent until `resume`."""
        return self._sending.acquire(timeout=timeout)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._sending.release()

    # -- what the thread does --------------------------------------------------------------------

    def _run(self) -> None:
        self._opened_spool()
        while self._is_mine():
            try:
                self._take()
                if self._has_work() and monotonic() >= self._not_before and self._is_mine():
                    self._send()
            except Exception as error:  # ours; it must not end the thread
                self._trouble = f"{type(error).__name__}: {error}"
                self._wait(0.0)

    def _is_mine(self) -> bool:
        return self._thread is threading.current_thread()

    def _has_work(self) -> bool:
        return bool(self._waiting) or bool(self._spool)

    def _take(self) -> None:
        """Take logs from the queue: as many as are sent together, or wait for one."""
        pause = max(self._not_before - monotonic(), 0.0) if self._has_work() else None
        with suppress(queue.Empty):
            self._sort(self._queue.get(timeout=pause) if pause != 0.0 else self._queue.get_nowait())
            while len(self._waiting) < TOGETHER or self._failures:
                self._sort(self._queue.get_nowait())

    def _sort(self, item: Account | Marker | None) -> None:
        if isinstance(item, Account):
            self._add(item)
        elif item is not None:
            # Somebody waits: the next try is now.
            self._waiting.append(item)
            self._not_before = 0.0

    def _add(self, account: Account) -> None:
        letter = self._written(account)
        if letter is None:
            return
        if self._failures and self._spool is not None and self._spool.add(letter):
            return
        if self._waiting_bytes + len(letter.body) > MAX_QUEUED_BYTES:
            self._lose("the server was away and the queue was full")
            return
        self._waiting.append(letter)
        self._waiting_bytes += len(letter.body)

    def _written(self, account: Account) -> Letter | None:
        try:
            body = account.told(_version())
            while len(body) > MAX_BODY_BYTES and account.shorten():
                body = account.told(_version())
        except Exception as error:
            self._lose(f"{type(error).__name__} in writing it")
            return None
        if len(body) > MAX_BODY_BYTES:
            self._lose("it was larger than 10 MB")
            return None
        return Letter(account.id, account.http_headers, body)

    def _send(self) -> None:
        """Send what is next: what waits in memory, or else what waits in the folder."""
        letters, spool = self._next()
        if not letters:
            self._release()
            return
        with self._sending:
            answers = self._post.all(letters)
        with self._settling:
            if not self._is_mine():
                return  # the program ends, and what was left has been settled there
            for letter, answer in zip(letters, answers, strict=True):
                if spool is None:
                    self._waiting.popleft()
                if answer.result == LATER:
                    continue
                if answer.result == REFUSED:
                    self._lose(answer.reason)
                if spool is not None:
                    spool.remove(letter)
                else:
                    self._waiting_bytes -= len(letter.body)
            failed = [one for one in zip(letters, answers, strict=True) if one[1].result == LATER]
            if spool is None:
                self._waiting.extendleft(letter for letter, _ in reversed(failed))
            if failed:
                self._trouble = failed[0][1].reason
                self._wait(max(answer.pause for _, answer in failed))
            else:
                self._failures = 0

    def _next(self) -> tuple[list[Letter], Spool | None]:
        """Return what is sent together now, and the folder if it is from there."""
        letters: list[Letter] = []
        for one in islice(self._waiting, TOGETHER):
            if isinstance(one, Marker):
                break
            letters.append(one)
        if letters or not self._spool:
            return letters, None
        return self._spool.oldest(TOGETHER), self._spool

    def _release(self) -> None:
        """Tell somebody who waits that everything before has arrived."""
        first = self._waiting[0] if self._waiting else None
        if isinstance(first, Marker):
            self._waiting.popleft()
            first.reached.set()

    def _wait(self, wanted: float) -> None:
        """Pause after a failure; what waits goes to the folder, where a crash cannot reach it."""
        self._failures += 1
        if self._failures == 1:
            log.warning("streamgauge: %s: %s; logs are kept and tried again", *self._where())
        longest = LAST_PAUSE_S if self._is_ending else LONGEST_PAUSE_S
        pause = min(FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10), longest)
        pause *= random.uniform(0.5, 1.0)  # noqa: S311 - not for secrets
        self._not_before = monotonic() + min(max(pause, wanted), longest)
        if self._spool is not None:
            self._spill(self._spool)

    def _spill(self, spool: Spool) -> None:
        """Move what waits in memory into the folder, in its order."""
        for _ in range(len(self._waiting)):
            item = self._waiting.popleft()
            if isinstance(item, Letter) and spool.add(item):
                self._waiting_bytes -= len(item.body)
            else:
                self._waiting.append(item)

    # -- the end -----------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Keep in the folder, or count, what has not arrived; say it once."""
        spool = self._opened_spool()
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            letter = self._written(item) if isinstance(item, Account) else None
            if letter is not None:
                self._waiting.append(letter)
        while self._waiting:
            waiting = self._waiting.popleft()
            if isinstance(waiting, Letter) and not (spool is not None and spool.add(waiting)):
                self._lose("the program ended")
        self._waiting_bytes = 0
        self._report(spool)

    def _report(self, spool: Spool | None) -> None:
        lost, self._lost = self._lost, Counter()
        if spool is not None and len(spool):
            log.warning(
                "streamgauge: %s: %s; %d logs are kept in %s and will be sent by a later run",
                *self._where(),
                len(spool),
                spool.folder,
            )
        if lost:
            why = "; ".join(f"{count}: {reason}" for reason, count in lost.most_common(5))
            log.warning("streamgauge: %d logs are lost (%s)", lost.total(), why)

    def _lose(self, reason: str) -> None:
        if not self._lost:
            log.warning("streamgauge: a log is lost: %s; the sum is told at the end", reason)
        with self._lost_lock:
            self._lost[reason] += 1

    def _where(self) -> tuple[str, str]:
        return self.url.removesuffix(LOG_PATH), self._trouble or "the program ended first"

    def _opened_spool(self) -> Spool | None:
        if self._folder is not None and self._spool is None:
            self._spool = Spool(self._folder)
        return self._spool


def _version() -> str:
    from streamgauge import __version__

    return __version__
