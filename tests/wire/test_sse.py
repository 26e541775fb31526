"""Server-sent events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire import sse
from streamgauge.wire.sse import SseDecoder
from tests.wire.cuts import Cut, bytewise, whole
from tests.wire.reading import frames

CASES: dict[str, tuple[bytes, list[tuple[bytes, str | None, str | None]]]] = {
    "LF": (b"data: a\n\ndata: b\n\n", [(b"a", None, None), (b"b", None, None)]),
    "CR": (b"data: a\r\rdata: b\r\r", [(b"a", None, None), (b"b", None, None)]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [(b"a", None, None), (b"b", None, None)]),
    "mixed ends": (b"data: a\r\n\ndata: b\n\r\n", [(b"a", None, None), (b"b", None, None)]),
    "no space": (b"data:a\n\n", [(b"a", None, None)]),
    "two spaces": (b"data:  a\n\n", [(b" a", None, None)]),
    "no colon": (b"data\n\n", [(b"", None, None)]),
    "many lines": (b"data: a\ndata: b\ndata:\n\n", [(b"a\nb\n", None, None)]),
    "event": (b"event: ping\ndata: a\n\ndata: b\n\n", [(b"a", "ping", None), (b"b", None, None)]),
    "id stays": (b"id: 7\ndata: a\n\ndata: b\n\n", [(b"a", None, "7"), (b"b", None, "7")]),
    "id with NUL": (b"id: 7\0\ndata: a\n\n", [(b"a", None, None)]),
    "comments": (b": OPENROUTER PROCESSING\n\n: x\ndata: a\n\n", [(b"a", None, None)]),
    "retry": (b"retry: 5\n\ndata: a\n\n", [(b"a", None, None)]),
    "unknown field": (b"foo: bar\ndata: a\n\n", [(b"a", None, None)]),
    "no data": (b"event: ping\n\ndata: a\n\n", [(b"a", None, None)]),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [(b"a", None, None)]),
    "half a BOM": (b"\xef\xbbdata: a\n\ndata: b\n\n", [(b"b", None, None)]),
    "not line ends": (
        "data: a\u2028b\u0085c\x0bd\x0ce\n\n".encode(),
        [("a\u2028b\u0085c\x0bd\x0ce".encode(), None, None)],
    ),
    "cut tail": (b"data: a\n\ndata: b", [(b"a", None, None), (b"b", None, None)]),
    "cut before the blank line": (b"data: a\n", [(b"a", None, None)]),
    "only a field name": (b"data: a\n\nda", [(b"a", None, None)]),
    "empty": (b"", []),
    "blank lines": (b"\n\n\r\n\r", []),
}


@pytest.mark.parametrize(("raw", "expected"), CASES.values(), ids=CASES)
def test_frames_do_not_depend_on_the_cuts(raw: bytes, expected: list[object], cut: Cut) -> None:
    """The same bytes give the same frames, wherever the network cut them."""
    assert [(f.data, f.event, f.id) for f in frames("sse", raw, cut)] == expected


LINES = st.lists(
    st.sampled_from(
        [b"data: x", b"data:y", b"event: e", b"id: 1", b": c", b"", b"data", b"\xe2\x80\xa8"]
    )
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(st.lists(st.tuples(LINES, ENDS)), st.data())
def test_no_cut_changes_anything(
    parts: list[tuple[list[bytes], bytes]], data: st.DataObject
) -> None:
    """Whatever the stream, whatever the cuts."""
    raw = b"".join(line + end for lines, end in parts for line in lines)
    places = sorted(data.draw(st.sets(st.integers(0, len(raw)))))
    pieces = [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)]
    assert frames("sse", raw, lambda _: iter(pieces)) == frames("sse", raw, bytewise)


def test_a_line_in_many_pieces_is_put_together_once() -> None:
    """A 50 MB line costs its length, not its length squared."""
    piece = b"x" * 65_536
    decoder = SseDecoder()
    assert decoder.feed(b"data: ") == []
    for _ in range(800):
        assert decoder.feed(piece) == []
    (frame,) = decoder.feed(b"\n\n")
    assert len(frame.data) == 800 * 65_536


def test_a_frame_over_the_limit_is_dropped_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is counted; what follows is read."""
    monkeypatch.setattr(sse, "MAX_FRAME", 1000)
    decoder = SseDecoder()
    got = []
    for chunk in [b"data: a\n\n", b"data: ", *[b"x" * 400] * 10, b"\ndata: y\n\n", b"data: b\n\n"]:
        got += decoder.feed(chunk)
    assert [frame.data for frame in got] == [b"a", b"b"]
    assert decoder.dropped == 1


