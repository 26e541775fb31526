"""One exchange, from the journal to its record."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from streamgauge.journal.format import Kind
from streamgauge.journal.writer import Writer
from streamgauge.record import (
    ClosedBy,
    CostSource,
    Outcome,
    Record,
    Source,
    Transcript,
    UsageSource,
)
from streamgauge.recorder import spool
from streamgauge.recorder.answers import read
from streamgauge.recorder.capture import LONGEST_WAITING, MOST_WAITING
from streamgauge.recorder.live import Running
from tests.recorder.desk import (
    DONE,
    PATIENCE_S,
    REQUEST,
    ROLE,
    STOP,
    USAGE,
    Desk,
    Exchange,
    event,
    line,
)

STARTED = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=1_790_000_000, microseconds=123_456)


def only(desk: Desk) -> tuple[Record, Transcript]:
    (record,) = desk.read(desk.follower())
    return record, desk.transcripts[0]


def test_a_whole_stream_becomes_a_whole_record(desk: Desk, journal: Writer) -> None:
    """Every mark is where the journal says, in ms from the end of the request."""
    exchange = Exchange(journal)
    exchange.opens(headers=[("X-Trace", "1"), ("x-trace", "2")])
    exchange.head(
        50, connected=12.5, headers=[("Content-Type", "text/event-stream"), ("X-Request-Id", "r1")]
    )
    exchange.chunk(60, ROLE).chunk(70, event("Hel"), overhead_us=30)
    exchange.chunk(80, event("lo"), overhead_us=10).chunk(2100, event("!"), overhead_us=20)
    exchange.chunk(2105, STOP + USAGE, overhead_us=20).chunk(2106, DONE, overhead_us=20)
    exchange.ends(2110, overhead_us=500)
    record, transcript = only(desk)
    assert record.id == exchange.id
    assert record.source is Source.GATEWAY
    assert record.started_at == STARTED
    assert record.ended_at == STARTED + timedelta(milliseconds=2110)
    assert (record.outcome, record.closed_by) == (Outcome.COMPLETED, ClosedBy.UPSTREAM)
    assert (record.error_type, record.error_message) == (None, None)
    assert (record.provider, record.dialect) == ("openai", "openai_chat")
    assert (record.method, record.path) == ("POST", "/v1/chat/completions")
    assert (record.model, record.response_model) == ("gpt-4o", "gpt-4o-x")
    assert record.streaming
    assert record.http_status == 200
    assert (record.connect_ms, record.headers_ms, record.first_byte_ms) == (12.5, 50, 60)
    assert (record.first_event_ms, record.first_reasoning_ms) == (60, None)
    assert (record.ttft_ms, record.last_token_ms, record.duration_ms) == (70, 2100, 2110)
    assert (record.itl_p50_ms, record.max_gap_ms, record.stalls) == (10, 2020, 1)
    assert record.tokens_per_second == pytest.approx(2 / 2.03, abs=0.001)
    assert (record.overhead_p50_us, record.overhead_max_us) == (20, 500)
    assert (record.input_tokens, record.output_tokens) == (9, 3)
    assert record.usage_source is UsageSource.REPORTED
    assert record.finish_reasons == ("stop",)
    assert record.response_text == "Hello!"
    assert record.reply is not None
    assert record.reply.choices[0].text == "Hello!"
    assert record.request_body == REQUEST.decode()
    assert (record.key_hash, record.journal_node) == ("abcd", "local")
    assert record.provider_request_id == "r1"
    raw = ROLE + event("Hel") + event("lo") + event("!") + STOP + USAGE + DONE
    assert transcript.raw == raw
    assert (record.chunks, record.bytes_in, record.bytes_out) == (6, len(REQUEST), len(raw))
    assert transcript.chunk_ms[:2] == (60, 70)
    assert transcript.chunk_bytes[:2] == (len(ROLE), len(event("Hel")))
    assert transcript.request_headers == {"x-trace": "1, 2"}
    assert transcript.response_headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("size", [1, 7, 50])
def test_the_network_may_cut_anywhere(desk: Desk, journal: Writer, size: int) -> None:
    """Chunks of any size make the same reply."""
    raw = ROLE + event("Grüße ") + event("🎉") + STOP + USAGE + DONE
    exchange = Exchange(journal).opens().head(50)
    for at in range(0, len(raw), size):
        exchange.chunk(60 + at, raw[at : at + size])
    exchange.ends(5000)
    record, transcript = only(desk)
    assert record.response_text == "Grüße 🎉"
    assert record.outcome is Outcome.COMPLETED
    assert transcript.raw == raw


def test_the_cost_is_priced_by_the_models_that_are_known(desk: Desk, journal: Writer) -> None:
    """The response's model first, then the request's."""
    Exchange(journal).streams("a", "b", "c")
    record, _ = only(desk)
    assert record.cost_source is CostSource.PRICED
    assert record.cost_usd is not None
    assert record.cost_usd > 0


def test_a_request_in_pieces_counts_from_its_last(desk: Desk, journal: Writer) -> None:
    """Time zero is when the request was complete."""
    exchange = Exchange(journal).opens(body=REQUEST[:10], complete=False)
    exchange.body(200, REQUEST[10:20], complete=False).body(300, REQUEST[20:], complete=True)
    exchange.head(350, connected=100).chunk(360, event("x")).chunk(370, STOP + DONE).ends(400)
    record, _ = only(desk)
    assert record.started_at == STARTED
    assert record.ended_at == STARTED + timedelta(milliseconds=400)
    assert (record.connect_ms, record.headers_ms, record.ttft_ms) == (0, 50, 60)
    assert record.duration_ms == 100
    assert record.request_body == REQUEST.decode()
    assert (record.model, record.bytes_in) == ("gpt-4o", len(REQUEST))


def test_a_plain_answer_has_no_token_times(desk: Desk, journal: Writer) -> None:
    """It came in one piece, so there is nothing between its tokens."""
    body = (
        b'{"id":"c1","model":"gpt-4o-x","choices":[{"index":0,"message":{"role":"assistant",'
        b'"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1}}'
    )
    exchange = Exchange(journal).opens(body=b'{"model":"gpt-4o"}')
    exchange.head(50, headers=[("content-type", "application/json")])
    exchange.chunk(60, body[:20]).chunk(61, body[20:]).ends(62)
    record, _ = only(desk)
    assert record.outcome is Outcome.COMPLETED
    assert not record.streaming
    assert record.response_text == "Hi"
    assert (record.first_byte_ms, record.duration_ms) == (60, 62)
    assert record.ttft_ms is record.itl_p50_ms is record.last_token_ms is None
    assert (record.input_tokens, record.output_tokens) == (2, 1)


def test_a_compressed_stream_is_inflated_and_kept_as_it_came(desk: Desk, journal: Writer) -> None:
    """The reply is readable, the raw bytes are the provider's."""
    raw = gzip.compress(ROLE + event("Hel") + event("lo") + STOP + DONE)
    exchange = Exchange(journal).opens()
    exchange.head(50, headers=[("content-type", "text/event-stream"), ("content-encoding", "gzip")])
    exchange.chunk(60, raw[:30]).chunk(70, raw[30:]).ends(80)
    record, transcript = only(desk)
    assert record.response_text == "Hello"
    assert transcript.raw == raw
    assert record.outcome is Outcome.COMPLETED


