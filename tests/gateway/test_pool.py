"""Connections to providers over TLS and through a proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from streamgauge.gateway.pool import Pool
from streamgauge.gateway.routes import Origin
from streamgauge.gateway.upstream import UpstreamConnection


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts."""
    made = trustme.CA()
    roots = tmp_path / "roots.pem"
    made.cert_pem.write_to_path(str(roots))
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return made


@asynccontextmanager
async def provider(authority: trustme.CA, name: str) -> AsyncIterator[int]:
    """A TLS server for *name* that answers every request with ``ok``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Answer:
    """Takes what a connection reads."""

    is_head_request = False

    def __init__(self) -> None:
        self.body: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def response(self, at: int, head: object, body: bytes, *, is_whole: bool) -> None:
        if is_whole:
            self.body.set_result(body)

    def upstream_closed(self, why: str) -> None:
        if not self.body.done():
            self.body.set_exception(ConnectionError(why))


async def ask(connection: UpstreamConnection) -> bytes:
    answer = Answer()
    connection.receiver = answer  # type: ignore[assignment]
    connection.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return await asyncio.wait_for(answer.body, 10)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool(asyncio.get_running_loop(), idle_s=30)
    yield made
    made.close()
    await asyncio.sleep(0.01)


async def test_a_certificate_that_is_right_is_accepted(authority: trustme.CA) -> None:
    """By the system's roots, here those of SSL_CERT_FILE."""
    pool = Pool(asyncio.get_running_loop(), idle_s=30)
    async with provider(authority, "localhost") as port:
        connection = await pool.connect(Origin("https", "localhost", port))
        assert await ask(connection) == b"ok"
        pool.close()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", ["name", "issuer"])
async def test_a_certificate_that_is_wrong_is_refused(authority: trustme.CA, fault: str) -> None:
    """Another name, or an authority that nobody trusts."""
    pool = Pool(asyncio.get_running_loop(), idle_s=30)
    issuer = authority if fault == "name" else trustme.CA()
    async with provider(issuer, "other.example" if fault == "name" else "localhost") as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await pool.connect(Origin("https", "localhost", port))
        pool.close()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def proxy(answer: bytes, heard: list[bytes]) -> AsyncIterator[int]:
    """A CONNECT proxy; with *answer* other than 200 it refuses."""
    piping: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except ConnectionError:
            pass
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        if b" 200 " in answer:
            port = int(heard[-1].split(b" ")[1].rpartition(b":")[2])
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(answer)
            for pair in ((reader, far_writer), (far_reader, writer)):
                piping.add(asyncio.create_task(pipe(*pair)))
            return
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in piping:
            task.cancel()
        await asyncio.gather(*piping, return_exceptions=True)


async def test_https_goes_through_the_proxy(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONNECT with the credentials of HTTPS_PROXY, TLS to the provider inside."""
    heard: list[bytes] = []
    async with (
        provider(authority, "localhost") as port,
        proxy(b"HTTP/1.1 200 Connection established\r\n\r\n", heard) as proxy_port,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{proxy_port}")
        pool = Pool(asyncio.get_running_loop(), idle_s=30)
        connection = await pool.connect(Origin("https", "localhost", port))
        assert await ask(connection) == b"ok"
        assert heard[0].startswith(f"CONNECT localhost:{port} HTTP/1.1\r\n".encode())
        assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in heard[0]
        pool.close()
        await asyncio.sleep(0.05)


async def test_no_proxy_goes_direct(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY names hosts that need none."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "localhost")
    pool = Pool(asyncio.get_running_loop(), idle_s=30)
    async with provider(authority, "localhost") as port:
        assert await ask(await pool.connect(Origin("https", "localhost", port))) == b"ok"
        pool.close()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (b"", "closed"),
        (b"x" * 20_000, "not an HTTP head"),
    ],
)
async def test_a_proxy_that_refuses_is_named(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    """The message tells the proxy's fault from the provider's."""
    async with proxy(answer, []) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        pool = Pool(asyncio.get_running_loop(), idle_s=30)
        with pytest.raises(OSError, match=f"proxy.*{said}"):
            await pool.connect(Origin("https", "localhost", 1))
        pool.close()


async def test_kept_connections_are_taken_last_in_first_out(pool: Pool) -> None:
    """The warmest first; a closed one never."""
    origin = Origin("http", "h", 1)
    first, second, closed = (UpstreamConnection(pool, origin) for _ in range(3))
    closed.is_closed = True
    for connection in (first, second, closed):
        pool.put(connection)
    assert pool.take(origin) is second
    assert pool.take(origin) is first
    assert pool.take(origin) is None


@pytest.mark.parametrize("proxy", ["https://me:hunter2@proxy:1", "http://me:hunter2@proxy:port"])
async def test_the_proxys_password_is_in_no_message(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """It would go to every client and into every record."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    pool = Pool(asyncio.get_running_loop(), idle_s=1)
    with pytest.raises(OSError, match="HTTPS_PROXY must be") as failed:
        await pool.connect(Origin("https", "localhost", 1))
    assert "hunter2" not in str(failed.value)
