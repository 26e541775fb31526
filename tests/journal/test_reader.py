"""Reading: whole, growing, damaged and torn journals."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgauge.journal.format import BLOCK, Kind
from streamgauge.journal.reader import Position, Reader
from streamgauge.journal.recover import RESYNC_BYTES
from streamgauge.journal.writer import Writer
from tests.journal.pages import ID, block, entry, payloads, segment

A, B, C = (block(entry(name * 40)) for name in (b"a", b"b", b"c"))
BORDERS = (0, len(A), len(A + B), len(A + B + C))


@pytest.mark.parametrize("cut", range(len(A + B + C) + 1))
def test_a_torn_tail_is_cut_off_at_the_last_whole_block(tmp_path: Path, cut: int) -> None:
    """Wherever the file ends, what is whole before that is read, and the rest is counted."""
    segment(tmp_path, 1, (A + B + C)[:cut])
    whole = [border for border in BORDERS if border <= cut]
    reader = Reader(tmp_path)
    expected = [name * 40 for name in (b"a", b"b", b"c")][: len(whole) - 1]
    assert payloads(reader) == expected
    assert reader.torn_tails == reader.damages == 0
    assert reader.position.offset == whole[-1]
    assert payloads(reader, is_final=True) == []
    assert reader.torn_tails == (0 if cut in BORDERS else 1)
    assert reader.unread_bytes == cut - whole[-1]


def test_a_block_that_is_still_being_written_is_read_once_it_is_there(tmp_path: Path) -> None:
    """A living writer's last block comes byte by byte; it comes once, and whole."""
    path = segment(tmp_path, 1, A)
    reader = Reader(tmp_path)
    assert payloads(reader) == [b"a" * 40]
    for end in range(1, len(B)):
        path.write_bytes(A + B[:end])
        assert payloads(reader) == []
    path.write_bytes(A + B)
    assert payloads(reader) == [b"b" * 40]


@pytest.mark.parametrize("at", range(len(B)))
def test_a_flipped_byte_costs_one_block(tmp_path: Path, at: int) -> None:
    """Damage in the middle is skipped and counted; the blocks around it are read."""
    damaged = bytearray(A + B + C)
    damaged[len(A) + at] ^= 0x5A
    segment(tmp_path, 1, bytes(damaged))
    reader = Reader(tmp_path)
    assert payloads(reader, is_final=True) == [b"a" * 40, b"c" * 40]
    assert (reader.damages, reader.torn_tails, reader.unread_bytes) == (1, 0, len(B))


def test_damage_does_not_stop_a_living_journal(tmp_path: Path) -> None:
    """What follows the damage is read as soon as it is there."""
    damaged = bytearray(B)
    damaged[-1] ^= 1
    path = segment(tmp_path, 1, A + bytes(damaged))
    reader = Reader(tmp_path)
    assert payloads(reader) == [b"a" * 40]
    assert payloads(reader) == []
    with path.open("ab") as file:
        file.write(C)
    assert payloads(reader) == [b"c" * 40]
    assert reader.damages == 1


def test_a_checksum_that_comes_late_is_not_damage(tmp_path: Path) -> None:
    """A block that did not check at the living end is tried again."""
    damaged = bytearray(B)
    damaged[-1] ^= 1
    path = segment(tmp_path, 1, A + bytes(damaged))
    reader = Reader(tmp_path)
    assert payloads(reader) == [b"a" * 40]
    path.write_bytes(A + B)
    assert payloads(reader) == [b"b" * 40]
    assert reader.damages == 0


def test_a_hole_of_zeros_is_skipped(tmp_path: Path) -> None:
    """A power cut may leave pages of zeros; a length of 0 with checksum 0 is no block."""
    segment(tmp_path, 1, A + bytes(3 * RESYNC_BYTES) + C)
    reader = Reader(tmp_path)
    assert payloads(reader, is_final=True) == [b"a" * 40, b"c" * 40]
    assert (reader.damages, reader.unread_bytes) == (1, 3 * RESYNC_BYTES)


def test_bytes_made_to_look_like_blocks_end_the_search(tmp_path: Path) -> None:
    """False starts everywhere, each as long as allowed, cost a bounded amount of work."""
    false_starts = BLOCK.pack(0x1F0000, 0) + b"\x80\x00\x00\x00\x04"
    segment(tmp_path, 1, A + false_starts * (RESYNC_BYTES // len(false_starts)) + C)
    segment(tmp_path, 2, B)
    reader = Reader(tmp_path)
    found = payloads(reader, is_final=True)
    assert found[0] == b"a" * 40
    assert found[-1] == b"b" * 40


def test_a_torn_segment_in_the_middle_is_left_for_the_next(tmp_path: Path) -> None:
    """A writer that had to give up a segment goes on in another."""
    segment(tmp_path, 1, A + B[:-3])
    segment(tmp_path, 2, C)
    reader = Reader(tmp_path)
    assert payloads(reader) == [b"a" * 40, b"c" * 40]
    assert reader.torn_tails == 1
    assert reader.position == Position(2, len(C))


def test_a_block_whose_entries_do_not_add_up_is_damage(tmp_path: Path) -> None:
    """A checksum over nonsense does not make sense of it."""
    body = b"\xff\x00\x00\x00" + bytes(40)
    from zlib import crc32

    segment(tmp_path, 1, A + BLOCK.pack(len(body), crc32(body)) + body + C)
    reader = Reader(tmp_path)
    assert payloads(reader, is_final=True) == [b"a" * 40, b"c" * 40]
    assert reader.damages == 1


def test_reading_goes_on_where_another_reader_stopped(tmp_path: Path) -> None:
    """A position is all that has to be kept."""
    segment(tmp_path, 1, A + B)
    segment(tmp_path, 2, C)
    first = Reader(tmp_path)
    entries = first.slice(len(A))
    assert [e.payload for e in entries] == [b"a" * 40]
    assert first.remaining() == len(B + C)
    assert payloads(Reader(tmp_path, first.position)) == [b"b" * 40, b"c" * 40]


def test_segments_that_are_gone_are_passed_over(tmp_path: Path) -> None:
    """A position in a segment that was deleted means the first that is left."""
    segment(tmp_path, 7, C)
    assert payloads(Reader(tmp_path, Position(3, 500))) == [b"c" * 40]


def test_a_directory_without_segments_is_at_its_end(tmp_path: Path) -> None:
    """A journal that has not begun reads as empty, and is read when it begins."""
    reader = Reader(tmp_path / "nothing")
    assert payloads(reader) == []
    segment(tmp_path / "nothing", 1, A)
    assert payloads(reader) == [b"a" * 40]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    groups=st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), max_size=12),
    segment_bytes=st.integers(1, 2000),
    limit=st.integers(1, 5000),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    groups: list[list[bytes]],
    segment_bytes: int,
    limit: int,
) -> None:
    """Every entry comes back once and in order, for any segment and slice size."""
    directory = tmp_path_factory.mktemp("journal") / "n-0-1"
    writer = Writer(directory, segment_bytes=segment_bytes, fsync_interval_s=60)
    for group in groups:
        writer.append_all([(Kind.MARK, ID, 7, payload) for payload in group])
    reader = Reader(directory)
    expected = [payload for group in groups for payload in group]
    assert payloads(reader, limit=limit) == expected
    assert reader.remaining() == 0
    reader.close()
    writer.close()
