"""Anthropic Messages."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.record import Fault, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated


def sse(*events: Any) -> bytes:
    return b"".join(
        b"event: " + e["type"].encode() + b"\ndata: " + json.dumps(e).encode() + b"\n\n"
        for e in events
    )


def block(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": content}


START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
}
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 42},
}
STOP = {"type": "message_stop"}


def test_text_thinking_and_signature(cut: Cut) -> None:
    """Each in its place; pings say nothing."""
    raw = sse(
        START,
        block(0, type="thinking", thinking=""),
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="signature_delta", signature="sig"),
        {"type": "content_block_stop", "index": 0},
        {"type": "ping"},
        block(1, type="text", text=""),
        delta(1, type="text_delta", text="Hel"),
        delta(1, type="text_delta", text="lo"),
        END,
        STOP,
    )
    got = accumulated("anthropic", "sse", raw, cut)
    (choice,) = got.reply().choices
    assert (choice.text, choice.reasoning, choice.finish_reason) == ("Hello", "hm", "end_turn")
    assert choice.extra["signatures"] == ["sig"]
    assert got.has_terminal
    assert (got.id, got.model) == ("msg_1", "claude")
    assert not got.unknown


def test_usage_is_that_of_both_ends() -> None:
    """Input and cache from the start, output from the end."""
    got = accumulated("anthropic", "sse", sse(START, END, STOP), whole)
    assert got.usage == {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 42}
    assert got.is_usage_final


def test_usage_of_a_broken_stream_is_not_final() -> None:
    """The one output token of the start is only what was counted so far."""
    got = accumulated("anthropic", "sse", sse(START), whole)
    assert got.usage is not None
    assert not got.is_usage_final
    assert not got.has_terminal


def test_tool_input_comes_in_pieces(cut: Cut) -> None:
    """Tool calls are numbered among themselves, not by block."""
    raw = sse(
        START,
        block(0, type="text", text="Let me see."),
        block(1, type="tool_use", id="t1", name="f", input={}),
        delta(1, type="input_json_delta", partial_json='{"x"'),
        block(2, type="server_tool_use", id="t2", name="web_search", input={}),
        delta(2, type="input_json_delta", partial_json='{"q":1}'),
        delta(1, type="input_json_delta", partial_json=":2}"),
        END,
        STOP,
    )
    got = accumulated("anthropic", "sse", raw, cut)
    assert got.reply().choices[0].tool_calls == (
        ToolCall(index=0, id="t1", type="tool_use", name="f", arguments='{"x":2}'),
        ToolCall(index=1, id="t2", type="server_tool_use", name="web_search", arguments='{"q":1}'),
    )


def test_citations_and_results_of_server_tools_are_kept() -> None:
    """They have no word of ours, so they keep theirs."""
    raw = sse(
        START,
        block(0, type="web_search_tool_result", tool_use_id="t2", content=[{"title": "x"}]),
        block(1, type="text", text=""),
        delta(1, type="citations_delta", citation={"cited_text": "y"}),
        END,
        STOP,
    )
    extra = accumulated("anthropic", "sse", raw, whole).reply().choices[0].extra
    assert extra["blocks"][0]["tool_use_id"] == "t2"
    assert extra["citations"] == [{"cited_text": "y"}]


def test_an_error_event_is_a_fault_and_keeps_what_was_said(cut: Cut) -> None:
    """Overloaded in the middle of a 200."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    raw = sse(START, block(0, type="text", text="half"), error)
    got = accumulated("anthropic", "sse", raw, cut)
    assert got.text() == "half"
    assert (got.faults[0].type, got.faults[0].message) == ("overloaded_error", "Overloaded")


def test_an_event_of_tomorrow_is_kept_and_no_fault() -> None:
    """Anthropic may add some, and Vertex AI has; the rest goes on."""
    raw = sse(START, {"type": "something_new", "x": 1}, block(0, type="text", text="a"), END, STOP)
    got = accumulated("anthropic", "sse", raw, whole)
    assert (got.unknown, got.reply().faults) == (0, ())
    assert got.reply().choices[0].extra["events"] == [{"type": "something_new", "x": 1}]
    assert got.text() == "a"


def test_a_whole_answer_is_read_too(cut: Cut) -> None:
    """Blocks, usage and stop reason at once."""
    body = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    got = accumulated("anthropic", "plain", json.dumps(body).encode(), cut)
    (choice,) = got.reply().choices
    assert (choice.text, choice.reasoning) == ("Hello", "hm")
    assert choice.tool_calls[0].arguments == '{"x":1}'
    assert got.finish_reasons() == ("tool_use",)
    assert got.has_terminal


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """Citations, signatures and what was redacted too."""
    hidden = {"type": "redacted_thinking", "data": "D"}
    start = START["message"]
    assert isinstance(start, dict)
    body = start | {
        "type": "message",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "Hello", "citations": [{"cited_text": "y"}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
            hidden,
        ],
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 42},
    }
    raw = sse(
        START,
        block(0, type="thinking", thinking=""),
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="signature_delta", signature="s"),
        block(1, type="text", text=""),
        delta(1, type="citations_delta", citation={"cited_text": "y"}),
        delta(1, type="text_delta", text="Hello"),
        block(2, type="tool_use", id="t", name="f", input={}),
        delta(2, type="input_json_delta", partial_json='{"x":1}'),
        block(3, **hidden),
        END | {"delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"}},
        STOP,
    )
    alone = accumulated("anthropic", "plain", json.dumps(body, indent=1).encode(), cut)
    assert alone.reply() == accumulated("anthropic", "sse", raw, cut).reply()
    assert (alone.has_terminal, alone.is_usage_final) == (True, True)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}},
            Fault(type="rate_limit_error", message="slow"),
        ),
        (
            {"error": {"code": 502, "message": "bad gateway"}},
            Fault(type="502", message="bad gateway"),
        ),
    ],
    ids=["anthropic's", "a proxy's"],
)
def test_an_error_body_is_a_fault(body: dict[str, Any], fault: Fault, cut: Cut) -> None:
    """With the words of whoever sent it."""
    got = accumulated("anthropic", "plain", json.dumps(body).encode(), cut)
    assert got.faults == [fault]
    assert (got.stream_faults, got.has_terminal) == (1, False)