def test_a_compressed_request_is_read(desk: Desk, journal: Writer) -> None:
    """Its model is known, and its text is text."""
    packed = gzip.compress(REQUEST)
    exchange = Exchange(journal).opens(body=packed, headers=[("Content-Encoding", "gzip")])
    exchange.ends(10, "client_left", "client")
    record, _ = only(desk)
    assert (record.model, record.request_body) == ("gpt-4o", REQUEST.decode())
    assert record.bytes_in == len(packed)


def test_a_corrupt_encoding_is_said_not_guessed(desk: Desk, journal: Writer) -> None:
    """The client got those bytes; the record says that they could not be read."""
    exchange = Exchange(journal).opens()
    exchange.head(50, headers=[("content-type", "text/event-stream"), ("content-encoding", "gzip")])
    exchange.chunk(60, b"this is not gzip").ends(80)
    record, transcript = only(desk)
    assert record.outcome is Outcome.COMPLETED
    assert record.error_type == "undecodable"
    assert transcript.raw == b"this is not gzip"


# -- how it ended ---------------------------------------------------------------------------------


def test_a_stream_without_its_last_event_is_truncated(desk: Desk, journal: Writer) -> None:
    """HTTP was satisfied, the dialect was not."""
    Exchange(journal).opens().head(50).chunk(60, event("Hel")).ends(70)
    record, _ = only(desk)
    assert (record.outcome, record.closed_by) == (Outcome.TRUNCATED, ClosedBy.UPSTREAM)
    assert record.error_type == "no_terminal_event"
    assert record.response_text == "Hel"
    assert (record.output_tokens, record.usage_source) == (1, UsageSource.ESTIMATED)


