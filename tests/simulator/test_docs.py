"""What the simulator can do and what its page says cannot drift apart."""

from __future__ import annotations

import re
from pathlib import Path

from streamgauge.simulator.account import Account
from streamgauge.simulator.wishes import CHUNKS, ENCODINGS, FRAMINGS, WISHES

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


def test_every_wish_is_documented_with_its_meaning():
    """One row each, in the words of the code, and no row without a wish."""
    rows = re.findall(r"^\| `(Simulate-[A-Za-z-]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert {name.lower(): meaning for name, meaning in rows} == {
        name: wish.meaning for name, wish in WISHES.items()
    }


def test_every_value_is_documented():
    """What `Simulate-Chunks`, `-Encoding` and `-Framing` can be."""
    assert all(f"`{value}`" in PAGE for value in (*CHUNKS, *ENCODINGS, *FRAMINGS))


def test_every_time_of_an_account_is_documented():
    """Those in milliseconds."""
    times = [name for name in Account.__struct_fields__ if name.endswith("_ms")]
    assert all(f"`{name}`" in PAGE for name in times)
