"""Connections before there is a request: accepted, broken there where asked, secured.

The loop's own servers shake hands at once; here a fault may come first.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from streamgauge.simulator.faults import Fault
from streamgauge.simulator.play import reset

# A gateway may open thousands of connections at once.
BACKLOG = 4096


class Abortable(Protocol):
    """What is open, and can be ended at once."""

    def abort(self) -> None:
        """End it."""
        ...


class Door:
    """Listens; *choose* says for each connection who speaks on it, and whether over *tls*."""

    def __init__(
        self,
        choose: Callable[[], tuple[asyncio.Protocol, ssl.SSLContext | None]],
        host: str,
        port: int,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._choose = choose
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop.add_reader(self._socket, self._accept)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    async def close(self) -> None:
        """Stop listening, and break handshakes off."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                accepted, _ = self._socket.accept()
            except OSError:  # nobody waits any more, or left meanwhile
                return
            accepted.setblocking(False)
            task = self._loop.create_task(self._open(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, accepted: socket.socket) -> None:
        protocol, tls = self._choose()
        # A client that left, or does not trust us.
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(lambda: protocol, accepted, ssl=tls)


class Refused(asyncio.Protocol):
    """A connection that meets its fault as it opens; a stall lasts until the client leaves."""

    def __init__(self, fault: Fault, open_connections: set[Abortable]) -> None:
        self._fault = fault
        self._open_connections = open_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Do as the fault says."""
        self._transport = cast("asyncio.Transport", transport)
        self._open_connections.add(self)
        if self._fault.name == "cut":
            self._transport.close()
        elif self._fault.name == "rst":
            reset(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        self._open_connections.discard(self)

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()
