"""The file that says how far everything is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgauge.journal.reader import Position
from streamgauge.recorder import position
from streamgauge.recorder.position import Progress

SOME = {
    "local-0-a": Progress(Position(3, 100), Position(2, 50), frozenset({bytes(16), b"x" * 16})),
    "local-1-b": Progress(Position(1, 0), Position(1, 0)),
}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """And the next save replaces it."""
    path = tmp_path / "position.msgpack"
    assert position.load(path) == {}
    position.save(path, SOME)
    assert position.load(path) == SOME
    position.save(path, {})
    assert position.load(path) == {}
    assert [p.name for p in tmp_path.iterdir()] == ["position.msgpack"]


def test_a_save_that_was_killed_leaves_the_old_one(tmp_path: Path) -> None:
    """Half a new file is not looked at."""
    path = tmp_path / "position.msgpack"
    position.save(path, SOME)
    (tmp_path / "position.new").write_bytes(b"\x81")
    assert position.load(path) == SOME
    position.save(path, {})
    assert position.load(path) == {}


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x93\x01\x02\x03", b"hello"])
def test_a_file_that_makes_no_sense_means_reading_again(tmp_path: Path, content: bytes) -> None:
    """The store keeps one row of what it has already."""
    path = tmp_path / "position.msgpack"
    path.write_bytes(content)
    assert position.load(path) == {}


def test_positions_are_ordered_by_segment_then_offset() -> None:
    """As they lie in the journal."""
    places = [Position(2, 0), Position(1, 500), Position(1, 20), Position(10, 1)]
    assert sorted(places) == [Position(1, 20), Position(1, 500), Position(2, 0), Position(10, 1)]
