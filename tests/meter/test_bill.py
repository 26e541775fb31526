"""What a bill looks at beside the tokens: kinds, tiers, batches, searches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streamgauge.meter.bill import tier_of
from streamgauge.meter.cost import cost_of
from streamgauge.meter.usage import usage_of
from streamgauge.record import Cost, CostSource, ToolCall

AT = datetime(2026, 11, 1, tzinfo=UTC)


def cost(dialect: str, provider: str, model: str, raw: dict[str, Any], **about: Any) -> Cost:
    usage = usage_of(raw, dialect=dialect, final=True)
    return cost_of(usage, provider=provider, models=[model], at=AT, raw=raw, about=about)


OPENAI = {
    "prompt_tokens": 1000,
    "completion_tokens": 1000,
    "completion_tokens_details": {"reasoning_tokens": 500},
}


@pytest.mark.parametrize(
    ("tier", "factor"),
    [("default", 1), ("auto", 1), ("flex", 0.5), ("priority", 2.5), ("batch", 0.5)],
)
def test_the_tier_decides_on_the_price(tier: str, factor: float) -> None:
    """gpt-5.5: 5 and 30 dollars a million, half of it with flex and in a batch."""
    got = cost("openai_chat", "openai", "gpt-5.5", OPENAI, service_tier=tier)
    assert got.cost_usd == pytest.approx(0.035 * factor)
    assert got.cost_source is CostSource.PRICED


def test_a_batch_of_anthropic_says_so_in_its_usage() -> None:
    """Half of Haiku 4.5's 1 and 5 dollars a million."""
    raw = {"input_tokens": 1000, "output_tokens": 1000, "service_tier": "batch"}
    got = cost("anthropic", "anthropic", "claude-haiku-4-5", raw)
    assert got.cost_usd == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("raw", "about", "tier"),
    [
        ({}, {}, {}),
        ({"service_tier": "standard"}, {}, {"service_tier": "standard"}),
        ({"speed": "fast"}, {}, {"speed": "fast"}),
        ({"speed": "fast"}, {"service_tier": "flex"}, {"speed": "fast", "service_tier": "flex"}),
        ({}, {"service_tier": "Priority"}, {"service_tier": "priority"}),
        ({}, {"serviceTier": {"type": "flex"}}, {"service_tier": "flex"}),
        ({"serviceTier": "batch"}, {}, {"processing": "batch"}),
        ({"trafficType": "ON_DEMAND_FLEX"}, {}, {"service_tier": "flex"}),
        ({"trafficType": "ON_DEMAND"}, {}, {}),
        ({"service_tier": 7, "speed": []}, {"service_tier": {}}, {}),
    ],
)  # fmt: skip
def test_the_tier_is_found_where_each_provider_has_it(
    raw: dict[str, Any], about: dict[str, Any], tier: dict[str, str]
) -> None:
    """In the usage, or beside it."""
    assert tier_of(raw, about) == tier


def test_reasoning_has_a_price_of_its_own_where_the_list_has_one() -> None:
    """Perplexity's deep research: 2, 8 and 3 dollars a million, and 5 for 1,000 searches."""
    raw = {
        "prompt_tokens": 1000,
        "completion_tokens": 2000,
        "total_tokens": 3000,
        "reasoning_tokens": 10_000,
        "num_search_queries": 10,
    }
    usage = usage_of(raw, dialect="openai_chat", final=True)
    assert (usage.output_tokens, usage.reasoning_tokens) == (12_000, 10_000)
    got = cost("openai_chat", "perplexity", "sonar-deep-research", raw)
    assert got.cost_usd == pytest.approx(0.002 + 0.016 + 0.03 + 0.05)


def test_cached_sound_and_text_are_told_apart() -> None:
    """Gemini 2.5 Flash: text 0.30, sound 1.00, cached text 0.03 and cached sound 0.10 a million."""
    raw = {
        "promptTokenCount": 10_000,
        "cachedContentTokenCount": 4000,
        "candidatesTokenCount": 0,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 6000},
            {"modality": "AUDIO", "tokenCount": 4000},
        ],
    }
    text_only = cost("gemini", "google", "gemini-2.5-flash", raw)
    assert text_only.cost_usd == pytest.approx((2000 * 0.3 + 4000 * 0.03 + 4000 * 1.0) / 1e6)
    raw["cacheTokensDetails"] = [
        {"modality": "TEXT", "tokenCount": 1000},
        {"modality": "AUDIO", "tokenCount": 3000},
    ]
    both = cost("gemini", "google", "gemini-2.5-flash", raw)
    assert both.cost_usd == pytest.approx(
        (5000 * 0.3 + 1000 * 0.03 + 1000 * 1.0 + 3000 * 0.1) / 1e6
    )


def test_pictures_are_dearer_than_words() -> None:
    """Gemini 2.5 Flash Image: 2.50 dollars a million for text, 30 for what is drawn."""
    raw = {
        "promptTokenCount": 0,
        "candidatesTokenCount": 1300,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    }
    got = cost("gemini", "google", "gemini-2.5-flash-image", raw)
    assert got.cost_usd == pytest.approx((1290 * 30 + 10 * 2.5) / 1e6)


