"""Bytes of running exchanges, in memory and in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgauge.recorder import spool
from streamgauge.recorder.spool import Memory, Spool


def test_few_bytes_stay_in_memory(tmp_path: Path) -> None:
    """And are given back once."""
    memory = Memory(tmp_path / "tmp")
    kept = Spool(memory)
    kept.add(b"ab")
    kept.add(b"cd")
    assert (kept.peek(), memory.used) == (b"abcd", 4)
    assert kept.take() == b"abcd"
    assert memory.used == 0
    assert not (tmp_path / "tmp").exists()


def test_many_bytes_go_to_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed recorder leaves nothing behind."""
    monkeypatch.setattr(spool, "MAX_IN_MEMORY", 10)
    memory = Memory(tmp_path / "tmp")
    kept = Spool(memory)
    for _ in range(10):
        kept.add(b"12345")
    assert memory.used == 0
    assert list((tmp_path / "tmp").iterdir()) == []
    assert kept.peek() == b"12345" * 10
    kept.add(b"end")
    assert kept.take() == b"12345" * 10 + b"end"


def test_more_than_the_limit_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The beginning is."""
    monkeypatch.setattr(spool, "MAX_KEPT", 8)
    kept = Spool(Memory(tmp_path))
    kept.add(b"12345")
    assert kept.lost == 0
    kept.add(b"67890")
    kept.add(b"x")
    assert (kept.size, kept.lost) == (8, 3)
    assert kept.take() == b"12345678"


class Disk:
    """A file that takes three bytes a time, and *room* in all."""

    def __init__(self, room: int) -> None:
        self.taken = b""
        self.room = room

    def write(self, data: bytes) -> int:
        part = data[: min(3, self.room - len(self.taken))]
        if not part:
            raise OSError(28, "No space left on device")
        self.taken += part
        return len(part)

    def seek(self, _: int) -> None: ...

    def read(self) -> bytes:
        return self.taken

    def close(self) -> None: ...


@pytest.mark.parametrize(("room", "lost"), [(100, 0), (7, 8)])
def test_a_disk_that_takes_little_or_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, lost: int
) -> None:
    """Short writes are gone on with; what a full disk does not take is counted."""
    monkeypatch.setattr(spool, "MAX_IN_MEMORY", 3)
    monkeypatch.setattr(spool.tempfile, "TemporaryFile", lambda **_: Disk(room))
    kept = Spool(Memory(tmp_path))
    for piece in (b"12345", b"67890", b"abcde"):
        kept.add(piece)
    assert (kept.size, kept.lost) == (15 - lost, lost)
    assert kept.take() == b"1234567890abcde"[: 15 - lost]


def test_without_a_folder_the_bytes_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk costs memory first, not answers."""
    monkeypatch.setattr(spool, "MAX_IN_MEMORY", 3)
    (tmp_path / "file").write_bytes(b"")
    kept = Spool(Memory(tmp_path / "file"))
    kept.add(b"12345")
    kept.add(b"67890")
    assert kept.take() == b"1234567890"
