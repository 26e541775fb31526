"""Bedrock's InvokeModel: the same envelope for the words of many models."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from streamgauge.meter.usage import usage_of
from streamgauge.record import Fault
from streamgauge.wire.accumulate import Accumulator
from streamgauge.wire.dialects.bedrock_invoke import BedrockInvoke
from streamgauge.wire.eventstream import EventStreamDecoder
from tests.wire.cuts import Cut, whole
from tests.wire.messages import event, exception
from tests.wire.reading import accumulated

METRICS = {
    "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 7,
        "outputTokenCount": 2,
        "invocationLatency": 9,
        "firstByteLatency": 3,
    }
}


def chunks(*said: Any) -> bytes:
    made = [base64.b64encode(json.dumps(one).encode()).decode() for one in said]
    return b"".join(event("chunk", {"bytes": one, "p": "abc"}) for one in made)


STREAMS: dict[str, list[dict[str, Any]]] = {
    "Anthropic": [
        {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "message_delta", "delta": {"stop_reason": "end"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop", **METRICS},
    ],
    "Nova": [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "Hel"}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": "lo"}, "contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end"}},
        {"metadata": {"usage": {"inputTokens": 7, "outputTokens": 2}}, **METRICS},
    ],
    "OpenAI, AI21, Mistral": [
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "end"}]},
        {"id": "1", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}} | METRICS,
    ],
    "Llama": [
        {"generation": "Hel", "prompt_token_count": 7, "generation_token_count": 1},
        {"generation": "lo", "generation_token_count": 2, "stop_reason": "end", **METRICS},
    ],
    "Titan": [
        {"outputText": "Hel", "index": 0.0, "inputTextTokenCount": 7.0},
        {
            "outputText": "lo",
            "totalOutputTextTokenCount": 2.0,
            "completionReason": "end",
            **METRICS,
        },
    ],
    "Mistral of old": [
        {"outputs": [{"text": "Hel", "stop_reason": None}]},
        {"outputs": [{"text": "lo", "stop_reason": "end"}], **METRICS},
    ],
    "Claude 2": [
        {"completion": "Hel", "stop_reason": None},
        {"completion": "lo", "stop_reason": "end", **METRICS},
    ],
    "Command": [
        {"is_finished": False, "text": "Hel", "index": 0},
        {"is_finished": False, "text": "lo", "index": 0},
        {"is_finished": True, "finish_reason": "end", "index": 0, **METRICS},
    ],
    "Command R": [
        {"event_type": "text-generation", "text": "Hel"},
        {"event_type": "text-generation", "text": "lo"},
        {"event_type": "stream-end", "finish_reason": "end", **METRICS},
    ],
}


@pytest.mark.parametrize("said", STREAMS.values(), ids=STREAMS)
def test_whatever_the_model_speaks_it_is_one_reply(said: list[dict[str, Any]], cut: Cut) -> None:
    """Read by its content; Bedrock's own counts stand beside those of the model."""
    got = accumulated("bedrock_invoke", "eventstream", chunks(*said), cut)
    assert (got.text(), got.finish_reasons(), got.unknown) == ("Hello", ("end",), 0)
    assert (got.has_terminal, got.is_usage_final) == (True, True)
    assert got.usage is not None
    assert METRICS.items() <= got.usage.items()
    usage = usage_of(got.usage, dialect="bedrock_invoke", final=True)
    assert (usage.input_tokens, usage.output_tokens) == (7, 2)


@pytest.mark.parametrize("said", STREAMS.values(), ids=STREAMS)
def test_a_stream_that_was_cut_is_not_whole(said: list[dict[str, Any]]) -> None:
    """Without its last chunk."""
    dialect, reply = BedrockInvoke(), Accumulator()
    for frame in EventStreamDecoder().feed(chunks(*said[:-1])):
        for one in dialect.read(frame):
            reply.add(one)
    assert not reply.has_terminal
    assert not reply.usage or not reply.is_usage_final or "type" in said[0]
    assert not (reply.has_finish and dialect.ends_without_terminal) or "choices" in said[0]


BODIES: dict[str, dict[str, Any]] = {
    "Anthropic": {
        "type": "message",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end",
    },
    "Nova": {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
        "stopReason": "end",
    },
    "OpenAI": {"choices": [{"message": {"content": "Hello"}, "finish_reason": "end"}]},
    "Llama": {"generation": "Hello", "stop_reason": "end"},
    "Titan": {
        "inputTextTokenCount": 7,
        "results": [{"tokenCount": 2, "outputText": "Hello", "completionReason": "end"}],
    },
    "Mistral": {"outputs": [{"text": "Hello", "stop_reason": "end"}]},
    "Claude 2": {"completion": "Hello", "stop_reason": "end"},
    "Command": {"generations": [{"text": "Hello", "finish_reason": "end"}]},
    "Command R": {"text": "Hello", "finish_reason": "end", "generation_id": "g"},
    "Jurassic": {"completions": [{"data": {"text": "Hello"}, "finishReason": {"reason": "end"}}]},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_whole_answer_is_read_too(body: dict[str, Any], cut: Cut) -> None:
    """It has no envelope."""
    got = accumulated("bedrock_invoke", "plain", json.dumps(body).encode(), cut)
    assert (got.text(), got.finish_reasons(), got.has_terminal) == ("Hello", ("end",), True)
    assert got.unknown == 0


def test_what_guardrails_say_is_kept() -> None:
    """Under its own name."""
    said = {"outputText": "x", "amazon-bedrock-guardrailAction": "INTERVENED"}
    got = accumulated("bedrock_invoke", "eventstream", chunks(said), whole)
    assert got.reply().extra == {"amazon-bedrock-guardrailAction": "INTERVENED"}


def test_an_exception_and_an_error_body_are_faults(cut: Cut) -> None:
    """In AWS's words."""
    raw = chunks({"generation": "half"}) + exception("modelStreamErrorException", {"message": "m"})
    got = accumulated("bedrock_invoke", "eventstream", raw, cut)
    assert got.text() == "half"
    assert got.faults == [Fault(type="modelStreamErrorException", message="m")]
    got = accumulated("bedrock_invoke", "plain", b'{"message":"no access"}', cut)
    assert got.faults == [Fault(message="no access")]


@pytest.mark.parametrize("said", [{}, {"bytes": 7}, {"bytes": "!"}, {"bytes": "AA=="}, []])
def test_a_chunk_that_cannot_be_read_is_one_unknown_and_the_rest_goes_on(said: Any) -> None:
    """No base64, no JSON within."""
    raw = event("chunk", said) + chunks({"generation": "a"})
    got = accumulated("bedrock_invoke", "eventstream", raw, whole)
    assert (got.unknown, got.text()) == (1, "a")
