"""What the simulator can do and what its page says cannot drift apart."""

from __future__ import annotations

import re
from pathlib import Path

from streamgauge.simulator.account import Account
from streamgauge.simulator.faults import KINDS, OPTIONS
from streamgauge.simulator.wishes import CHUNKS, ENCODINGS, FRAMINGS, WISHES

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


def test_every_wish_is_documented_with_its_meaning():
    """One row each, in the words of the code, and no row without a wish."""
    rows = re.findall(r"^\| `(Simulate-[A-Za-z-]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert {name.lower(): meaning for name, meaning in rows} == {
        name: wish.meaning for name, wish in WISHES.items()
    }


def test_every_fault_is_documented_with_its_options():
    """As the table has them, and in its order."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [
        (name, meaning, re.findall(r"`(.+?)`", options)) for name, meaning, options in rows
    ] == [(name, row.meaning, list(row.options)) for name, row in KINDS.items()]


def test_every_option_of_a_fault_is_documented():
    """As the table has them."""
    table = PAGE.partition("| option | what it says |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", table, re.MULTILINE)
    assert dict(rows) == {name: option.meaning for name, option in OPTIONS.items()}


def test_every_value_is_documented():
    """What `Simulate-Chunks`, `-Encoding` and `-Framing` can be."""
    assert all(f"`{value}`" in PAGE for value in (*CHUNKS, *ENCODINGS, *FRAMINGS))


def test_every_time_of_an_account_is_documented():
    """Those in milliseconds."""
    times = [name for name in Account.__struct_fields__ if name.endswith("_ms")]
    assert all(f"`{name}`" in PAGE for name in times)
