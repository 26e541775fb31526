"""The life of one exchange, without sockets, clock or files.

Events come in as method calls, with the time as an argument; each answers with the
`commands` that follow from it, in order. The relay carries them out.

    CONNECTING ──connected──► WAITING ──head──► STREAMING ──completed──► ENDED
        ▲                        │                  │
        └── stale connection, ───┘                  └──tunnel──► TUNNEL
            next attempt

Whatever happens, `Finish` is given exactly once, and nothing after it: that is what makes
the end of a stream truthful. The chunks of an open stream do not come through here; the
relay passes them on by itself and only notes the time in ``active_ns``.
"""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from streamgauge.gateway.attempts import Attempts, Failure
from streamgauge.gateway.commands import (
    Answer,
    CancelUpstream,
    Commands,
    Connect,
    CutAnswer,
    Detach,
    EndAnswer,
    Finish,
    OpenTunnel,
    SendHead,
    SendRequest,
    TryAgain,
)
from streamgauge.gateway.outflow import Outflow
from streamgauge.record import ClosedBy, Outcome


class State(Enum):
    """Where an exchange stands."""

    NEW = auto()
    CONNECTING = auto()
    WAITING = auto()
    STREAMING = auto()
    TUNNEL = auto()
    ENDED = auto()


# A name costs a tenth of what CPython 3.11 takes to find a member in its enum.
NEW, CONNECTING, WAITING, STREAMING, TUNNEL, ENDED = State

FOR_EVER = 1 << 62

_CONNECT = (Connect(fresh=False),)
_RECONNECT = (Connect(fresh=True),)
_SEND_REQUEST = (SendRequest(),)
_SEND_HEAD = (SendHead(),)
_OPEN_TUNNEL = (OpenTunnel(),)
_COMPLETED = (EndAnswer(), Finish(Outcome.COMPLETED, ClosedBy.UPSTREAM))
_COMPLETED_ALONE = (EndAnswer(), Finish(Outcome.COMPLETED, ClosedBy.CLIENT))
_DETACH = (Detach(),)
_CLIENT_LEFT = (CancelUpstream(), Finish(Outcome.CLIENT_LEFT, ClosedBy.CLIENT))
_NOTHING: Commands = ()


class Patience(Struct, frozen=True):
    """How long we wait for a provider, in ns.

    ``first_token_ns`` and ``total_ns`` count from the moment the request was complete.
    """

    connect_ns: int
    idle_ns: int
    first_token_ns: int = FOR_EVER
    total_ns: int = FOR_EVER