def test_a_cut_stream_stays_what_the_gateway_saw(desk: Desk, journal: Writer) -> None:
    """Its error is not overwritten."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hel"))
    exchange.ends(70, "truncated", error=("upstream_closed", "connection reset"))
    record, _ = only(desk)
    assert record.outcome is Outcome.TRUNCATED
    assert (record.error_type, record.error_message) == ("upstream_closed", "connection reset")


def test_a_fault_within_a_200_is_a_fault(desk: Desk, journal: Writer) -> None:
    """The provider's own words are kept."""
    fault = b'data: {"error":{"type":"overloaded","message":"too much"}}\n\n'
    Exchange(journal).opens().head(50).chunk(60, event("Hel")).chunk(61, fault + DONE).ends(70)
    record, _ = only(desk)
    assert (record.outcome, record.closed_by) == (Outcome.FAULT_IN_STREAM, ClosedBy.UPSTREAM)
    assert (record.error_type, record.error_message) == ("overloaded", "too much")


def test_an_error_status_is_an_http_error(desk: Desk, journal: Writer) -> None:
    """With what the provider says about it."""
    body = b'{"error":{"type":"rate_limit","message":"slow down"}}'
    exchange = Exchange(journal).opens()
    exchange.head(50, status=429, headers=[("content-type", "application/json")])
    exchange.chunk(51, body).ends(52)
    record, _ = only(desk)
    assert (record.outcome, record.http_status) == (Outcome.HTTP_ERROR, 429)
    assert (record.error_type, record.error_message) == ("rate_limit", "slow down")
    assert record.streaming  # it was asked for


def test_a_client_that_left_after_the_last_event_has_it_all(desk: Desk, journal: Writer) -> None:
    """SDKs close at [DONE] without waiting for the end of the body."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hi") + STOP + DONE)
    exchange.ends(61, "client_left", "client")
    record, _ = only(desk)
    assert (record.outcome, record.closed_by) == (Outcome.COMPLETED, ClosedBy.CLIENT)


def test_a_client_that_left_earlier_has_left(desk: Desk, journal: Writer) -> None:
    """Its part of the text is kept."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hi"))
    exchange.ends(61, "client_left", "client")
    record, _ = only(desk)
    assert (record.outcome, record.closed_by) == (Outcome.CLIENT_LEFT, ClosedBy.CLIENT)
    assert record.response_text == "Hi"


