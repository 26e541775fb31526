"""Tokens in one shape."""

from __future__ import annotations

from typing import Any

import pytest

from streamgauge.meter.usage import usage_of
from streamgauge.record import Usage, UsageSource

REPORTED: list[tuple[str, dict[str, Any], Usage]] = [
    (
        "openai_chat",
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 4},
        },
        Usage(
            input_tokens=100,
            output_tokens=50,
            cached_input_tokens=80,
            reasoning_tokens=20,
            audio_input_tokens=3,
            audio_output_tokens=4,
            usage_source=UsageSource.REPORTED,
        ),
    ),
    (
        "openai_chat",
        {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 4},
        Usage(
            input_tokens=9,
            output_tokens=1,
            cached_input_tokens=4,
            usage_source=UsageSource.REPORTED,
        ),
    ),
    (
        "openai_responses",
        {
            "input_tokens": 1401,
            "input_tokens_details": {"cached_tokens": 1024},
            "output_tokens": 480,
            "output_tokens_details": {"reasoning_tokens": 256},
            "total_tokens": 1881,
        },
        Usage(
            input_tokens=1401,
            output_tokens=480,
            cached_input_tokens=1024,
            reasoning_tokens=256,
            usage_source=UsageSource.REPORTED,
        ),
    ),
    (
        "openai_assistants",
        {
            "prompt_tokens": 381,
            "completion_tokens": 89,
            "prompt_token_details": {"cached_tokens": 128},
        },
        Usage(
            input_tokens=381,
            output_tokens=89,
            cached_input_tokens=128,
            usage_source=UsageSource.REPORTED,
        ),
    ),
    (
        # A prediction that was not taken is part of the completion.
        "openai_chat",
        {
            "prompt_tokens": 9,
            "completion_tokens": 60,
            "completion_tokens_details": {
                "accepted_prediction_tokens": 20,
                "rejected_prediction_tokens": 30,
            },
        },
        Usage(input_tokens=9, output_tokens=60, usage_source=UsageSource.REPORTED),
    ),
    (
        # LiteLLM has Anthropic's words beside OpenAI's totals, which include them.
        "openai_chat",
        {
            "prompt_tokens": 100,
            "completion_tokens": 5,
            "cache_read_input_tokens": 70,
            "cache_creation_input_tokens": 20,
        },
        Usage(
            input_tokens=100,
            output_tokens=5,
            cached_input_tokens=70,
            cache_write_tokens=20,
            usage_source=UsageSource.REPORTED,
        ),
    ),
    (
        # xAI's total has the reasoning beside the completion.
        "openai_chat",
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
        },
        Usage(
            input_tokens=32,
            output_tokens=103,
            reasoning_tokens=94,
            usage_source=UsageSource.REPORTED,
        ),
    ),
    (
        # OpenAI's has it within.
        "openai_chat",
        {
            "prompt_tokens": 32,
            "completion_tokens": 103,
            "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
        },
        Usage(
            input_tokens=32,
            output_tokens=103,
            reasoning_tokens=94,
            usage_source=UsageSource.REPORTED,
        ),
    ),
    (
        "anthropic",
        {
            "input_tokens": 10,
            "cache_read_input_tokens": 70,
            "cache_creation_input_tokens": 20,
            "output_tokens": 5,
        },
        Usage(
            input_tokens=100,
            output_tokens=5,
            cached_input_tokens=70,
            cache_write_tokens=20,
            usage_source=UsageSource.REPORTED,
        ),
    ),
]


@pytest.mark.parametrize(("dialect", "raw", "usage"), REPORTED)
def test_each_report_becomes_the_same_shape(
    dialect: str, raw: dict[str, Any], usage: Usage
) -> None:
    """Totals with their parts; Anthropic's input leaves the cache out, ours does not."""
    assert usage_of(raw, dialect=dialect, final=True) == usage


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        {"x": 1},
        {"prompt_tokens": "9"},
        {"prompt_tokens": True},
        {"prompt_tokens": -1},
        {"prompt_tokens": 10**30},
        {"prompt_tokens": float("inf")},
        {"prompt_tokens": float("nan")},
    ],
)
def test_what_is_not_reported_is_unknown(raw: dict[str, Any] | None) -> None:
    """Never zero."""
    assert usage_of(raw, dialect="openai_chat", final=True) == Usage()


def test_a_total_without_output_means_nothing_before_the_end() -> None:
    """No candidate yet is not no output."""
    raw = {"promptTokenCount": 9, "totalTokenCount": 9}
    assert usage_of(raw, dialect="gemini", final=False).output_tokens is None


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic", "ai_sdk", None])
def test_only_gemini_leaves_zeros_out(dialect: str | None) -> None:
    """With all others, a total that is the prompt's does not say that there was no output."""
    raw = {"inputTokens": 9, "totalTokens": 9, "prompt_tokens": 9, "input_tokens": 9}
    usage = usage_of(raw | {"total_tokens": 9}, dialect=dialect, final=True)
    assert (usage.input_tokens, usage.output_tokens) == (9, None)


def test_a_count_that_broke_off_is_running() -> None:
    """It is the last that was heard."""
    usage = usage_of({"input_tokens": 1, "output_tokens": 1}, dialect="anthropic", final=False)
    assert usage.usage_source is UsageSource.RUNNING


def test_an_unknown_dialect_is_read_as_most_speak() -> None:
    """OpenAI's names are everywhere."""
    usage = usage_of({"input_tokens": 3, "output_tokens": 4}, dialect=None, final=True)
    assert (usage.input_tokens, usage.output_tokens) == (3, 4)


