"""Tokens in one shape, from whatever shape the provider reports them in.

``input_tokens`` and ``output_tokens`` are totals, the others are parts of them. OpenAI
reports totals; Anthropic's ``input_tokens`` leaves out what was read from or written to
the cache, so those are added, and xAI's ``completion_tokens`` leaves out the reasoning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from streamgauge.record import Usage, UsageSource

UNKNOWN = Usage()

# What is more is no count, whoever says so: no JSON reader keeps it, nor a column of the store.
MOST_TOKENS = 2**53


def usage_of(raw: dict[str, Any] | None, *, dialect: str | None, final: bool) -> Usage:
    """Return the usage that *raw* reports; not *final* is a count of a stream that broke off."""
    if not raw:
        return UNKNOWN
    readers = _FINAL_READERS if final else _READERS
    fields = readers.get(dialect or "", _openai)(raw)
    if fields["input_tokens"] is None and fields["output_tokens"] is None:
        return UNKNOWN
    source = UsageSource.REPORTED if final else UsageSource.RUNNING
    return Usage(usage_source=source, **fields)


def _openai(raw: dict[str, Any]) -> dict[str, int | None]:
    # Writer and the Assistants leave the s out.
    given = _first(raw, "prompt_tokens_details", "input_tokens_details", "prompt_token_details")
    made = _first(raw, "completion_tokens_details", "output_tokens_details")
    prompt = given if isinstance(given, dict) else {}
    completion = made if isinstance(made, dict) else {}
    cached = _count(prompt, "cached_tokens")
    if cached is None:
        # DeepSeek, Moonshot and Together, and those who translate Anthropic's answers, have it
        # beside the totals.
        cached = _count(raw, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens")
    written = _count(
        prompt, "cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"
    )
    if written is None:
        written = _count(raw, "cache_creation_input_tokens")
    reasoning = _count(completion, "reasoning_tokens")
    asked = _count(raw, "prompt_tokens", "input_tokens")
    said = _count(raw, "completion_tokens", "output_tokens")
    if reasoning is None:
        reasoning = _count(raw, "reasoning_tokens")
        if "num_search_queries" in raw:
            # Perplexity bills it beside the completion, and leaves it out of the total:
            # https://docs.perplexity.ai/getting-started/models/models/sonar-deep-research.
            said = None if said is None else said + (reasoning or 0)
    return {
        "input_tokens": asked,
        "output_tokens": _with_reasoning(said, reasoning, asked, _count(raw, "total_tokens")),
        "cached_input_tokens": cached,
        "cache_write_tokens": written,
        "reasoning_tokens": reasoning,
        "audio_input_tokens": _count(prompt, "audio_tokens"),
        "audio_output_tokens": _count(completion, "audio_tokens"),
    }


def _with_reasoning(
    said: int | None, reasoning: int | None, asked: int | None, total: int | None
) -> int | None:
    # "Reasoning token consumption will be counted separately from completion_tokens, but will
    # be counted in the total_tokens" (https://docs.x.ai, consumption and rate limits). The sum
    # tells who counts so; no name of a provider is needed.
    if said is None or not reasoning or asked is None or total != asked + said + reasoning:
        return said
    return said + reasoning


def _anthropic(raw: dict[str, Any]) -> dict[str, int | None]:
    # "The top-level input_tokens and output_tokens do not include compaction iteration usage":
    # https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage.
    listed = raw.get("iterations")
    rounds = [raw] + [
        one
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and one.get("type") == "compaction"
    ]
    fresh, read, written, said = (
        _added(_count(one, name) for one in rounds)
        for name in (
            "input_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "output_tokens",
        )
    )
    total = None if fresh is None else fresh + (read or 0) + (written or 0)
    details = raw.get("output_tokens_details")
    return {
        "input_tokens": total,
        "output_tokens": said,
        "cached_input_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": _count(details, "thinking_tokens", "reasoning_tokens")
        if isinstance(details, dict)
        else None,
        "audio_input_tokens": None,
        "audio_output_tokens": None,
    }


def _gemini(raw: dict[str, Any]) -> dict[str, int | None]:
    # https://ai.google.dev/api/generate-content#UsageMetadata: the cached content is part of
    # the prompt, what tools fed in is beside it, and the thoughts are beside the candidates.
    prompt = _count(raw, "promptTokenCount")
    asked = _sum(prompt, _count(raw, "toolUsePromptTokenCount"))
    thoughts = _count(raw, "thoughtsTokenCount")
    # Live sessions say response for candidates.
    said = _sum(_count(raw, "candidatesTokenCount", "responseTokenCount"), thoughts)
    return {
        "input_tokens": asked,
        "output_tokens": said,
        "cached_input_tokens": _count(raw, "cachedContentTokenCount"),
        "cache_write_tokens": None,
        "reasoning_tokens": thoughts,
        "audio_input_tokens": _audio(raw, "promptTokensDetails"),
        "audio_output_tokens": _audio(raw, "candidatesTokensDetails", "responseTokensDetails"),
    }


def _gemini_at_last(raw: dict[str, Any]) -> dict[str, int | None]:
    # Zeros are left out: a prompt that was blocked has no output, and its total says so.
    fields = _gemini(raw)
    total = _count(raw, "totalTokenCount")
    if total is not None and total == fields["input_tokens"]:
        fields["output_tokens"] = fields["output_tokens"] or 0
    return fields


def _audio(raw: dict[str, Any], *names: str) -> int | None:
    details = _first(raw, *names)
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and one.get("modality") == "AUDIO":
            return _count(one, "tokenCount")
    return None


def _converse(raw: dict[str, Any]) -> dict[str, int | None]:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html: what was read
    # from and written to the cache is not in ``inputTokens``.
    read = _count(raw, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = _count(raw, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    fresh = _count(raw, "inputTokens", "inputTokenCount")
    total = None if fresh is None else fresh + (read or 0) + (written or 0)
    return _plain(total, _count(raw, "outputTokens", "outputTokenCount")) | {
        "cached_input_tokens": read,
        "cache_write_tokens": written,
    }


def _invoke(raw: dict[str, Any]) -> dict[str, int | None]:
    """Read the usage of the model where it told one, else what Bedrock counted."""
    own = next((read(raw) for key, read in _MODELS if key in raw), None)
    metrics = raw.get("amazon-bedrock-invocationMetrics")
    counted = _converse(metrics if isinstance(metrics, dict) else {})
    if own is None or own["input_tokens"] is None or own["output_tokens"] is None:
        return counted if metrics or own is None else own
    return own


def _llama(raw: dict[str, Any]) -> dict[str, int | None]:
    return _plain(_count(raw, "prompt_token_count"), _count(raw, "generation_token_count"))


def _titan(raw: dict[str, Any]) -> dict[str, int | None]:
    return _plain(_count(raw, "inputTextTokenCount"), _count(raw, "totalOutputTextTokenCount"))


def _cohere(raw: dict[str, Any]) -> dict[str, int | None]:
    # https://docs.cohere.com/v2/reference/chat-stream: ``tokens`` are those of the model;
    # ``billed_units`` leave out what Cohere adds to the prompt.
    tokens = raw.get("tokens")
    counts = tokens if isinstance(tokens, dict) else {}
    cached = _count(raw, "cached_tokens")
    return _plain(_count(counts, "input_tokens"), _count(counts, "output_tokens")) | {
        "cached_input_tokens": cached
    }


def _ollama(raw: dict[str, Any]) -> dict[str, int | None]:
    # The count of a prompt that was still in memory is left out by older versions.
    return _plain(_count(raw, "prompt_eval_count"), _count(raw, "eval_count"))


def _watsonx(raw: dict[str, Any]) -> dict[str, int | None]:
    return _plain(_count(raw, "input_token_count"), _count(raw, "generated_token_count"))


def _replicate(raw: dict[str, Any]) -> dict[str, int | None]:
    # The metrics of a prediction: https://replicate.com/docs/reference/http#predictions.get.
    return _plain(_count(raw, "input_token_count"), _count(raw, "output_token_count"))


def _ai_sdk(raw: dict[str, Any]) -> dict[str, int | None]:
    # https://ai-sdk.dev/docs/reference/ai-sdk-core/stream-text; the older form says prompt and
    # completion.
    asked = _count(raw, "inputTokens", "promptTokens")
    # Since version 6 the parts stand in objects.
    given, made = (
        told if isinstance(told, dict) else raw
        for told in (raw.get("inputTokenDetails"), raw.get("outputTokenDetails"))
    )
    return _plain(asked, _count(raw, "outputTokens", "completionTokens")) | {
        "cached_input_tokens": _count(given, "cacheReadTokens", "cachedInputTokens"),
        "cache_write_tokens": _count(given, "cacheWriteTokens"),
        "reasoning_tokens": _count(made, "reasoningTokens"),
    }


def _plain(asked: int | None, said: int | None) -> dict[str, int | None]:
    return {
        "input_tokens": asked,
        "output_tokens": said,
        "cached_input_tokens": None,
        "cache_write_tokens": None,
        "reasoning_tokens": None,
        "audio_input_tokens": None,
        "audio_output_tokens": None,
    }


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)


def _added(counts: Iterable[int | None]) -> int | None:
    return reduce(_sum, counts, None)


# Whose counts Bedrock's InvokeModel passes on.
_MODELS: tuple[tuple[str, Callable[[dict[str, Any]], dict[str, int | None]]], ...] = (
    ("prompt_tokens", _openai),
    ("input_tokens", _anthropic),
    ("output_tokens", _anthropic),
    ("inputTokens", _converse),
    ("prompt_token_count", _llama),
    ("generation_token_count", _llama),
    ("inputTextTokenCount", _titan),
    ("totalOutputTextTokenCount", _titan),
    ("tokens", _cohere),
)

_READERS: dict[str, Callable[[dict[str, Any]], dict[str, int | None]]] = {
    "openai_chat": _openai,
    "openai_completions": _openai,
    "openai_responses": _openai,
    "openai_assistants": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock_converse": _converse,
    "bedrock_invoke": _invoke,
    "cohere": _cohere,
    "ollama": _ollama,
    "watsonx": _watsonx,
    "replicate": _replicate,
    "ai_sdk": _ai_sdk,
}
# Of usage that is the last word.
_FINAL_READERS = _READERS | {"gemini": _gemini_at_last}


def _first(raw: dict[str, Any], *names: str) -> Any:
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def _count(raw: dict[str, Any], *names: str) -> int | None:
    value = _first(raw, *names)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MOST_TOKENS:
        return None
    return int(value)
