"""The life of an exchange as dialogues: what happens, and what follows from it."""

from __future__ import annotations

import pytest

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
)
from streamgauge.gateway.exchange import Exchange, Patience, State
from streamgauge.record import ClosedBy, Outcome

SECOND = 1_000_000_000
CONNECT, IDLE = 10 * SECOND, 60 * SECOND


def fresh() -> Exchange:
    return Exchange(upstream="http://provider", patience=Patience(connect_ns=CONNECT, idle_ns=IDLE))


def connecting() -> Exchange:
    exchange = fresh()
    assert exchange.requested(0) == (Connect(fresh=False),)
    return exchange


def waiting(*, reused: bool = False) -> Exchange:
    exchange = connecting()
    assert exchange.connected(1, reused=reused) == (SendRequest(),)
    return exchange


def streaming() -> Exchange:
    exchange = waiting()
    assert exchange.head(2, status=200) == (SendHead(),)
    return exchange


def tunnelling() -> Exchange:
    exchange = waiting()
    assert exchange.head(2, status=101) == (OpenTunnel(),)
    return exchange


def finish(commands: Commands) -> Finish:
    """Return the one Finish among *commands*; it must be there and be the last."""
    ends = [command for command in commands if isinstance(command, Finish)]
    assert len(ends) == 1
    assert commands[-1] is ends[0]
    return ends[0]


def test_a_stream_that_ends_well_is_completed() -> None:
    """Request, connection, head, end: both sides are ended properly."""
    exchange = streaming()
    assert exchange.completed() == (
        EndAnswer(),
        Finish(Outcome.COMPLETED, ClosedBy.UPSTREAM),
    )


def test_no_connection_is_told_to_the_client() -> None:
    """A refused connection gives 502 and says which provider and why."""
    commands = connecting().connect_failed(5, "Connection refused")
    answer = commands[0]
    assert isinstance(answer, Answer)
    assert answer.status == 502
    assert "http://provider" in answer.message
    assert "Connection refused" in answer.message
    assert finish(commands).outcome is Outcome.CONNECT_FAILED


def test_a_stale_connection_is_tried_once_more_on_a_fresh_one() -> None:
    """Only a kept-alive connection, only before the first byte, only once."""
    exchange = waiting(reused=True)
    assert exchange.upstream_closed(2, "reset", is_repeatable=True) == (Connect(fresh=True),)
    assert exchange.connected(3, reused=False) == (SendRequest(),)
    commands = exchange.upstream_closed(2, "reset", is_repeatable=True)
    assert isinstance(commands[0], Answer)
    assert finish(commands).outcome is Outcome.TRUNCATED


def test_a_request_that_cannot_be_sent_again_is_not() -> None:
    """Once the body is no longer at hand, a dead connection is the end."""
    exchange = waiting(reused=True)
    assert (
        finish(exchange.upstream_closed(2, "reset", is_repeatable=False)).outcome
        is Outcome.TRUNCATED
    )


def test_a_request_that_was_half_answered_is_not_sent_again() -> None:
    """Whoever began to answer has seen it, and may have acted on it."""
    commands = waiting(reused=True).upstream_closed(2, "reset", is_repeatable=False)
    assert finish(commands).outcome is Outcome.TRUNCATED


def test_a_second_connection_has_the_whole_time_to_come_up() -> None:
    """However long the first one has kept us waiting for its answer."""
    exchange = waiting(reused=True)
    late = 100 * CONNECT
    exchange.upstream_closed(late, "reset", is_repeatable=True)
    assert exchange.tick(late + CONNECT) == ()
    assert finish(exchange.tick(late + CONNECT + 1)).error_type == "connect_timeout"


def test_an_upload_does_not_prolong_a_connect() -> None:
    """The client's bytes bring the provider no nearer."""
    exchange = connecting()
    exchange.request_body(CONNECT)
    assert finish(exchange.tick(CONNECT + 2)).error_type == "connect_timeout"


