"""Prices of the user's own, and lists from a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from genai_prices.data_snapshot import set_custom_snapshot

from streamgauge.errors import ConfigurationError
from streamgauge.meter.cost import cost_of
from streamgauge.meter.prices import own_cost, use_list
from streamgauge.record import CostSource, Price, Usage, UsageSource

USAGE = Usage(
    input_tokens=1000,
    output_tokens=100,
    cached_input_tokens=400,
    reasoning_tokens=40,
    usage_source=UsageSource.REPORTED,
)
AT = datetime(2026, 11, 1, tzinfo=UTC)


def cost(
    *prices: Price, usage: Usage = USAGE, model: str = "our-model-7", provider: str = "vllm"
) -> float | None:
    return own_cost(prices, usage, provider=provider, models=(model,))


@pytest.mark.parametrize(
    ("price", "dollars"),
    [
        (Price(model="our-*", input=1, output=10), 0.002),
        (Price(model="our-*", input=1, output=10, cached_input=0.5), 0.0018),
        (Price(model="our-*", input=1, output=10, reasoning=0), 0.0016),
        (Price(model="our-model-?", provider="vllm", input=0, output=0), 0.0),
        (Price(model="our-model", input=1, output=1), None),
        (Price(model="our-*", provider="openai", input=1, output=1), None),
    ],
)
def test_tokens_times_price(price: Price, dollars: float | None) -> None:
    """A part without a price of its own costs what the whole does; free is 0, not unknown."""
    assert cost(price) == (None if dollars is None else pytest.approx(dollars))


def test_the_first_that_fits_counts() -> None:
    """So exceptions stand before the rule."""
    special = Price(model="our-model-7", input=2, output=0)
    assert cost(special, Price(model="our-*", input=1, output=0)) == pytest.approx(0.002)


def test_without_both_counts_there_is_no_cost() -> None:
    """Half a sum is no sum."""
    assert cost(Price(model="*", input=1, output=1), usage=Usage(input_tokens=5)) is None


def test_parts_that_exceed_the_whole_cost_no_less_than_nothing() -> None:
    """Some providers count the cache beside the prompt."""
    odd = Usage(input_tokens=10, output_tokens=0, cached_input_tokens=50)
    assert cost(Price(model="*", input=1, output=1, cached_input=1), usage=odd) == 10 / 1e6


def test_ones_own_price_wins_over_the_providers_word_and_the_list() -> None:
    """The user knows the contract."""
    own = [Price(model="gpt-4o*", input=1, output=1)]
    found = cost_of(USAGE, provider="openai", models=("gpt-4o",), at=AT, raw={"cost": 0.5}, own=own)
    assert (found.cost_usd, found.cost_source) == (1100 / 1e6, CostSource.PRICED)
    found = cost_of(USAGE, provider="openai", models=("x",), at=AT, raw={"cost": 0.5}, own=own)
    assert (found.cost_usd, found.cost_source) == (0.5, CostSource.PROVIDER)


@pytest.fixture
def bundled() -> Iterator[None]:
    yield
    set_custom_snapshot(None)


@pytest.mark.usefixtures("bundled")
def test_a_list_from_a_file_is_used() -> None:
    """A model that the bundled list does not know has a price."""
    model = {
        "id": "brand-new",
        "match": {"equals": "brand-new"},
        "prices": {"input_mtok": 3, "output_mtok": 5},
    }
    provider = {
        "id": "openai",
        "name": "OpenAI",
        "api_pattern": "https://api\\.openai\\.com",
        "models": [model],
    }
    use_list(msgspec.json.encode([provider]))
    usage = Usage(input_tokens=1_000_000, output_tokens=0, usage_source=UsageSource.REPORTED)
    found = cost_of(usage, provider="openai", models=("brand-new",), at=AT)
    assert (found.cost_usd, found.cost_source) == (3.0, CostSource.PRICED)


@pytest.mark.parametrize("content", [b"", b"{}", b'[{"id": 1}]', b"\xff"])
def test_what_is_no_list_is_said_in_one_line(content: bytes) -> None:
    """And the prices stay what they were."""
    with pytest.raises(ConfigurationError, match=r"no price list of genai-prices") as failed:
        use_list(content)
    assert "\n" not in str(failed.value)
