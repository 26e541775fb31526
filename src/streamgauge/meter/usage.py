"""Tokens in one shape, from whatever shape the provider reports them in.

``input_tokens`` and ``output_tokens`` are totals, the others are parts of them. OpenAI
reports totals; Anthropic's ``input_tokens`` leaves out what was read from or written to
the cache, so those are added, and xAI's ``completion_tokens`` leaves out the reasoning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamgauge.record import Usage, UsageSource

UNKNOWN = Usage()

# What is more is no count, whoever says so: no JSON reader keeps it, nor a column of the store.
MOST_TOKENS = 2**53


def usage_of(raw: dict[str, Any] | None, *, dialect: str | None, final: bool) -> Usage:
    """Return the usage that *raw* reports; not *final* is a count of a stream that broke off."""
    if not raw:
        return UNKNOWN
    read = _READERS.get(dialect or "", _openai)
    fields = read(raw)
    if fields["input_tokens"] is None and fields["output_tokens"] is None:
        return UNKNOWN
    source = UsageSource.REPORTED if final else UsageSource.RUNNING
    return Usage(usage_source=source, **fields)


def _openai(raw: dict[str, Any]) -> dict[str, int | None]:
    given = _first(raw, "prompt_tokens_details", "input_tokens_details")
    made = _first(raw, "completion_tokens_details", "output_tokens_details")
    prompt = given if isinstance(given, dict) else {}
    completion = made if isinstance(made, dict) else {}
    cached = _count(prompt, "cached_tokens")
    if cached is None:
        # DeepSeek, Moonshot and Together have it beside the totals.
        cached = _count(raw, "prompt_cache_hit_tokens", "cached_tokens")
    reasoning = _count(completion, "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(raw, "reasoning_tokens")
    asked = _count(raw, "prompt_tokens", "input_tokens")
    said = _count(raw, "completion_tokens", "output_tokens")
    return {
        "input_tokens": asked,
        "output_tokens": _with_reasoning(said, reasoning, asked, _count(raw, "total_tokens")),
        "cached_input_tokens": cached,
        "cache_write_tokens": _count(prompt, "cache_write_tokens", "cache_creation_tokens"),
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
    fresh = _count(raw, "input_tokens")
    read = _count(raw, "cache_read_input_tokens")
    written = _count(raw, "cache_creation_input_tokens")
    total = None if fresh is None else fresh + (read or 0) + (written or 0)
    details = raw.get("output_tokens_details")
    return {
        "input_tokens": total,
        "output_tokens": _count(raw, "output_tokens"),
        "cached_input_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": _count(details, "thinking_tokens", "reasoning_tokens")
        if isinstance(details, dict)
        else None,
        "audio_input_tokens": None,
        "audio_output_tokens": None,
    }


_READERS: dict[str, Callable[[dict[str, Any]], dict[str, int | None]]] = {
    "openai_chat": _openai,
    "anthropic": _anthropic,
}


def _first(raw: dict[str, Any], *names: str) -> Any:
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def _count(raw: dict[str, Any], *names: str) -> int | None:
    value = _first(raw, *names)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MOST_TOKENS:
        return None
    return int(value)