def test_a_client_that_stops_sending_is_not_the_providers_fault() -> None:
    """The provider waits for the rest of the request, as we do."""
    late = 2 + IDLE
    commands = waiting().tick(late, is_upload_stalled=True)
    assert [c.status for c in commands if isinstance(c, Answer)] == [408]
    end = finish(commands)
    assert (end.outcome, end.error_type) == (Outcome.CLIENT_LEFT, "client_stalled")
    assert finish(waiting().tick(late)).outcome is Outcome.STALLED


def test_a_fresh_connection_that_dies_is_not_tried_again() -> None:
    """It was not stale, so the provider may have acted on the request."""
    end = finish(waiting().upstream_closed(2, "reset", is_repeatable=True))
    assert end.closed_by is ClosedBy.UPSTREAM


def test_a_cut_stream_is_never_ended_properly() -> None:
    """The client's connection is cut too: nobody may take the answer for whole."""
    commands = streaming().upstream_closed(2, "connection reset", is_repeatable=False)
    (cut,) = (command for command in commands if isinstance(command, CutAnswer))
    assert cut.type == "upstream_closed"
    assert cut.message.endswith(
        "closed the connection before its answer was whole: connection reset"
    )
    assert EndAnswer() not in commands
    end = finish(commands)
    assert (end.outcome, end.closed_by) == (Outcome.TRUNCATED, ClosedBy.UPSTREAM)
    assert end.error_message == cut.message


def staying(stay_ns: int) -> Exchange:
    exchange = streaming()
    exchange.stay_ns = stay_ns
    return exchange


@pytest.mark.parametrize(
    ("end", "outcome", "closed_by"),
    [
        (lambda e: e.completed(), Outcome.COMPLETED, ClosedBy.CLIENT),
        (lambda e: e.upstream_broke(5, "zz"), Outcome.TRUNCATED, ClosedBy.UPSTREAM),
        (lambda e: e.tick(7 + SECOND + 1), Outcome.CLIENT_LEFT, ClosedBy.CLIENT),
    ],
    ids=["whole", "cut", "too long"],
)  # fmt: skip
def test_a_stream_may_go_on_without_its_client(end, outcome, closed_by) -> None:
    """For as long as it may; then it is cancelled like any other."""
    exchange = staying(SECOND)
    assert exchange.client_gone(7) == (Detach(),)
    assert exchange.tick(7 + SECOND) == ()
    finished = finish(end(exchange))
    assert (finished.outcome, finished.closed_by) == (outcome, closed_by)


def test_half_a_request_does_not_go_on_alone() -> None:
    """Its rest will never come."""
    commands = staying(SECOND).client_gone(7, is_request_whole=False)
    assert finish(commands).outcome is Outcome.CLIENT_LEFT


@pytest.mark.parametrize("stage", [waiting, streaming])
def test_no_content_in_time_ends_it(stage) -> None:
    """Bytes do not count, content does, from the end of the request."""
    exchange = stage()
    exchange.patience = Patience(connect_ns=CONNECT, idle_ns=IDLE, first_token_ns=5 * SECOND)
    exchange.request_body(SECOND)
    exchange.active_ns = 6 * SECOND
    assert exchange.tick(6 * SECOND) == ()
    end = finish(exchange.tick(6 * SECOND + 1))
    assert (end.outcome, end.error_type) == (Outcome.NO_FIRST_TOKEN, "first_token_timeout")


def test_content_in_time_is_enough() -> None:
    """However long it goes on, unless the whole has a limit too."""
    exchange = streaming()
    exchange.has_content = True
    exchange.patience = Patience(
        connect_ns=CONNECT, idle_ns=IDLE, first_token_ns=5 * SECOND, total_ns=20 * SECOND
    )
    exchange.active_ns = 19 * SECOND
    assert exchange.tick(19 * SECOND) == ()
    assert finish(exchange.tick(21 * SECOND)).error_type == "total_timeout"


