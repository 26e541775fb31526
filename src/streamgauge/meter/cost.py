"""What the tokens cost, by the dated price list of genai-prices.

The provider's own figure wins where it states one: OpenRouter's ``usage.cost``, Perplexity's
``usage.cost.total_cost``, xAI's ``usage.cost_in_usd_ticks``. What nobody prices is unknown,
never zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import genai_prices

from streamgauge.meter.bill import billed, tier_of
from streamgauge.meter.prices import own_cost
from streamgauge.record import Cost, CostSource, Price, ToolCall, Usage, UsageSource

UNKNOWN = Cost()

# Our names of providers where the price list has another.
PROVIDER_IDS = {"xai": "x-ai", "bedrock": "aws"}

# "1 USD = 10,000,000,000 ticks" (https://docs.x.ai).
TICKS_PER_DOLLAR = 10_000_000_000

# Finding out that there is no price takes longer than pricing; made-up model names must not
# grow the memory of it.
MOST_UNPRICED = 4096
_unpriced: set[tuple[str, str]] = set()


def cost_of(
    usage: Usage,
    *,
    provider: str,
    models: Sequence[str | None],
    at: datetime,
    raw: Mapping[str, Any] | None = None,
    about: Mapping[str, Any] | None = None,
    calls: Sequence[ToolCall] = (),
    own: Sequence[Price] = (),
) -> Cost:
    """Return the cost of *usage* at the prices of *at*; the first of *models* with a price counts.

    *raw* is the usage as the provider sent it, which may state the cost itself; *about* is what
    else the answer says, its tier for one, and *calls* the tools that it used. *own* prices win
    over what is stated, and that wins over the list.
    """
    raw = raw or {}
    dollars = own_cost(own, usage, provider=provider, models=models) if own else None
    if dollars is None:
        stated = _stated(raw)
        if stated is not None:
            return Cost(cost_usd=stated, cost_source=CostSource.PROVIDER)
        if usage.input_tokens is None or usage.output_tokens is None:
            return UNKNOWN
        told = about or {}
        bills, tier = partial(billed, usage, raw, told, calls), tier_of(raw, told)
        prices = (
            _price(provider, model, at=at, bills=bills, tier=tier) for model in models if model
        )
        dollars = next((price for price in prices if price is not None), None)
    if dollars is None:
        return UNKNOWN
    is_whole = usage.usage_source is UsageSource.REPORTED
    source = CostSource.PRICED if is_whole else CostSource.ESTIMATED
    return Cost(cost_usd=dollars, cost_source=source)


def _stated(raw: Mapping[str, Any]) -> float | None:
    cost = raw.get("cost")
    dollars = _number(cost.get("total_cost") if isinstance(cost, dict) else cost)
    if dollars is not None:
        # With a key of one's own OpenRouter states its fee; the provider bills the rest:
        # https://openrouter.ai/docs/use-cases/usage-accounting.
        details = raw.get("cost_details") if raw.get("is_byok") is True else None
        upstream = details.get("upstream_inference_cost") if isinstance(details, dict) else None
        return dollars + (_number(upstream) or 0.0)
    ticks = _number(raw.get("cost_in_usd_ticks"))
    return None if ticks is None else ticks / TICKS_PER_DOLLAR


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _price(
    provider: str,
    model: str,
    *,
    at: datetime,
    bills: Callable[[], Iterable[genai_prices.Usage]],
    tier: dict[str, str],
) -> float | None:
    key = (provider, model)
    if key in _unpriced:
        return None
    for counts in bills():
        try:
            price = genai_prices.calc_price(
                counts,
                model_ref=model,
                provider_id=PROVIDER_IDS.get(provider, provider) or None,  # then by the model
                genai_request_timestamp=at,
                price_context=tier,
            )
        except LookupError:
            if len(_unpriced) >= MOST_UNPRICED:
                _unpriced.clear()
            _unpriced.add(key)
            return None
        except (ValueError, ArithmeticError):
            # Counts that contradict each other have no price.
            continue
        return float(price.total_price)
    return None
