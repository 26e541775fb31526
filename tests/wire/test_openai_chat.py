"""OpenAI chat completions and their relatives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgauge.record import Choice, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated


def sse(*chunks: Any, done: bool = True) -> bytes:
    lines = [b"data: " + (c if isinstance(c, bytes) else json.dumps(c).encode()) for c in chunks]
    return b"\n\n".join([*lines, b"data: [DONE]"] if done else lines) + b"\n\n"


def delta(
    content: str | None = None, index: int = 0, finish: str | None = None, **more: Any
) -> Any:
    message = {"content": content, **more} if content is not None else more
    choice = {"index": index, "delta": message, "finish_reason": finish}
    return {"id": "c1", "model": "m", "object": "chat.completion.chunk", "choices": [choice]}


def test_choices_are_kept_apart(cut: Cut) -> None:
    """n=2, interleaved."""
    raw = sse(delta("A"), delta("a", 1), delta("B"), delta("b", 1, "length"), delta(finish="stop"))
    got = accumulated("openai_chat", "sse", raw, cut)
    assert [choice.text for choice in got.reply().choices] == ["AB", "ab"]
    assert got.finish_reasons() == ("stop", "length")
    assert got.text() == "AB\nab"


def call(index: int | None, **more: Any) -> dict[str, Any]:
    return more if index is None else {"index": index, **more}


def test_parallel_tool_calls_are_put_together_by_index(cut: Cut) -> None:
    """The id and the name come once, the arguments in pieces of both."""
    raw = sse(
        delta(
            tool_calls=[call(0, id="t1", type="function", function={"name": "f", "arguments": ""})]
        ),
        delta(tool_calls=[call(0, function={"arguments": '{"x"'})]),
        delta(
            tool_calls=[call(1, id="t2", type="function", function={"name": "g", "arguments": "{"})]
        ),
        delta(
            tool_calls=[
                call(1, function={"arguments": "}"}),
                call(0, function={"arguments": ":1}"}),
            ]
        ),
        delta(finish="tool_calls"),
    )
    got = accumulated("openai_chat", "sse", raw, cut)
    assert got.reply().choices[0].tool_calls == (
        ToolCall(index=0, id="t1", type="function", name="f", arguments='{"x":1}'),
        ToolCall(index=1, id="t2", type="function", name="g", arguments="{}"),
    )
    assert got.tool_names() == ("f", "g")


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        ({"refusal": "no"}, "refusal", "no"),
        ({"reasoning": "hm"}, "reasoning", "hm"),
        ({"reasoning_content": "hm"}, "reasoning", "hm"),
        ({"audio": {"transcript": "hi"}}, "text", "hi"),
    ],
)
def test_everything_said_is_kept(message: Any, field: str, value: str) -> None:
    """Under its own name."""
    got = accumulated("openai_chat", "sse", sse(delta(**message)), whole)
    assert getattr(got.reply().choices[0], field) == value


def test_logprobs_are_kept() -> None:
    """In order."""
    chunk = delta("a")
    chunk["choices"][0]["logprobs"] = {"content": [{"token": "a"}]}
    got = accumulated("openai_chat", "sse", sse(chunk, chunk), whole)
    assert len(got.reply().choices[0].extra["logprobs"]) == 2


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


@pytest.mark.parametrize(
    "chunks",
    [
        [delta("a"), {"id": "c1", "choices": [], "usage": USAGE}],
        [delta("a"), {**delta(finish="stop"), "usage": USAGE}],
        [
            {**delta("a"), "usage": {**USAGE, "completion_tokens": 1}},
            {**delta("b"), "usage": USAGE},
        ],
        [delta("a"), {**delta(finish="stop"), "x_groq": {"id": "r", "usage": USAGE}}],
        [{**delta("a"), "usage": None}, {**delta(finish="stop"), "usage": USAGE}],
    ],
    ids=["own chunk", "last content chunk", "every chunk", "x_groq", "null before"],
)
def test_usage_is_found_wherever_it_is(chunks: list[Any]) -> None:
    """The last report counts."""
    got = accumulated("openai_chat", "sse", sse(*chunks), whole)
    assert got.usage == USAGE
    assert got.is_usage_final


def test_an_error_in_the_stream_is_a_fault_and_keeps_what_was_said(cut: Cut) -> None:
    """A 200 that turns bad is not a success."""
    raw = sse(
        delta("half"), {"error": {"type": "server_error", "message": "overloaded"}}, done=False
    )
    got = accumulated("openai_chat", "sse", raw, cut)
    assert got.text() == "half"
    assert got.stream_faults == 1
    assert (got.faults[0].type, got.faults[0].message) == ("server_error", "overloaded")
    assert not got.has_terminal


def test_a_chunk_that_cannot_be_read_is_one_unknown_and_the_rest_goes_on(cut: Cut) -> None:
    """Bad JSON, wrong types, absurd nesting."""
    raw = sse(delta("a"), b"{not json", b'{"choices": 5}', b"[" * 20_000, delta("b"))
    got = accumulated("openai_chat", "sse", raw, cut)
    assert got.text() == "ab"
    assert got.unknown == 3
    assert got.has_terminal


def test_azure_begins_without_choices() -> None:
    """Its first chunk has content filters only."""
    first = {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    got = accumulated("openai_chat", "sse", sse(first, delta("a")), whole)
    assert got.text() == "a"
    assert got.reply().extra["prompt_filter_results"] == [{"prompt_index": 0}]


def test_together_says_everything_twice() -> None:
    """`text` beside the delta is the same text."""
    chunk = delta("a")
    chunk["choices"][0]["text"] = "a"
    assert accumulated("openai_chat", "sse", sse(chunk, chunk), whole).text() == "aa"


def test_a_whole_answer_is_read_too(cut: Cut) -> None:
    """The same words as in a stream, and it is complete."""
    body = {
        "id": "c1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "hello", "refusal": None},
            }
        ],
        "usage": USAGE,
    }
    got = accumulated("openai_chat", "plain", json.dumps(body).encode(), cut)
    assert got.reply().choices == (
        Choice(index=0, role="assistant", text="hello", finish_reason="stop"),
    )
    assert got.has_terminal
    assert got.usage == USAGE


def test_an_error_body_is_a_fault() -> None:
    """With the provider's words."""
    body = b'{"error":{"message":"slow down","type":"rate_limit","code":429}}'
    got = accumulated("openai_chat", "plain", body, whole)
    assert got.faults[0].message == "slow down"