def test_the_usual_chunk_is_the_frame_it_holds() -> None:
    """Whole events in a chunk are frames at once, several of them too."""
    got = frames("sse", b'data: {"a":1}\n\ndata: [DONE]\n\n', whole)
    assert [frame.data for frame in got] == [b'{"a":1}', b"[DONE]"]


ENDLESS = {
    "one line": b"data: " + b"x" * 200 + b"\n\n",
    "many lines": b"data: xxxx\n" * 40 + b"\n",
    "empty lines": b"data\n" * 200 + b"\n",
}


@pytest.mark.parametrize("size", [1, 11, 100, 1000])
@pytest.mark.parametrize("raw", ENDLESS.values(), ids=ENDLESS)
def test_an_event_over_the_limit_is_dropped_whatever_it_is_made_of(
    raw: bytes, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that are whole count as well as the one that is not."""
    monkeypatch.setattr(sse, "MAX_FRAME", 100)
    stream = b"data: a\n\n" + raw + b"data: b\n\n"
    decoder = SseDecoder()
    got = [f for i in range(0, len(stream), size) for f in decoder.feed(stream[i : i + size])]
    assert [frame.data for frame in got] == [b"a", b"b"]
    assert decoder.dropped == 1


@pytest.mark.parametrize("size", [1, 9, 64])
def test_an_event_within_the_limit_is_kept_in_every_cut(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes in pieces counts once."""
    monkeypatch.setattr(sse, "MAX_FRAME", 100)
    stream = b"data: " + b"x" * 80 + b"\ndata: y\n\n"
    decoder = SseDecoder()
    got = [f for i in range(0, len(stream), size) for f in decoder.feed(stream[i : i + size])]
    assert [frame.data for frame in got] == [b"x" * 80 + b"\ny"]


def test_an_endless_event_that_breaks_off_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no frame."""
    monkeypatch.setattr(sse, "MAX_FRAME", 100)
    decoder = SseDecoder()
    for piece in [b"data: ", *[b"x" * 10] * 50]:
        assert decoder.feed(piece) == []
    assert decoder.close() == []
    assert decoder.dropped == 1


def test_a_frame_comes_with_the_chunk_that_completes_it() -> None:
    """Not with the next one: the time to the first token depends on it."""
    decoder = SseDecoder()
    chunks = [b"data: a\n", b"\ndata: b\n\ndat", b"a: c\r", b"\r", b"\ndata: d\r\n\r"]
    got = [[frame.data for frame in decoder.feed(chunk)] for chunk in chunks]
    assert got == [[], [b"a", b"b"], [], [b"c"], [b"d"]]


def test_an_endless_event_cut_at_its_line_ends_is_dropped_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its last line is no event of its own, and the event behind it is not lost for it."""
    monkeypatch.setattr(sse, "MAX_FRAME", 100)
    decoder = SseDecoder()
    chunks = [b"data: xxxx\n"] * 40 + [b"data: y\n\n", b"event: e\ndata: b\n\n"]
    got = [frame.data for chunk in chunks for frame in decoder.feed(chunk)]
    assert (got, decoder.dropped) == ([b"b"], 1)
