"""Bytes of an exchange while it runs: few in memory, many in a file without a name."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import IO

log = logging.getLogger("streamgauge.recorder")

# One exchange's share of memory; most answers are far smaller.
MAX_IN_MEMORY = 1024 * 1024

# What all exchanges may hold in memory together; beyond, even small ones go to files.
MAX_TOGETHER = 256 * 1024 * 1024

# What is kept of one body. More is counted and metered, but its bytes are not stored.
MAX_KEPT = 256 * 1024 * 1024


class Memory:
    """The memory that spools share."""

    def __init__(self, folder: Path, limit: int = MAX_TOGETHER) -> None:
        self.folder = folder
        self.limit = limit
        self.used = 0


class Spool:
    """Collects bytes; `take` gives them back once."""

    __slots__ = ("_file", "_held", "_is_full", "_memory", "lost", "size")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._held = bytearray()
        self._file: IO[bytes] | None = None
        self._is_full = False  # what comes now is only counted
        self.size = 0  # bytes that are kept
        self.lost = 0  # bytes that were given and are not

    def add(self, data: bytes) -> None:
        """Keep *data*, as far as the limit and the disk allow."""
        room = 0 if self._is_full else MAX_KEPT - self.size
        if len(data) > room:
            self.lost += len(data) - room
            self._is_full = True
            data = data[:room]
        if self._file is not None:
            self.size += self._write(data)
            return
        self.size += len(data)
        self._held += data
        memory = self._memory
        memory.used += len(data)
        if len(self._held) > MAX_IN_MEMORY or memory.used > memory.limit:
            self._move()

    def peek(self) -> bytes:
        """Return all that is kept."""
        if self._file is None:
            return bytes(self._held)
        self._file.seek(0)
        return self._file.read()

    def piece(self, offset: int, limit: int) -> bytes:
        """Return up to *limit* bytes from *offset* on."""
        if self._file is None:
            return bytes(self._held[offset : offset + limit])
        return os.pread(self._file.fileno(), limit, offset)

    def take(self) -> bytes:
        """Return all that is kept and let go of it."""
        data = self.peek()
        self.drop()
        return data

    def drop(self) -> None:
        """Let go of everything."""
        self._memory.used -= len(self._held)
        self._held = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _move(self) -> None:
        try:
            self._memory.folder.mkdir(parents=True, exist_ok=True)
            # It has no name, so nothing is left of it when we are killed.
            self._file = tempfile.TemporaryFile(dir=self._memory.folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            log.warning("an answer stays in memory: %s", error)
            return
        self.size = self._write(bytes(self._held))
        self._memory.used -= len(self._held)
        self._held = bytearray()

    def _write(self, data: bytes) -> int:
        """Write to the file and return how much of *data* it took."""
        file, written = self._file, 0
        try:
            while file is not None and written < len(data):
                written += file.write(data[written:])
        except OSError as error:
            log.warning("the bytes of an answer are not kept whole: %s", error)
            self.lost += len(data) - written
            self._is_full = True
        return written