def test_every_attempt_is_on_record(desk: Desk, journal: Writer) -> None:
    """What the record says besides is of the one that answered."""
    exchange = Exchange(journal)
    exchange.opens()
    exchange.retried(20, status=503, provider="openai", model=None, begins=520)
    exchange.retried(600, status=None, provider="groq", model="gpt-4o-mini", begins=600)
    exchange.head(700, connected=650).chunk(710, ROLE + event("Hi") + STOP + USAGE + DONE)
    exchange.ends(720)
    record, _ = only(desk)
    assert (record.provider, record.model, record.retries) == ("groq", "gpt-4o-mini", 2)
    assert record.path == "/groq/v1/chat/completions"
    assert record.outcome is Outcome.COMPLETED
    assert [
        (one.provider, one.model, one.http_status, one.error_type, one.started_ms, one.ended_ms)
        for one in record.attempts
    ] == [
        ("openai", None, 503, "http_503", 0, 20),
        ("openai", None, None, "connect_failed", 520, 600),
        ("groq", "gpt-4o-mini", 200, None, 600, 720),
    ]


def test_what_never_connected_has_no_marks(desk: Desk, journal: Writer) -> None:
    """Only its end."""
    exchange = Exchange(journal).opens()
    exchange.ends(30, "connect_failed", "upstream", error=("connect_failed", "refused"))
    record, transcript = only(desk)
    assert record.outcome is Outcome.CONNECT_FAILED
    assert record.duration_ms == 30
    assert record.connect_ms is record.headers_ms is record.http_status is None
    assert transcript.raw == b""


def test_the_gateways_own_answer_is_no_mark_of_a_provider(desk: Desk, journal: Writer) -> None:
    """Its status is what the client got; when it was written is no time of anybody's."""
    exchange = Exchange(journal).opens()
    exchange.head(25, status=502, headers=[("Streamgauge-Error", "true")])
    exchange.ends(30, "connect_failed", "upstream", error=("connect_failed", "refused"))
    record, _ = only(desk)
    assert record.http_status == 502
    assert record.headers_ms is None


def test_what_a_dead_gateway_left_open_is_closed(desk: Desk) -> None:
    """With what had arrived, at the time of its last entry."""
    journal = desk.writer()
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hel")).chunk(75, event("lo"))
    follower = desk.follower()
    assert desk.read(follower) == []
    journal.close()
    (record,) = desk.read(follower)
    assert record.id == exchange.id
    assert (record.outcome, record.closed_by) == (Outcome.GATEWAY_RESTARTED, ClosedBy.GATEWAY)
    assert record.ended_at == STARTED + timedelta(milliseconds=75)
    assert record.duration_ms == 75
    assert record.response_text == "Hello"
    assert record.error_message is not None
    assert "gateway process ended" in record.error_message
    assert follower.is_done


def test_bytes_that_the_journal_lost_are_told(desk: Desk, journal: Writer) -> None:
    """A record with a hole says so, and the hole is not taken for the provider's fault."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hel")).mark(65, "lost", 1234)
    exchange.ends(70)
    record, _ = only(desk)
    assert record.outcome is Outcome.COMPLETED
    assert record.error_type == "journal_loss"
    assert record.error_message is not None
    assert "1234 bytes" in record.error_message


def test_a_body_that_is_too_long_to_keep_says_so(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is metered; what is stored is its beginning, and nobody takes it for the whole."""
    monkeypatch.setattr(spool, "MAX_KEPT", 2000)
    exchange = Exchange(journal).opens().head(50)
    for number in range(100):
        exchange.chunk(60 + number, event(f"word{number:02d} "))
    exchange.chunk(170, DONE).ends(180)
    record, transcript = only(desk)
    assert record.outcome is Outcome.COMPLETED
    assert record.error_type == "not_kept_whole"
    assert len(transcript.raw) == 2000
    assert record.error_message is not None
    assert f"last {record.bytes_out - 2000} bytes" in record.error_message
    assert record.response_text is not None
    assert record.response_text.endswith("word99 ")


