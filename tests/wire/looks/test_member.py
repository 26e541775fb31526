"""Members of a JSON object, changed in place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.looks.member import place_of, replaced

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.text(), VALUES, st.booleans())
def test_what_it_means_is_as_if_it_had_been_set(body, name, value, is_ascii):
    written = json.dumps(body, ensure_ascii=is_ascii, indent=1).encode("utf-8", "surrogatepass")
    try:
        written.decode()
    except UnicodeDecodeError:
        return
    assert json.loads(replaced(written, {name: value})) == {**body, name: value}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model" :\t"a" , "x":1}', b'{"model" :\t"new" , "x":1}'),
        (b'{"x":{"model":"in"},"model":"a"}', b'{"x":{"model":"in"},"model":"new"}'),
        (b'{"model":"a","model":"b"}', b'{"model":"a","model":"new"}'),
        ('{"é":"ü","model":"a"}'.encode(), '{"é":"ü","model":"new"}'.encode()),
        (b"{}", b'{"model":"new"}'),
        (b' { "x": 1}', b' {"model":"new", "x": 1}'),
        (b"[1]", b"[1]"),
        (b'{"x"', b'{"x"'),
        (b"\xff", b"\xff"),
        (b"", b""),
    ],
)
def test_all_other_bytes_stay(body, expected):
    assert replaced(body, {"model": "new"}) == expected


def test_where_a_value_stands():
    body = '{"é": 1, "x": [1, 2] }'.encode()
    begin, end = place_of(body, "x")
    assert body[begin:end] == b"[1, 2]"
    assert place_of(body, "y") is None
    with pytest.raises(ValueError, match="no JSON object"):
        place_of(b'{"a":' + b"[" * 100_000, "a")
