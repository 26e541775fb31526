"""The segment that is being written: appends whole blocks or nothing.

A block that the disk took only in part is cut off again, so what follows can be read. After
a failure the disk is left alone for a moment; every write meanwhile fails at once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic_ns

from streamgauge.journal.segments import folder_bytes, segment_numbers, segment_path

# After a failed write, and while there is no room: how long until the next try.
RETRY_NS = 1_000_000_000

NEVER = 1 << 63

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Appender:
    """Appends to the newest segment of *directory*; for one thread at a time.

    *finished* gets the descriptor of every segment that is complete and closes it.
    """

    __slots__ = (
        "_directory",
        "_disk_limit_bytes",
        "_earlier_bytes",
        "_finished",
        "_is_ready",
        "_rest_until",
        "_segment_bytes",
        "fd",
        "is_full",
        "number",
        "offset",
    )

    def __init__(
        self,
        directory: Path,
        *,
        segment_bytes: int,
        disk_limit_bytes: int,
        finished: Callable[[int], None],
    ) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._disk_limit_bytes = disk_limit_bytes
        self._finished = finished
        self._earlier_bytes = 0
        self._rest_until = 0
        self._is_ready = False
        self.is_full = False
        self.fd = -1
        self.offset = 0
        numbers = segment_numbers(directory)
        self.number = numbers[-1] if numbers else 0

    @property
    def written_bytes(self) -> int:
        """All bytes written since the start."""
        return self._earlier_bytes + self.offset

    def write(self, parts: Sequence[bytes], size: int) -> None:
        """Append a block given in *parts* of *size* bytes together.

        Raises `OSError` when it could not be written whole; then nothing of it is left.
        """
        if not self._is_ready:
            self.prepare()
        try:
            written = os.writev(self.fd, parts)
        except OSError as error:
            self._fail(error)
            raise
        if written != size:
            short = OSError(errno.ENOSPC, f"the disk took {written} of {size} bytes")
            self._fail(short)
            raise short
        self.offset += size
        if self.offset >= self._segment_bytes:
            self._is_ready = False

    def prepare(self) -> None:
        """See to it that there is a segment with room; raises `OSError` when there cannot be."""
        if monotonic_ns() < self._rest_until:
            raise OSError(errno.EAGAIN, "the journal waits for its disk")
        if self.fd >= 0 and self.offset >= self._segment_bytes:
            self.finish()
        if self.fd < 0:
            try:
                self._check_limit()
                self._begin()
            except OSError as error:
                self._rest(error)
                raise
        self._is_ready = True
        self.is_full = False

    def finish(self) -> None:
        """Let go of the current segment."""
        if self.fd >= 0:
            self._finished(self.fd)
            self.fd = -1
            self._earlier_bytes += self.offset
            self.offset = 0
        self._is_ready = False

    def close(self) -> None:
        """Let go of the current segment for good: every write from now on fails."""
        self.finish()
        self._rest_until = NEVER

    def _begin(self) -> None:
        path = segment_path(self._directory, self.number + 1)
        # O_APPEND: after a cut the next block follows the last good one, without a hole.
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.number += 1

    def _check_limit(self) -> None:
        size = folder_bytes(self._directory.parent)
        if size >= self._disk_limit_bytes:
            raise OSError(
                errno.ENOSPC,
                f"the journal has {size} bytes, its limit is {self._disk_limit_bytes}",
            )

    def _fail(self, error: OSError) -> None:
        try:
            os.ftruncate(self.fd, self.offset)
        except OSError:
            # Nobody knows what is at its end now: readers skip that, and we go on elsewhere.
            self.finish()
        self._rest(error)

    def _rest(self, error: OSError) -> None:
        self._is_ready = False
        self._rest_until = monotonic_ns() + RETRY_NS
        self.is_full = error.errno in NO_ROOM
