"""A network that breaks: a relay of bytes which cuts connections after so many of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class Cutting:
    """Listens on ``port`` and connects to *target*; its first connections end early.

    *cuts*: how many bytes of the answer each of the first connections lets through, before it
    is reset (or closed, every other one).
    """

    def __init__(self, target: tuple[str, int], cuts: Sequence[int]) -> None:
        self._target = target
        self._cuts = list(cuts)
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.cut = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        left = self._cuts.pop(0) if self._cuts else None
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._target)
            pouring = asyncio.ensure_future(_pour(reader, up_writer))
            try:
                await self._give(up_reader, writer, left)
            finally:
                pouring.cancel()
                await asyncio.gather(pouring, return_exceptions=True)
                await _end(up_writer)
        except OSError:
            writer.transport.abort()
        except asyncio.CancelledError:
            pass  # the end of the test; asyncio's server would complain of it
        finally:
            await _end(writer)
            self._tasks.discard(task)

    async def _give(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
    ) -> None:
        """Pass on the answer, the first *left* bytes of it at most."""
        while piece := await reader.read(4096):
            writer.write(piece[:left])
            await writer.drain()
            if left is not None:
                left -= len(piece[:left])
                if left == 0:
                    self._cut(writer)
                    return

    def _cut(self, writer: asyncio.StreamWriter) -> None:
        self.cut += 1
        if self.cut % 2:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(4096):
            writer.write(piece)
            await writer.drain()
    except OSError:
        writer.transport.abort()


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
