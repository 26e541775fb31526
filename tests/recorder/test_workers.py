"""What the recorder hears from the workers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from streamgauge.journal.status import JournalHealth, WorkerStatus
from streamgauge.journal.waker import WAKE
from streamgauge.recorder.workers import Workers


class Ear:
    def __init__(self, path: Path) -> None:
        self.wakes = 0
        self.workers = Workers(path, self.wake)
        self.workers.listen()
        self.mouth = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.mouth.connect(str(path))

    def wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def ear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    ear = Ear(Path("wake.sock"))
    yield ear
    ear.mouth.close()
    ear.workers.close()


def status(number: int) -> WorkerStatus:
    return WorkerStatus(
        directory=f"local-{number}-1",
        node="local",
        worker=str(number),
        pid=number,
        journal=JournalHealth(lost_bytes=number, lost_entries=number),
    )


def test_many_wakes_are_one(ear: Ear) -> None:
    """However many datagrams wait."""
    for _ in range(5):
        ear.mouth.send(WAKE)
    ear.workers.hear()
    assert ear.wakes == 1
    assert ear.workers.seen() == []


def test_the_latest_status_of_each_worker_counts(ear: Ear) -> None:
    """Until it is forgotten."""
    for number in (1, 2, 1):
        ear.mouth.send(msgspec.msgpack.encode(status(number)))
    ear.workers.hear()
    assert {s.worker for s, _ in ear.workers.seen()} == {"1", "2"}
    assert all(0 <= age < 60 for _, age in ear.workers.seen())
    ear.workers.forget("local-1-1")
    assert ear.workers.directories() == {"local-2-1"}


def test_what_a_worker_lost_outlives_it(ear: Ear) -> None:
    """Its number is gone with it, the loss is not; and it counts once."""
    for number in (3, 4):
        ear.mouth.send(msgspec.msgpack.encode(status(number)))
    ear.workers.hear()
    assert ear.workers.lost_entries == 0
    for directory in ("local-3-1", "local-3-1", "local-9-1"):
        ear.workers.forget(directory)
    assert ear.workers.lost_entries == 3


def test_nonsense_is_passed_over(ear: Ear) -> None:
    """Anybody on this machine with our rights can write to the socket."""
    for datagram in (b"", b"\xc1", msgspec.msgpack.encode({"node": 5}), bytes(1000)):
        ear.mouth.send(datagram)
    ear.mouth.send(msgspec.msgpack.encode(status(3)))
    ear.workers.hear()
    assert ear.workers.directories() == {"local-3-1"}
