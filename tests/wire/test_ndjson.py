"""Newline-delimited JSON."""

from __future__ import annotations

import pytest

from streamgauge.wire import ndjson
from streamgauge.wire.ndjson import NdjsonDecoder
from tests.wire.cuts import Cut
from tests.wire.reading import frames

CASES = {
    "lines": (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
    "CRLF": (b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}']),
    "no last end": (b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
    "blank lines": (b'\n\n{"a":1}\n\n', [b'{"a":1}']),
    "line separators in text": ('"\u2028\u0085"\n'.encode(), ['"\u2028\u0085"'.encode()]),
    "empty": (b"", []),
}


@pytest.mark.parametrize(("raw", "expected"), CASES.values(), ids=CASES)
def test_frames_do_not_depend_on_the_cuts(raw: bytes, expected: list[bytes], cut: Cut) -> None:
    """One frame a line, wherever the network cut it."""
    assert [frame.data for frame in frames("ndjson", raw, cut)] == expected


def test_a_line_over_the_limit_is_dropped_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is counted."""
    monkeypatch.setattr(ndjson, "MAX_FRAME", 100)
    decoder = NdjsonDecoder()
    got = [f.data for c in (b"a\n", b"x" * 99, b"x" * 99, b"\nb\n") for f in decoder.feed(c)]
    assert got == [b"a", b"b"]
    assert decoder.dropped == 1
