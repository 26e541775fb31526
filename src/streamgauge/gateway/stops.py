"""Streams that are to end on purpose: the API names them, to every worker of the server.

A datagram holds the ids, 16 bytes each. Whose they are not does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

ID_BYTES = 16

# In one turn of the loop; the rest waits for the next.
DATAGRAMS_PER_TURN = 64
MAX_DATAGRAM = 1024


class Stops:
    """Listens on the Unix socket at *path* and calls *stop* with every id."""

    def __init__(self, path: Path, stop: Callable[[bytes], None]) -> None:
        self._path = path
        self._stop = stop
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # A worker before us, killed, has left it.
        path.unlink(missing_ok=True)
        self._socket.bind(os.fspath(path))

    def fileno(self) -> int:
        """Return the descriptor to watch; `hear` when it is readable."""
        return self._socket.fileno()

    def hear(self) -> None:
        """Stop what was named."""
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                datagram = self._socket.recv(MAX_DATAGRAM)
            except OSError:
                return
            for at in range(0, len(datagram), ID_BYTES):
                self._stop(datagram[at : at + ID_BYTES])

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
