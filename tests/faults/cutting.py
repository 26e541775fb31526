"""A network that breaks: a relay of bytes which cuts connections after so many of them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self

PIECE = 4096


class Cutting:
    """Listens on ``port`` and connects to *target*; its first connections end early.

    *cuts*: how many bytes of the answer each of the first connections lets through, before it
    is reset (or closed, every other one).
    """

    def __init__(self, target: tuple[str, int], cuts: Sequence[int]) -> None:
        self._target = target
        self._cuts = list(cuts)
        # Each with its connection, which nobody else would close if it never gets its first turn.
        self._relays: dict[asyncio.Task[None], socket.socket] = {}
        self.connections = 0
        self.cut = 0

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        relays = dict(self._relays)
        for task in relays:
            task.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
        for client in relays.values():
            client.close()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.setblocking(False)
        self.connections += 1
        task = self._loop.create_task(self._relay(client))
        self._relays[task] = client
        task.add_done_callback(self._relays.pop)

    async def _relay(self, client: socket.socket) -> None:
        left = self._cuts.pop(0) if self._cuts else None
        with client, socket.socket() as server:
            server.setblocking(False)
            try:
                await self._loop.sock_connect(server, self._target)
                pouring = asyncio.ensure_future(self._pour(client, server))
                try:
                    await self._give(server, client, left)
                finally:
                    pouring.cancel()
                    await asyncio.gather(pouring, return_exceptions=True)
            except OSError:
                _reset(client)

    async def _give(self, server: socket.socket, client: socket.socket, left: int | None) -> None:
        """Pass on the answer, the first *left* bytes of it at most."""
        while piece := await self._loop.sock_recv(server, PIECE):
            await self._loop.sock_sendall(client, piece[:left])
            if left is not None:
                left -= len(piece[:left])
                if left == 0:
                    self.cut += 1
                    if self.cut % 2:
                        _reset(client)
                    return

    async def _pour(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while piece := await self._loop.sock_recv(client, PIECE):
                await self._loop.sock_sendall(server, piece)
        except OSError:
            _reset(server)


def _reset(connection: socket.socket) -> None:
    """Let its close be a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
