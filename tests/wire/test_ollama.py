"""Ollama."""

from __future__ import annotations

import json
from typing import Any

from streamgauge.record import Fault, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated

COUNTS = {"prompt_eval_count": 9, "eval_count": 4, "total_duration": 1000}


def lines(*said: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({"model": "m", **one}).encode() + b"\n" for one in said)


def message(**said: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": "", **said}, "done": False}


CALLS = [
    {"function": {"name": "f", "arguments": {"x": 1}}},
    {"id": "c2", "function": {"name": "g"}},
]
END = message() | {"done": True, "done_reason": "stop", **COUNTS}
CHAT = (
    message(thinking="h"),
    message(thinking="m"),
    message(content="Hel"),
    message(content="lo"),
    message(tool_calls=CALLS),
    END,
)


def test_text_thinking_and_calls(cut: Cut) -> None:
    """Calls come whole, and are numbered as they come."""
    got = accumulated("ollama", "ndjson", lines(*CHAT), cut)
    (choice,) = got.reply().choices
    assert (choice.role, choice.text, choice.reasoning) == ("assistant", "Hello", "hm")
    assert choice.tool_calls == (
        ToolCall(index=0, type="function", name="f", arguments='{"x":1}'),
        ToolCall(index=1, id="c2", type="function", name="g", arguments="{}"),
    )
    assert (got.model, got.finish_reasons(), got.usage) == ("m", ("stop",), COUNTS)
    assert (got.is_usage_final, got.has_terminal, got.unknown) == (True, True, 0)


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """It is the last line with everything in it."""
    body = END | message(content="Hello", thinking="hm", tool_calls=CALLS) | {"done": True}
    alone = accumulated("ollama", "plain", lines(body), cut)
    assert alone.reply() == accumulated("ollama", "ndjson", lines(*CHAT), whole).reply()
    assert alone.has_terminal


def test_a_generation_is_read_too(cut: Cut) -> None:
    """Its text has no message around it."""
    end = {"response": "", "done": True, "done_reason": "length", "context": [1, 2], **COUNTS}
    raw = lines({"response": "", "thinking": "hm"}, {"response": "Hel"}, {"response": "lo"}, end)
    got = accumulated("ollama", "ndjson", raw, cut)
    (choice,) = got.reply().choices
    assert (choice.text, choice.reasoning, choice.finish_reason) == ("Hello", "hm", "length")
    assert choice.extra == {"context": [1, 2]}
    assert (got.has_terminal, got.unknown) == (True, 0)


def test_a_line_that_says_error_is_a_fault(cut: Cut) -> None:
    """In the middle of a 200, and as a body."""
    got = accumulated(
        "ollama", "ndjson", lines(message(content="half")) + b'{"error":"oom"}\n', cut
    )
    assert (got.text(), got.faults) == ("half", [Fault(message="oom")])
    assert not got.has_terminal
    got = accumulated("ollama", "plain", b'{"error":"model not found"}', cut)
    assert got.faults == [Fault(message="model not found")]


def test_what_has_no_word_of_ours_is_kept() -> None:
    """Under their own names."""
    probs = [{"token": "a", "logprob": -1}]
    said = message(content="a") | {"logprobs": probs}
    raw = lines(said, said, message(images=["AA=="], novelty=1), END)
    extra = accumulated("ollama", "ndjson", raw, whole).reply().choices[0].extra
    assert extra == {"logprobs": probs * 2, "images": ["AA=="], "novelty": [1]}


def test_a_line_of_nothing_known_is_one_unknown() -> None:
    """The rest goes on."""
    got = accumulated("ollama", "ndjson", b'{"x":1}\n["done"]\n' + lines(*CHAT), whole)
    assert (got.unknown, got.text()) == (2, "Hello")
