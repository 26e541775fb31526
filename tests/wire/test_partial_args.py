"""Arguments of a function call in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.dialects import partial_args
from streamgauge.wire.dialects.partial_args import PartialArgs


def put_together(*pieces: tuple[str, Any]) -> Any:
    partial = PartialArgs()
    for path, value in pieces:
        kind = "stringValue" if isinstance(value, str) else "numberValue"
        partial.add({"jsonPath": path, kind: value})
    return json.loads(partial.json())


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], {}),
        ([("$.a", "x"), ("$.a", "y"), ("$.b", 1)], {"a": "xy", "b": 1}),
        ([("$.a[1]", 2), ("$.a[0]", 1)], {"a": [1, 2]}),
        ([("$.a[0].b", 1), ("$.a[0].c[0]", "x")], {"a": [{"b": 1, "c": ["x"]}]}),
        ([("$['a b'].c", 1)], {"a b": {"c": 1}}),
        ([("$.a[999999999]", 1)], {"a": [1]}),
        ([("$.a", 1), ("$.a.b", 2)], {"a": 1}),
        ([("$", 5)], 5),
    ],
)
def test_pieces_are_put_where_their_path_says(pieces: list[tuple[str, Any]], expected: Any) -> None:
    """Texts grow, lists have no gaps, and what contradicts is left out."""
    assert put_together(*pieces) == expected


def test_what_is_too_much_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number, in size and in depth."""
    monkeypatch.setattr(partial_args, "MAX_VALUES", 2)
    assert put_together(("$.a", 1), ("$.b", 2), ("$.c", 3)) == {"a": 1, "b": 2}
    monkeypatch.setattr(partial_args, "MAX_TEXT", 3)
    assert put_together(("$.a", "xxx"), ("$.b", "y")) == {"a": "xxx"}
    assert put_together(("$" + ".a" * 100_000, 1))


@given(
    st.lists(
        st.tuples(
            st.text(alphabet="$.[]'ab01", max_size=12),
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
        )
    )
)
def test_no_path_whatever_is_an_error(pieces: list[tuple[str, Any]]) -> None:
    """The result always is JSON."""
    put_together(*pieces)
