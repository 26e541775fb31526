"""The Vercel AI SDK's streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgauge.record import Fault, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated

DONE = b"data: [DONE]\n\n"


def sse(*parts: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(part).encode() + b"\n\n" for part in parts)


def part(kind: str, **said: Any) -> dict[str, Any]:
    return {"type": kind, **said}


PARTS = (
    part("start", messageId="m1"),
    part("start-step"),
    part("reasoning-start", id="r"),
    part("reasoning-delta", id="r", delta="hm"),
    part("reasoning-end", id="r"),
    part("text-start", id="t"),
    part("text-delta", id="t", delta="Hel"),
    part("text-delta", id="t", delta="lo"),
    part("text-end", id="t"),
    part("tool-input-start", toolCallId="c1", toolName="f"),
    part("tool-input-delta", toolCallId="c1", inputTextDelta='{"x"'),
    part("tool-input-delta", toolCallId="c1", inputTextDelta=":1}"),
    part("tool-input-available", toolCallId="c1", toolName="f", input={"x": 1}),
    part("tool-input-available", toolCallId="c2", toolName="g", input={}),
    part("tool-output-available", toolCallId="c1", output={"y": 2}),
    part("source-url", sourceId="s", url="u"),
    part("data-weather", data={"sun": True}),
    part("finish-step"),
)


def test_text_reasoning_and_tools(cut: Cut) -> None:
    """Input that came in pieces comes once more as a whole, and is read once."""
    raw = sse(*PARTS, part("finish", finishReason="stop")) + DONE
    got = accumulated("ai_sdk", "sse", raw, cut)
    (choice,) = got.reply().choices
    assert (choice.text, choice.reasoning, got.id) == ("Hello", "hm", "m1")
    assert choice.tool_calls == (
        ToolCall(index=0, id="c1", type="function", name="f", arguments='{"x":1}'),
        ToolCall(index=1, id="c2", type="function", name="g", arguments="{}"),
    )
    assert choice.extra == {"parts": list(PARTS[14:17])}
    assert (got.finish_reasons(), got.has_terminal, got.unknown) == (("stop",), True, 0)


def test_without_done_a_stream_was_cut() -> None:
    """`finish` ends the message, `[DONE]` the stream."""
    got = accumulated("ai_sdk", "sse", sse(*PARTS, part("finish")), whole)
    assert (got.has_terminal, got.unknown) == (False, 0)


def test_usage_is_read_where_the_server_put_it() -> None:
    """The protocol has no place of its own for it."""
    usage = {"inputTokens": 3, "outputTokens": 2}
    said = {"totalUsage": usage, "model": "m"}
    got = accumulated("ai_sdk", "sse", sse(part("finish", messageMetadata=said)) + DONE, whole)
    assert (got.usage, got.reply().extra) == (usage, {"messageMetadata": said})


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (part("error", errorText="oops"), Fault(message="oops")),
        (part("abort", reason="user"), Fault(type="abort", message="user")),
    ],
)
def test_an_error_is_a_fault(said: dict[str, Any], fault: Fault, cut: Cut) -> None:
    """And so is an abort of the server."""
    got = accumulated("ai_sdk", "sse", sse(part("text-delta", delta="half"), said) + DONE, cut)
    assert (got.text(), got.faults) == ("half", [fault])


def test_a_part_of_tomorrow_is_one_unknown() -> None:
    """The rest goes on."""
    raw = sse(part("novelty"), part("text-delta", delta="a")) + b"data: oops\n\n" + DONE
    got = accumulated("ai_sdk", "sse", raw, whole)
    assert (got.unknown, got.text(), got.has_terminal) == (2, "a", True)


def test_the_data_stream_of_version_4_is_read_too(cut: Cut) -> None:
    """A letter, a colon and JSON."""
    raw = (
        b'f:{"messageId":"m1"}\n'
        b'g:"hm"\n'
        b'0:"Hel"\n'
        b'0:"lo"\n'
        b'2:[{"sun":true}]\n'
        b'b:{"toolCallId":"c1","toolName":"f"}\n'
        b'c:{"toolCallId":"c1","argsTextDelta":"{\\"x\\":1}"}\n'
        b'9:{"toolCallId":"c1","toolName":"f","args":{"x":1}}\n'
        b'9:{"toolCallId":"c2","toolName":"g","args":{}}\n'
        b'a:{"toolCallId":"c1","result":2}\n'
        b'h:{"url":"u"}\n'
        b'e:{"finishReason":"stop","usage":{"promptTokens":3,"completionTokens":1}}\n'
        b'd:{"finishReason":"stop","usage":{"promptTokens":3,"completionTokens":2}}\n'
    )
    got = accumulated("ai_sdk", "ndjson", raw, cut)
    (choice,) = got.reply().choices
    assert (choice.text, choice.reasoning, got.id) == ("Hello", "hm", "m1")
    assert [(one.name, one.arguments) for one in choice.tool_calls] == [
        ("f", '{"x":1}'),
        ("g", "{}"),
    ]
    assert choice.extra == {
        "data": [{"sun": True}],
        "results": [{"toolCallId": "c1", "result": 2}],
        "sources": [{"url": "u"}],
    }
    assert got.usage == {"promptTokens": 3, "completionTokens": 2}
    assert (got.is_usage_final, got.has_terminal, got.unknown) == (True, True, 0)


def test_its_errors_and_its_cuts_are_known() -> None:
    """An error line is a fault; without the finish line it was cut; an odd letter is unknown."""
    got = accumulated("ai_sdk", "ndjson", b'0:"half"\n3:"oops"\nz:1\n0:{oops\n', whole)
    assert got.faults[0] == Fault(message="oops")
    assert (got.stream_faults, got.unknown, got.has_terminal) == (1, 2, False)
