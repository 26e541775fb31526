"""Bedrock's Converse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgauge.record import Fault, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.messages import error, event, exception
from tests.wire.reading import accumulated

USAGE = {"inputTokens": 10, "outputTokens": 4, "totalTokens": 14, "cacheReadInputTokens": 3}


def start(index: int, **said: Any) -> bytes:
    return event("contentBlockStart", {"contentBlockIndex": index, "start": said, "p": "abc"})


def delta(index: int, **said: Any) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": said, "p": "abc"})


START = event("messageStart", {"role": "assistant", "p": "ab"})
STOP = event("messageStop", {"stopReason": "tool_use", "p": "abcd"})
METADATA = event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 7}, "p": "a"})

CITED = {"title": "t"}

STREAM = (
    START
    + delta(0, reasoningContent={"text": "h"})
    + delta(0, reasoningContent={"text": "m"})
    + delta(0, reasoningContent={"signature": "S"})
    + event("contentBlockStop", {"contentBlockIndex": 0})
    + delta(1, text="Hel")
    + delta(1, text="")
    + delta(1, text="lo")
    + delta(1, citation=CITED)
    + start(2, toolUse={"toolUseId": "t1", "name": "f"})
    + delta(2, toolUse={"input": '{"x"'})
    + delta(2, toolUse={"input": ":1}"})
    + start(3, toolUse={"toolUseId": "t2", "name": "g", "type": "server_tool_use"})
    + delta(4, reasoningContent={"redactedContent": "AA=="})
    + STOP
    + METADATA
)


def test_text_reasoning_and_tools(cut: Cut) -> None:
    """Tool calls are numbered among themselves; padding is nothing."""
    got = accumulated("bedrock_converse", "eventstream", STREAM, cut)
    (choice,) = got.reply().choices
    assert (choice.role, choice.text, choice.reasoning) == ("assistant", "Hello", "hm")
    assert choice.tool_calls == (
        ToolCall(index=0, id="t1", name="f", arguments='{"x":1}'),
        ToolCall(index=1, id="t2", name="g", type="server_tool_use"),
    )
    assert choice.extra == {
        "signatures": ["S"],
        "citations": [CITED],
        "blocks": [{"reasoningContent": {"redactedContent": "AA=="}}],
    }
    assert (got.finish_reasons(), got.usage) == (("tool_use",), USAGE)
    assert (got.is_usage_final, got.has_terminal, got.unknown) == (True, True, 0)
    assert got.reply().extra == {"metrics": {"latencyMs": 7}}


def test_without_its_metadata_a_stream_was_cut() -> None:
    """It always comes, behind the stop reason."""
    got = accumulated("bedrock_converse", "eventstream", START + STOP, whole)
    assert (got.has_finish, got.has_terminal) == (True, False)


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """Text and signature of the reasoning stand one deeper there."""
    body = {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "S"}}},
                    {"citationsContent": {"content": [{"text": "Hello"}], "citations": [CITED]}},
                    {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1}}},
                    {"toolUse": {"toolUseId": "t2", "name": "g", "type": "server_tool_use"}},
                    {"reasoningContent": {"redactedContent": "AA=="}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": USAGE,
        "metrics": {"latencyMs": 7},
    }
    alone = accumulated("bedrock_converse", "plain", json.dumps(body).encode(), cut)
    stream = accumulated("bedrock_converse", "eventstream", STREAM, whole)
    assert alone.reply() == stream.reply()
    assert (alone.has_terminal, alone.is_usage_final) == (True, True)


def test_an_exception_is_a_fault_and_keeps_what_was_said(cut: Cut) -> None:
    """Throttled in the middle of a 200."""
    told = {"message": "Too many tokens"}
    raw = START + delta(0, text="half") + exception("throttlingException", told)
    got = accumulated("bedrock_converse", "eventstream", raw, cut)
    assert got.text() == "half"
    assert got.faults == [Fault(type="throttlingException", message="Too many tokens")]
    assert not got.has_terminal


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (error("InternalFailure", "oops"), Fault(type="InternalFailure", message="oops")),
        (exception("x", {"originalMessage": "m"}), Fault(type="x", message="m")),
        (exception("x", []), Fault(type="x", message="[]")),
    ],
)
def test_an_error_has_its_words_where_it_can(raw: bytes, fault: Fault) -> None:
    """In a header, or elsewhere in the payload."""
    got = accumulated("bedrock_converse", "eventstream", raw, whole)
    assert got.faults == [fault]
    assert got.unknown == 0


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"message": "no access"}, Fault(message="no access")),
        ({"__type": "E", "Message": "m"}, Fault(type="E", message="m")),
        ({"error": {"type": "t", "message": "a proxy's"}}, Fault(type="t", message="a proxy's")),
    ],
)
def test_an_error_body_is_a_fault(body: dict[str, Any], fault: Fault, cut: Cut) -> None:
    """With the words of whoever sent it."""
    got = accumulated("bedrock_converse", "plain", json.dumps(body).encode(), cut)
    assert got.faults == [fault]


def test_events_by_their_key_are_read_too(cut: Cut) -> None:
    """SDKs give them so."""
    lines = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "Hello"}, "contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": USAGE}},
    ]
    raw = b"\n".join(json.dumps(line).encode() for line in lines)
    got = accumulated("bedrock_converse", "ndjson", raw, cut)
    assert (got.text(), got.has_terminal, got.usage) == ("Hello", True, USAGE)


def test_an_event_of_tomorrow_is_one_unknown_and_a_new_block_is_kept() -> None:
    """The rest goes on."""
    raw = START + event("somethingNew", {"x": 1}) + delta(0, video={"v": 1}) + delta(1, text="a")
    got = accumulated("bedrock_converse", "eventstream", raw, whole)
    assert (got.unknown, got.text()) == (1, "a")
    assert got.reply().choices[0].extra["blocks"] == [{"video": {"v": 1}}]
