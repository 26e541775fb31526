"""Blocks that wait for a disk that has stalled, and the thread that writes them meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic_ns

# A write to the page cache takes microseconds; one that takes this long would be felt in
# every stream of the worker.
STALL_NS = 100_000_000

# What may wait in memory: seconds of a busy worker. More is counted as lost.
MAX_BACKLOG_BYTES = 64 * 1024 * 1024

# When nothing was handed over for so long, the next write is tried directly again.
QUIET_S = 1.0


class Backlog:
    """Takes over from the event loop in `begin`, gives back when the disk keeps up again.

    *write* is called by one side at a time: by the loop while `is_active` is false, else by
    the thread. *lose* is called with what does not fit.
    """

    def __init__(self, write: Callable[[bytes], None], lose: Callable[[bytes], None]) -> None:
        self._write = write
        self._lose = lose
        self._blocks: deque[bytes] = deque()
        self._bytes = 0
        self._condition = threading.Condition()
        self.is_active = False
        self.stalls = 0

    def begin(self) -> None:
        """Let the thread write from now on."""
        self.stalls += 1
        thread = threading.Thread(target=self._run, name="journal-backlog", daemon=True)
        # Where there can be no thread the loop goes on writing: slow, but whole.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self.is_active = True

    def add(self, block: bytes) -> bool:
        """Hand over *block*; False if the disk is back and the caller is to write it itself."""
        with self._condition:
            if not self.is_active:
                return False
            if self._bytes + len(block) > MAX_BACKLOG_BYTES:
                self._lose(block)
                return True
            self._blocks.append(block)
            self._bytes += len(block)
            self._condition.notify()
            return True

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is written; False if it is not after *timeout_s*."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._bytes, timeout_s)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._blocks, QUIET_S)
                if not self._blocks:
                    self.is_active = False
                    return
                block = self._blocks.popleft()
            began = monotonic_ns()
            self._write(block)
            was_quick = monotonic_ns() - began <= STALL_NS
            with self._condition:
                self._bytes -= len(block)
                self._condition.notify_all()
                if was_quick and not self._blocks:
                    self.is_active = False
                    return