@pytest.mark.parametrize("stage", [connecting, waiting, streaming])
def test_a_client_that_leaves_cancels_the_provider(stage) -> None:
    """Whenever the client goes, the provider is told at once."""
    commands = stage().client_gone(9)
    assert commands[0] == CancelUpstream()
    end = finish(commands)
    assert (end.outcome, end.closed_by) == (Outcome.CLIENT_LEFT, ClosedBy.CLIENT)


def test_a_connection_that_comes_too_late_is_not_used() -> None:
    """The client has gone while we were connecting."""
    exchange = connecting()
    exchange.client_gone(9)
    assert exchange.connected(5, reused=False) == ()


def test_a_connect_that_takes_too_long_is_given_up() -> None:
    """The limit is met, not exceeded, and the client hears of it."""
    exchange = connecting()
    assert exchange.tick(10 * SECOND) == ()
    commands = exchange.tick(10 * SECOND + 1)
    assert commands[0] == CancelUpstream()
    assert isinstance(commands[1], Answer)
    assert commands[1].status == 504
    end = finish(commands)
    assert (end.outcome, end.closed_by) == (Outcome.CONNECT_FAILED, ClosedBy.GATEWAY)


def test_silence_before_the_head_is_a_stall_with_an_answer() -> None:
    """Nothing has been sent, so the client can be told properly."""
    exchange = waiting()
    commands = exchange.tick(1 + 60 * SECOND + 1)
    assert isinstance(commands[1], Answer)
    assert finish(commands).outcome is Outcome.STALLED


def test_silence_in_a_stream_is_a_stall_without_one() -> None:
    """Bytes have been sent, so the connection is cut."""
    exchange = streaming()
    assert exchange.tick(2 + 60 * SECOND) == ()
    exchange.active_ns = 50 * SECOND  # a chunk has come by
    assert exchange.tick(2 + 60 * SECOND + 1) == ()
    commands = exchange.tick(50 * SECOND + 60 * SECOND + 1)
    assert [one.type for one in commands if isinstance(one, CutAnswer)] == ["idle_timeout"]
    assert finish(commands).outcome is Outcome.STALLED


def test_a_stream_that_ends_without_its_last_word_is_truncated() -> None:
    """HTTP's end is fine, so the provider's connection is; the stream is not."""
    commands = streaming().ended_early(5)
    assert CancelUpstream() not in commands
    assert isinstance(commands[0], CutAnswer)
    end = finish(commands)
    assert (end.outcome, end.closed_by) == (Outcome.TRUNCATED, ClosedBy.UPSTREAM)


def test_a_slow_client_is_not_the_providers_fault() -> None:
    """While the client takes nothing, the silence is the client's."""
    commands = streaming().tick(100 * SECOND, is_client_slow=True)
    end = finish(commands)
    assert end.outcome is Outcome.CLIENT_LEFT
    assert end.error_type == "client_stalled"


@pytest.mark.parametrize(
    ("stage", "is_answered"), [(waiting, True), (streaming, False)], ids=["waiting", "streaming"]
)
def test_what_is_not_http_is_the_providers_fault(stage, is_answered: bool) -> None:
    """Before the head there is an answer to give, after it there is none."""
    commands = stage().upstream_broke(5, "Invalid character in chunk size")
    assert any(isinstance(command, Answer) for command in commands) is is_answered
    end = finish(commands)
    assert (end.outcome, end.closed_by) == (Outcome.TRUNCATED, ClosedBy.UPSTREAM)
    assert end.error_type == "invalid_response"


@pytest.mark.parametrize("stage", [connecting, waiting])
def test_a_request_that_turns_out_bad_is_refused(stage) -> None:
    """The provider never gets the rest of it."""
    commands = stage().client_broke(413, "body_too_large", "too large")
    assert commands[0] == CancelUpstream()
    end = finish(commands)
    assert (end.outcome, end.closed_by) == (Outcome.REFUSED, ClosedBy.GATEWAY)


