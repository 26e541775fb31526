"""One exchange between its two connections.

What happens on either goes to `exchange`; what that decides is carried out by `performing`,
into two lists, what the journal gets and what the client gets. `turn` writes the journal's
before the client's, so that what a client has is always in the journal. The chunks of an open
stream take the way of `passage`, past `exchange`.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING

from streamgauge.gateway import notes
from streamgauge.gateway.attempts import Attempts, Failure
from streamgauge.gateway.commands import Commands, Connect
from streamgauge.gateway.delimiter import delimited
from streamgauge.gateway.dispatch import Dispatch
from streamgauge.gateway.exchange import ENDED, WAITING, Exchange
from streamgauge.gateway.head import RequestHead, ResponseHead
from streamgauge.gateway.nobody import Nobody
from streamgauge.gateway.passage import Passage
from streamgauge.gateway.performing import PERFORM
from streamgauge.gateway.policy import Policy
from streamgauge.gateway.rescue import Rescue
from streamgauge.gateway.routes import Refused, Route
from streamgauge.gateway.trial import Trial
from streamgauge.gateway.turn import Entries, Entry, Out
from streamgauge.gateway.upload import REPLAY_LIMIT, Upload
from streamgauge.journal.format import BODY, MARK, OPEN, TUNNEL_DOWN, TUNNEL_UP

if TYPE_CHECKING:
    from streamgauge.gateway.client import ClientConnection
    from streamgauge.gateway.errand import Errand
    from streamgauge.gateway.outflow import Outflow
    from streamgauge.gateway.server import Gateway
    from streamgauge.gateway.upstream import Receiver, UpstreamConnection


class Relay:
    """Carries one exchange."""

    __slots__ = (
        "after",
        "attempts",
        "beat_ns",
        "chunk",
        "client",
        "dispatch",
        "exchange",
        "expected",
        "gateway",
        "heartbeat_ns",
        "id",
        "is_client_slow",
        "is_head_request",
        "is_keeping",
        "journal",
        "passage",
        "peer",
        "policy",
        "response_head",
        "route",
        "turn",
        "upload",
        "when_connected",
    )

    def __init__(
        self,
        gateway: Gateway,
        client: ClientConnection,
        head: RequestHead,
        route: Route,
        policy: Policy,
        attempts: Attempts | None = None,
        *,
        errand: Errand | None = None,
    ) -> None:
        """*attempts* where there may be more than one; *route* is then the first one's.

        *errand*: what it has begun as.
        """
        self.gateway = gateway
        self.client: ClientConnection | Nobody = client
        self.route = route
        self.turn = gateway.turn
        is_recorded = route.is_recorded
        self.journal = gateway.journal if is_recorded else None
        self.exchange = Exchange(
            upstream=route.url, patience=policy.patience, stay_ns=policy.stay_ns
        )
        self.exchange.attempts = self.attempts = attempts
        self.policy = policy
        self.heartbeat_ns = policy.heartbeat_ns
        self.beat_ns = 0  # when the last heartbeat went out
        self.is_head_request = head.method == b"HEAD"
        if errand is not None:
            self.id, self.upload = errand.id, errand.upload
        else:
            self.id = gateway.new_id()
            self.upload = Upload(
                head,
                route,
                askable=gateway.routes.askable,
                is_looked_into=policy.is_numbering,
                target=attempts.target if attempts is not None else None,
            )
        self.dispatch = Dispatch(gateway, self.upload)
        self.response_head: ResponseHead | None = None
        self.is_client_slow = False
        self.is_keeping = False
        self.when_connected = 0
        self.after: Callable[[], None] | None = None
        self.expected: Outflow | None = None  # what will be needed if a stream comes
        self.passage = Passage(
            gateway.turn, self.exchange, self.id, client.send, is_recorded=is_recorded
        )
        self.chunk = self.passage.chunk  # most of what a provider says takes this way
        self.peer = client.peer

    # -- from the client ----------------------------------------------------------------------

    def begin(self, at: int, head: RequestHead, body: bytes, *, is_whole: bool) -> None:
        """The request's head is here, with as much of the body as has come along."""
        self._add(body, is_whole=is_whole)
        entries: Entries = []
        out: Out = []
        if self.journal is not None:
            entries.append(self._opening(at, head, body, is_whole=is_whole))
        self.perform(at, self.exchange.requested(at), entries, out)
        self._flush(entries, out)

    def take_over(self, at: int, connection: UpstreamConnection) -> None:
        """The request, an errand so far, is on its way since *at*, over a kept *connection*."""
        self.exchange.requested(at)
        self.exchange.connected(at, reused=True)
        self.when_connected = at
        self.dispatch.take_over(connection)
        if not connection.is_closed:  # else we are just told so, which is once enough
            connection.receiver = self

    def refuse(self, at: int, head: RequestHead, refused: Refused) -> None:
        """The request's head is here, and tells that it is not one to be passed on."""
        self.exchange.requested(at)  # and nobody connects
        entries: Entries = [self._opening(at, head, b"", is_whole=False)]
        out: Out = []
        commands = self.exchange.client_broke(refused.status, refused.type, str(refused))
        self.perform(at, commands, entries, out)
        self._flush(entries, out)

    def _opening(self, at: int, head: RequestHead, body: bytes, *, is_whole: bool) -> Entry:
        self.gateway.began()
        opening = notes.opening(
            head,
            self.route,
            body,
            is_whole=is_whole,
            key_hash=self.gateway.hash_key(head.key),
            peer=self.peer,
            model=self.attempts.target.model if self.attempts is not None else None,
        )
        return OPEN, self.id, at, opening

    def request_body(self, at: int, body: bytes, *, is_whole: bool) -> None:
        """More of the request's body."""
        if self.exchange.state is ENDED:
            return
        self.exchange.request_body(at)
        if self.journal is not None:
            more = notes.more(body, is_whole=is_whole)
            self.turn.note([(BODY, self.id, at, more)])
        upload, dispatch = self.upload, self.dispatch
        framed = self._add(body, is_whole=is_whole)
        if dispatch.is_sent:
            dispatch.write(framed)
        elif self.exchange.state is WAITING:
            dispatch.send()
        elif upload.is_ready and upload.size > REPLAY_LIMIT:
            self.client.pause_reading()
        if dispatch.is_sent and upload.size > REPLAY_LIMIT and not upload.is_repeatable:
            upload.forget()

    def _add(self, body: bytes, *, is_whole: bool) -> bytes:
        """Take in more of the request; one that is too long to be kept has one attempt."""
        framed = self.upload.add(body, is_whole=is_whole)
        if self.attempts is not None and not self.upload.is_repeatable:
            self.exchange.attempts = None
        return framed

    def client_gone(self) -> None:
        """The client has closed or reset its connection."""
        at = monotonic_ns()
        commands = self.exchange.client_gone(at, is_request_whole=self.upload.is_whole)
        self._do(at, commands)

    def client_broke(self, status: int, kind: str, why: str) -> None:
        """The rest of the request is bad or too large."""
        self._do(monotonic_ns(), self.exchange.client_broke(status, kind, why))

    def tunnel_up(self, at: int, data: bytes) -> None:
        """Bytes from the client through an upgraded connection."""
        self.exchange.active_ns = at
        if self.journal is not None:
            self.turn.note([(MARK, self.id, at, notes.mark(TUNNEL_UP, len(data)))])
        self.dispatch.write(data)

    # -- from the dispatch --------------------------------------------------------------------

    def receiver_of(self, connection: UpstreamConnection) -> Receiver:
        """Return who hears *connection*: one of several attempts is looked at first."""
        attempts, outflow = self.exchange.attempts, self.passage.outflow
        if attempts is None:
            return self
        if outflow is None or outflow.spoken is None:
            return Trial(self, attempts, connection)
        if self.is_client_slow:
            connection.pause_reading()
        return Rescue(self, attempts, outflow.spoken)

    def connected(self, at: int) -> None:
        """A new connection is there."""
        self._do(at, self.exchange.connected(at, reused=False))

    def connect_failed(self, at: int, why: str) -> None:
        """There is no connection."""
        self._do(at, self.exchange.connect_failed(at, why))

    def waited(self, at: int) -> None:
        """It is time for the next attempt."""
        self._do(at, (Connect(fresh=False),))

    # -- from the provider: `upstream.Receiver` -----------------------------------------------

    def response(self, at: int, head: ResponseHead | None, body: bytes, *, is_whole: bool) -> None:
        """Pass on a head, the end of a body, or all of a small answer in one go."""
        if self.exchange.state is ENDED:
            return
        entries: Entries = []
        out: Out = []
        if head is not None:
            if head.status == 101 and not self._is_tunnel_due():
                self.upstream_broke("it switches protocols although nobody asked for that")
                return
            self.response_head = head
            self.perform(at, self.exchange.head(at, status=head.status), entries, out)
        passage = self.passage
        if passage.outflow is not None:
            # A stream: its pieces go the way of all chunks, behind the head and before the end.
            self._flush(entries, out)
            if body:
                passage.chunk(at, body, delimited(passage.delimiter, body))
            if is_whole:
                exchange = self.exchange
                is_whole = passage.finish(at, passage.outflow)
                self._do(at, exchange.completed() if is_whole else exchange.ended_early(at))
            return
        if body:
            passage.add(at, body, entries, out)
        if is_whole:
            self.perform(at, self.exchange.completed(), entries, out)
        self._flush(entries, out)
        if body and not is_whole:
            passage.passed(at)

    def tunnelled(self, at: int, data: bytes) -> None:
        """Pass on bytes of an upgraded connection."""
        self.exchange.active_ns = at
        if self.journal is not None:
            self.turn.note([(MARK, self.id, at, notes.mark(TUNNEL_DOWN, len(data)))])
        self.turn.send_down(self.client.send, data)

    def upstream_closed(self, why: str) -> None:
        """The provider is gone before its answer was whole."""
        is_silent = self.dispatch.lost()
        at = monotonic_ns()
        is_repeatable = is_silent and self.upload.is_replayable
        self._do(at, self.exchange.upstream_closed(at, why, is_repeatable=is_repeatable))

    def _is_tunnel_due(self) -> bool:
        # Only what the client asked for and the provider's parser agrees to: bytes of the next
        # request, perhaps for somebody else, must never end up in a tunnel.
        upstream = self.dispatch.upstream
        return self.upload.head.is_websocket and upstream is not None and upstream.is_tunnel

    def upstream_broke(self, why: str) -> None:
        """The provider's answer is not HTTP."""
        at = monotonic_ns()
        self._do(at, self.exchange.upstream_broke(at, why))

    def rescued(self, at: int) -> None:
        """A second answer goes on where the first one broke."""
        self._do(at, self.exchange.head(at, status=200))

    def rescue_failed(self, at: int, failure: Failure) -> None:
        """A second answer does not; there may be a third."""
        self._do(at, self.exchange.rescue_failed(at, failure))

    def attempt_failed(self, at: int, failure: Failure, *, is_whole: bool) -> bool:
        """Go on to the next attempt, if there is one; *is_whole*: this one's answer ends here."""
        commands = self.exchange.refused(at, failure)
        if commands and is_whole:
            self.dispatch.release()
        self._do(at, commands)
        return bool(commands)

    def pause(self) -> None:
        """The provider takes no more of the request for now."""
        self.client.pause_reading()

    def resume(self) -> None:
        """The provider takes more again."""
        self.client.resume_reading()

    # -- back-pressure, time ------------------------------------------------------------------

    def client_full(self) -> None:
        """The client takes no more for now: stop reading from the provider."""
        self.is_client_slow = True
        self.dispatch.pause_reading()

    def client_ready(self) -> None:
        """The client takes more again."""
        self.is_client_slow = False
        self.exchange.active_ns = monotonic_ns()
        self.dispatch.resume_reading()

    def tick(self, now: int) -> None:
        """Look at the limits."""
        is_upload_stalled = not self.upload.is_whole and not self.client.is_paused
        commands = self.exchange.tick(
            now, is_client_slow=self.is_client_slow, is_upload_stalled=is_upload_stalled
        )
        if commands:
            self._do(now, commands)
        elif self.heartbeat_ns and not self.is_client_slow:
            self._beat(now)

    def _beat(self, now: int) -> None:
        """Tell the client that we are still there, if it has heard nothing for a while."""
        if now - max(self.exchange.active_ns, self.beat_ns) <= self.heartbeat_ns:
            return
        beat = self.passage.heartbeat(is_resumable=self.policy.is_resumable)
        if beat:
            self.beat_ns = now
            self.turn.send_down(self.client.send, beat)

    def stop(self) -> None:
        """Somebody has asked that it ends."""
        self._do(monotonic_ns(), self.exchange.stopped())

    def shut_down(self) -> None:
        """The process ends."""
        self._do(monotonic_ns(), self.exchange.shut_down())

    # -- carrying out -------------------------------------------------------------------------

    def _do(self, at: int, commands: Commands) -> None:
        if not commands:
            return
        entries: Entries = []
        out: Out = []
        self.perform(at, commands, entries, out)
        self._flush(entries, out)

    def perform(self, at: int, commands: Commands, entries: Entries, out: Out) -> None:
        for command in commands:
            PERFORM[type(command)](self, command, at, entries, out)

    def _flush(self, entries: Entries, out: Out) -> None:
        """Journal first, then the client, then whatever follows from the end."""
        if entries and self.journal is not None:
            self.turn.note(entries)
        if out:
            self.turn.send_down(self.client.send, out[0] if len(out) == 1 else b"".join(out))
        after = self.after
        if after is not None:
            self.after = None
            after()
