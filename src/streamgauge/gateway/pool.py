"""Connections to providers, kept warm: one pool per worker, one stack per origin.

The last used is the first used again: it is the least likely to have been closed by the
provider meanwhile. Connects go through the loop's resolver, TLS is verified, and
``HTTPS_PROXY`` and ``NO_PROXY`` are honoured.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import urllib.request
from time import monotonic_ns
from typing import cast
from urllib.parse import unquote, urlsplit

import certifi

from streamgauge.gateway.routes import Origin
from streamgauge.gateway.upstream import UpstreamConnection

# A proxy's answer to CONNECT is a few lines.
MAX_PROXY_HEAD = 16 * 1024


class Pool:
    """The connections of one worker."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, idle_s: float) -> None:
        self._loop = loop
        self._idle_ns = int(idle_s * 1e9)
        self._idle: dict[Origin, list[UpstreamConnection]] = {}
        self._all: set[UpstreamConnection] = set()
        self._tls: ssl.SSLContext | None = None
        self._proxies = urllib.request.getproxies()

    # -- take and give back -------------------------------------------------------------------

    def take(self, origin: Origin) -> UpstreamConnection | None:
        """Return a kept-alive connection, None if there is none."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if not connection.is_closed:
                return connection
        return None

    async def connect(self, origin: Origin) -> UpstreamConnection:
        """Open a new connection; raises OSError or ssl.SSLError where that fails."""
        if origin.scheme == "unix":
            _, protocol = await self._loop.create_unix_connection(
                lambda: UpstreamConnection(self, origin), origin.host
            )
            return protocol
        if origin.scheme == "http":
            _, protocol = await self._loop.create_connection(
                lambda: UpstreamConnection(self, origin), origin.host, origin.port
            )
            return protocol
        proxy = self._proxies.get("https")
        if proxy and not urllib.request.proxy_bypass(origin.host):
            return await self._connect_through(proxy, origin)
        _, protocol = await self._loop.create_connection(
            lambda: UpstreamConnection(self, origin),
            origin.host,
            origin.port,
            ssl=self.tls,
            server_hostname=origin.host,
        )
        return protocol

    async def _connect_through(self, proxy: str, origin: Origin) -> UpstreamConnection:
        """Open a tunnel with CONNECT (RFC 9110 §9.3.6) and TLS inside it."""
        try:
            parts = urlsplit(proxy if "://" in proxy else "http://" + proxy)
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host = None
        if not host or parts.scheme != "http":
            # Without quoting it: there may be a password in it.
            raise OSError("HTTPS_PROXY must be http://[user:password@]host[:port]")
        waiting: asyncio.Future[None] = self._loop.create_future()
        transport, _ = await self._loop.create_connection(
            lambda: _ProxyHandshake(waiting, f"{origin.host}:{origin.port}", _basic(parts)),
            host,
            port,
        )
        try:
            await waiting
            connection = UpstreamConnection(self, origin)
            secure = await self._loop.start_tls(
                transport, connection, self.tls, server_hostname=origin.host
            )
        except BaseException:
            transport.abort()
            raise
        if secure is None:
            raise OSError("the proxy closed the tunnel")
        connection.connection_made(secure)
        return connection

    def put(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next exchange."""
        connection.idle_since = monotonic_ns()
        self._idle.setdefault(connection.origin, []).append(connection)

    # -- the life of a connection -------------------------------------------------------------

    def opened(self, connection: UpstreamConnection) -> None:
        """A connection has come up."""
        self._all.add(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection has gone down."""
        self._all.discard(connection)
        self.discard(connection)

    def discard(self, connection: UpstreamConnection) -> None:
        """Never hand out this connection again."""
        idle = self._idle.get(connection.origin)
        if idle and connection in idle:
            idle.remove(connection)

    def sweep(self, now: int) -> None:
        """Close what has been idle for too long."""
        for origin, idle in list(self._idle.items()):
            keep = [c for c in idle if now - c.idle_since < self._idle_ns and not c.is_closed]
            for connection in idle:
                if now - connection.idle_since >= self._idle_ns:
                    connection.close()
            if keep:
                self._idle[origin] = keep
            else:
                del self._idle[origin]

    def close(self) -> None:
        """Close every connection, also those in use."""
        for connection in list(self._all):
            connection.cancel()
        self._idle.clear()

    @property
    def tls(self) -> ssl.SSLContext:
        """The one TLS context: the system's roots, or certifi's where the system has none."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            paths = ssl.get_default_verify_paths()
            if paths.cafile is None and paths.capath is None:
                self._tls.load_verify_locations(certifi.where())
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


class _ProxyHandshake(asyncio.Protocol):
    """Asks a proxy for a tunnel, then steps aside."""

    def __init__(
        self, waiting: asyncio.Future[None], authority: str, authorization: str | None
    ) -> None:
        self._waiting = waiting
        self._authority = authority
        self._authorization = authorization
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        lines = [f"CONNECT {self._authority} HTTP/1.1", f"Host: {self._authority}"]
        if self._authorization:
            lines.append(f"Proxy-Authorization: {self._authorization}")
        cast(asyncio.Transport, transport).write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        status, _, _ = self._answer.partition(b"\r\n")
        if b"\r\n\r\n" in self._answer:
            if status.split(b" ")[1:2] == [b"200"]:
                self._settle(None)
            else:
                self._settle(f"the proxy refused the tunnel: {status.decode('latin-1')}")
        elif len(self._answer) > MAX_PROXY_HEAD:
            self._settle("the proxy's answer is not an HTTP head")

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle("the proxy closed the connection")

    def _settle(self, fault: str | None) -> None:
        if self._waiting.done():
            return
        if fault is None:
            self._waiting.set_result(None)
        else:
            self._waiting.set_exception(OSError(fault))


def _basic(parts: object) -> str | None:
    """Return the proxy's credentials from its URL as a Basic authorization."""
    username = getattr(parts, "username", None)
    if not username:
        return None
    pair = f"{unquote(username)}:{unquote(getattr(parts, 'password', None) or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
