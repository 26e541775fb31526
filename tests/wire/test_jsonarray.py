"""A JSON array that grows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire import jsonarray
from streamgauge.wire.jsonarray import JsonArrayDecoder
from tests.wire.cuts import CUTS, Cut
from tests.wire.reading import frames

DEEP = b"[" * 50_000 + b"]" * 50_000

CASES: dict[str, tuple[bytes, list[bytes]]] = {
    "objects": (b'[{"a":1},\n{"b":2}]', [b'{"a":1}', b'{"b":2}']),
    "as Gemini sends it": (
        b'[{\n  "a": 1\n}\n,\r\n{\n  "b": 2\n}\n]\n',
        [b'{\n  "a": 1\n}', b'{\n  "b": 2\n}'],
    ),
    "one object": (b' {"error": {"code": 1}}\n', [b'{"error": {"code": 1}}']),
    "brackets in strings": (b'[{"a":"]}[{,"},{"]":"\\""}]', [b'{"a":"]}[{,"}', b'{"]":"\\""}']),
    "escapes": (rb'[{"a":"\\"},{"b":"\\\""},"\""]', [rb'{"a":"\\"}', rb'{"b":"\\\""}', rb'"\""']),
    "arrays within": (b"[[1,[2]],[3]]", [b"[1,[2]]", b"[3]"]),
    "simple values": (b'[1, "a,b" ,null,true]', [b"1", b'"a,b"', b"null", b"true"]),
    "nothing": (b"[ ]", []),
    "blanks": (b" \n\t[\n]\r\n ", []),
    "a byte order mark": (b"\xef\xbb\xbf[1]", [b"1"]),
    "cut off": (b'[{"a":1},{"b":', [b'{"a":1}', b'{"b":']),
    "cut off in a string": (b'[{"a":1},{"b":"]', [b'{"a":1}', b'{"b":"]']),
    "no JSON": (b"Bad gateway, [sorry]", [b"Bad gateway, [sorry]"]),
    "line separators": ('["\u2028\u0085"]'.encode(), ['"\u2028\u0085"'.encode()]),
    "deep": (b"[" + DEEP + b",1]", [DEEP, b"1"]),
    "two arrays": (b"[1][2]", [b"1", b"2"]),
    "one bracket too many": (b"[1]]]", [b"1"]),
    "empty": (b"", []),
}


@pytest.mark.parametrize(("raw", "expected"), CASES.values(), ids=CASES)
def test_frames_do_not_depend_on_the_cuts(raw: bytes, expected: list[bytes], cut: Cut) -> None:
    """One frame an element, wherever the network cut it."""
    assert [frame.data for frame in frames("jsonarray", raw, cut)] == expected


def test_an_element_is_given_as_soon_as_it_is_whole() -> None:
    """Not only when the comma behind it comes."""
    decoder = JsonArrayDecoder()
    assert decoder.feed(b'[{"a":1') == []
    assert [frame.data for frame in decoder.feed(b"}")] == [b'{"a":1}']
    assert decoder.feed(b",") == []


def test_an_element_over_the_limit_is_dropped_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    """It is counted."""
    monkeypatch.setattr(jsonarray, "MAX_FRAME", 100)
    decoder = JsonArrayDecoder()
    raw = b'["a",{"b":"' + b"x]" * 300 + b'"},"c"]'
    got = [frame.data for chunk in cut(raw) for frame in decoder.feed(chunk)]
    assert got == [b'"a"', b'"c"']
    assert decoder.dropped == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.lists(VALUES, max_size=4),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.sampled_from(list(CUTS)),
)
def test_any_array_falls_into_its_elements(
    values: list[Any], indent: int | None, ascii_only: bool, cut: str
) -> None:
    """However it is written."""
    raw = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    found = frames("jsonarray", raw, CUTS[cut])
    assert [json.loads(frame.data) for frame in found] == values


@given(st.text(alphabet='[]{}",\\ a1', max_size=40))
def test_rubbish_falls_the_same_however_it_is_cut(rubbish: str) -> None:
    """And never raises."""
    found = [
        [frame.data for frame in frames("jsonarray", rubbish.encode(), cut)]
        for cut in CUTS.values()
    ]
    assert found[0] == found[1] == found[2]