def test_a_whole_tool_call_without_input_has_an_empty_object() -> None:
    """Its id is text, whatever was sent."""
    tool = {"type": "tool_use", "id": 7, "name": "f", "input": {}}
    body = json.dumps({"type": "message", "content": [tool]}).encode()
    assert accumulated("anthropic", "plain", body, whole).reply().choices[0].tool_calls == (
        ToolCall(index=0, id="7", type="tool_use", name="f", arguments="{}"),
    )


def test_a_frame_that_cannot_be_read_is_one_unknown_and_the_rest_goes_on(cut: Cut) -> None:
    """Bad JSON, wrong types, absurd nesting, broken UTF-8."""
    rubbish = [b"{oops", b"3", b'{"type":{}}', b"[" * 20_000, b'{"type":"\xff"}']
    raw = b"".join(b"data: " + data + b"\n\n" for data in rubbish)
    got = accumulated("anthropic", "sse", raw + sse(START, END, STOP), cut)
    assert (got.unknown, got.stream_faults, got.has_terminal) == (5, 0, True)


def test_what_has_no_word_of_ours_keeps_its_own(cut: Cut) -> None:
    """Of the message, of its end, of blocks and calls, and deltas of tomorrow."""
    tool = {"type": "tool_use", "id": "t", "name": "f", "caller": {"type": "direct"}}
    start = {"type": "message_start", "message": {"id": "m", "container": {"id": "c"}}}
    raw = sse(
        start,
        block(0, type="text", text="a", mood="glad"),
        delta(0, type="compaction_delta", content="x"),
        delta(0, type="compaction_delta", content="y"),
        block(1, **tool),
        END | {"context_management": {"applied_edits": [1]}},
        STOP,
    )
    reply = accumulated("anthropic", "sse", raw, cut).reply()
    assert reply.extra == {
        "container": {"id": "c"},
        "context_management": {"applied_edits": [1]},
    }
    assert reply.choices[0].extra == {
        "blocks": [{"type": "text", "mood": "glad"}],
        "content": "xy",
        "tool_calls": [{"index": 0, "caller": {"type": "direct"}}],
    }


@pytest.mark.parametrize(
    "event",
    [delta(0, text=["M"]), delta(0, partial_json={"x": "M"}), block(0, type="text", text=["M"])],
)
def test_a_field_of_another_type_keeps_what_it_says(event: dict[str, Any]) -> None:
    got = accumulated("anthropic", "sse", sse(START, event), whole)
    assert "M" in json.dumps(msgspec.to_builtins(got.reply().choices))


@pytest.mark.parametrize("event", [START | {"message": "M"}, delta(0) | {"delta": ["M"]}])
def test_an_event_about_nothing_is_unknown(event: dict[str, Any]) -> None:
    """Where an object should be."""
    assert accumulated("anthropic", "sse", sse(event), whole).unknown == 1


def test_an_emoji_cut_in_two_is_whole_again(cut: Cut) -> None:
    """Neither half is lost as an unknown frame."""
    halves = [
        b'data: {"type":"content_block_delta","index":0,"delta":{"text":"' + half + b'"}}\n\n'
        for half in (rb"a\ud83d", rb"\ude00b")
    ]
    got = accumulated("anthropic", "sse", sse(START) + b"".join(halves), cut)
    assert (got.text(), got.unknown) == ("a😀b", 0)


def test_an_error_event_without_json_is_a_fault() -> None:
    """Somebody in between wrote it."""
    got = accumulated("anthropic", "sse", b"event: error\ndata: gone\n\n", whole)
    assert got.faults == [Fault(message="gone")]


KINDS = "message_start content_block_start content_block_delta message_delta message error text "
KINDS += "thinking tool_use server_tool_use novelty"
FIELDS = "message content_block delta usage error index content text thinking citations citation "
FIELDS += "input id name partial_json stop_reason"
ANY_JSON = st.recursive(
    st.none() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(
            lambda kind, rest: {"type": kind} | rest,
            st.sampled_from(KINDS.split()),
            st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5),
        )
    ),
    max_leaves=30,
)


@given(st.lists(ANY_JSON, max_size=4))
def test_no_json_whatever_is_an_error(values: list[Any]) -> None:
    """Reading never raises, and what it gives can be stored."""
    raw = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)
    msgspec.json.encode(accumulated("anthropic", "sse", raw, whole).reply())
