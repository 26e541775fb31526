"""What was said already."""

from __future__ import annotations

from streamgauge.wire.dialects.said import MAX_SAID, Said


def test_a_thing_is_new_when_its_value_changes() -> None:
    said = Said()
    values = ["a", "a", "b", "a"]
    assert [said.is_new("x", value) for value in values] == [True, False, True, True]
    assert said.is_new("y", "a")


def test_what_is_ever_new_does_not_fill_the_memory() -> None:
    """Then a thing may be new twice."""
    said = Said()
    assert all(said.is_new(number, 1) for number in range(3 * MAX_SAID))
    assert len(said._values) <= MAX_SAID
