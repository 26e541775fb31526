"""Writes one worker's journal, on the worker's event loop.

An entry is in the page cache when `append` or `chunk` returns: it survives a killed
process. Nothing here ever raises into a stream. What the disk does not take is counted
(`losses`), and a disk that stalls is left to a thread (`backlog`); `status` tells.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Literal
from zlib import crc32

import msgspec

from streamgauge.errors import JournalError
from streamgauge.journal.appender import Appender
from streamgauge.journal.backlog import STALL_NS, Backlog
from streamgauge.journal.format import BLOCK, CHUNK_ENTRY, ENTRY, Kind
from streamgauge.journal.losses import Losses
from streamgauge.journal.owner import own
from streamgauge.journal.segments import JOINED_BLOCK_BYTES, MAX_BLOCK_BYTES
from streamgauge.journal.status import JournalHealth, WorkerStatus, node_and_worker
from streamgauge.journal.syncer import Syncer
from streamgauge.journal.waker import Waker

log = logging.getLogger("streamgauge.journal")

# How long `close` waits for a disk that does not answer.
CLOSE_PATIENCE_S = 10.0

# A loss is logged when it begins and then at most this often.
LOG_INTERVAL_NS = 10_000_000_000

Entry = tuple[int, bytes, int, bytes]

_ENTRY_LENGTH = ENTRY.size - 4
_BLOCK_SIZE = BLOCK.size
_pack_block = BLOCK.pack

_pack = msgspec.msgpack.Encoder().encode


class Writer:
    """The one writer of *directory* (``<node>-<worker>-<boot>``); not for several threads.

    *wake_path*: the recorder's datagram socket. *fsync* "always" syncs every block before
    `append` returns, and then waits for a disk that stalls. *counters* gives numbers of the
    worker's own for its status. Make it while the event loop runs, so that the status goes
    out from the start. Raises `JournalError` if the directory cannot be written or has
    another living owner.
    """

    def __init__(
        self,
        directory: Path,
        *,
        wake_path: Path | None = None,
        segment_bytes: int = 64 * 1024 * 1024,
        disk_limit_bytes: int = 10 * 1024 * 1024 * 1024,
        fsync: Literal["interval", "always"] = "interval",
        fsync_interval_s: float = 1.0,
        counters: Callable[[], dict[str, int]] | None = None,
    ) -> None:
        self.directory = directory
        self.counters = counters
        self._is_syncing_always = fsync == "always"
        self._is_closed = False
        self._logged_ns = 0
        self._is_loss_logged = False
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._owner = own(directory)
        except OSError as error:
            raise JournalError(f"cannot write the journal in {directory}: {error}") from error
        self._losses = Losses()
        self._backlog = Backlog(self._write_joined, self._losses.note)
        self._syncer = Syncer(self._current, fsync_interval_s)
        self._appender = Appender(
            directory,
            segment_bytes=segment_bytes,
            disk_limit_bytes=disk_limit_bytes,
            finished=self._syncer.finish,
        )
        try:
            self._appender.prepare()
        except OSError as error:
            # A full disk is a reason to run without a journal, not to refuse streams.
            log.warning("the journal in %s starts without room: %s", directory, error)
        self._waker = Waker(wake_path, self._worker_status)

    # -- writing -----------------------------------------------------------------------------

    def chunk(self, exchange: bytes, t_ns: int, data: bytes, overhead_ns: int) -> None:
        """Append a CHUNK as a block of its own.

        *overhead_ns* is that of the chunk before it, at most 2**32 - 1.
        """
        size = CHUNK_ENTRY.size - 4 + len(data)
        entry = CHUNK_ENTRY.pack(size, Kind.CHUNK, exchange, t_ns, overhead_ns)
        self.append_block(entry + data)

    def append(self, kind: int, exchange: bytes, t_ns: int, payload: bytes) -> None:
        """Append one entry as a block of its own."""
        self.append_all(((kind, exchange, t_ns, payload),))

    def append_all(self, entries: Sequence[Entry]) -> None:
        """Append *entries*, in order, as one block (as few as its size allows)."""
        parts: list[bytes] = []
        size = 0
        for kind, exchange, t_ns, payload in entries:
            length = len(payload)
            if size and size + length > JOINED_BLOCK_BYTES:
                self.append_block(b"".join(parts))
                parts.clear()
                size = 0
            size += length
            parts += ENTRY.pack(_ENTRY_LENGTH + length, kind, exchange, t_ns), payload
        self.append_block(b"".join(parts))

    def append_block(self, entries: bytes) -> None:
        """Append *entries*, packed one after the other already, as one block."""
        size = len(entries)
        parts = _pack_block(size, crc32(entries)), entries
        if size > MAX_BLOCK_BYTES:
            self._lose(b"".join(parts), f"{size} bytes are too long for a block")
            return
        if not size or (self._backlog.is_active and self._backlog.add(b"".join(parts))):
            return
        began = monotonic_ns()
        try:
            if self._losses.is_owing:
                self._settle()
            self._appender.write(parts, _BLOCK_SIZE + size)
        except OSError as error:
            self._lose(b"".join(parts), str(error))
            return
        if self._is_syncing_always:
            self._syncer.sync(self._appender.fd)
        elif monotonic_ns() - began > STALL_NS:
            self._stalled()
        if not self._waker.is_due:
            self._waker.wake_soon()

    # -- when the disk does not -----------------------------------------------------------------

    def _write_joined(self, block: bytes) -> None:
        """Write for the backlog's thread."""
        try:
            if self._losses.is_owing:
                self._settle_marks()
            self._appender.write((block,), len(block))
        except OSError as error:
            self._lose(block, str(error))

    def _stalled(self) -> None:
        if self._backlog.stalls == 0 or self._may_log():
            log.warning("the journal's disk is slow: writing in the background until it is back")
        self._backlog.begin()

    def _lose(self, block: bytes, why: str) -> None:
        is_first = self._losses.entries == 0
        self._losses.note(block)
        if self._may_log() or is_first:
            self._is_loss_logged = True
            log.error(
                "the journal does not keep what is streamed now: %s; lost so far: %d entries",
                why,
                self._losses.entries,
            )

    def _told(self) -> None:
        """The readers know all that is missing: the journal is written again."""
        if self._is_loss_logged and not self._losses.is_owing:
            self._is_loss_logged = False
            log.warning(
                "the journal is written again; lost since the start: %d entries",
                self._losses.entries,
            )

    def _may_log(self) -> bool:
        now = monotonic_ns()
        if now - self._logged_ns < LOG_INTERVAL_NS:
            return False
        self._logged_ns = now
        return True

    def _settle(self) -> None:
        """Tell the readers what is missing, before anything that follows; raises `OSError`."""
        self._settle_marks()
        self._write_owed(self._losses.ends())
        self._losses.told_ends()
        self._told()

    def _settle_marks(self) -> None:
        # No ENDs here: what an exchange said before may still wait in the backlog.
        self._appender.prepare()
        self._write_owed(self._losses.marks())
        self._losses.told_marks()
        self._told()

    def _write_owed(self, entries: bytes) -> None:
        if entries:
            block = _pack_block(len(entries), crc32(entries))
            self._appender.write((block, entries), _BLOCK_SIZE + len(entries))

    # -- looking after it -----------------------------------------------------------------------

    def lost(self) -> int:
        """How many entries were ever lost."""
        return self._losses.entries

    def status(self) -> JournalHealth:
        """Return what was written and what was not."""
        return JournalHealth(
            written_bytes=self._appender.written_bytes,
            lost_entries=self._losses.entries,
            lost_bytes=self._losses.bytes,
            losing=self._losses.is_owing,
            stalled=self._backlog.is_active,
            stalls=self._backlog.stalls,
            full=self._appender.is_full,
            sync_failures=self._syncer.failures,
        )

    def _worker_status(self) -> bytes:
        if not self._backlog.is_active:
            self._look_for_room()
        node, worker = node_and_worker(self.directory.name)
        return _pack(
            WorkerStatus(
                directory=self.directory.name,
                node=node,
                worker=worker,
                pid=os.getpid(),
                journal=self.status(),
                counters=self.counters() if self.counters is not None else {},
            )
        )

    def _look_for_room(self) -> None:
        """Settle without waiting for the next stream; called about once a second."""
        if self._is_closed or not (self._appender.is_full or self._losses.is_owing):
            return
        with contextlib.suppress(OSError):
            self._appender.prepare()
            self._settle()

    def _current(self) -> tuple[int, int, int]:
        appender = self._appender
        return appender.fd, appender.number, appender.offset

    # -- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Sync, close and give up the directory; a second call does nothing."""
        if self._is_closed:
            return
        drained = self._backlog.drain(CLOSE_PATIENCE_S)
        if drained:
            self._look_for_room()
        self._waker.close()
        self._is_closed = True
        if drained:
            self._appender.close()
        if not self._syncer.stop(CLOSE_PATIENCE_S) or not drained:
            log.error("the journal's disk did not answer within %g s", CLOSE_PATIENCE_S)
        os.close(self._owner)
