"""Every dialect on its whole way: from the journal to its record."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from streamgauge.journal.writer import Writer
from streamgauge.record import ClosedBy, Outcome, Record, UsageSource
from streamgauge.simulator.recordings import CONTENT_TYPES
from tests.recorder.desk import Desk, Exchange
from tests.wire.goldens import FOLDER, READABLE, reply_of
from tests.wire.messages import event, exception
from tests.wire.published import PUBLISHED, golden, name_of

JSON = "application/json"
EVENTSTREAM = CONTENT_TYPES["eventstream"]


def play(journal: Writer, path: str, kind: str, *chunks: bytes, provider: str = "openai") -> None:
    """Put *chunks* into the journal, as they came at 100 ms, 200 ms and so on."""
    exchange = Exchange(journal).opens(path=path, body=b"{}", provider=provider)
    exchange.head(50, headers=[("Content-Type", kind)])
    for number, chunk in enumerate(chunks, 1):
        exchange.chunk(100 * number, chunk)
    exchange.ends(100 * len(chunks) + 1)


def recorded(desk: Desk, journal: Writer, *played: Any, **more: Any) -> Record:
    play(journal, *played, **more)
    (record,) = desk.read(desk.follower())
    return record


@pytest.mark.parametrize("line", READABLE, ids=lambda line: line["file"])
def test_a_recording_becomes_its_record_and_its_beginning_is_no_whole_answer(
    desk: Desk, journal: Writer, line: dict[str, Any]
) -> None:
    """The reply is the reviewed one; what was cut is not called complete."""
    raw = (FOLDER / line["file"]).read_bytes()
    kind = CONTENT_TYPES[line["framing"]]
    play(journal, line["path"], kind, raw[:100], raw[100:])
    play(journal, line["path"], kind, raw[: min(len(raw) // 3, 1000)])
    whole, part = desk.read(desk.follower())
    assert whole.dialect == line["dialect"]
    assert whole.streaming
    assert whole.reply == reply_of(line)
    faulty = bool(whole.reply and whole.reply.faults)
    assert whole.outcome is (Outcome.FAULT_IN_STREAM if faulty else Outcome.COMPLETED)
    assert (part.outcome, part.closed_by) == (Outcome.TRUNCATED, ClosedBy.UPSTREAM)
    assert part.usage_source is not UsageSource.REPORTED


@pytest.mark.parametrize("case", PUBLISHED, ids=name_of)
def test_a_published_case_becomes_its_record(
    desk: Desk, journal: Writer, case: dict[str, Any]
) -> None:
    """Reply and usage are the reviewed ones; complete is what had its last word and no fault."""
    raw = (FOLDER / case["file"]).read_bytes()
    expected = json.loads(golden(case).read_text(encoding="utf-8"))
    kind = case.get("content_type", CONTENT_TYPES.get(case["framing"], JSON))
    provider = case["provider"]
    record = recorded(desk, journal, case["path"], kind, raw[:50], raw[50:], provider=provider)
    assert record.dialect == case["dialect"]
    assert json.loads(json.dumps(msgspec.to_builtins(record.reply))) == expected["reply"]
    for name, count in expected["usage"].items():
        if expected["usage"]["usage_source"] == "reported":
            assert getattr(record, name) == count
    faults = {fault.get("type") for fault in expected["reply"].get("faults", ())}
    is_whole = expected["is_whole"] and faults <= {"unknown_frame"}
    if case["framing"] != "plain":
        assert (record.outcome is Outcome.COMPLETED) == is_whole


def test_the_tier_that_an_answer_tells_decides_on_its_price(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of gpt-5.5's 5, 0.50 for cached input, and 30 dollars a million, in November 2026."""
    monkeypatch.setattr("tests.recorder.desk.STARTED_NS", 1_793_500_000_000_000_000)
    (case,) = (one for one in PUBLISHED if name_of(one) == "openai-flex.sse")
    raw = (FOLDER / case["file"]).read_bytes()
    record = recorded(desk, journal, case["path"], CONTENT_TYPES["sse"], raw)
    assert record.cost_usd == pytest.approx((600 * 5 + 400 * 0.5 + 500 * 30) / 2e6)


