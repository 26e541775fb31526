"""The gateway workers, as their datagrams tell."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import msgspec

from streamgauge.journal.status import WorkerStatus
from streamgauge.journal.waker import WAKE

# Datagrams taken in one turn of the loop; the rest waits for the next.
DATAGRAMS_PER_TURN = 256
MAX_DATAGRAM = 64 * 1024

log = logging.getLogger("streamgauge.recorder")

_status = msgspec.msgpack.Decoder(WorkerStatus).decode


class Workers:
    """Listens on the Unix socket at *path*: *woken* when there is news in the journal."""

    def __init__(self, path: Path, woken: Callable[[], None]) -> None:
        self._path = path
        self._woken = woken
        self._seen: dict[str, tuple[WorkerStatus, float]] = {}
        self.lost_entries = 0  # by workers that are gone
        self._socket: socket.socket | None = None

    def listen(self) -> int:
        """Begin to listen and return the descriptor to watch; `hear` when it is readable."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(os.fspath(self._path))
        return self._socket.fileno()

    def fileno(self) -> int | None:
        """Return the descriptor, None while not listening."""
        return self._socket.fileno() if self._socket is not None else None

    def hear(self) -> None:
        """Take in what has come."""
        if self._socket is None:
            return
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                datagram = self._socket.recv(MAX_DATAGRAM)
            except OSError:
                break
            if datagram != WAKE:
                self._note(datagram)
        self._woken()

    def _note(self, datagram: bytes) -> None:
        try:
            status = _status(datagram)
        except msgspec.MsgspecError as error:
            log.warning("a worker's status cannot be read: %s", error)
            return
        self._seen[status.directory] = (status, monotonic())

    def forget(self, directory: str) -> None:
        """The worker of *directory* is dead."""
        status, _ = self._seen.pop(directory, (None, 0.0))
        if status is not None:
            self.lost_entries += status.journal.lost_entries

    def seen(self) -> list[tuple[WorkerStatus, float]]:
        """Return the last status of every worker, and how many seconds ago it came."""
        now = monotonic()
        return [(status, now - at) for status, at in self._seen.values()]

    def directories(self) -> set[str]:
        """Return the journal directories of all workers heard of."""
        return set(self._seen)

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)