@pytest.mark.parametrize(
    ("end", "closed_by"),
    [
        (lambda e: e.client_gone(9), ClosedBy.CLIENT),
        (lambda e: e.upstream_closed(9, "fin", is_repeatable=True), ClosedBy.UPSTREAM),
    ],
)
def test_a_tunnel_ends_when_either_side_closes(end, closed_by: ClosedBy) -> None:
    """There is no whole and no half in a tunnel, only who closed."""
    commands = end(tunnelling())
    assert finish(commands) == Finish(Outcome.COMPLETED, closed_by)


@pytest.mark.parametrize("stage", [connecting, waiting, streaming, tunnelling])
def test_a_gateway_that_stops_says_so(stage) -> None:
    """Open exchanges end as restarted, by us."""
    end = finish(stage().shut_down())
    assert (end.outcome, end.closed_by) == (Outcome.GATEWAY_RESTARTED, ClosedBy.GATEWAY)


EVENTS = {
    "connected": lambda e: e.connected(9, reused=False),
    "connect_failed": lambda e: e.connect_failed(5, "no"),
    "head": lambda e: e.head(9, status=200),
    "completed": lambda e: e.completed(),
    "upstream_closed": lambda e: e.upstream_closed(9, "fin", is_repeatable=True),
    "upstream_broke": lambda e: e.upstream_broke(5, "bad"),
    "client_gone": lambda e: e.client_gone(9),
    "client_broke": lambda e: e.client_broke(400, "x", "bad"),
    "tick": lambda e: e.tick(10_000 * SECOND),
    "slow tick": lambda e: e.tick(10_000 * SECOND, is_client_slow=True),
    "shut_down": lambda e: e.shut_down(),
}


@pytest.mark.parametrize("stage", [connecting, waiting, streaming, tunnelling])
@pytest.mark.parametrize("first", EVENTS)
@pytest.mark.parametrize("second", EVENTS)
def test_there_is_one_end_and_nothing_after_it(stage, first: str, second: str) -> None:
    """Whatever happens, in whatever order, `Finish` comes at most once and last."""
    exchange = stage()
    commands = EVENTS[first](exchange)
    has_ended = any(isinstance(command, Finish) for command in commands)
    assert has_ended is (exchange.state is State.ENDED)
    after = EVENTS[second](exchange)
    if has_ended:
        assert after == ()


class Said:
    """A stream that has had its last word, or not."""

    def __init__(self, *, has_ended: bool) -> None:
        self._has_ended = has_ended

    def has_last_word(self) -> bool:
        return self._has_ended


@pytest.mark.parametrize("has_ended", [True, False])
def test_a_stream_that_has_had_its_last_word_is_whole(has_ended):
    """However its connection ends: HTTP knows less than the stream."""
    breaks = {
        ClosedBy.UPSTREAM: lambda one: one.upstream_closed(3, "reset", is_repeatable=False),
        ClosedBy.GATEWAY: lambda one: one.tick(2 + IDLE + 1),
    }
    for closed_by, breaking in breaks.items():
        exchange = streaming()
        exchange.stream = Said(has_ended=has_ended)
        commands = breaking(exchange)
        assert finish(commands).closed_by == closed_by
        assert (finish(commands).outcome == Outcome.COMPLETED) == has_ended
        assert (EndAnswer() in commands) == has_ended
        assert CancelUpstream() in commands


def test_a_stream_is_stopped_on_request():
    """With an answer where none has begun, else with the error of its dialect; once."""
    waits, streams = waiting(), streaming()
    answered = waits.stopped()
    assert [type(command) for command in answered] == [CancelUpstream, Answer, Finish]
    assert answered[1].status == 410
    cut = streams.stopped()
    assert [type(command) for command in cut] == [CancelUpstream, CutAnswer, Finish]
    for commands in (answered, cut):
        assert (finish(commands).outcome, finish(commands).closed_by) == (
            Outcome.STOPPED,
            ClosedBy.GATEWAY,
        )
    assert streams.stopped() == ()
