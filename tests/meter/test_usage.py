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


def test_a_count_that_broke_off_is_running() -> None:
    """It is the last that was heard."""
    usage = usage_of({"input_tokens": 1, "output_tokens": 1}, dialect="anthropic", final=False)
    assert usage.usage_source is UsageSource.RUNNING


def test_an_unknown_dialect_is_read_as_most_speak() -> None:
    """OpenAI's names are everywhere."""
    usage = usage_of({"input_tokens": 3, "output_tokens": 4}, dialect=None, final=True)
    assert (usage.input_tokens, usage.output_tokens) == (3, 4)
