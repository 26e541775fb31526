"""The examples of docs/prices.md are runs over recordings, and say what the rules say."""

from __future__ import annotations

import pytest

from streamgauge.record import CostSource, UsageSource
from tests.meter.prices import EXAMPLES, OWN, PAGE, Example, page, priced


def example(what: str) -> Example:
    return next(one for one in EXAMPLES if one.what.startswith(what))


def test_the_examples_are_current() -> None:
    """`python -m tests.meter.prices` writes them anew."""
    assert PAGE.read_text() == page()


def test_the_first_example_by_hand() -> None:
    """gpt-4o: 2.50 and 10 dollars a million; 2 and 8 by the price of one's own."""
    listed, own = priced(example("a plain answer")), priced(example("the first again"))
    asked, said = listed.usage.input_tokens, listed.usage.output_tokens
    assert (asked, said) == (448, 62)
    assert listed.cost.cost_usd == pytest.approx((448 * 2.5 + 62 * 10) / 1e6)
    assert own.cost.cost_usd == pytest.approx((448 * OWN[0].input + 62 * OWN[0].output) / 1e6)


@pytest.mark.parametrize(
    ("what", "usage", "cost"),
    [
        ("the provider states", UsageSource.REPORTED, CostSource.PROVIDER),
        ("no usage", UsageSource.ESTIMATED, CostSource.ESTIMATED),
        ("the client left", UsageSource.ESTIMATED, CostSource.ESTIMATED),
        ("nobody prices", UsageSource.REPORTED, CostSource.UNKNOWN),
    ],
)
def test_every_source_of_cost_has_its_example(
    what: str, usage: UsageSource, cost: CostSource
) -> None:
    """What the page shows as such is such."""
    found = priced(example(what))
    assert (found.usage.usage_source, found.cost.cost_source) == (usage, cost)
