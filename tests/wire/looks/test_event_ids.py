"""Ids that say where each event ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.looks.event_ids import EventIds

STREAM = b": hello\n\nevent: a\ndata: 1\n\ndata: 2\r\n\r\n\n\ndata: 3\r\rdata: last"
NUMBERED = (
    b": hello\nid: 9\n\nevent: a\ndata: 1\nid: 27\n\n"
    b"data: 2\r\nid: 38\n\r\n\n\ndata: 3\rid: 49\n\rdata: last"
)


def test_every_event_gets_one() -> None:
    assert EventIds().feed(STREAM) == NUMBERED


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_however_it_is_cut(cuts: list[int]) -> None:
    """A cut between CR and LF moves an id by one byte, no more."""
    cuts = [cut for cut in cuts if STREAM[cut - 1 : cut + 1] != b"\r\n"]
    places = sorted({0, *cuts, len(STREAM)})
    ids = EventIds()
    got = b"".join(ids.feed(STREAM[begin:end]) for begin, end in pairwise(places))
    assert got == NUMBERED


@pytest.mark.parametrize("at", [9, 27, 38, 49])
def test_from_an_id_on_it_is_the_same(at: int) -> None:
    rest = EventIds(at).feed(STREAM[at:])
    assert NUMBERED.endswith(rest)
    assert rest.count(b"id: ") == sum(other > at for other in (9, 27, 38, 49))


def test_a_cut_between_cr_and_lf_loses_nothing() -> None:
    ids = EventIds()
    got = ids.feed(b"data: 1\r\n\r") + ids.feed(b"\ndata: 2\r\n\r\n")
    assert got == b"data: 1\r\nid: 10\n\r\ndata: 2\r\nid: 22\n\r\n"
