"""Gemini."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgauge.record import Fault, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated

USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}


def sse(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def array(*chunks: Any) -> bytes:
    return json.dumps(chunks, indent=2).encode()


def candidate(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, "index": 0, **more}


def chunk(*candidates: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {"candidates": list(candidates), "modelVersion": "gemini-3", "responseId": "r1"}
    return made | more


SAID = (
    chunk(candidate({"text": "hm", "thought": True}), usageMetadata={"promptTokenCount": 5}),
    chunk(candidate({"text": "Hel"})),
    chunk(candidate({"text": "lo", "thoughtSignature": "S"})),
    chunk(
        candidate({"functionCall": {"name": "f", "args": {"x": 1}, "id": "c1"}}),
    ),
    chunk(candidate({"functionCall": {"name": "g", "args": {}}})),
    chunk(candidate(finishReason="STOP"), usageMetadata=USAGE),
)


@pytest.mark.parametrize(("framing", "made"), [("sse", sse), ("jsonarray", array)])
def test_text_thoughts_and_calls(framing: str, made: Any, cut: Cut) -> None:
    """Each in its place, as SSE and as an array that grows."""
    got = accumulated("gemini", framing, made(*SAID), cut)
    (choice,) = got.reply().choices
    assert (choice.role, choice.text, choice.reasoning) == ("model", "Hello", "hm")
    assert choice.tool_calls == (
        ToolCall(index=0, id="c1", type="function", name="f", arguments='{"x":1}'),
        ToolCall(index=1, type="function", name="g", arguments="{}"),
    )
    assert choice.extra == {"thoughtSignatures": ["S"]}
    assert (got.id, got.model, got.finish_reasons()) == ("r1", "gemini-3", ("STOP",))
    assert (got.usage, got.is_usage_final, got.has_terminal) == (USAGE, True, True)
    assert not got.unknown


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """Its parts all stand in one candidate."""
    parts = [part for said in SAID for part in said["candidates"][0]["content"]["parts"]]
    parts[1:3] = [{"text": "Hello", "thoughtSignature": "S"}]
    body = chunk(candidate(*parts, finishReason="STOP"), usageMetadata=USAGE)
    alone = accumulated("gemini", "plain", json.dumps(body).encode(), cut)
    assert alone.reply() == accumulated("gemini", "sse", sse(*SAID), whole).reply()
    assert (alone.has_terminal, alone.is_usage_final) == (True, True)


def test_usage_counts_along_and_is_final_with_the_end() -> None:
    """A stream that broke off has a running count."""
    raw = sse(chunk(candidate({"text": "a"}), usageMetadata=USAGE))
    got = accumulated("gemini", "sse", raw, whole)
    assert (got.usage, got.is_usage_final, got.has_terminal) == (USAGE, False, False)


def test_an_answer_has_ended_when_all_its_candidates_have(cut: Cut) -> None:
    """Each has a number of its own."""
    first, second = candidate({"text": "a"}), candidate({"text": "b"}) | {"index": 1}
    ends = [one | {"finishReason": "STOP"} for one in (first, second)]
    half = accumulated("gemini", "sse", sse(chunk(first, second), chunk(ends[0])), cut)
    assert (half.has_finish, half.has_terminal) == (True, False)
    raw = sse(chunk(first, second), chunk(ends[0]), chunk(ends[1]))
    got = accumulated("gemini", "sse", raw, cut)
    assert got.has_terminal
    assert [choice.text for choice in got.reply().choices] == ["aa", "bb"]
    raw = sse(chunk(first, second), chunk(ends[0]), chunk(first, ends[1]))
    assert accumulated("gemini", "sse", raw, cut).has_terminal


def test_what_has_no_word_of_ours_keeps_its_own() -> None:
    """Code, images, grounding, ratings; what is repeated is kept once."""
    ratings = [{"category": "HARM", "probability": "LOW"}]
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    image = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    raw = sse(
        chunk(candidate(code, safetyRatings=ratings, groundingMetadata={})),
        chunk(candidate(image, safetyRatings=ratings, groundingMetadata={"a": 1})),
        chunk(
            candidate(
                groundingMetadata={"b": 2},
                citationMetadata={"citationSources": [{"uri": "u"}]},
                avgLogprobs=-0.5,
                finishMessage="done",
                finishReason="STOP",
            ),
            createTime="now",
        ),
    )
    reply = accumulated("gemini", "sse", raw, whole).reply()
    assert reply.choices[0].extra == {
        "parts": [code, image],
        "safetyRatings": ratings,
        "groundingMetadata": [{"a": 1}, {"b": 2}],
        "citationMetadata": [{"citationSources": [{"uri": "u"}]}],
        "avgLogprobs": -0.5,
        "finishMessage": ["done"],
    }
    assert reply.extra == {"createTime": "now"}


def bits(*pieces: dict[str, Any], more: bool = True) -> dict[str, Any]:
    return {"functionCall": {"partialArgs": list(pieces), "willContinue": more}}


def test_arguments_that_come_bit_by_bit_are_one_call() -> None:
    """Vertex sends paths and values; `willContinue` holds them together."""
    begun = {"functionCall": {"name": "f", "id": "c1", "willContinue": True}}
    chunks = [
        chunk(candidate(begun)),
        chunk(candidate(bits({"jsonPath": "$.city", "stringValue": "Par", "willContinue": True}))),
        chunk(candidate(bits({"jsonPath": "$.city", "stringValue": "is"}))),
        chunk(candidate(bits({"jsonPath": "$.days[0].n", "numberValue": 1}))),
        chunk(candidate(bits({"jsonPath": "$.days[1].n", "nullValue": None}))),
        chunk(candidate({"functionCall": {}})),
        chunk(candidate({"functionCall": {"name": "g", "args": {}}}, finishReason="STOP")),
    ]
    (choice,) = accumulated("gemini", "sse", sse(*chunks), whole).reply().choices
    assert [(call.name, call.arguments) for call in choice.tool_calls] == [
        ("f", '{"city":"Paris","days":[{"n":1},{"n":null}]}'),
        ("g", "{}"),
    ]
    # Of a call that was cut the pieces are there.
    (choice,) = accumulated("gemini", "sse", sse(*chunks[:2]), whole).reply().choices
    assert (choice.tool_calls[0].name, choice.tool_calls[0].arguments) == ("f", "")
    pieces = choice.extra["functionCalls"][0]["partialArgs"]
    assert pieces[0]["stringValue"] == "Par"


def test_a_blocked_prompt_is_the_end_and_says_why(cut: Cut) -> None:
    """There is no candidate then."""
    feedback = {"blockReason": "SAFETY", "safetyRatings": []}
    raw = sse({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 5}})
    got = accumulated("gemini", "sse", raw, cut)
    assert (got.finish_reasons(), got.has_terminal) == (("SAFETY",), True)
    assert got.is_usage_final
    assert got.reply().extra == {"promptFeedback": feedback}


ERROR = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    ("framing", "raw"),
    [
        ("sse", sse(chunk(candidate({"text": "half"})), ERROR)),
        ("jsonarray", array(chunk(candidate({"text": "half"})), ERROR)),
        ("jsonarray", json.dumps(ERROR).encode()),
        ("plain", json.dumps(ERROR).encode()),
        ("plain", json.dumps([ERROR]).encode()),
    ],
)
def test_an_error_is_a_fault(framing: str, raw: bytes, cut: Cut) -> None:
    """In the middle of a stream, as a body, and as a body in an array."""
    got = accumulated("gemini", framing, raw, cut)
    assert got.faults == [Fault(type="UNAVAILABLE", message="overloaded")]
    assert (got.unknown, got.has_terminal) == (0, False)


def test_what_somebody_in_between_says_is_a_fault_and_the_rest_unknown(cut: Cut) -> None:
    """No field of Gemini's is in it."""
    got = accumulated("gemini", "plain", b'{"message":"Forbidden"}', cut)
    assert (got.faults, got.unknown) == ([Fault(message="Forbidden")], 0)
    assert accumulated("gemini", "plain", b'{"x":1}', cut).unknown == 1