def test_a_search_that_an_answer_made_is_in_its_cost(desk: Desk, journal: Writer) -> None:
    """A cent beside gpt-4.1's 2 and 8 dollars a million."""
    body = {
        "id": "resp_1",
        "object": "response",
        "model": "gpt-4.1",
        "status": "completed",
        "output": [{"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}}],
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }
    record = recorded(desk, journal, "/v1/responses", JSON, json.dumps(body).encode())
    assert record.cost_usd == pytest.approx(0.01 + (1000 * 2 + 100 * 8) / 1e6)


def test_an_estimate_is_for_the_model_that_answered(desk: Desk, journal: Writer) -> None:
    """A router took another one than was asked for; it reasons, and does not show it."""
    said = {"model": "x-ai/grok-4", "choices": [{"index": 0, "delta": {"content": "Hello"}}]}
    chunk = b"data: " + json.dumps(said).encode() + b"\n\n"
    exchange = Exchange(journal).opens(
        body=b'{"model":"google/gemma-3","messages":[{"role":"user","content":"Hi"}]}',
        provider="openrouter",
    )
    exchange.head(50, headers=[("Content-Type", CONTENT_TYPES["sse"])])
    exchange.chunk(100, chunk + b"data: [DONE]\n\n")
    exchange.ends(101)
    (record,) = desk.read(desk.follower())
    assert (record.usage_source, record.output_tokens) == (UsageSource.ESTIMATED, None)


def gemini(**part: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]}


def test_a_gemini_array_is_timed_element_by_element(desk: Desk, journal: Writer) -> None:
    """The model is in the path; thoughts are not the first content."""
    end = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 5}}
    elements = [gemini(text="hm", thought=True), gemini(text="Hel"), gemini(text="lo"), end]
    chunks = [b"," + json.dumps(one).encode() for one in elements]
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    first, *rest = chunks
    record = recorded(desk, journal, path, JSON, b"[" + first[1:], *rest, b"]")
    assert (record.dialect, record.model, record.streaming) == ("gemini", "gemini-2.5-flash", True)
    assert (record.first_reasoning_ms, record.ttft_ms, record.last_token_ms) == (100, 200, 300)
    assert (record.outcome, record.response_text) == (Outcome.COMPLETED, "Hello")
    assert record.input_tokens == 5


def delta(text: str) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


START = event("messageStart", {"role": "assistant"})
STOP = event("messageStop", {"stopReason": "end_turn"})
METADATA = event("metadata", {"usage": {"inputTokens": 1000, "outputTokens": 100}})
CONVERSE = "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse-stream"


def test_a_converse_stream_is_timed_and_priced(desk: Desk, journal: Writer) -> None:
    """By the model of the path, since the answer names none."""
    record = recorded(
        desk, journal, CONVERSE, EVENTSTREAM, START, delta("Hel"), delta("lo"), STOP + METADATA,
        provider="bedrock",
    )  # fmt: skip
    assert record.model == "anthropic.claude-3-5-sonnet-20240620-v1:0"
    assert (record.first_event_ms, record.ttft_ms, record.last_token_ms) == (100, 200, 300)
    assert (record.input_tokens, record.output_tokens) == (1000, 100)
    assert record.cost_usd == pytest.approx(1000 * 3e-6 + 100 * 15e-6)
    assert record.outcome is Outcome.COMPLETED


def test_an_exception_of_aws_is_a_fault_in_the_stream(desk: Desk, journal: Writer) -> None:
    """What was said before it is kept."""
    told = exception("modelStreamErrorException", {"message": "it broke"})
    record = recorded(desk, journal, CONVERSE, EVENTSTREAM, START, delta("half"), told)
    assert (record.outcome, record.response_text) == (Outcome.FAULT_IN_STREAM, "half")
    assert (record.error_type, record.error_message) == ("modelStreamErrorException", "it broke")


def test_a_framing_that_is_lost_is_said(desk: Desk, journal: Writer) -> None:
    """Whether the answer was whole, nobody knows; the client got it as it was."""
    record = recorded(
        desk, journal, CONVERSE, EVENTSTREAM, START, delta("a"), b"<html>Sorry</html>"
    )
    assert (record.outcome, record.error_type) == (Outcome.COMPLETED, "undecodable")
    assert record.response_text == "a"


SAID = {"message": {"content": [{"text": "Hi"}]}}

WHOLE = [
    ("/v1beta/models/m:generateContent", gemini(text="Hi"), "gemini"),
    ("/model/m/converse", {"output": SAID}, "bedrock_converse"),
    ("/model/m/invoke", {"generation": "Hi", "stop_reason": "stop"}, "bedrock_invoke"),
    ("/v2/chat", {"message": {"content": [{"type": "text", "text": "Hi"}]}}, "cohere"),
    ("/api/chat", {"model": "m", "message": {"content": "Hi"}, "done": True}, "ollama"),
    ("/api/generate", {"model": "m", "response": "Hi", "done": True}, "ollama"),
    ("/v1/models/o/m/predictions", {"status": "succeeded", "output": ["H", "i"]}, "replicate"),
    ("/ml/v1/text/generation", {"results": [{"generated_text": "Hi"}]}, "watsonx"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "said", "dialect"), WHOLE)
def test_an_answer_that_was_not_streamed_has_no_token_times(
    desk: Desk, journal: Writer, path: str, said: dict[str, Any], dialect: str
) -> None:
    """But its text, and its end."""
    record = recorded(desk, journal, path, JSON, json.dumps(said).encode())
    assert (record.dialect, record.response_text) == (dialect, "Hi")
    assert (record.outcome, record.streaming, record.ttft_ms) == (Outcome.COMPLETED, False, None)
