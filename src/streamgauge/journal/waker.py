"""Wakes the recorder: a datagram after writes, and the worker's status about once a second.

Nobody waits for an answer, and nobody minds if there is no recorder.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic_ns

# The recorder is woken at most this often. Each time costs it about as much as ten chunks, on
# a core that a worker may need; 20 ms are not seen in a live view.
WAKE_INTERVAL_S = 0.02

STATUS_INTERVAL_S = 1.0

WAKE = b"w"


class Waker:
    """Sends to the socket at *path*, from the loop that runs; with *path* None it does nothing.

    Without a running loop a wake is sent at once, unless one was just sent.
    """

    def __init__(self, path: Path | None, status: Callable[[], bytes]) -> None:
        self._path = str(path)
        self._status = status
        self._socket: socket.socket | None = None
        self._last_ns = 0
        # Asking for it costs a system call each time.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beat: asyncio.TimerHandle | None = None
        self.is_due = path is None
        if path is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            self._loop = _running_loop()
            if self._loop is not None:
                self._beat_on(self._loop)

    def wake_soon(self) -> None:
        """Something was written; to be called only while `is_due` is false."""
        loop = self._loop = self._loop or _running_loop()
        if loop is None:
            if monotonic_ns() - self._last_ns >= WAKE_INTERVAL_S * 1e9:
                self._wake()
            return
        self.is_due = True
        loop.call_later(WAKE_INTERVAL_S, self._wake)
        if self._beat is None:
            self._beat_on(loop)

    def close(self) -> None:
        """Send a last status and stop."""
        if self._beat is not None:
            self._beat.cancel()
        if self._socket is not None:
            self._send(self._status())
            self._socket.close()
            self._socket = None
        self.is_due = True

    def _beat_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._send(self._status())
        self._beat = loop.call_later(STATUS_INTERVAL_S, self._beat_on, loop)

    def _wake(self) -> None:
        self.is_due = False
        self._last_ns = monotonic_ns()
        self._send(WAKE)

    def _send(self, datagram: bytes) -> None:
        if self._socket is None:
            return
        # No recorder, its queue full, no buffer: it looks by itself about once a second.
        with contextlib.suppress(OSError):
            self._socket.sendto(datagram, self._path)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
