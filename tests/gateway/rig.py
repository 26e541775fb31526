"""A gateway in this process between raw sockets: a scripted provider and a bare client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import msgspec

from streamgauge.gateway.server import Gateway
from streamgauge.journal.format import End, Head, Kind, Open
from streamgauge.journal.reader import Reader
from streamgauge.journal.writer import Writer
from streamgauge.settings import Limits, Provider, RouteSettings, Settings

PATIENCE_S = 30.0

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """One end of a connection, in plain bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until(self, mark: bytes) -> bytes:
        """Read up to and including *mark*."""
        return await asyncio.wait_for(self.reader.readuntil(mark), PATIENCE_S)

    async def exactly(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), PATIENCE_S)

    async def rest(self) -> bytes:
        """Read until the other side closes; a reset ends it too."""
        got = b""
        try:
            while piece := await asyncio.wait_for(self.reader.read(65536), PATIENCE_S):
                got += piece
        except ConnectionResetError:
            pass
        return got

    async def request(self) -> tuple[bytes, bytes]:
        """Read a request: its head, and its body as the head delimits it."""
        head = await self.until(b"\r\n\r\n")
        lower = head.lower()
        if b"content-length: " in lower:
            count = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
            return head, await self.exactly(count)
        if b"transfer-encoding: chunked" in lower:
            return head, await self.chunks()
        return head, b""

    async def chunks(self) -> bytes:
        """Read a chunked body."""
        body = b""
        while size := int((await self.until(b"\r\n")).partition(b";")[0], 16):
            body += (await self.exactly(size + 2))[:-2]
        await self.until(b"\r\n")
        return body

    async def answer(self) -> tuple[bytes, bytes]:
        """Read a response: its head, and its body as the head delimits it."""
        return await self.request()

    def reset(self) -> None:
        """Close with RST."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


Script = Callable[[Peer], Awaitable[None]]


def says(*pieces: bytes, pause: float = 0.01, keeps: bool = True) -> Script:
    """Return a provider that answers every request with *pieces*, one write each."""

    async def script(peer: Peer) -> None:
        while True:
            try:
                await peer.request()
            except asyncio.IncompleteReadError:
                return
            for number, piece in enumerate(pieces):
                if number:
                    await asyncio.sleep(pause)
                await peer.send(piece)
            if not keeps:
                return

    return script


class Rig:
    """The gateway, its provider and its journal."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.limits = limits
        self.script: Script = says(OK)
        self.second: Script = says(OK)  # of another provider, at another port
        self.routes: dict[str, RouteSettings] = {}
        self.provider_connections = 0
        self.provider_port = 0
        self.port = 0
        self._peers: list[Peer] = []
        self._playing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._provider = await asyncio.start_server(self._play, "127.0.0.1", 0, limit=2**24)
        self.provider_port = self._provider.sockets[0].getsockname()[1]
        self._other = await asyncio.start_server(self._play_second, "127.0.0.1", 0, limit=2**24)
        other_port = self._other.sockets[0].getsockname()[1]
        providers = {
            name: Provider(url=f"http://127.0.0.1:{self.provider_port}")
            for name in ("openai", "anthropic")
        }
        providers["base"] = Provider(url=f"http://127.0.0.1:{self.provider_port}/under/here")
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.closed_port = unused.getsockname()[1]
        providers["second"] = Provider(url=f"http://127.0.0.1:{other_port}")
        providers["closed"] = Provider(url=f"http://127.0.0.1:{self.closed_port}")
        settings = Settings(
            data=str(self.folder), providers=providers, routes=self.routes, limits=self.limits
        )
        self.journal = Writer(self.folder / "journal" / "test-0-1", wake_path=None)
        self.gateway = Gateway(settings, self.journal, secret=b"secret")
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        await self.gateway.start(listener)

    async def stop(self) -> None:
        for peer in self._peers:
            peer.writer.transport.abort()
        await self.gateway.stop()
        self._provider.close()
        self._other.close()
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)
        self.journal.close()

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.provider_connections += 1
        await self._serve(Peer(reader, writer), lambda peer: self.script(peer))

    async def _play_second(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._serve(Peer(reader, writer), lambda peer: self.second(peer))

    async def _serve(self, peer: Peer, script: Script) -> None:
        self._peers.append(peer)
        task = asyncio.ensure_future(self._follow(peer, script))
        self._playing.add(task)
        await asyncio.wait([task])

    async def _follow(self, peer: Peer, script: Script) -> None:
        await script(peer)
        peer.close()

    async def client(self, *, receive_buffer: int | None = None) -> Peer:
        """Connect; with *receive_buffer* a client that takes little at a time."""
        raw = socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.port))
        limit = receive_buffer or 2**24
        peer = Peer(*await asyncio.open_connection(sock=raw, limit=limit))
        self._peers.append(peer)
        return peer

    # -- what is left behind ---------------------------------------------------------------------

    def entries(self) -> list[tuple[Kind, bytes, bytes]]:
        """Return what the journal has: kind, exchange, payload."""
        self.gateway.turn.flush()
        with closing(Reader(self.folder / "journal" / "test-0-1")) as reader:
            return [(Kind(e.kind), bytes(e.exchange), bytes(e.payload)) for e in reader.read()]

    def opened(self) -> list[Open]:
        return [
            msgspec.msgpack.decode(p, type=Open) for k, _, p in self.entries() if k is Kind.OPEN
        ]

    def heads(self) -> list[Head]:
        return [
            msgspec.msgpack.decode(p, type=Head) for k, _, p in self.entries() if k is Kind.HEAD
        ]

    def ends(self) -> list[End]:
        return [msgspec.msgpack.decode(p, type=End) for k, _, p in self.entries() if k is Kind.END]

    def body(self) -> bytes:
        """Return the bytes of all CHUNK entries, without the overhead in front."""
        return b"".join(p[4:] for k, _, p in self.entries() if k is Kind.CHUNK)

    async def ended(self, count: int = 1) -> list[End]:
        """Wait until *count* exchanges have ended and nothing of them is left."""
        await self.eventually(lambda: len(self.ends()) >= count and self.gateway.open == 0)
        return self.ends()

    async def eventually(self, condition: Callable[[], bool]) -> None:
        for _ in range(int(PATIENCE_S / 0.01)):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it did not happen")
