"""Carries out the commands of an exchange, on both connections of its relay.

Every command adds to two lists, what the journal gets and what the client gets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from streamgauge.gateway import notes
from streamgauge.gateway.answer import answer, unavailable
from streamgauge.gateway.byline import byline
from streamgauge.gateway.commands import (
    Answer,
    CancelUpstream,
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
from streamgauge.gateway.delimiter import CHUNKED, CLOSE, LAST_CHUNK, delimited, delimiter_of
from streamgauge.gateway.exchange import FOR_EVER
from streamgauge.gateway.head import ResponseHead, client_response
from streamgauge.gateway.nobody import NOBODY
from streamgauge.gateway.outflow import FRAMINGS, Outflow
from streamgauge.gateway.turn import Entries, Out
from streamgauge.journal.format import ADDED, END, HEAD, RETRIED
from streamgauge.wire.detect import Choice, choose, dialect_of
from streamgauge.wire.looks.first_content import FirstContent

if TYPE_CHECKING:
    from streamgauge.gateway.relay import Relay


def _connect(relay: Relay, command: Connect, at: int, entries: Entries, out: Out) -> None:
    if relay.dispatch.connect(relay, relay.route.origin, is_fresh=command.fresh):
        relay.perform(at, relay.exchange.connected(at, reused=True), entries, out)


def _try_again(relay: Relay, command: TryAgain, at: int, entries: Entries, out: Out) -> None:
    attempts = relay.attempts
    if attempts is None:
        return
    target = attempts.target
    relay.route = target.route
    relay.exchange.upstream = target.route.url
    relay.passage.close_event(at, entries, out)
    relay.upload.aim(target)
    begins_ns = at + command.wait_ns
    entries.append((RETRIED, relay.id, at, notes.retried(command.failure, target, begins_ns)))
    relay.dispatch.connect_in(relay, command.wait_ns)


def _send_request(relay: Relay, command: SendRequest, at: int, entries: Entries, out: Out) -> None:
    relay.when_connected = at
    relay.dispatch.send()
    if not relay.upload.is_whole:
        relay.client.resume_reading()


def _send_head(relay: Relay, command: SendHead, at: int, entries: Entries, out: Out) -> None:
    head = relay.response_head
    if head is None:
        return
    _look_into(relay, head)
    passage = relay.passage
    if passage.outflow is None or passage.outflow.spoken is None:
        relay.upload.forget()
    relay.is_keeping = relay.client.is_keeping_alive()
    if relay.policy.is_staying and relay.journal is not None:
        # From here on the client knows how to come back.
        relay.exchange.stay_ns = FOR_EVER
    version = relay.client.version
    delimiter, framing = delimiter_of(
        head,
        version,
        is_head_request=relay.is_head_request,
        # A stream may lose our usage event, and may get an error at its end.
        is_changing=passage.outflow is not None,
    )
    passage.begin(delimiter)
    is_closing = delimiter is CLOSE
    if is_closing:
        relay.is_keeping = False
    ours = byline(relay)
    if not relay.is_keeping and not is_closing:
        ours += b"\r\nConnection: close"
    elif version == "1.0" and relay.is_keeping:
        ours += b"\r\nConnection: keep-alive"
    out.append(client_response(head, ours=ours, framing=framing))
    entries.append((HEAD, relay.id, at, notes.answered(head, relay.when_connected)))
    if relay.client.is_full:
        # It has not even taken the answer before this one.
        relay.client_full()


def _look_into(relay: Relay, head: ResponseHead) -> None:
    """See whether the answer is a stream in a dialect that we know."""
    is_limited = relay.exchange.patience.first_token_ns != FOR_EVER
    is_stream = head.streamed and head.status == 200 and not relay.is_head_request
    if head.encoded or not (is_limited or is_stream):
        relay.exchange.has_content = True  # nobody could tell
        return
    choice = _choice(relay, head.content_type)
    if is_limited:
        relay.passage.look_for_content(FirstContent(choice))
    if not is_stream:
        return
    outflow = relay.expected
    if outflow is None or outflow.choice != choice:
        outflow = _outflow(relay, choice)
    if outflow is not None:
        relay.passage.look_into(outflow)


def expect_stream(relay: Relay) -> None:
    """Make ready, while its provider thinks, what the stream that *relay* asks for will need."""
    relay.expected = _outflow(relay, _choice(relay, "text/event-stream"))


def _choice(relay: Relay, content_type: str | None) -> Choice:
    return choose(path=relay.route.path.decode("latin-1"), content_type=content_type)


def _outflow(relay: Relay, choice: Choice) -> Outflow | None:
    if choice.dialect is None or choice.framing not in FRAMINGS or relay.journal is None:
        return None
    return Outflow(
        choice,
        is_hiding=relay.upload.is_usage_hidden,
        is_numbering=relay.policy.is_numbering,
        is_rescuing=relay.attempts is not None and relay.attempts.plan.is_rescuing,
    )


def _open_tunnel(relay: Relay, command: OpenTunnel, at: int, entries: Entries, out: Out) -> None:
    head = relay.response_head
    if head is None:
        return
    relay.upload.forget()
    framing = b"Connection: Upgrade\r\nUpgrade: websocket"
    out.append(client_response(head, ours=byline(relay), framing=framing))
    entries.append((HEAD, relay.id, at, notes.answered(head, relay.when_connected)))
    relay.after = relay.client.tunnel_opened


def _end_answer(relay: Relay, command: EndAnswer, at: int, entries: Entries, out: Out) -> None:
    if relay.passage.delimiter is CHUNKED:
        out.append(LAST_CHUNK)
    relay.after = partial(_answered, relay)


def _answered(relay: Relay) -> None:
    dispatch, is_whole = relay.dispatch, relay.upload.is_whole
    if relay.is_client_slow:
        dispatch.resume_reading()
    # A provider that answered early may still wait for the rest of the request.
    if is_whole:
        dispatch.release()
    else:
        dispatch.cut()
    relay.client.answered(is_keeping=relay.is_keeping and is_whole)


def _cut_answer(relay: Relay, command: CutAnswer, at: int, entries: Entries, out: Out) -> None:
    passage = relay.passage
    last_word = b""
    if not command.is_abrupt:
        last_word = passage.last_word(at, command.type, command.message, entries)
    if last_word:
        entries.append((ADDED, relay.id, at, last_word))
        out += [delimited(passage.delimiter, last_word), LAST_CHUNK]
        relay.after = partial(_answered, relay)
        return
    is_delimited = passage.delimiter is not CLOSE
    relay.after = partial(_cut_off, relay, is_delimited=is_delimited)


def _cut_off(relay: Relay, *, is_delimited: bool) -> None:
    # Still there where the provider itself ended the answer, too early.
    relay.dispatch.cut()
    relay.client.cut(is_delimited=is_delimited)


def _answer(relay: Relay, command: Answer, at: int, entries: Entries, out: Out) -> None:
    relay.is_keeping = relay.client.is_keeping_alive()
    if relay.journal is None and command.status in (502, 504):
        out.append(
            unavailable(
                relay.route.path,
                command.message,
                is_keeping=relay.is_keeping,
                is_head=relay.is_head_request,
            )
        )
    else:
        out.append(
            answer(
                command.status,
                command.type,
                command.message,
                extra=byline(relay) if relay.journal is not None else b"",
                dialect=dialect_of(relay.route.path.decode("latin-1")),
                is_keeping=relay.is_keeping,
                is_head=relay.is_head_request,
            )
        )
        head = notes.answered_by_us(command.status, relay.when_connected)
        entries.append((HEAD, relay.id, at, head))
    relay.after = partial(_answered, relay)


def _cancel_upstream(
    relay: Relay, command: CancelUpstream, at: int, entries: Entries, out: Out
) -> None:
    relay.dispatch.cancel()


def _detach(relay: Relay, command: Detach, at: int, entries: Entries, out: Out) -> None:
    relay.client = NOBODY
    relay.passage.write = NOBODY.send
    relay.gateway.detached.add(relay)
    if relay.is_client_slow:
        relay.client_ready()


def _finish(relay: Relay, command: Finish, at: int, entries: Entries, out: Out) -> None:
    end = notes.ended(command, relay.passage.overhead)
    entries.append((END, relay.id, monotonic_ns(), end))
    relay.upload.forget()
    relay.gateway.detached.discard(relay)
    if relay.journal is not None:
        relay.gateway.ended()


PERFORM: dict[type[Any], Callable[[Relay, Any, int, Entries, Out], None]] = {
    Connect: _connect,
    TryAgain: _try_again,
    SendRequest: _send_request,
    SendHead: _send_head,
    OpenTunnel: _open_tunnel,
    EndAnswer: _end_answer,
    CutAnswer: _cut_answer,
    Answer: _answer,
    CancelUpstream: _cancel_upstream,
    Detach: _detach,
    Finish: _finish,
}
