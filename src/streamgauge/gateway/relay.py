"""One exchange between its two connections: carries out what `exchange` decides.

Every command adds to two lists, what the journal gets and what the client gets; `turn`
writes the journal's before the client's, so that what a client has is always in the
journal. The chunks of an open stream take the way of `passage`, past `exchange`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from streamgauge.gateway import exchange as life
from streamgauge.gateway import notes
from streamgauge.gateway.answer import answer, unavailable
from streamgauge.gateway.attempts import Attempts, Failure
from streamgauge.gateway.byline import byline, recorder_byline
from streamgauge.gateway.delimiter import (
    CHUNKED,
    LAST_CHUNK,
    Delimiter,
    delimited,
    delimiter_of,
)
from streamgauge.gateway.dispatch import Dispatch
from streamgauge.gateway.head import (
    RequestHead,
    ResponseHead,
    client_response,
)
from streamgauge.gateway.ident import text
from streamgauge.gateway.nobody import NOBODY, Nobody
from streamgauge.gateway.outflow import (
    FRAMINGS,
    Outflow,
)
from streamgauge.gateway.passage import Passage
from streamgauge.gateway.policy import Policy
from streamgauge.gateway.rescue import Rescue
from streamgauge.gateway.routes import Route
from streamgauge.gateway.trial import Trial
from streamgauge.gateway.turn import Entry
from streamgauge.gateway.upload import REPLAY_LIMIT, Upload
from streamgauge.journal.format import TUNNEL_DOWN, TUNNEL_UP, Kind
from streamgauge.wire.detect import choose, dialect_of
from streamgauge.wire.looks.first_content import FirstContent

if TYPE_CHECKING:
    from streamgauge.gateway.client import ClientConnection
    from streamgauge.gateway.server import Gateway
    from streamgauge.gateway.upstream import Receiver, UpstreamConnection

Entries = list[Entry]
Out = list[bytes]


class Relay:
    """Carries one exchange."""

    __slots__ = (
        "after",
        "attempts",
        "beat_ns",
        "chunk",
        "client",
        "client_name",
        "dispatch",
        "exchange",
        "gateway",
        "heartbeat_ns",
        "id",
        "is_client_slow",
        "is_head_request",
        "is_keeping",
        "is_websocket",
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
    ) -> None:
        """*attempts* where there may be more than one; *route* is then the first one's."""
        self.gateway = gateway
        self.client: ClientConnection | Nobody = client
        self.route = route
        self.turn = gateway.turn
        self.journal = gateway.journal if route.is_recorded else None
        self.id = gateway.new_id()
        self.client_name = head.wishes.get(b"request-id")
        self.exchange = life.Exchange(
            upstream=route.url, patience=policy.patience, stay_ns=policy.stay_ns
        )
        self.exchange.attempts = self.attempts = attempts
        self.policy = policy
        self.heartbeat_ns = policy.heartbeat_ns
        self.beat_ns = 0  # when the last heartbeat went out
        self.is_head_request = head.method == b"HEAD"
        self.is_websocket = head.is_websocket
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
        assert client.transport is not None  # noqa: S101 - for mypy; a relay comes from a live client
        self.passage = Passage(
            gateway.turn,
            self.exchange,
            self.id,
            client.transport.write,
            is_recorded=route.is_recorded,
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
            entries.append((Kind.OPEN, self.id, at, opening))
        self._perform(at, self.exchange.requested(at), entries, out)
        self._flush(entries, out)

    def request_body(self, at: int, body: bytes, *, is_whole: bool) -> None:
        """More of the request's body."""
        if self.exchange.state is life.State.ENDED:
            return
        self.exchange.request_body(at)
        if self.journal is not None:
            more = notes.more(body, is_whole=is_whole)
            self.turn.note([(Kind.BODY, self.id, at, more)])
        upload, dispatch = self.upload, self.dispatch
        framed = self._add(body, is_whole=is_whole)
        if dispatch.is_sent:
            dispatch.write(framed)
        elif self.exchange.state is life.State.WAITING:
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
            self.turn.note([(Kind.MARK, self.id, at, notes.mark(TUNNEL_UP, len(data)))])
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
        self._do(at, (life.Connect(fresh=False),))

    # -- from the provider: `upstream.Receiver` -----------------------------------------------

    def response(self, at: int, head: ResponseHead | None, body: bytes, *, is_whole: bool) -> None:
        """Pass on a head, the end of a body, or all of a small answer in one go."""
        entries: Entries = []
        out: Out = []
        if head is not None:
            if head.status == 101 and not self._is_tunnel_due():
                self.upstream_broke("it switches protocols although nobody asked for that")
                return
            self.response_head = head
            self._perform(at, self.exchange.head(at, status=head.status), entries, out)
        passage = self.passage
        if passage.outflow is not None:
            # A stream: its pieces go the way of all chunks, behind the head and before the end.
            self._flush(entries, out)
            if body:
                passage.chunk(at, body, None)
            if is_whole:
                exchange = self.exchange
                is_whole = passage.finish(at, passage.outflow)
                self._do(at, exchange.completed() if is_whole else exchange.ended_early(at))
            return
        if body:
            passage.add(at, body, entries, out)
        if is_whole:
            self._perform(at, self.exchange.completed(), entries, out)
        self._flush(entries, out)
        if body and not is_whole:
            passage.passed(at)

    def tunnelled(self, at: int, data: bytes) -> None:
        """Pass on bytes of an upgraded connection."""
        self.exchange.active_ns = at
        if self.journal is not None:
            self.turn.note([(Kind.MARK, self.id, at, notes.mark(TUNNEL_DOWN, len(data)))])
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
        return self.is_websocket and upstream is not None and upstream.is_tunnel

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

    def _do(self, at: int, commands: life.Commands) -> None:
        if not commands:
            return
        entries: Entries = []
        out: Out = []
        self._perform(at, commands, entries, out)
        self._flush(entries, out)

    def _perform(self, at: int, commands: life.Commands, entries: Entries, out: Out) -> None:
        for command in commands:
            _PERFORM[type(command)](self, command, at, entries, out)

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

    def _connect(self, command: life.Connect, at: int, entries: Entries, out: Out) -> None:
        if self.dispatch.connect(self, self.route.origin, is_fresh=command.fresh):
            self._perform(at, self.exchange.connected(at, reused=True), entries, out)

    def _try_again(self, command: life.TryAgain, at: int, entries: Entries, out: Out) -> None:
        attempts = self.attempts
        if attempts is None:
            return
        target = attempts.target
        self.route = target.route
        self.exchange.upstream = target.route.url
        self.passage.close_event(at, entries, out)
        self.upload.aim(target)
        begins_ns = at + command.wait_ns
        entries.append(
            (Kind.RETRIED, self.id, at, notes.retried(command.failure, target, begins_ns))
        )
        self.dispatch.connect_in(self, command.wait_ns)

    def _send_request(self, command: life.SendRequest, at: int, entries: Entries, out: Out) -> None:
        self.when_connected = at
        self.dispatch.send()
        if not self.upload.is_whole:
            self.client.resume_reading()

    def _send_head(self, command: life.SendHead, at: int, entries: Entries, out: Out) -> None:
        head = self.response_head
        if head is None:
            return
        self._look_into(head)
        passage = self.passage
        if passage.outflow is None or passage.outflow.spoken is None:
            self.upload.forget()
        self.is_keeping = self.client.is_keeping_alive()
        if self.policy.is_staying and self.journal is not None:
            # From here on the client knows how to come back.
            self.exchange.stay_ns = life.FOR_EVER
        passage.delimiter, framing = delimiter_of(
            head,
            self.client.version,
            is_head_request=self.is_head_request,
            # A stream may lose our usage event, and may get an error at its end.
            is_changing=passage.outflow is not None,
        )
        is_closing = passage.delimiter is Delimiter.CLOSE
        if is_closing:
            self.is_keeping = False
        ours = self._byline()
        if not self.is_keeping and not is_closing:
            ours += b"\r\nConnection: close"
        elif self.is_keeping and self.client.version == "1.0":
            ours += b"\r\nConnection: keep-alive"
        out.append(client_response(head, ours=ours, framing=framing))
        entries.append((Kind.HEAD, self.id, at, notes.answered(head, self.when_connected)))
        if self.client.is_full:
            # It has not even taken the answer before this one.
            self.client_full()

    def _look_into(self, head: ResponseHead) -> None:
        """See whether the answer is a stream in a dialect that we know."""
        is_limited = self.exchange.patience.first_token_ns != life.FOR_EVER
        is_stream = head.streamed and head.status == 200 and not self.is_head_request
        if head.encoded or not (is_limited or is_stream):
            self.exchange.has_content = True  # nobody could tell
            return
        choice = choose(path=self.route.path.decode("latin-1"), content_type=head.content_type)
        if is_limited:
            self.passage.look_for_content(FirstContent(choice))
        if not is_stream:
            return
        if choice.dialect is not None and choice.framing in FRAMINGS and self.journal is not None:
            outflow = Outflow(
                choice,
                is_hiding=self.upload.is_usage_hidden,
                is_numbering=self.policy.is_numbering,
                is_rescuing=self.attempts is not None and self.attempts.plan.is_rescuing,
            )
            self.passage.look_into(outflow)

    def _byline(self) -> bytes:
        if self.journal is None and self.response_head is not None:
            return recorder_byline(self.response_head)
        name = text(self.id)
        is_resumable = self.policy.is_resumable and self.journal is not None
        return byline(
            name.encode(),
            client_name=self.client_name,
            resume_url=self.gateway.resume_url(name) if is_resumable else None,
            attempts=self.attempts,
        )

    def _open_tunnel(self, command: life.OpenTunnel, at: int, entries: Entries, out: Out) -> None:
        head = self.response_head
        if head is None:
            return
        self.upload.forget()
        framing = b"Connection: Upgrade\r\nUpgrade: websocket"
        out.append(client_response(head, ours=self._byline(), framing=framing))
        entries.append((Kind.HEAD, self.id, at, notes.answered(head, self.when_connected)))
        self.after = self.client.tunnel_opened

    def _end_answer(self, command: life.EndAnswer, at: int, entries: Entries, out: Out) -> None:
        if self.passage.delimiter is CHUNKED:
            out.append(LAST_CHUNK)
        self.after = self._answered

    def _answered(self) -> None:
        dispatch, is_whole = self.dispatch, self.upload.is_whole
        if self.is_client_slow:
            dispatch.resume_reading()
        # A provider that answered early may still wait for the rest of the request.
        if is_whole:
            dispatch.release()
        else:
            dispatch.cut()
        self.client.answered(is_keeping=self.is_keeping and is_whole)

    def _cut_answer(self, command: life.CutAnswer, at: int, entries: Entries, out: Out) -> None:
        passage = self.passage
        last_word = b""
        if not command.is_abrupt:
            last_word = passage.last_word(at, command.type, command.message, entries)
        if last_word:
            entries.append((Kind.ADDED, self.id, at, last_word))
            out += [delimited(passage.delimiter, last_word), LAST_CHUNK]
            self.after = self._answered
            return
        is_delimited = passage.delimiter is not Delimiter.CLOSE
        self.after = partial(self._cut_off, is_delimited=is_delimited)

    def _cut_off(self, *, is_delimited: bool) -> None:
        # Still there where the provider itself ended the answer, too early.
        self.dispatch.cut()
        self.client.cut(is_delimited=is_delimited)

    def _answer(self, command: life.Answer, at: int, entries: Entries, out: Out) -> None:
        self.is_keeping = self.client.is_keeping_alive()
        if self.journal is None and command.status in (502, 504):
            out.append(
                unavailable(
                    self.route.path,
                    command.message,
                    is_keeping=self.is_keeping,
                    is_head=self.is_head_request,
                )
            )
        else:
            out.append(
                answer(
                    command.status,
                    command.type,
                    command.message,
                    extra=self._byline() if self.journal is not None else b"",
                    dialect=dialect_of(self.route.path.decode("latin-1")),
                    is_keeping=self.is_keeping,
                    is_head=self.is_head_request,
                )
            )
            head = notes.answered_by_us(command.status, self.when_connected)
            entries.append((Kind.HEAD, self.id, at, head))
        self.after = self._answered

    def _cancel_upstream(
        self, command: life.CancelUpstream, at: int, entries: Entries, out: Out
    ) -> None:
        self.dispatch.cancel()

    def _detach(self, command: life.Detach, at: int, entries: Entries, out: Out) -> None:
        self.client = NOBODY
        self.passage.write = NOBODY.send
        self.gateway.detached.add(self)
        if self.is_client_slow:
            self.client_ready()

    def _finish(self, command: life.Finish, at: int, entries: Entries, out: Out) -> None:
        end = notes.ended(command, self.passage.overhead)
        entries.append((Kind.END, self.id, monotonic_ns(), end))
        self.upload.forget()
        self.gateway.detached.discard(self)
        if self.journal is not None:
            self.gateway.ended()


_PERFORM: dict[type[Any], Callable[[Relay, Any, int, Entries, Out], None]] = {
    life.Connect: Relay._connect,
    life.TryAgain: Relay._try_again,
    life.SendRequest: Relay._send_request,
    life.SendHead: Relay._send_head,
    life.OpenTunnel: Relay._open_tunnel,
    life.EndAnswer: Relay._end_answer,
    life.CutAnswer: Relay._cut_answer,
    life.Answer: Relay._answer,
    life.CancelUpstream: Relay._cancel_upstream,
    life.Detach: Relay._detach,
    life.Finish: Relay._finish,
}
