"""Whole lines of a stream, whatever the chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.looks import lines
from streamgauge.wire.looks.lines import Lines


def test_a_chunk_of_whole_lines_is_passed_on_itself() -> None:
    """Not a copy of it."""
    chunk = b"data: 1\n\ndata: 2\n\n"
    assert Lines().feed(chunk) is chunk


def test_half_a_line_waits_for_the_rest() -> None:
    """And is given back where the rest never comes."""
    held = Lines()
    assert held.feed(b"data: 1\n\nda") == b"data: 1\n\n"
    assert held.feed(b"ta") == b""
    assert held.feed(b": 2\nx") == b"data: 2\n"
    assert held.close() == b"x"
    assert held.close() == b""


@given(st.lists(st.text("ab\r\n").map(str.encode)))
def test_nothing_is_lost_or_changed(chunks: list[bytes]) -> None:
    """Whatever the cuts, and what is passed on ends with a line."""
    held = Lines()
    passed = [held.feed(chunk) for chunk in chunks]
    assert all(one[-1:] in (b"", b"\n", b"\r") for one in passed)
    assert b"".join(passed) + held.close() == b"".join(chunks)


def test_the_name_of_an_event_waits_for_its_data_where_it_may_be_hidden() -> None:
    """The end of a line may itself be cut; a comment, or a border, waits for nothing."""
    held = Lines(holds_fields=True)
    assert held.feed(b"data: 1\n\nevent: x\nid: 7\r") == b"data: 1\n\n"
    assert held.feed(b"\n") == b""
    assert held.feed(b"data: 2\n") == b"event: x\nid: 7\r\ndata: 2\n"
    assert held.feed(b"\n: ping\n") == b"\n: ping\n"
    assert held.feed(b"id: 8\n") == b""
    assert not held.is_clean
    assert held.close() == b"id: 8\n"


@given(st.lists(st.sampled_from([b"id: 1\n", b"event:", b" x\r\n", b"data: 1\n", b"\n", b"\r"])))
def test_nothing_is_lost_or_changed_where_names_wait(chunks: list[bytes]) -> None:
    """Whatever the cuts."""
    held = Lines(holds_fields=True)
    passed = [held.feed(chunk) for chunk in chunks]
    assert b"".join(passed) + held.close() == b"".join(chunks)


def test_names_without_end_do_not_wait() -> None:
    """A few lines, not thousands."""
    many = b"id: 1\n" * 100_000
    held = Lines(holds_fields=True)
    assert many.startswith(held.feed(many))
    assert len(held.close()) <= lines.MOST_FIELDS * 6


def test_a_line_that_is_too_long_is_passed_on_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held is bounded; nothing of ours can stand inside such a line."""
    monkeypatch.setattr(lines, "MAX_HELD", 10)
    held = Lines()
    assert held.feed(b"0123456789") == b""
    assert held.feed(b"x") == b"0123456789x"
    assert held.is_within
    assert held.feed(b"yz") == b"yz"
    assert held.feed(b"end\nnext") == b"end\n"
    assert not held.is_within
    assert held.close() == b"next"
