"""Values of a record in the words of a table."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

ABSENT = "-"

# What an outcome looks like at a glance.
STYLES = {
    "open": "cyan",
    "completed": "green",
    "client_left": "yellow",
    "stopped": "yellow",
    "refused": "yellow",
}
BAD = "red"


def style_of(outcome: str) -> str:
    """Return the style of an outcome; what is not known to be harmless is bad."""
    return STYLES.get(outcome, BAD)


def clock(moment: str) -> str:
    """Return the local time of a moment, to the second."""
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


def day_and_time(moment: str) -> str:
    """Return the local day and time of a moment, to the minute."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def time(ms: Any) -> str:
    """Return a duration in the unit that fits."""
    if ms is None:
        return ABSENT
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"


def number(value: Any) -> str:
    """Return a number with its thousands apart."""
    return ABSENT if value is None else f"{value:,.0f}"


def rate(value: Any) -> str:
    """Return tokens per second."""
    return ABSENT if value is None else f"{value:.1f}"


def dollars(value: Any) -> str:
    """Return an amount with as many digits as say something, as the page does."""
    if value is None or value == 0:
        return ABSENT if value is None else "$0"
    # Two digits, and never an exponent.
    return f"${value:,.2f}" if value >= 0.995 else f"${Decimal(f'{value:.1e}'):f}"


def text(value: Any) -> str:
    """Return a text, or that there is none."""
    return ABSENT if value in (None, "") else str(value)
