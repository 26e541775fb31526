"""The short way: a request that is here whole, and an answer that comes whole in one read.

Most of what does not stream is no more than that, and takes two thirds of what it costs a
`relay`. Whatever else happens to it, from the head of a stream to a client that leaves, makes a
relay of it, which takes it from there.
"""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from streamgauge.gateway import notes
from streamgauge.gateway.byline import signature
from streamgauge.gateway.commands import Finish
from streamgauge.gateway.head import RequestHead, ResponseHead, client_response
from streamgauge.gateway.performing import expect_stream
from streamgauge.gateway.relay import Relay
from streamgauge.gateway.turn import Entries
from streamgauge.gateway.upload import Upload
from streamgauge.journal.format import CHUNK, END, HEAD, OPEN, OVERHEAD
from streamgauge.record import ClosedBy, Outcome
from streamgauge.wire.looks.stream_usage import STREAM

if TYPE_CHECKING:
    from streamgauge.gateway.client import ClientConnection
    from streamgauge.gateway.policy import Policy
    from streamgauge.gateway.routes import Route
    from streamgauge.gateway.upstream import UpstreamConnection
    from streamgauge.journal.writer import Writer

WHOLE = notes.ended(Finish(Outcome.COMPLETED, ClosedBy.UPSTREAM), 0)
NO_OVERHEAD = OVERHEAD.pack(0)


def may_run(head: RequestHead, route: Route, policy: Policy) -> bool:
    """Return whether nothing about a request, whose body is whole, asks for more from the start."""
    return (
        route.is_recorded
        and not policy.is_resumable
        and head.upgrade is None
        and head.version == "1.1"
        and head.method != b"HEAD"
    )


class Errand:
    """Carries one exchange as long as it is a short one."""

    __slots__ = ("_began", "_client", "_connection", "_policy", "_relay", "_route", "id", "upload")

    is_head_request = False

    def __init__(
        self,
        client: ClientConnection,
        connection: UpstreamConnection,
        head: RequestHead,
        route: Route,
        policy: Policy,
    ) -> None:
        """*connection* is a kept one, for nobody else."""
        self._client = client
        self._connection = connection
        self._route = route
        self._policy = policy
        self._began = 0
        self._relay: Relay | None = None
        gateway = client.gateway
        self.upload = Upload(
            head, route, askable=gateway.routes.askable, is_looked_into=policy.is_numbering
        )
        self.id = gateway.new_id()

    def begin(self, at: int, body: bytes) -> None:
        """Send the request, whose head and *body* were read at *at*."""
        client, upload = self._client, self.upload
        gateway, head = client.gateway, upload.head
        gateway.began()
        self._began = at
        upload.add(body, is_whole=True)
        opening = notes.opening(
            head,
            self._route,
            body,
            is_whole=True,
            key_hash=gateway.hash_key(head.key),
            peer=client.peer,
        )
        self._connection.receiver = self
        gateway.turn.send_up(self._connection.write, upload.whole())
        gateway.turn.note([(OPEN, self.id, at, opening)])
        if body.find(STREAM) >= 0:
            # Who asks for a stream says so, and who does not is no worse off for it. What it
            # needs is made while the provider thinks, once the request is on its way.
            gateway.loop.call_soon(self._expect_stream)

    def _expect_stream(self) -> None:
        if self._connection.receiver is self:
            expect_stream(self.grow())

    def response(self, at: int, head: ResponseHead | None, body: bytes, *, is_whole: bool) -> None:
        """Take the answer, and pass it on if it is whole and plain."""
        client = self._client
        if (
            not is_whole
            or head is None
            or head.length is None
            or head.streamed
            or head.is_bodiless
            or client.is_full
            or not client.is_keeping_alive()
        ):
            self.grow().response(at, head, body, is_whole=is_whole)
            return
        # From here on it is over: a client that is slow to take it concerns nobody's reading.
        client.relay = None
        gateway, exchange = client.gateway, self.id
        entries: Entries = [(HEAD, exchange, at, notes.answered(head, self._began))]
        if body:
            entries.append((CHUNK, exchange, at, NO_OVERHEAD + body))
        entries.append((END, exchange, monotonic_ns(), WHOLE))
        gateway.turn.note(entries)
        ours = signature(exchange, self.upload.head)
        framing = b"Content-Length: %d" % head.length
        gateway.turn.send_down(
            client.send, client_response(head, ours=ours, framing=framing) + body
        )
        gateway.ended()
        self._connection.release()
        client.answered(is_keeping=True)

    @property
    def journal(self) -> Writer:
        """Where it is recorded; looking must not make a relay of it."""
        return self._client.gateway.journal

    def grow(self) -> Relay:
        """Return the relay that takes it from here."""
        relay = self._relay
        if relay is None:
            client = self._client
            relay = self._relay = Relay(
                client.gateway, client, self.upload.head, self._route, self._policy, errand=self
            )
            if client.relay is self:  # else it has just left
                client.relay = relay
            relay.take_over(self._began, self._connection)
        return relay

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of it is a relay's to answer."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.grow(), name)
