"""Brings what is written to the disk itself, on a timer and at the end of segments.

`fsync` may take long, so it has a thread of its own; descriptors of finished segments are
handed to it and closed there.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable

log = logging.getLogger("streamgauge.journal")

# macOS has no fdatasync.
sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Syncer:
    """Syncs the descriptor that *current* names whenever the offset beside it has changed."""

    def __init__(self, current: Callable[[], tuple[int, int, int]], interval_s: float) -> None:
        self._current = current
        self._interval_s = interval_s
        self._finished: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._synced = (0, 0)
        self.failures = 0
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def finish(self, fd: int) -> None:
        """Sync *fd* soon and close it."""
        self._finished.put(fd)

    def stop(self, timeout_s: float) -> bool:
        """Sync what is left and end; False if the disk took longer than *timeout_s*."""
        self._finished.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                fd = self._finished.get(timeout=self._interval_s)
            except queue.Empty:
                self._sync_current()
                continue
            if fd is None:
                return
            self.sync(fd)
            os.close(fd)

    def _sync_current(self) -> None:
        # The descriptor cannot be closed under us: that happens in this thread alone.
        fd, number, offset = self._current()
        if fd >= 0 and self._synced != (number, offset):
            self.sync(fd)
            self._synced = (number, offset)

    def sync(self, fd: int) -> None:
        """Sync *fd* now, in the calling thread; a failure is counted and logged."""
        try:
            sync_data(fd)
        except OSError as error:
            self.failures += 1
            log.warning("the journal could not be synced to its disk: %s", error)
