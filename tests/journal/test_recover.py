"""Blocks out of bytes."""

from __future__ import annotations

import pytest

from streamgauge.journal import recover
from streamgauge.journal.format import Kind
from streamgauge.journal.recover import BAD, find_block, parse
from tests.journal.pages import block, entry

A, B = block(entry(b"a"), entry(b"aa")), block(entry(b"b"))


@pytest.mark.parametrize("end", range(len(A + B) + 1))
def test_what_is_not_all_there_says_how_much_it_needs(end: int) -> None:
    """First its head, then the whole of it."""
    found: list = []
    used, rest = parse((A + B)[:end], found)
    assert used == (0 if end < len(A) else len(A) if end < len(A + B) else end)
    left = end - used
    size = len(A) if used == 0 else len(B)
    assert rest == (0 if left == 0 else 8 if left < 8 else size)
    assert len(found) == (0 if used == 0 else 2 if used == len(A) else 3)


@pytest.mark.parametrize("length", [0, 28, 2**28, 2**32 - 1])
def test_a_length_that_no_writer_writes_is_bad(length: int) -> None:
    """It is not believed, so it cannot ask for memory."""
    found: list = []
    assert parse(A + length.to_bytes(4, "little") + bytes(100), found) == (len(A), BAD)


@pytest.mark.parametrize("before", [b"x", b"\x00" * 33, bytes(range(256)), A[:-1], A[1:]])
def test_the_next_sound_block_is_found(before: bytes) -> None:
    """Whatever stands before it."""
    assert find_block(before + B)[0] == len(before)


@pytest.mark.parametrize("kind", Kind)
def test_a_block_that_begins_with_any_kind_is_found(kind: Kind) -> None:
    """Behind damage the first block may be one of feedback, or of an attempt that failed."""
    assert find_block(b"x" + block(entry(b"b", kind)))[0] == 1


def test_the_block_at_the_start_is_not_looked_at() -> None:
    """It is the one that did not check, or was cut."""
    assert find_block(A)[0] is None


def test_a_search_without_a_find_may_go_on_where_a_block_could_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last bytes are searched again with what follows them."""
    monkeypatch.setattr(recover, "RESYNC_BLOCK_BYTES", 100)
    assert find_block(bytes(1000)) == (None, 900)
    assert find_block(bytes(50)) == (None, 1)
