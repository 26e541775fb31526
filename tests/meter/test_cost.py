"""Cost by the price list of the day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streamgauge.meter import cost
from streamgauge.meter.cost import cost_of
from streamgauge.record import Cost, CostSource, Usage, UsageSource

AT = datetime(2026, 6, 1, tzinfo=UTC)
MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000, usage_source=UsageSource.REPORTED)


def test_tokens_cost_what_the_list_says() -> None:
    """gpt-4o-mini: 0.15 and 0.60 dollars a million."""
    got = cost_of(MILLION, provider="openai", models=["gpt-4o-mini"], at=AT)
    assert got.cost_source is CostSource.PRICED
    assert got.cost_usd == pytest.approx(0.75)


def test_cached_input_is_cheaper() -> None:
    """Half the price for gpt-4o-mini, and it is a part of the input, not on top."""
    usage = Usage(
        input_tokens=1_000_000,
        output_tokens=0,
        cached_input_tokens=1_000_000,
        usage_source=UsageSource.REPORTED,
    )
    got = cost_of(usage, provider="openai", models=["gpt-4o-mini"], at=AT)
    assert got.cost_usd == pytest.approx(0.075)


def test_the_first_model_with_a_price_counts() -> None:
    """The response names the model best; the request's is the second guess."""
    got = cost_of(MILLION, provider="openai", models=["no-such", None, "gpt-4o-mini"], at=AT)
    assert got.cost_usd == pytest.approx(0.75)


@pytest.mark.parametrize(
    "raw",
    [
        {"cost": 0.0123},
        {"cost": {"request_cost": 0.01, "total_cost": 0.0123}},
        {"cost_in_usd_ticks": 123_000_000},
    ],
    ids=["openrouter", "perplexity", "xai"],
)
def test_the_provider_knows_best(raw: dict[str, Any]) -> None:
    """Some state what they took."""
    got = cost_of(MILLION, provider="openrouter", models=["x"], at=AT, raw=raw)
    assert got == Cost(cost_usd=0.0123, cost_source=CostSource.PROVIDER)


@pytest.mark.parametrize(
    "stated",
    [True, "1", {}, None, float("nan"), 10**400],
    ids=["bool", "text", "object", "null", "nan", "huge"],
)
def test_what_is_no_cost_is_not_taken_for_one(stated: object) -> None:
    """The price list is asked then."""
    got = cost_of(MILLION, provider="openai", models=["gpt-4o-mini"], at=AT, raw={"cost": stated})
    assert got.cost_source is CostSource.PRICED


def test_a_cache_for_an_hour_is_dearer() -> None:
    """Twice the input's price against 1.25 times, for Claude Sonnet's 3 dollars a million."""
    raw = {"cache_creation": {"ephemeral_1h_input_tokens": 100_000}}
    usage = Usage(
        input_tokens=200_000,
        output_tokens=0,
        cache_write_tokens=200_000,
        usage_source=UsageSource.REPORTED,
    )
    got = cost_of(usage, provider="anthropic", models=["claude-sonnet-4-0"], at=AT, raw=raw)
    assert got.cost_usd == pytest.approx(0.1 * 6 + 0.1 * 3.75)


def test_a_running_count_gives_an_estimate() -> None:
    """More may have been billed."""
    usage = Usage(input_tokens=1000, output_tokens=1, usage_source=UsageSource.RUNNING)
    got = cost_of(usage, provider="openai", models=["gpt-4o-mini"], at=AT)
    assert got.cost_source is CostSource.ESTIMATED


@pytest.mark.parametrize("provider", ["openai", "nobody"])
def test_what_nobody_prices_is_unknown(provider: str) -> None:
    """Never zero."""
    assert cost_of(MILLION, provider=provider, models=["no-such-model"], at=AT) == Cost()


def test_without_counts_there_is_no_cost() -> None:
    """Nor a guess."""
    assert cost_of(Usage(), provider="openai", models=["gpt-4o-mini"], at=AT) == Cost()


def test_made_up_models_do_not_grow_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of what has no price is bounded."""
    monkeypatch.setattr(cost, "MOST_UNPRICED", 10)
    for number in range(50):
        cost_of(MILLION, provider="openai", models=[f"made-up-{number}"], at=AT)
    assert len(cost._unpriced) <= 10
