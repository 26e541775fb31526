"""Batches into the store, also when it is slow, broken or stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamgauge.journal.reader import Position
from streamgauge.record import Record, Transcript
from streamgauge.recorder import flusher as module
from streamgauge.recorder import position
from streamgauge.recorder.flusher import Flusher, Pair
from streamgauge.recorder.live import Live
from streamgauge.recorder.position import Progress, Progresses
from tests.recorder.desk import Desk, Exchange, ListStore, eventually


class Bench:
    """A flusher with its surroundings."""

    def __init__(self, folder: Path, *, interval_s: float = 0.01, batch: int = 100) -> None:
        self.store = ListStore()
        self.path = folder / "position.msgpack"
        self.read = 0
        self.open: list[Pair] = []
        self.safe: list[Progresses] = []
        self.flusher = Flusher(
            self.store,
            self.path,
            interval_s=interval_s,
            batch=batch,
            live=Live(),
            progresses=self.progresses,
            opened=lambda: [self.open.pop()] if self.open else [],
            stored=self.safe.append,
        )

    def progresses(self) -> Progresses:
        place = Position(1, self.read)
        return {"local-0-1": Progress(place, place)}

    def add(self, pair: Pair) -> None:
        self.read += 1
        self.flusher.add(*pair)

    def saved(self) -> int:
        progresses = position.load(self.path)
        return progresses["local-0-1"].high.offset if progresses else 0


@pytest.fixture
def pairs(desk: Desk) -> list[Pair]:
    journal = desk.writer()
    for number in range(30):
        Exchange(journal).streams(f"word {number}")
    desk.read(desk.follower())
    journal.close()
    return list(zip(desk.records, desk.transcripts, strict=True))


@contextmanager
def running(flusher: Flusher) -> Iterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(flusher.run())
    yield task
    task.cancel()


async def test_the_position_follows_what_is_stored(tmp_path: Path, pairs: list[Pair]) -> None:
    """In this order: a kill in between repeats, and loses nothing."""
    bench = Bench(tmp_path)
    for pair in pairs:
        bench.add(pair)
    bench.store.gate.clear()
    flushing = asyncio.ensure_future(bench.flusher.flush())
    await asyncio.sleep(0.05)
    assert bench.saved() == 0
    bench.store.gate.set()
    assert await flushing
    assert bench.saved() == 30
    assert bench.safe == [bench.progresses()]
    assert set(bench.store.rows) == {record.id for record, _ in pairs}
    assert bench.flusher.records_stored == 30


async def test_what_ends_during_a_flush_waits_for_the_next(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    """The saved position does not run ahead of the store."""
    bench = Bench(tmp_path)
    bench.add(pairs[0])
    bench.store.gate.clear()
    flushing = asyncio.ensure_future(bench.flusher.flush())
    await asyncio.sleep(0.02)
    bench.add(pairs[1])
    bench.store.gate.set()
    await flushing
    assert (bench.saved(), len(bench.store.rows)) == (1, 1)
    await bench.flusher.flush()
    assert (bench.saved(), len(bench.store.rows)) == (2, 2)


async def test_a_store_that_fails_gets_everything_later(
    tmp_path: Path, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is dropped, the position waits, and health can tell."""
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    bench = Bench(tmp_path)
    bench.store.broken = "out of order"
    with running(bench.flusher):
        for pair in pairs:
            bench.add(pair)
            await asyncio.sleep(0.002)
        await eventually(lambda: bench.flusher.last_error == "out of order")
        assert bench.saved() == 0
        bench.store.broken = None
        await eventually(lambda: bench.saved() == 30 and bench.flusher.last_error is None)
    assert bench.store.finals() == [record.id for record, _ in pairs]


async def test_a_position_that_cannot_be_saved_is_no_progress(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    """The batch is repeated; nothing may be deleted meanwhile."""
    bench = Bench(tmp_path)
    (tmp_path / "position.new").mkdir()
    bench.add(pairs[0])
    assert not await bench.flusher.flush()
    assert bench.safe == []
    (tmp_path / "position.new").rmdir()
    assert await bench.flusher.flush()
    assert bench.saved() == 1
    assert bench.flusher.records_stored == 1


async def test_too_much_waiting_stops_the_reading(
    tmp_path: Path, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By count and by bytes, with what is on its way."""
    monkeypatch.setattr(module, "MAX_PENDING", 3)
    bench = Bench(tmp_path)
    bench.store.gate.clear()
    bench.add(pairs[0])
    flushing = asyncio.ensure_future(bench.flusher.flush())
    await asyncio.sleep(0.01)
    bench.add(pairs[1])
    assert not bench.flusher.is_full
    bench.add(pairs[2])
    assert bench.flusher.is_full
    bench.store.gate.set()
    await flushing
    assert not bench.flusher.is_full
    monkeypatch.setattr(module, "MAX_PENDING_BYTES", 1000)
    assert bench.flusher.is_full
    await bench.flusher.flush()
    assert not bench.flusher.is_full


async def test_a_full_batch_does_not_wait_for_the_interval(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    """And is stored in inserts of at most its size."""
    bench = Bench(tmp_path, interval_s=3600, batch=10)
    with running(bench.flusher):
        for pair in pairs:
            bench.add(pair)
        await eventually(lambda: bench.saved() == 30)
    assert [len(batch) for batch in bench.store.inserts] == [10, 10, 10]


async def test_rows_of_open_exchanges_go_along(tmp_path: Path, pairs: list[Pair]) -> None:
    """They are not counted as stored records."""
    bench = Bench(tmp_path)
    opened = Record(id="x", started_at=pairs[0][0].started_at)
    bench.open.append((opened, Transcript()))
    bench.add(pairs[0])
    await bench.flusher.flush()
    assert bench.store.inserts == [[("x", "open"), (pairs[0][0].id, "completed")]]
    assert bench.flusher.records_stored == 1


async def test_nothing_to_store_is_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But a position that moves is saved now and then."""
    bench = Bench(tmp_path)
    monkeypatch.setattr(module, "SAVE_INTERVAL_S", 1e9)
    bench.read = 5
    await bench.flusher.flush()
    assert bench.saved() == 0
    monkeypatch.setattr(module, "SAVE_INTERVAL_S", 0)
    await bench.flusher.flush()
    assert bench.saved() == 5
    assert bench.store.inserts == []


async def test_stopping_ends_a_pause(tmp_path: Path, pairs: list[Pair]) -> None:
    """Nobody waits half a minute for a store that is broken."""
    bench = Bench(tmp_path)
    bench.store.broken = "out of order"
    bench.add(pairs[0])
    task = asyncio.ensure_future(bench.flusher.run())
    await eventually(lambda: bench.flusher.last_error)
    bench.flusher.stop()
    await asyncio.wait_for(task, 10)
