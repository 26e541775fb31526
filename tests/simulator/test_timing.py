from __future__ import annotations

import pytest

from streamgauge.simulator.formats.base import Piece
from streamgauge.simulator.timing import in_one, last_due, timed
from streamgauge.simulator.wishes import Jitter, Wishes

ROLE, WORD, END = Piece(b"role"), Piece(b"word", is_content=True), Piece(b"end")
STREAM = [ROLE, ROLE, WORD, WORD, WORD, END, END]


def dues(wishes: Wishes, seed: int = 1) -> list[float]:
    return [round(piece.due * 1000, 6) for piece in timed(STREAM, wishes, seed)]


def test_without_wishes_everything_is_due_at_once():
    """The fastest provider there is."""
    assert dues(Wishes()) == [0] * 7


def test_content_is_due_from_the_first_token_on():
    """What is not content follows what stands before it at once."""
    assert dues(Wishes(ttft_ms=100, itl_ms=20)) == [0, 0, 100, 120, 140, 140, 140]


def test_the_head_can_be_late():
    """And no content comes before it."""
    assert dues(Wishes(head_ms=30, ttft_ms=100)) == [30, 30, 100, 100, 100, 100, 100]
    assert dues(Wishes(head_ms=30, ttft_ms=10, itl_ms=5)) == [30, 30, 30, 35, 40, 40, 40]


@pytest.mark.parametrize("jitter", [Jitter(ms=9), Jitter(fraction=0.45)])
def test_jitter_strays_around_the_plan_without_drift(jitter):
    """Every due time stays within reach of its plan, never goes back, and the first is exact."""
    wishes = Wishes(ttft_ms=100, itl_ms=20, jitter_ms=jitter)
    stream = [WORD] * 1000
    found = [piece.due * 1000 for piece in timed(stream, wishes, 5)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(100)
    strays = [due - (100 + 20 * k) for k, due in enumerate(found)]
    assert max(map(abs, strays)) <= 9 + 1e-6
    assert max(strays) > 5
    assert min(strays) < -5
    assert found == [piece.due * 1000 for piece in timed(stream, wishes, 5)]


def test_one_write_waits_for_the_last_piece():
    """As behind a proxy that buffers."""
    (one,) = in_one(timed(STREAM, Wishes(ttft_ms=100, itl_ms=20), 1))
    assert one.data == b"".join(piece.data for piece in STREAM)
    assert one.due == pytest.approx(0.14)


@pytest.mark.parametrize(("contents", "due"), [(0, 0.1), (1, 0.1), (3, 0.14)])
def test_a_plain_answer_is_due_when_its_stream_would_end(contents, due):
    """A model does not think faster because nobody watches."""
    assert last_due(Wishes(ttft_ms=100, itl_ms=20), contents) == pytest.approx(due)
