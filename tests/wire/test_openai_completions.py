"""OpenAI text completions."""

from __future__ import annotations

import json
from typing import Any

from streamgauge.record import Choice
from tests.wire.cuts import Cut
from tests.wire.reading import accumulated

NAME = "openai_completions"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def chunk(text: str, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish, **more}
    return {"id": "cmpl", "object": "text_completion", "model": "m", "choices": [choice]}


def sse(*chunks: Any) -> bytes:
    lines = [b"data: " + json.dumps(chunk).encode() for chunk in chunks]
    return b"\n\n".join([*lines, b"data: [DONE]"]) + b"\n\n"


def test_each_prompt_has_its_choice(cut: Cut) -> None:
    """`echo` puts the prompt in front of it."""
    raw = sse(
        chunk("Say A"),
        chunk("Say B", 1),
        chunk(": b", 1),
        chunk(": a"),
        chunk("", 1, "length"),
        chunk("", 0, "stop"),
        {**chunk(""), "choices": [], "usage": USAGE},
    )
    got = accumulated(NAME, "sse", raw, cut)
    assert got.reply().choices == (
        Choice(text="Say A: a", finish_reason="stop"),
        Choice(index=1, text="Say B: b", finish_reason="length"),
    )
    assert (got.usage, got.is_usage_final, got.has_terminal) == (USAGE, True, True)


def test_logprobs_are_kept(cut: Cut) -> None:
    """In the older shape: lists side by side."""
    odds = [{"tokens": [token], "token_logprobs": [-1.0], "text_offset": [0]} for token in "ab"]
    raw = sse(chunk("a", logprobs=odds[0]), chunk("b", logprobs=odds[1]))
    (choice,) = accumulated(NAME, "sse", raw, cut).reply().choices
    assert choice == Choice(text="ab", extra={"logprobs": odds})


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """A whole answer has no last word; its finish reason has to do."""
    body = chunk("Hello", 0, "stop") | {"usage": USAGE, "created": 5}
    raw = sse(chunk("Hel"), chunk("lo"), chunk("", 0, "stop") | {"usage": USAGE, "created": 5})
    alone = accumulated(NAME, "plain", json.dumps(body).encode(), cut)
    assert alone.reply() == accumulated(NAME, "sse", raw, cut).reply()
    assert (alone.has_finish, alone.is_usage_final) == (True, True)


def test_a_delta_in_between_is_no_trouble(cut: Cut) -> None:
    """vLLM ends with one, without an index."""
    end = {**chunk(""), "choices": [{"delta": {}, "finish_reason": "stop"}]}
    got = accumulated(NAME, "sse", sse(chunk("a"), end), cut)
    assert (got.text(), got.finish_reasons(), got.unknown) == ("a", ("stop",), 0)
