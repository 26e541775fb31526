"""Cohere chat."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgauge.record import Fault, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated

USAGE = {
    "billed_units": {"input_tokens": 7, "output_tokens": 3},
    "tokens": {"input_tokens": 70, "output_tokens": 4},
}


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one).encode())
        for one in events
    )


def said(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind, "delta": {"message": message}}
    return made if index is None else made | {"index": index}


def call(index: int, kind: str = "delta", **call: Any) -> dict[str, Any]:
    return said(f"tool-call-{kind}", index, tool_calls=call)


START = said("message-start", role="assistant", content=[], tool_calls=[]) | {"id": "c1"}
CITATION = {"start": 0, "end": 5, "text": "Hello", "sources": [{"type": "tool", "id": "t1:0"}]}
END = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}}

STREAM = (
    START,
    said("tool-plan-delta", tool_plan="I will "),
    said("tool-plan-delta", tool_plan="look."),
    call(0, "start", id="t1", type="function", function={"name": "f", "arguments": ""}),
    call(0, function={"arguments": '{"x"'}),
    call(0, function={"arguments": ":1}"}),
    {"type": "tool-call-end", "index": 0},
    call(1, "start", id="t2", type="function", function={"name": "g", "arguments": ""}),
    call(1, function={"arguments": "{}"}),
    {"type": "tool-call-end", "index": 1},
    said("content-start", 0, content={"type": "thinking", "thinking": ""}),
    said("content-delta", 0, content={"thinking": " Hm."}),
    {"type": "content-end", "index": 0},
    said("content-start", 1, content={"type": "text", "text": ""}),
    said("content-delta", 1, content={"text": "Hel"}),
    said("content-delta", 1, content={"text": "lo"}),
    said("citation-start", 0, citations=CITATION),
    {"type": "citation-end", "index": 0},
    {"type": "content-end", "index": 1},
    END,
)


def test_text_thinking_plan_and_calls(cut: Cut) -> None:
    """The plan is reasoning: Cohere calls it a chain of thought."""
    got = accumulated("cohere", "sse", sse(*STREAM) + b"data: [DONE]\n\n", cut)
    (choice,) = got.reply().choices
    assert (choice.role, choice.text) == ("assistant", "Hello")
    assert choice.reasoning == "I will look. Hm."
    assert choice.tool_calls == (
        ToolCall(index=0, id="t1", type="function", name="f", arguments='{"x":1}'),
        ToolCall(index=1, id="t2", type="function", name="g", arguments="{}"),
    )
    assert choice.extra == {"citations": [CITATION]}
    assert (got.id, got.usage, got.finish_reasons()) == ("c1", USAGE, ("COMPLETE",))
    assert (got.is_usage_final, got.has_terminal, got.unknown) == (True, True, 0)


def test_the_end_of_the_message_is_the_last_word() -> None:
    """`[DONE]` adds nothing, and does not always come."""
    assert accumulated("cohere", "sse", sse(START, END), whole).has_terminal
    assert not accumulated("cohere", "sse", sse(*STREAM[:-1]), whole).has_terminal


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """Whole calls, whole citations."""
    body = {
        "id": "c1",
        "finish_reason": "COMPLETE",
        "message": {
            "role": "assistant",
            "tool_plan": "I will look.",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
                {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
            "content": [
                {"type": "thinking", "thinking": " Hm."},
                {"type": "text", "text": "Hello"},
            ],
            "citations": [CITATION],
        },
        "usage": USAGE,
    }
    alone = accumulated("cohere", "plain", json.dumps(body).encode(), cut)
    assert alone.reply() == accumulated("cohere", "sse", sse(*STREAM), whole).reply()
    assert (alone.has_terminal, alone.is_usage_final) == (True, True)


def test_what_the_end_says_beside_is_kept() -> None:
    """Under its own name."""
    end = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "novelty": 1}}
    assert accumulated("cohere", "sse", sse(START, end), whole).reply().extra == {"novelty": 1}


def test_an_error_at_the_end_is_a_fault() -> None:
    """With what was said before it."""
    end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "it broke"}}
    got = accumulated("cohere", "sse", sse(START, end), whole)
    assert got.faults == [Fault(message="it broke")]
    assert got.finish_reasons() == ("ERROR",)


def test_an_error_body_is_a_fault(cut: Cut) -> None:
    """Cohere's is a message, a proxy's an error."""
    got = accumulated("cohere", "plain", b'{"id":"x","message":"invalid api token"}', cut)
    assert got.faults == [Fault(message="invalid api token")]
    got = accumulated("cohere", "plain", b'{"error":{"type":"t","message":"m"}}', cut)
    assert got.faults == [Fault(type="t", message="m")]


def test_the_events_of_v1_are_read_too(cut: Cut) -> None:
    """They have no numbers, and JSON lines for a framing."""
    usage = {"billed_units": {"input_tokens": 1}, "tokens": {"input_tokens": 2, "output_tokens": 3}}
    lines: list[dict[str, Any]] = [
        {"event_type": "stream-start", "generation_id": "g1"},
        {"event_type": "search-results", "documents": [{"id": "d"}]},
        {"event_type": "text-generation", "text": "Hel"},
        {"event_type": "text-generation", "text": "lo"},
        {"event_type": "citation-generation", "citations": [CITATION]},
        {"event_type": "tool-calls-chunk", "tool_call_delta": {"parameters": "{"}},
        {
            "event_type": "tool-calls-generation",
            "tool_calls": [{"name": "f", "parameters": {"x": 1}}, {"name": "g", "parameters": {}}],
        },
        {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": {"meta": usage}},
    ]
    raw = b"\n".join(json.dumps(line).encode() for line in lines)
    got = accumulated("cohere", "ndjson", raw, cut)
    (choice,) = got.reply().choices
    assert (choice.text, got.id, got.usage) == ("Hello", "g1", usage)
    assert [(one.name, one.arguments) for one in choice.tool_calls] == [
        ("f", '{"x":1}'),
        ("g", "{}"),
    ]
    assert choice.extra == {"events": [lines[1]], "citations": [CITATION]}
    assert (got.has_terminal, got.unknown) == (True, 0)


@pytest.mark.parametrize("reason", ["ERROR", "ERROR_TOXIC"])
def test_a_v1_stream_may_end_with_an_error(reason: str) -> None:
    """Then that is why."""
    raw = json.dumps({"event_type": "stream-end", "finish_reason": reason}).encode()
    assert accumulated("cohere", "ndjson", raw, whole).faults == [Fault(type=reason)]
