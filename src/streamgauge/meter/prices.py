"""Prices of the user's own, which win over every list, and a list that is newer than ours."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import _providers_from_raw

from streamgauge.errors import ConfigurationError
from streamgauge.record import Price, Usage

PER = 1_000_000


def own_cost(
    prices: Sequence[Price], usage: Usage, *, provider: str, models: Sequence[str | None]
) -> float | None:
    """Return the cost of *usage* in USD by the first of *prices* that fits; None if none does."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    for price in prices:
        if price.provider in ("", provider) and any(
            model and fnmatchcase(model, price.model) for model in models
        ):
            return _cost(price, usage, usage.input_tokens, usage.output_tokens)
    return None


def _cost(price: Price, usage: Usage, asked: int, said: int) -> float:
    total = 0.0
    for whole, rate, parts in (
        (
            asked,
            price.input,
            (
                (usage.cached_input_tokens, price.cached_input),
                (usage.cache_write_tokens, price.cache_write),
                (usage.audio_input_tokens, price.audio_input),
            ),
        ),
        (
            said,
            price.output,
            (
                (usage.reasoning_tokens, price.reasoning),
                (usage.audio_output_tokens, price.audio_output),
            ),
        ),
    ):
        rest = whole
        for count, own_rate in parts:
            # Parts that a provider counts beside the whole cannot make it negative.
            part = min(count or 0, rest) if own_rate is not None else 0
            total += part * (own_rate or 0.0)
            rest -= part
        total += rest * rate
    return total / PER


def use_list(data: bytes) -> None:
    """Price by the list in *data* from now on, in the format of genai-prices' ``data.json``.

    Raises `ConfigurationError` if it is none.
    """
    try:
        providers = _providers_from_raw(msgspec.json.decode(data, type=list[Any]))
    except Exception as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(
            f"it is no price list of genai-prices (its data.json): {said}"
        ) from None
    set_custom_snapshot(DataSnapshot(providers, from_auto_update=False))