class Exchange:
    """One request and its answer while alive."""

    __slots__ = (
        "active_ns",
        "asked_ns",
        "attempts",
        "began_ns",
        "broken",
        "has_content",
        "is_rescuable",
        "left_ns",
        "patience",
        "retried",
        "reused",
        "state",
        "stay_ns",
        "stream",
        "upstream",
    )

    def __init__(self, *, upstream: str, patience: Patience, stay_ns: int = 0) -> None:
        self.upstream = upstream
        self.patience = patience
        self.stay_ns = stay_ns
        self.state = NEW
        self.active_ns = 0
        self.asked_ns = 0  # when this attempt's request was complete
        self.began_ns = 0  # when the first one's was
        self.attempts: Attempts | None = None  # where there may be more than one
        self.is_rescuable = False  # what the client has is known
        # How a stream ends that broke, if nobody can continue it.
        self.broken: tuple[CutAnswer, Finish] | None = None
        self.left_ns = 0  # when the client has left a stream that goes on
        self.has_content = False  # looked for only where a limit asks for it
        self.reused = False
        self.retried = False
        self.stream: Outflow | None = None  # where it can end before HTTP says so

    # -- the way there ------------------------------------------------------------------------

    def requested(self, at: int) -> Commands:
        """The request's head is here and has a route."""
        self.state = CONNECTING
        self.active_ns = self.asked_ns = self.began_ns = at
        return _CONNECT

    def connected(self, at: int, *, reused: bool) -> Commands:
        """There is a connection to the provider."""
        if self.state is not CONNECTING:
            return _NOTHING
        self.state = WAITING
        self.reused = reused
        self.active_ns = at
        return _SEND_REQUEST

    def connect_failed(self, at: int, why: str) -> Commands:
        """There is no connection to be had."""
        if self.state is not CONNECTING:
            return _NOTHING
        kind, message = "connect_failed", f"cannot connect to {self.upstream}: {why}"
        return self._again(at, Failure(kind, message)) or self._end_with_answer(
            502, kind, message, Outcome.CONNECT_FAILED, ClosedBy.UPSTREAM
        )

    def refused(self, at: int, failure: Failure) -> Commands:
        """The provider's answer is a failure, and none of it has gone to the client.

        Nothing if it is the last attempt's, and so the client's after all.
        """
        return self._again(at, failure) if self.state is WAITING else _NOTHING

    # -- the way back -------------------------------------------------------------------------

    def head(self, at: int, *, status: int) -> Commands:
        """The response's head is here."""
        if self.state is not WAITING:
            return _NOTHING
        self.active_ns = at
        if self.broken is not None:
            self.broken = None  # the client has its head, and the stream goes on
            self.has_content = True
            self.state = STREAMING
            return _NOTHING
        if status == 101:
            self.state = TUNNEL
            return _OPEN_TUNNEL
        self.state = STREAMING
        return _SEND_HEAD

    def completed(self) -> Commands:
        """The response is whole, as HTTP counts it."""
        if self.state is not STREAMING:
            return _NOTHING
        self.state = ENDED
        return _COMPLETED_ALONE if self.left_ns else _COMPLETED

    def ended_early(self, at: int) -> Commands:
        """The response is whole as HTTP counts it, but its dialect's last word never came."""
        if self.state is not STREAMING:
            return _NOTHING
        kind, why = "no_terminal_event", "the provider ended the stream before its last event"
        end = Finish(Outcome.TRUNCATED, ClosedBy.UPSTREAM, kind, why)
        again = self._rescue(at, end)
        if not again:
            self.state = ENDED
        return again or (CutAnswer(kind, why), end)

    def rescue_failed(self, at: int, failure: Failure) -> Commands:
        """A second answer does not continue the first: there may be a third."""
        if self.state is not WAITING:
            return _NOTHING
        return self._again(at, failure) or self._end_broken()

    def upstream_closed(self, at: int, why: str, *, is_repeatable: bool) -> Commands:
        """The provider closed or reset the connection before the response was whole.

        *is_repeatable* if all of the request is still at hand, and not one byte of a response,
        or of an interim one, had come.
        """
        if self.state is WAITING:
            # RFC 9110 §9.2.2, RFC 9112 §9.3.1: a kept-alive connection that dies before a
            # single response byte was most likely closed while our request was on its way.
            if is_repeatable and self.reused and not self.retried:
                self.retried = True
                self.active_ns = at
                self.state = CONNECTING
                return _RECONNECT
            kind = "upstream_closed"
            message = f"{self.upstream} closed the connection before answering: {why}"
            return self._again(at, Failure(kind, message)) or self._end_with_answer(
                502, kind, message, Outcome.TRUNCATED, ClosedBy.UPSTREAM
            )
        if self.state is STREAMING:
            message = f"{self.upstream} closed the connection before its answer was whole: {why}"
            return self._broke(at, "upstream_closed", message, Outcome.TRUNCATED, ClosedBy.UPSTREAM)
        return self._close_tunnel(ClosedBy.UPSTREAM)

    def request_body(self, at: int) -> None:
        """More of the request has come; it does not bring a connection any nearer."""
        self.asked_ns = self.began_ns = at
        if self.state is not CONNECTING:
            self.active_ns = at

    def upstream_broke(self, at: int, why: str) -> Commands:
        """The provider sent something that is not HTTP."""
        if self.state not in (WAITING, STREAMING):
            return _NOTHING
        kind, message = "invalid_response", f"{self.upstream} sent an invalid response: {why}"
        if self.state is STREAMING:
            return self._broke(at, kind, message, Outcome.TRUNCATED, ClosedBy.UPSTREAM)
        again = self._again(at, Failure(kind, message))
        return again or self._give_up(502, kind, message, Outcome.TRUNCATED, ClosedBy.UPSTREAM)

    # -- the client ---------------------------------------------------------------------------

    def client_gone(self, at: int, *, is_request_whole: bool = True) -> Commands:
        """The client closed or reset its connection."""
        if self.state is TUNNEL:
            return self._close_tunnel(ClosedBy.CLIENT)
        if self.state in (NEW, ENDED):
            return _NOTHING
        if self.stay_ns and is_request_whole and not self.left_ns:
            self.left_ns = at
            return _DETACH
        self.state = ENDED
        return _CLIENT_LEFT

    def client_broke(self, status: int, kind: str, why: str) -> Commands:
        """The client's request turned out bad or too large while it was still coming."""
        return self._give_up(status, kind, why, Outcome.REFUSED, ClosedBy.GATEWAY)

    # -- time and the end of the process ----------------------------------------------------

    def tick(
        self, now: int, *, is_client_slow: bool = False, is_upload_stalled: bool = False
    ) -> Commands:
        """Look whether anyone has kept us waiting for too long.

        While *is_client_slow* we are the ones who do not read from the provider, so its
        silence proves nothing; the client's does. So it is while *is_upload_stalled*: the
        client still owes part of its request, and nothing keeps it from sending it.
        """
        waited = now - self.active_ns
        if self.state is CONNECTING:
            if waited <= self.patience.connect_ns:
                return _NOTHING
            message = (
                f"no connection to {self.upstream} within {self.patience.connect_ns / 1e9:g} s"
            )
            return self._lost_patience(now, 504, "connect_timeout", message, Outcome.CONNECT_FAILED)
        if self.state is TUNNEL or self.state is ENDED:
            if waited <= self.patience.idle_ns or not is_client_slow:
                return _NOTHING
        elif self.left_ns and now - self.left_ns > self.stay_ns:
            self.state = ENDED
            return _CLIENT_LEFT
        elif now - self.began_ns > self.patience.total_ns:
            seconds = self.patience.total_ns / 1e9
            message = f"the answer of {self.upstream} took longer than {seconds:g} s"
            return self._give_up(504, "total_timeout", message, Outcome.STALLED, ClosedBy.GATEWAY)
        elif not self.has_content and now - self.asked_ns > self.patience.first_token_ns:
            seconds = self.patience.first_token_ns / 1e9
            message = f"no content from {self.upstream} within {seconds:g} s"
            return self._lost_patience(
                now, 504, "first_token_timeout", message, Outcome.NO_FIRST_TOKEN
            )
        if waited <= self.patience.idle_ns:
            return _NOTHING
        seconds = self.patience.idle_ns / 1e9
        if is_client_slow and self.state in (STREAMING, TUNNEL):
            message = f"the client took nothing for {seconds:g} s"
            self.state = ENDED
            return (
                CancelUpstream(),
                CutAnswer("client_stalled", message, is_abrupt=True),
                Finish(Outcome.CLIENT_LEFT, ClosedBy.GATEWAY, "client_stalled", message),
            )
        if is_upload_stalled and self.state is WAITING:
            message = f"the client sent no more of its request for {seconds:g} s"
            return self._give_up(
                408, "client_stalled", message, Outcome.CLIENT_LEFT, ClosedBy.GATEWAY
            )
        if self.state in (WAITING, STREAMING):
            message = f"nothing from {self.upstream} for {seconds:g} s"
            return self._lost_patience(now, 504, "idle_timeout", message, Outcome.STALLED)
        return _NOTHING

    def _lost_patience(
        self, at: int, status: int, kind: str, message: str, outcome: Outcome
    ) -> Commands:
        """The provider has kept us waiting: it would only do so again, but others may not."""
        if self.state is STREAMING:
            return self._broke(at, kind, message, outcome, ClosedBy.GATEWAY)
        again = self._again(at, Failure(kind, message, is_lasting=True))
        return again or self._give_up(status, kind, message, outcome, ClosedBy.GATEWAY)

    def _again(self, at: int, failure: Failure) -> Commands:
        """Go on to the next attempt, if there is one."""
        wait_ns = self.attempts.failed(failure, at) if self.attempts is not None else None
        if wait_ns is None:
            return _NOTHING
        return self._try(at, failure, wait_ns)

    def _broke(
        self, at: int, kind: str, why: str, outcome: Outcome, closed_by: ClosedBy
    ) -> Commands:
        """An open stream broke: end it, unless a second answer may continue it."""
        end = Finish(outcome, closed_by, kind, why)
        again = _NOTHING if self._is_said() else self._rescue(at, end)
        return again or self._cut(kind, why, outcome, closed_by)

    def _rescue(self, at: int, end: Finish) -> Commands:
        """Ask for a second answer that continues the stream; nothing if nobody wants that."""
        if self.attempts is None or not self.is_rescuable:
            return _NOTHING
        kind, why = end.error_type or "", end.error_message or ""
        is_lasting = end.outcome is Outcome.STALLED
        failure = Failure(kind, why, status=200, is_lasting=is_lasting)
        wait_ns = self.attempts.interrupted(failure, at)
        if wait_ns is None:
            return _NOTHING
        self.broken = CutAnswer(kind, why), end
        return self._try(at, failure, wait_ns)

    def _try(self, at: int, failure: Failure, wait_ns: int) -> Commands:
        self.state = CONNECTING
        self.active_ns = self.asked_ns = at + wait_ns
        self.retried = self.has_content = False
        return CancelUpstream(), TryAgain(failure, wait_ns)

    def _end_broken(self) -> Commands:
        """Nobody could continue the stream; it ends as it broke."""
        self.state = ENDED
        return CancelUpstream(), *(self.broken or ())

    def stopped(self) -> Commands:
        """Somebody has asked that it ends. Not 5xx: an SDK would only ask again."""
        message = "the stream was stopped on request"
        return self._give_up(410, "stopped", message, Outcome.STOPPED, ClosedBy.GATEWAY)

    def shut_down(self) -> Commands:
        """The gateway stops and cannot wait any longer."""
        message = "the gateway was stopped while the stream was running"
        return self._give_up(
            503, "gateway_restarted", message, Outcome.GATEWAY_RESTARTED, ClosedBy.GATEWAY
        )

    # -- how it can end -----------------------------------------------------------------------

    def _end_with_answer(
        self, status: int, kind: str, message: str, outcome: Outcome, closed_by: ClosedBy
    ) -> Commands:
        if self.broken is not None:
            return self._end_broken()
        self.state = ENDED
        return Answer(status, kind, message), Finish(outcome, closed_by, kind, message)

    def _give_up(
        self, status: int, kind: str, message: str, outcome: Outcome, closed_by: ClosedBy
    ) -> Commands:
        """End it from our side: with an answer while none has begun, by a cut after that."""
        if self.state in (CONNECTING, WAITING):
            ending = self._end_with_answer(status, kind, message, outcome, closed_by)
            return CancelUpstream(), *ending
        if self.state in (STREAMING, TUNNEL):
            return self._cut(kind, message, outcome, closed_by)
        return _NOTHING

    def _cut(self, kind: str, why: str, outcome: Outcome, closed_by: ClosedBy) -> Commands:
        self.state = ENDED
        if self._is_said():
            return CancelUpstream(), EndAnswer(), Finish(Outcome.COMPLETED, closed_by)
        return CancelUpstream(), CutAnswer(kind, why), Finish(outcome, closed_by, kind, why)

    def _is_said(self) -> bool:
        """Whether the stream has had its last word, and only its connection was still open."""
        return self.stream is not None and self.stream.has_last_word()

    def _close_tunnel(self, closed_by: ClosedBy) -> Commands:
        if self.state is not TUNNEL:
            return _NOTHING
        self.state = ENDED
        closing = CutAnswer("closed", "the tunnel was closed")
        return CancelUpstream(), closing, Finish(Outcome.COMPLETED, closed_by)