def test_a_log_without_its_last_chunks_is_no_broken_stream(desk: Desk, journal: Writer) -> None:
    """The SDK shortened it, or could not unpack what its reader got; it knows how it ended."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hel"))
    said = ("not_kept_whole", "without the last 12 chunks")
    exchange.ends(180, error=said)
    record, _ = only(desk)
    assert (record.outcome, record.closed_by) == (Outcome.COMPLETED, ClosedBy.UPSTREAM)
    assert (record.error_type, record.error_message) == said


def test_a_tunnel_is_counted_not_read(desk: Desk, journal: Writer) -> None:
    """Sizes and times both ways."""
    exchange = Exchange(journal).opens(body=b"", path="/v1/realtime")
    exchange.head(50, status=101, headers=[("upgrade", "websocket")])
    exchange.mark(60, "tunnel_up", 100).mark(70, "tunnel_down", 30).mark(80, "tunnel_down", 40)
    exchange.ends(90, "completed", "client")
    record, transcript = only(desk)
    assert (record.outcome, record.closed_by) == (Outcome.COMPLETED, ClosedBy.CLIENT)
    assert (record.http_status, record.bytes_in, record.bytes_out) == (101, 100, 70)
    assert (transcript.chunk_ms, transcript.chunk_bytes) == ((70, 80), (30, 40))
    assert record.first_byte_ms == 70


def test_an_unknown_path_is_recorded_without_a_dialect(desk: Desk, journal: Writer) -> None:
    """Bytes and times, no reply."""
    exchange = Exchange(journal).opens(path="/v1/files", body=b"\xff\xfe binary")
    exchange.head(50, headers=[("content-type", "application/octet-stream")])
    exchange.chunk(60, b"\x00\x01").ends(70)
    record, transcript = only(desk)
    assert record.outcome is Outcome.COMPLETED
    assert record.dialect is record.reply is record.response_text is None
    assert transcript.raw == b"\x00\x01"


# -- headers --------------------------------------------------------------------------------------


def test_omit_headers_leave_out_what_was_said(desk: Desk, journal: Writer) -> None:
    """It is metered all the same."""
    headers = [("Helicone-Omit-Request", "true"), ("streamgauge-omit-response", "TRUE")]
    exchange = Exchange(journal).opens(headers=headers).head(50)
    exchange.chunk(60, event("secret") + STOP + USAGE + DONE).ends(70)
    record, transcript = only(desk)
    assert record.request_body is record.reply is record.response_text is None
    assert transcript.raw == b""
    assert (record.output_tokens, record.ttft_ms) == (3, 60)
    assert record.finish_reasons == ("stop",)


def test_a_header_names_the_model_whose_prices_count(desk: Desk, journal: Writer) -> None:
    """The record still tells who was asked and who answered."""
    for headers in ((), [("Helicone-Model-Override", "gpt-4")]):
        exchange = Exchange(journal).opens(headers=headers).head(50)
        exchange.chunk(60, event("a") + STOP + USAGE + DONE).ends(70)
    plain, dearer = desk.read(desk.follower())
    assert (dearer.model, dearer.response_model) == (plain.model, plain.response_model)
    assert dearer.cost_usd is not None
    assert plain.cost_usd is not None
    assert dearer.cost_usd > plain.cost_usd


def test_the_body_names_the_user_where_no_header_does(desk: Desk, journal: Writer) -> None:
    """A header wins."""
    Exchange(journal).streams("a")
    Exchange(journal).opens(headers=[("Helicone-User-Id", "header-user")]).ends(5)
    first, second = desk.read(desk.follower())
    assert (first.user_id, second.user_id) == ("body-user", "header-user")


def test_an_answer_over_the_memory_of_all_goes_to_a_file(desk: Desk, journal: Writer) -> None:
    """And comes back whole."""
    desk.memory.limit = 1000
    words = [f"word{n} " for n in range(200)]
    Exchange(journal).streams(*words)
    record, transcript = only(desk)
    assert record.response_text == "".join(words)
    assert len(transcript.raw) == record.bytes_out > 1000
    assert desk.memory.used == 0
    assert list((desk.folder / "tmp").iterdir()) == []


# -- chunks that wait for others -----------------------------------------------------------------


LOOKS: dict[str, Callable[[Running], object]] = {
    "text": lambda running: running.progress(0)["text"],
    "record": lambda running: running.known(with_bodies=False)["last_token_ms"],
    "reply": lambda running: running.known(with_bodies=True)["response_text"],
    "bytes": lambda running: running.piece(0, 10_000).count(b"data: "),
    "size": lambda running: running.size // len(event("00")),
    "chunks": lambda running: running.chunks,
    "model": lambda running: running.model,
}
SEEN: dict[str, Callable[[int], object]] = {
    "text": lambda count: "".join(f"{number:02d}" for number in range(count)),
    "record": lambda count: 59.0 + count,
    "reply": lambda count: "".join(f"{number:02d}" for number in range(count)),
    "bytes": lambda count: count,
    "size": lambda count: count,
    "chunks": lambda count: count,
    "model": lambda _: "gpt-4o-x",
}


@pytest.mark.parametrize("look", LOOKS)
def test_who_looks_sees_every_chunk(desk: Desk, journal: Writer, look: str) -> None:
    """After each of them, and whatever is looked at."""
    follower = desk.follower()
    exchange = Exchange(journal).opens(body=b"{}" if look == "model" else REQUEST).head(50)
    desk.read(follower)
    running = desk.live.source(exchange.id)
    assert running is not None
    for number in range(2 * MOST_WAITING):
        exchange.chunk(60 + number, event(f"{number:02d}"))
        desk.read(follower)
        assert LOOKS[look](running) == SEEN[look](number + 1)


def test_few_bytes_wait(desk: Desk, journal: Writer) -> None:
    """A long chunk does not, nor do many short ones."""
    follower = desk.follower()
    exchange = Exchange(journal).opens(body=b"").head(50)
    exchange.chunk(60, b"x" * LONGEST_WAITING)
    desk.read(follower)
    assert desk.memory.used == LONGEST_WAITING
    for number in range(MOST_WAITING):
        exchange.chunk(70 + number, b"y")
    desk.read(follower)
    assert desk.memory.used == LONGEST_WAITING + MOST_WAITING


def test_a_record_does_not_tell_how_its_chunks_were_read(desk: Desk, journal: Writer) -> None:
    """One after the other, or many at once; with what the client never got in between."""
    one, other = Exchange(journal), Exchange(journal)
    follower = desk.follower()
    for exchange, is_looked_at in ((one, True), (other, False)):
        exchange.opens().head(50).chunk(60, ROLE, overhead_us=30)
        for number in range(3 * MOST_WAITING):
            at = 70 + 3 * number
            data = event("x" * (3 * LONGEST_WAITING if number == 20 else number))
            exchange.chunk(at, data[:9], overhead_us=number).chunk(at + 1, data[9:])
            if number % 10 == 3:
                exchange.note(Kind.HIDDEN, at * 1.01, line(usage={"prompt_tokens": number}))
            if is_looked_at:
                desk.read(follower)
                desk.live.get(exchange.id)
        exchange.note(Kind.ADDED, 900, b": ours\n\n").chunk(901, STOP + DONE).ends(910)
    first, second = desk.read(follower)
    assert replace(second, id=first.id) == first
    assert desk.transcripts[0] == desk.transcripts[1]
    assert first.chunks == len(desk.transcripts[0].chunk_ms) == 6 * MOST_WAITING + 3


async def test_who_reads_along_need_not_wait_for_more(desk: Desk, journal: Writer) -> None:
    """Each chunk goes on as it comes."""
    follower = desk.follower()
    exchange = Exchange(journal).opens().head(50).chunk(60, ROLE)
    desk.read(follower)
    running = desk.live.source(exchange.id)
    assert running is not None
    answer = read(running, 0)
    assert await anext(answer) == ROLE
    for number in range(2 * MOST_WAITING):
        following = asyncio.ensure_future(anext(answer))
        for _ in range(5):  # it has found nothing, and waits
            await asyncio.sleep(0)
        assert not following.done()
        exchange.chunk(70 + number, event("a"))
        desk.read(follower)
        assert await asyncio.wait_for(following, PATIENCE_S) == event("a")
    await answer.aclose()
