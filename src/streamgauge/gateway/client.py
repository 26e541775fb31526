"""Our side towards a client: one connection, one request after the other.

A request is read by llhttp, which refuses what smuggles: `Content-Length` beside
`Transfer-Encoding`, two lengths, bare LF, folded lines, stray characters. What it leaves
open is looked at in `checks`. A client that sends the next request before it has its answer
(pipelining) gets that answer and then the end of the connection (RFC 9112 §9.3.2).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from time import monotonic_ns
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from streamgauge.gateway.answer import answer
from streamgauge.gateway.attempts import Attempts
from streamgauge.gateway.checks import check, head_too_large, maybe_too_large
from streamgauge.gateway.errand import Errand, may_run
from streamgauge.gateway.head import Headers, RequestHead
from streamgauge.gateway.known_heads import KnownHead
from streamgauge.gateway.relay import Relay
from streamgauge.gateway.routes import Refused, Route

if TYPE_CHECKING:
    from streamgauge.gateway.policy import Policy
    from streamgauge.gateway.server import Gateway
    from streamgauge.gateway.turn import Send

# Above this many unsent bytes we stop reading from the provider. One more read may follow
# (uvloop reads up to 256 KiB at a time): what a slow reader can cost us is the sum.
WRITE_HIGH = 64 * 1024

# How long we listen to a client whose request we have refused. Closing at once would send a
# reset, which may overtake our answer (RFC 9112 §9.6).
LINGER_NS = 2_000_000_000

# A closing connection whose client takes nothing for this long is dropped.
DRAIN_NS = 30_000_000_000

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientConnection(asyncio.Protocol):
    """One connection from a client."""

    __slots__ = (
        "active_ns",
        "body",
        "body_bytes",
        "gateway",
        "head",
        "head_bytes",
        "head_since",
        "headers",
        "is_complete",
        "is_deaf",
        "is_full",
        "is_keep_alive",
        "is_paused",
        "is_pipelining",
        "is_tunnel",
        "linger_until",
        "owed",
        "parser",
        "peer",
        "relay",
        "rest",
        "send",
        "target",
        "transport",
        "unsent",
    )

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.is_tunnel = False
        self.is_paused = False
        self.is_pipelining = False
        self.is_deaf = False  # we have said our last word; what comes now is not read
        self.is_full = False  # more is written than the client has taken
        self.linger_until = 0
        self.unsent = 0
        self.active_ns = monotonic_ns()
        self.parser = HttpRequestParser(self)
        self._forget_request()

    def _forget_request(self) -> None:
        self.relay: Relay | Errand | None = None
        self.head: RequestHead | None = None
        self.headers: Headers = []
        self.target = b""
        self.head_bytes = 0
        self.head_since = 0
        self.body: list[bytes] = []
        self.body_bytes = 0
        self.is_complete = False
        self.is_keep_alive = False
        self.owed = 0  # bytes that are missing of a body whose head the parser has not seen
        self.rest: bytes | None = None  # what followed an upgrade

    @property
    def version(self) -> str:
        """The client's HTTP version."""
        return self.head.version if self.head is not None else "1.1"

    # -- used by the relay --------------------------------------------------------------------

    def is_keeping_alive(self) -> bool:
        """Whether the connection can serve another request after this answer."""
        return (
            self.is_complete
            and self.is_keep_alive
            and not self.is_pipelining
            and self.rest is None
            and not self.gateway.is_stopping
        )

    def answered(self, *, is_keeping: bool) -> None:
        """The answer is out."""
        if is_keeping and not self.is_pipelining and not self.gateway.is_stopping:
            self._forget_request()
            self.active_ns = monotonic_ns()
            if self.is_paused:
                self.resume_reading()
        elif self.is_complete and not self.is_pipelining:
            self.relay = None
            self._close()
        else:
            self.relay = None
            self._linger()

    def cut(self, *, is_delimited: bool) -> None:
        """End the connection so that the answer cannot be taken for whole.

        The missing last chunk, or the missing bytes of the announced length, tell the
        client, and what was written before is still delivered. Where the answer was to end
        with the connection (not *is_delimited*) only a reset can tell, and what the client's
        side has not read by then is lost with it.
        """
        self.relay = None
        self.gateway.turn.flush()
        if self.transport is None:
            return
        if not is_delimited:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    def close_idle(self) -> None:
        """Close unless a request is under way; what is written is still delivered."""
        if self.relay is None:
            self._close()

    def tunnel_opened(self) -> None:
        """From here on bytes pass both ways."""
        self.is_tunnel = True
        if self.rest and self.relay is not None:
            self.relay.tunnel_up(monotonic_ns(), self.rest)
        self.rest = b""

    def pause_reading(self) -> None:
        """Take no more of the request for now."""
        if not self.is_paused and self.transport is not None:
            self.is_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more again."""
        if self.is_paused and self.transport is not None and not self.transport.is_closing():
            self.is_paused = False
            self.transport.resume_reading()

    # -- asyncio's side -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.send: Send = self.transport.write  # one object, by which `turn` knows whose it is
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.gateway.client_connected(self)

    def data_received(self, data: bytes) -> None:
        at = self.active_ns = monotonic_ns()
        relay = self.relay
        if self.is_tunnel:
            if relay is not None:
                relay.tunnel_up(at, data)
            return
        if self.is_deaf:
            return
        if relay is not None and self.is_complete:
            self.is_pipelining = True
            return
        if relay is None and not self.head_bytes:
            found = self.gateway.known_heads.find(data)
            if found is not None and self._begin_known(at, data, *found):
                return
        try:
            self._feed(data)
        except HttpParserError as error:
            self._broke(400, "invalid_request", f"this is not an HTTP request: {error}")
            return
        if relay is not None:
            self._more_body(at, relay)
            return
        self.head_bytes += len(data)
        if self.head is not None:
            self._begin(at, self.head, data)
        else:
            self._more_head(at)

    def eof_received(self) -> bool | None:
        # Nobody who still wants an answer closes its sending side first; providers' SDKs
        # and browsers never do. A write buffer that nobody drains must not keep us here.
        if self.relay is not None and not self.is_tunnel:
            self._gone()
            if self.transport is not None:
                self.transport.abort()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()
        self.gateway.client_lost(self)

    def _gone(self) -> None:
        relay = self.relay
        self.relay = None
        if relay is not None:
            relay.client_gone()

    def pause_writing(self) -> None:
        self.is_full = True
        if self.relay is not None:
            self.relay.client_full()

    def resume_writing(self) -> None:
        self.is_full = False
        if self.relay is not None:
            self.relay.client_ready()

    # -- httptools' side ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.is_complete:
            self.is_pipelining = True

    def on_url(self, url: bytes) -> None:
        if self.head is None:
            self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too once there is a head; the framing ends with us, so do they.
        if self.head is None:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.head is None:
            self.head = RequestHead(
                self.parser.get_method(), self.target, self.parser.get_http_version(), self.headers
            )

    def on_body(self, body: bytes) -> None:
        if not self.is_pipelining:
            self.body.append(body)
            self.body_bytes += len(body)

    def on_message_complete(self) -> None:
        if not self.is_pipelining:
            self.is_complete = True
            self.is_keep_alive = self.parser.should_keep_alive()

    # -- requests -----------------------------------------------------------------------------

    def _feed(self, data: bytes) -> None:
        if self.owed:
            self._take_owed(data)
            return
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])

    def _take_owed(self, data: bytes) -> None:
        """Take more of a body whose head the parser has not seen."""
        if len(data) > self.owed:
            data = data[: self.owed]
            self.is_pipelining = True
        self.body.append(data)
        self.body_bytes += len(data)
        self.owed -= len(data)
        self.is_complete = not self.owed

    def _upgrade(self, rest: bytes) -> None:
        """Take what follows a head that asks for an upgrade."""
        head = self.head
        if head is None or head.is_websocket:
            self.rest = rest
            return
        # An upgrade that we do not follow (h2c) is a plain request (RFC 9110 §7.8), but
        # llhttp has stopped reading. A new parser gets the framing again, and goes on.
        self.is_complete = False
        self.parser = HttpRequestParser(self)
        framing = b""
        if head.chunked:
            framing = b"Transfer-Encoding: chunked\r\n"
        elif head.length is not None:
            framing = b"Content-Length: %d\r\n" % head.length
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n" + rest)

    def _begin_known(
        self, at: int, data: bytes, known: KnownHead, length: int, begins: int
    ) -> bool:
        """Begin a request whose head was seen before; False leaves it to the parser."""
        gateway = self.gateway
        missing = length - (len(data) - begins)
        if missing < 0 or length > gateway.limits.max_body_bytes:
            return False
        head = known.with_length(length)
        if gateway.guard is not None:
            try:
                gateway.guard.check(head)
            except Refused as refused:
                self._refuse(refused)
                return True
        self.head = head
        self.is_keep_alive = True
        self.owed = missing
        self.is_complete = not missing
        self.body_bytes = length - missing
        self._start(at, head, known.route, known.policy, data[begins:])
        return True

    def _begin(self, at: int, head: RequestHead, data: bytes) -> None:
        """Begin a request whose *head* has been parsed; *data* was its last read."""
        limits = self.gateway.limits
        try:
            check(head, self.headers, read_bytes=self.head_bytes, limits=limits)
            route = self.gateway.routes.resolve(head)
            if self.gateway.guard is not None and route.is_recorded:
                self.gateway.guard.check(head)
            policy = self.gateway.policies.of(route.name, head)
            plan = self.gateway.plans.of(route, head)
        except Refused as refused:
            self._refuse(refused)
            return
        too_large = maybe_too_large(head, body_bytes=self.body_bytes, limits=limits)
        if too_large is not None:
            first = plan.targets[0].route if plan is not None else route
            self._refuse_body(at, head, too_large, first, policy)
            return
        if head.expects_continue and not self.is_complete:
            self.gateway.turn.send_down(self.send, CONTINUE)
        attempts = None
        if plan is not None:
            attempts = Attempts(plan, self.gateway.watch)
            attempts.begin(at)
            route = attempts.target.route
        elif route.is_recorded and self.head_bytes == len(data):
            self.gateway.known_heads.learn(data, head, route, policy)
        self.headers = []
        if attempts is None:
            self._start(at, head, route, policy, self._take_body())
            return
        relay = self.relay = Relay(self.gateway, self, head, route, policy, attempts)
        relay.begin(at, head, self._take_body(), is_whole=self.is_complete)

    def _start(self, at: int, head: RequestHead, route: Route, policy: Policy, body: bytes) -> None:
        """Let a request begin that has one attempt: the short way, if that can be gone."""
        gateway = self.gateway
        if self.is_complete and may_run(head, route, policy):
            kept = gateway.pool.take(route.origin)
            if kept is not None:
                errand = self.relay = Errand(self, kept, head, route, policy)
                errand.begin(at, body)
                return
        relay = self.relay = Relay(gateway, self, head, route, policy)
        relay.begin(at, head, body, is_whole=self.is_complete)

    def _refuse_body(
        self, at: int, head: RequestHead, refused: Refused, route: Route, policy: Policy
    ) -> None:
        """Refuse what has a route, so that there is a record of it."""
        if not route.is_recorded:
            self._refuse(refused)
            return
        self.is_keep_alive = self.is_complete = False
        self.body.clear()
        self.headers = []
        relay = self.relay = Relay(self.gateway, self, head, route, policy)
        relay.refuse(at, head, refused)

    def _more_head(self, at: int) -> None:
        self.head_since = self.head_since or at
        if self.head_bytes > self.gateway.limits.max_header_bytes:
            self._refuse(head_too_large(self.gateway.limits))

    def _more_body(self, at: int, relay: Relay | Errand) -> None:
        limit = self.gateway.limits.max_body_bytes
        if self.body_bytes > limit:
            self._broke(413, "body_too_large", f"the request body is longer than {limit} bytes")
        elif self.body or self.is_complete:
            relay.request_body(at, self._take_body(), is_whole=self.is_complete)

    def _take_body(self) -> bytes:
        body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
        self.body.clear()
        return body

    # -- the end of a connection --------------------------------------------------------------

    def _broke(self, status: int, kind: str, why: str) -> None:
        self.is_keep_alive = False
        if self.relay is not None:
            self.is_complete = False
            self.relay.client_broke(status, kind, why)
        else:
            self._refuse(Refused(status, kind, why))

    def _refuse(self, refused: Refused) -> None:
        """Answer before there is an exchange, then close."""
        self.gateway.refused += 1
        refusal = answer(refused.status, refused.type, str(refused), param=refused.param)
        self.gateway.turn.send_down(self.send, refusal)
        self._linger()

    def _linger(self) -> None:
        self.is_deaf = True
        self.linger_until = monotonic_ns() + LINGER_NS
        self.gateway.turn.flush()
        if self.transport is not None and not self.transport.is_closing():
            self.resume_reading()
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def _close(self) -> None:
        self.is_deaf = True
        self.gateway.turn.flush()
        if self.transport is not None:
            self.transport.close()

    def tick(self, now: int) -> None:
        """Look at the limits."""
        gateway, transport = self.gateway, self.transport
        if transport is None:
            return
        if self.relay is not None:
            self.relay.tick(now)
        elif transport.is_closing():
            self._tick_unsent(now, transport)
        elif self.linger_until:
            if self.unsent_bytes():
                self._tick_unsent(now, transport)
                self.linger_until = now + LINGER_NS
            elif now > self.linger_until:
                transport.abort()
        elif self.head_since:
            if now - self.head_since > gateway.header_ns:
                seconds = gateway.header_ns / 1e9
                why = f"no whole request head within {seconds:g} s"
                self._refuse(Refused(408, "header_timeout", why))
        elif now - self.active_ns > gateway.keepalive_ns:
            self._close()

    def unsent_bytes(self) -> int:
        """How much of what we wrote the client's side has not taken yet."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def _tick_unsent(self, now: int, transport: asyncio.Transport) -> None:
        """Let the client take what is left, as long as it takes any."""
        unsent = transport.get_write_buffer_size()
        if unsent != self.unsent:
            self.unsent = unsent
            self.active_ns = now
        elif now - self.active_ns > DRAIN_NS:
            transport.abort()
