"""Bodies that are one thing."""

from __future__ import annotations

import pytest

from streamgauge.wire import plain
from streamgauge.wire.plain import PlainDecoder
from tests.wire.cuts import Cut
from tests.wire.reading import frames


@pytest.mark.parametrize("raw", [b'{"a":\n\n1}\n', b"\xff", b""])
def test_the_body_is_one_frame_at_the_end(raw: bytes, cut: Cut) -> None:
    """None, if there is no body."""
    assert [frame.data for frame in frames("plain", raw, cut)] == ([raw] if raw else [])


def test_a_body_over_the_limit_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted once."""
    monkeypatch.setattr(plain, "MAX_FRAME", 50)
    decoder = PlainDecoder()
    for _ in range(10):
        assert decoder.feed(b"x" * 10) == []
    assert decoder.close() == []
    assert decoder.dropped == 1