def test_searches_are_billed_where_the_usage_counts_them() -> None:
    """Anthropic: 10 dollars for a thousand, beside 3 and 15 for a million tokens."""
    raw = {
        "input_tokens": 1000,
        "output_tokens": 1000,
        "server_tool_use": {"web_search_requests": 3},
    }
    got = cost("anthropic", "anthropic", "claude-sonnet-4-5", raw)
    assert got.cost_usd == pytest.approx(0.003 + 0.015 + 0.03)


def test_an_hour_of_bedrocks_cache_is_dearer() -> None:
    """As with Anthropic itself: twice the input's price."""
    hour = {"ttl": "1h", "inputTokens": 100}
    raw = {"inputTokens": 0, "outputTokens": 0, "cacheWriteInputTokens": 200}
    short = cost("bedrock_converse", "bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", raw)
    long = cost(
        "bedrock_converse",
        "bedrock",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        raw | {"cacheDetails": [hour, {"ttl": "5m", "inputTokens": 100}]},
    )
    assert short.cost_usd is not None
    assert long.cost_usd is not None
    assert long.cost_usd > short.cost_usd


def test_cohere_bills_its_own_units() -> None:
    """What it adds to the prompt is counted, and free. Command A: 2.50 and 10 dollars a million."""
    raw = {
        "billed_units": {"input_tokens": 100, "output_tokens": 10},
        "tokens": {"input_tokens": 900, "output_tokens": 12},
        "cached_tokens": 500,
    }
    got = cost("cohere", "cohere", "command-a-03-2025", raw)
    assert usage_of(raw, dialect="cohere", final=True).input_tokens == 900
    assert got.cost_usd == pytest.approx((100 * 2.5 + 10 * 10) / 1e6)


def test_with_a_key_of_ones_own_both_bills_count() -> None:
    """OpenRouter states its fee, and what the provider takes beside it."""
    raw = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.01, "is_byok": True}
    raw["cost_details"] = {"upstream_inference_cost": 0.2}
    got = cost("openai_chat", "openrouter", "x", raw)
    assert got == Cost(cost_usd=pytest.approx(0.21), cost_source=CostSource.PROVIDER)
    assert cost("openai_chat", "openrouter", "x", raw | {"is_byok": False}).cost_usd == 0.01


@pytest.mark.parametrize(
    "odd",
    [
        {"server_tool_use": 3},
        {"server_tool_use": {"web_search_requests": "3"}},
        {"cache_creation": {"ephemeral_1h_input_tokens": -1}},
        {"cacheDetails": [None, 3, {"ttl": "1h"}]},
        {"num_search_queries": True},
        # More for an hour than was written at all: told wrong, so it is not looked at.
        {"cache_creation": {"ephemeral_1h_input_tokens": 10**6}},
    ],
)
def test_what_makes_no_sense_costs_nothing_more(odd: dict[str, Any]) -> None:
    """The rest has its price all the same."""
    raw = {"input_tokens": 1000, "output_tokens": 1000} | odd
    got = cost("anthropic", "anthropic", "claude-sonnet-4-5", raw)
    assert got.cost_usd == pytest.approx(0.018)


def test_a_summary_in_between_is_counted() -> None:
    """Compaction is sampled and billed, and the totals of the usage leave it out."""
    raw = {
        "input_tokens": 23_000,
        "output_tokens": 1000,
        "iterations": [
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500},
            {"type": "message", "input_tokens": 23_000, "output_tokens": 1000},
            "rubbish",
        ],
    }
    usage = usage_of(raw, dialect="anthropic", final=True)
    assert (usage.input_tokens, usage.output_tokens) == (203_000, 4500)


def called(kind: str, arguments: str = "") -> ToolCall:
    return ToolCall(index=0, id=None, type=kind, name=None, arguments=arguments)


SEARCH = called("web_search_call", '{"type":"search","query":"q"}')
TOLD = {"tool_usage": {"web_search": {"num_requests": 3}}}


@pytest.mark.parametrize(
    ("calls", "about", "fee"),
    [
        ([], {}, 0),
        ([SEARCH, SEARCH], {}, 0.02),
        ([SEARCH, called("web_search_call", '{"type":"open_page"}')], {}, 0.01),
        ([called("web_search_call")], {}, 0.01),
        ([called("web_search_call", "[]")], {}, 0.01),
        ([called("web_search_call", "[" * 100_000)], {}, 0.01),
        ([called("web_search_call", '"\ud83d"')], {}, 0.01),
        ([called("file_search_call", '["q"]')], {}, 0.0025),
        ([called("code_interpreter_call", "1+1"), called("function_call", "{}")], {}, 0),
        ([SEARCH], TOLD, 0.03),
        ([SEARCH], {"tool_usage": None}, 0.01),
    ],
)
def test_searches_of_responses_have_a_fee(
    calls: list[ToolCall], about: dict[str, Any], fee: float
) -> None:
    """Ten dollars for a thousand searches of the web, two and a half for those of files."""
    usage = usage_of(OPENAI, dialect="openai_chat", final=True)
    got = cost_of(usage, provider="openai", models=["gpt-5.5"], at=AT, about=about, calls=calls)
    assert got.cost_usd == pytest.approx(0.035 + fee)
