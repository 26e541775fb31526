"""Waking the recorder."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from streamgauge.journal import waker
from streamgauge.journal.format import Kind
from streamgauge.journal.status import WorkerStatus
from streamgauge.journal.writer import Writer
from tests.journal.pages import ID


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """The recorder's ear, under a name that is short enough for a socket."""
    monkeypatch.chdir(tmp_path)
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind("wake.sock")
    ear.setblocking(False)
    yield ear
    ear.close()


def datagrams(ear: socket.socket) -> list[bytes]:
    got = []
    while True:
        try:
            got.append(ear.recv(65536))
        except BlockingIOError:
            return got


async def test_a_burst_of_writes_is_one_wake(tmp_path: Path, heard: socket.socket) -> None:
    """The recorder is woken after the burst, not for each entry of it."""
    journal = Writer(tmp_path / "local-0-1", wake_path=Path("wake.sock"))
    datagrams(heard)
    for number in range(100):
        journal.append(Kind.MARK, ID, number, b"")
    assert datagrams(heard) == []
    await asyncio.sleep(0.05)
    assert datagrams(heard) == [waker.WAKE]
    journal.close()


async def test_a_worker_tells_how_it_is(
    tmp_path: Path, heard: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it has nothing to write."""
    monkeypatch.setattr(waker, "STATUS_INTERVAL_S", 0.02)
    journal = Writer(
        tmp_path / "my-node-3-1", wake_path=Path("wake.sock"), counters=lambda: {"open": 5}
    )
    await asyncio.sleep(0.2)
    got = datagrams(heard)
    assert len(got) > 2
    status = msgspec.msgpack.decode(got[-1], type=WorkerStatus)
    assert (status.node, status.worker, status.counters) == ("my-node", "3", {"open": 5})
    assert status.journal == journal.status()
    journal.close()


async def test_nobody_minds_if_there_is_no_recorder(tmp_path: Path) -> None:
    """Streams and the journal go on."""
    journal = Writer(tmp_path / "local-0-1", wake_path=Path("/nowhere/wake.sock"))
    journal.append(Kind.MARK, ID, 1, b"")
    await asyncio.sleep(0.02)
    journal.append(Kind.MARK, ID, 2, b"")
    journal.close()
    assert journal.status().lost_entries == 0


def test_without_a_loop_the_wake_goes_out_at_once(tmp_path: Path, heard: socket.socket) -> None:
    """Tools that write without asyncio are heard as well."""
    journal = Writer(tmp_path / "local-0-1", wake_path=Path("wake.sock"))
    journal.append(Kind.MARK, ID, 1, b"")
    assert waker.WAKE in datagrams(heard)
    journal.close()