def reported(**counts: int) -> Usage:
    return Usage(usage_source=UsageSource.REPORTED, **counts)


METRICS = {"inputTokenCount": 7, "outputTokenCount": 2, "cacheReadInputTokenCount": 3}

OTHERS: dict[str, tuple[str, dict[str, Any], Usage]] = {
    "Gemini: thoughts and tools beside, the cache within": (
        "gemini",
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 60,
            "toolUsePromptTokenCount": 20,
            "candidatesTokenCount": 30,
            "thoughtsTokenCount": 50,
            "totalTokenCount": 200,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 90},
                {"modality": "AUDIO", "tokenCount": 10},
            ],
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
        },
        reported(
            input_tokens=120,
            output_tokens=80,
            cached_input_tokens=60,
            reasoning_tokens=50,
            audio_input_tokens=10,
            audio_output_tokens=5,
        ),
    ),
    "Gemini: nothing but thoughts": (
        "gemini",
        {"promptTokenCount": 87, "thoughtsTokenCount": 78, "totalTokenCount": 165},
        reported(input_tokens=87, output_tokens=78, reasoning_tokens=78),
    ),
    "Gemini: a prompt that was blocked": (
        "gemini",
        {"promptTokenCount": 9, "totalTokenCount": 9},
        reported(input_tokens=9, output_tokens=0),
    ),
    "Gemini: the output is not told": (
        "gemini",
        {"promptTokenCount": 9},
        reported(input_tokens=9),
    ),
    "Converse: the cache beside": (
        "bedrock_converse",
        {
            "inputTokens": 10,
            "outputTokens": 4,
            "totalTokens": 44,
            "cacheReadInputTokens": 20,
            "cacheWriteInputTokens": 10,
        },
        reported(input_tokens=40, output_tokens=4, cached_input_tokens=20, cache_write_tokens=10),
    ),
    "InvokeModel: what the model told": (
        "bedrock_invoke",
        {
            "input_tokens": 7,
            "output_tokens": 2,
            "cache_read_input_tokens": 3,
            "output_tokens_details": {"thinking_tokens": 1},
            "amazon-bedrock-invocationMetrics": METRICS,
        },
        reported(input_tokens=10, output_tokens=2, cached_input_tokens=3, reasoning_tokens=1),
    ),
    "InvokeModel: what Bedrock counted": (
        "bedrock_invoke",
        {"amazon-bedrock-invocationMetrics": METRICS},
        reported(input_tokens=10, output_tokens=2, cached_input_tokens=3),
    ),
    "InvokeModel: half told, whole counted": (
        "bedrock_invoke",
        {"output_tokens": 1, "amazon-bedrock-invocationMetrics": METRICS},
        reported(input_tokens=10, output_tokens=2, cached_input_tokens=3),
    ),
    "InvokeModel: Nova": (
        "bedrock_invoke",
        {"inputTokens": 7, "outputTokens": 2},
        reported(input_tokens=7, output_tokens=2),
    ),
    "InvokeModel: Llama": (
        "bedrock_invoke",
        {"prompt_token_count": 7, "generation_token_count": 2},
        reported(input_tokens=7, output_tokens=2),
    ),
    "InvokeModel: Titan": (
        "bedrock_invoke",
        {"inputTextTokenCount": 7.0, "totalOutputTextTokenCount": 2.0},
        reported(input_tokens=7, output_tokens=2),
    ),
    "Cohere: tokens, not what is billed": (
        "cohere",
        {
            "billed_units": {"input_tokens": 12, "output_tokens": 65},
            "tokens": {"input_tokens": 212, "output_tokens": 65},
            "cached_tokens": 208,
        },
        reported(input_tokens=212, output_tokens=65, cached_input_tokens=208),
    ),
    "Cohere: nothing but what is billed": (
        "cohere",
        {"billed_units": {"input_tokens": 12}},
        Usage(),
    ),
    "Ollama": (
        "ollama",
        {"prompt_eval_count": 17, "eval_count": 50, "total_duration": 9},
        reported(input_tokens=17, output_tokens=50),
    ),
    "Ollama: a prompt still in memory": ("ollama", {"eval_count": 5}, reported(output_tokens=5)),
    "watsonx": (
        "watsonx",
        {"input_token_count": 8, "generated_token_count": 11},
        reported(input_tokens=8, output_tokens=11),
    ),
    "Replicate": (
        "replicate",
        {"input_token_count": 5, "output_token_count": 2, "predict_time": 0.5},
        reported(input_tokens=5, output_tokens=2),
    ),
    "Replicate: no tokens": ("replicate", {"predict_time": 0.5}, Usage()),
    "AI SDK": (
        "ai_sdk",
        {"inputTokens": 9, "outputTokens": 5, "reasoningTokens": 2, "cachedInputTokens": 4},
        reported(input_tokens=9, output_tokens=5, reasoning_tokens=2, cached_input_tokens=4),
    ),
    "AI SDK of old": (
        "ai_sdk",
        {"promptTokens": 9, "completionTokens": 5},
        reported(input_tokens=9, output_tokens=5),
    ),
}


@pytest.mark.parametrize(("dialect", "raw", "usage"), OTHERS.values(), ids=OTHERS)
def test_each_provider_counts_in_its_own_way(
    dialect: str, raw: dict[str, Any], usage: Usage
) -> None:
    """What stands beside a total is added to it, what is part of one is not."""
    assert usage_of(raw, dialect=dialect, final=True) == usage
