"""HTTP/1.1 on the server's side (RFC 9112), so that every write is ours to decide.

httptools reads requests; answers are played one after the other, also when a client sends
the next request early. Reading goes on while an answer plays: that is how we notice that
a client left.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import monotonic
from typing import Any, cast

import httptools
from msgspec import Struct

from streamgauge.simulator.account import Account
from streamgauge.simulator.coding import Framing
from streamgauge.simulator.door import Abortable
from streamgauge.simulator.play import Player

# Twice what a gateway should let through, so that its limit is met before ours.
MAX_HEADER_BYTES = 128 * 1024
MAX_BODY_BYTES = 256 * 1024 * 1024

# Requests that a client may send ahead of its answers.
MAX_QUEUED = 64

# More than this in the socket's buffer, and the player pauses.
HIGH_WATER = 64 * 1024

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Request(Struct, frozen=True, kw_only=True):
    """A complete request; header names in lower case, ``at`` in monotonic seconds.

    ``connection`` is the number of the one that it came on.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    version: str
    keep_alive: bool
    at: float
    connection: int


class Response(Struct, kw_only=True):
    """An answer ready to play."""

    status: int
    headers: list[tuple[str, str]]
    framing: Framing
    player: Player
    account: Account


Serve = Callable[[Request], Response]


class Connection(asyncio.Protocol):
    """One client's connection; *open_connections* lists it while it lives."""

    def __init__(self, serve: Serve, open_connections: set[Abortable], number: int) -> None:
        self._serve = serve
        self._number = number
        self._open_connections = open_connections
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._response: Response | None = None
        self._keep_alive = True
        self._forget()

    # -- the network ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # uvloop's transports are asyncio's in all but name.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        self._open_connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Read on; a request that breaks the rules is answered 400 and the connection ends."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # answered as the plain request that it also is
        except httptools.HttpParserError as error:
            self._refuse(400, f"that is not HTTP: {error}")

    def pause_writing(self) -> None:
        """Pass back-pressure on."""
        if self._response is not None:
            self._response.player.pause()

    def resume_writing(self) -> None:
        """The buffer has room again."""
        if self._response is not None:
            self._response.player.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop playing: nobody listens."""
        del exc
        self._open_connections.discard(self)
        self._waiting.clear()
        if self._response is not None:
            self._response.player.stop()
            self._response.account.end("client_left")
            self._response = None

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    # -- httptools calls these --------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """More of the target."""
        self._target += url
        self._count(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; repeated ones are joined (RFC 9110 §5.3)."""
        self._count(name + value)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Tell a client that waits for it to go on (RFC 9110 §10.1.1)."""
        if self._headers.get("expect", "").lower() == "100-continue" and not self._response:
            self._transport.write(CONTINUE)

    def on_body(self, data: bytes) -> None:
        """More of the body."""
        self._body_bytes += len(data)
        if self._body_bytes > MAX_BODY_BYTES:
            self._refuse(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
        else:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """Serve the request, or let it wait for its turn."""
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=b"".join(self._body),
            version=self._parser.get_http_version(),
            keep_alive=self._parser.should_keep_alive(),
            at=monotonic(),
            connection=self._number,
        )
        self._forget()
        if len(self._waiting) >= MAX_QUEUED:
            self._refuse(400, f"more than {MAX_QUEUED} requests ahead of their answers")
            return
        self._waiting.append(request)
        if self._response is None:
            self._next()

    # -- answers ----------------------------------------------------------------------------

    def _next(self) -> None:
        request = self._waiting.popleft()
        response = self._response = self._serve(request)
        self._keep_alive = request.keep_alive and not response.framing.is_last
        headers = list(response.headers)
        if not self._keep_alive and ("connection", "close") not in headers:
            headers.append(("connection", "close"))
        head = head_of(response.status, headers)
        if request.method == "HEAD":
            response.player.stop()
            self._transport.write(head)
            self._ended()
        else:
            response.player.start(self._loop, self._transport, head, self._ended)

    def _ended(self) -> None:
        if self._response is not None:
            self._response.account.end("finished")
            self._response = None
        if not self._keep_alive:
            self._transport.close()
        elif self._waiting:
            self._next()

    def _refuse(self, status: int, message: str) -> None:
        if self._transport.is_closing():
            return
        body = message.encode()
        headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        if self._response is None:
            self._transport.write(head_of(status, headers) + body)
        self._transport.close()

    def _forget(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._head_bytes = self._body_bytes = 0

    def _count(self, part: bytes) -> None:
        self._head_bytes += len(part)
        if self._head_bytes > MAX_HEADER_BYTES:
            self._refuse(431, f"the head is longer than {MAX_HEADER_BYTES} bytes")


def head_of(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Write a response head."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
