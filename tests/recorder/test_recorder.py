"""The recorder as a whole: writers on one side, a store on the other."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streamgauge.api.health import judged
from streamgauge.journal.reader import Position
from streamgauge.journal.segments import segment_numbers, segment_path
from streamgauge.journal.writer import Writer
from streamgauge.recorder import Recorder, position
from streamgauge.recorder import flusher as flusher_module
from streamgauge.recorder import tail as tail_module
from streamgauge.recorder.position import Progress
from streamgauge.settings import Settings
from streamgauge.store.loader import open_store
from tests.recorder.desk import DONE, STOP, Exchange, ListStore, event, eventually, settings_for


@asynccontextmanager
async def recording(settings: Settings, store: ListStore) -> AsyncIterator[Recorder]:
    recorder = Recorder(settings, store)
    await recorder.start()
    yield recorder
    await recorder.stop()


def writer(settings: Settings, name: str = "local-0-1", **options: Any) -> Writer:
    return Writer(
        settings.journal_dir / name,
        wake_path=settings.wake_socket,
        fsync_interval_s=60,
        **options,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


async def test_streams_of_all_workers_become_rows(settings: Settings) -> None:
    """Also of a worker that starts later."""
    store = ListStore()
    first = writer(settings, "local-0-1")
    async with recording(settings, store):
        a = Exchange(first).streams("a")
        await eventually(lambda: a.id in store.rows)
        second = writer(settings, "local-1-2")
        b = Exchange(second).streams("b")
        await eventually(lambda: b.id in store.rows)
    assert store.finals() == [a.id, b.id]
    first.close()
    second.close()


async def test_a_wake_is_enough(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the slow timer, news still arrive."""
    monkeypatch.setattr(tail_module, "LOOK_INTERVAL_S", 3600)
    store = ListStore()
    journal = writer(settings)
    async with recording(settings, store):
        for _ in range(3):
            exchange = Exchange(journal).streams("a")
            await eventually(lambda id_=exchange.id: id_ in store.rows)
    journal.close()


async def test_without_a_wake_the_timer_is_enough(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A datagram may get lost."""
    monkeypatch.setattr(tail_module, "LOOK_INTERVAL_S", 0.05)
    store = ListStore()
    journal = Writer(settings.journal_dir / "local-0-1", wake_path=None)
    async with recording(settings, store):
        exchange = Exchange(journal).streams("a")
        await eventually(lambda: exchange.id in store.rows)
    journal.close()


async def test_a_long_exchange_has_a_row_while_it_is_open(settings: Settings) -> None:
    """One, and its final row takes its place."""
    store = ListStore()
    journal = writer(settings)
    async with recording(settings, store):
        exchange = Exchange(journal).opens().head(50).chunk(60, event("a"))
        await eventually(lambda: store.outcomes() == {exchange.id: "open"})
        await asyncio.sleep(0.2)
        exchange.chunk(70, STOP + DONE).ends(71)
        await eventually(lambda: store.outcomes() == {exchange.id: "completed"})
    assert store.inserts == [[(exchange.id, "open")], [(exchange.id, "completed")]]
    journal.close()


async def test_a_dead_worker_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exchanges end, and it is no longer listed."""
    monkeypatch.setattr(tail_module, "LOOK_INTERVAL_S", 0.05)
    store = ListStore()
    journal = writer(settings)
    async with recording(settings, store) as recorder:
        exchange = Exchange(journal).opens().head(50).chunk(60, event("a"))
        await eventually(lambda: recorder.live.get(exchange.id) is not None)
        await eventually(lambda: recorder.health().workers)
        journal.close()
        await eventually(lambda: store.outcomes() == {exchange.id: "gateway_restarted"})
        await eventually(lambda: recorder.health().workers == ())


async def test_a_stop_stores_what_has_ended(settings: Settings) -> None:
    """What came in the last moment is not left for the next start."""
    store = ListStore()
    journal = writer(settings)
    async with recording(settings, store):
        exchanges = [Exchange(journal).streams("a") for _ in range(50)]
    assert set(store.rows) == {e.id for e in exchanges}
    async with recording(settings, store):
        await asyncio.sleep(0.2)
    assert len(store.finals()) == 50
    journal.close()


async def test_a_store_that_is_down_holds_the_journal_not_the_memory(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading stops at the bound; all is stored when the store is back."""
    monkeypatch.setattr(flusher_module, "MAX_PENDING", 20)
    monkeypatch.setattr(flusher_module, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(flusher_module, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr("streamgauge.recorder.follower.SLICE_BYTES", 2000)
    store = ListStore()
    store.broken = "no disk"
    journal = writer(settings)
    async with recording(settings, store) as recorder:
        exchanges = [Exchange(journal).streams("a") for _ in range(100)]
        await eventually(lambda: not recorder.health().store.ok)
        await asyncio.sleep(0.2)
        health = recorder.health()
        assert health.store.last_error == "no disk"
        assert health.recorder.lag_bytes > 10_000
        assert len(recorder._flusher._pending) < 40
        store.broken = None
        await eventually(lambda: len(store.rows) == 100)
        await eventually(lambda: recorder.health().recorder.lag_bytes == 0)
        assert recorder.health().store.ok
    assert store.finals() == [e.id for e in exchanges]
    journal.close()


async def test_old_segments_are_deleted_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal does not grow for ever."""
    monkeypatch.setattr(tail_module, "LOOK_INTERVAL_S", 0.05)
    settings = settings_for(tmp_path, resume_window_s=0)
    store = ListStore()
    journal = writer(settings, segment_bytes=4096)
    async with recording(settings, store):
        for _ in range(60):
            Exchange(journal).streams("a")
        await eventually(lambda: len(store.rows) == 60)
        await eventually(lambda: len(segment_numbers(journal.directory)) <= 2)
        journal.close()
        await eventually(lambda: not journal.directory.exists())


async def test_health_is_what_the_api_judges(settings: Settings) -> None:
    """What a worker counts that this version does not know is left out."""
    store = ListStore()
    async with recording(settings, store) as recorder:
        journal = writer(settings)
        journal.counters = lambda: {"open": 7, "tasks": 2, "of_tomorrow": 1}
        Exchange(journal).streams("a")
        await eventually(lambda: recorder.health().recorder.records_stored == 1)
        # The first that it told was before it had anything to count.
        await eventually(lambda: any(one.open for one in recorder.health().workers))
        health = judged(recorder.health())
    assert health.status == "ok"
    assert health.store.scheme == "memory"
    (worker,) = health.workers
    assert (worker.node, worker.worker) == ("local", "0")
    assert (worker.open, worker.tasks, worker.clients) == (7, 2, 0)
    journal.close()


async def test_the_socket_of_a_killed_recorder_is_no_obstacle(settings: Settings) -> None:
    """It is taken over."""
    settings.run_dir.mkdir(parents=True)
    settings.wake_socket.touch()
    store = ListStore()
    journal = writer(settings)
    async with recording(settings, store):
        exchange = Exchange(journal).streams("a")
        await eventually(lambda: exchange.id in store.rows)
    assert not settings.wake_socket.exists()
    journal.close()


# -- a process that is killed ---------------------------------------------------------------------

CHILD = """
import asyncio, sqlite3, sys, time
import msgspec
from pathlib import Path
from streamgauge.recorder import Recorder, position
from streamgauge.settings import Settings
from streamgauge.store.loader import open_store

class Sqlite:
    scheme = "sqlite"

    def __init__(self, path):
        self.path = path

    def insert(self, batch):
        # Slow, in pieces that are committed one by one: a kill may come between any two.
        with sqlite3.connect(self.path) as rows:
            rows.execute("CREATE TABLE IF NOT EXISTS rows(id, outcome, text, raw)")
        for record, transcript in batch:
            time.sleep(0.003)
            with sqlite3.connect(self.path) as rows:
                rows.execute(
                    "INSERT INTO rows VALUES (?, ?, ?, ?)",
                    (record.id, record.outcome.value, record.response_text, transcript.raw),
                )

settings = msgspec.json.decode(sys.argv[1], type=Settings)
if sys.argv[2] == "chdb":
    store = open_store(settings.store_url, wait_s=10)
else:
    store = Sqlite(sys.argv[2])
print("up", flush=True)
asyncio.run(Recorder(settings, store).run())
"""


class Child:
    """A recorder in a process of its own."""

    def __init__(self, settings: Settings, store: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, msgspec.json.encode(settings), store],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"up\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Traffic:
    """Exchanges that go on whatever happens to the recorder."""

    def __init__(self, settings: Settings) -> None:
        self.journal = writer(settings, segment_bytes=8192)
        self.expected: dict[str, str] = {}
        self.running: list[tuple[Exchange, list[str]]] = []
        self.random = random.Random(5)

    def go_on(self, count: int) -> None:
        for _ in range(count):
            if len(self.running) < 8:
                self.running.append((Exchange(self.journal).opens().head(50), []))
            place = self.random.randrange(len(self.running))
            exchange, words = self.running[place]
            if len(words) == 6:
                exchange.chunk(90, STOP + DONE).ends(91)
                self.expected[exchange.id] = "".join(words)
                del self.running[place]
            else:
                words.append(f"w{self.random.random()} ")
                exchange.chunk(60 + len(words), event(words[-1]))


def test_a_recorder_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """Every exchange has its text, and where a row came twice, both are the same."""
    settings = settings_for(tmp_path, resume_window_s=0)
    rows = tmp_path / "rows.sqlite"
    traffic = Traffic(settings)
    for _ in range(8):
        child = Child(settings, str(rows))
        for _ in range(10):
            traffic.go_on(20)
            time.sleep(traffic.random.uniform(0, 0.04))
        child.kill()
    for exchange, words in traffic.running:
        traffic.expected[exchange.id] = "".join(words)
    left_open = {exchange.id for exchange, _ in traffic.running}
    traffic.journal.close()
    child = Child(settings, str(rows))
    end = time.monotonic() + 60
    found: dict[str, set[tuple[str, str, bytes]]] = {}
    while found.keys() != traffic.expected.keys():
        assert time.monotonic() < end
        time.sleep(0.1)
        with closing(sqlite3.connect(rows)) as database:
            answers = database.execute("SELECT * FROM rows WHERE outcome != 'open'").fetchall()
        found = {}
        for id_, *row in answers:
            found.setdefault(id_, set()).add(tuple(row))
    child.kill()
    assert all(len(versions) == 1 for versions in found.values())
    for id_, versions in found.items():
        outcome, text, _ = versions.pop()
        assert text == traffic.expected[id_]
        assert outcome == ("gateway_restarted" if id_ in left_open else "completed")
    assert len(traffic.expected) > 100


def test_a_real_store_keeps_one_row_of_each(tmp_path: Path) -> None:
    """The same with chDB: killed while it stores, and no record is there twice."""
    settings = settings_for(tmp_path)
    traffic = Traffic(settings)
    for _ in range(3):
        child = Child(settings, "chdb")
        for _ in range(10):
            traffic.go_on(30)
            time.sleep(traffic.random.uniform(0, 0.1))
        child.kill()
    for exchange, words in traffic.running:
        traffic.expected[exchange.id] = "".join(words)
    traffic.journal.close()
    child = Child(settings, "chdb")
    directory = traffic.journal.directory
    last = segment_numbers(directory)[-1]
    end = Position(last, segment_path(directory, last).stat().st_size)
    until = time.monotonic() + 60
    while position.load(tmp_path / "position.msgpack").get(directory.name) != Progress(end, end):
        assert time.monotonic() < until
        time.sleep(0.05)
    child.kill()
    store = open_store(settings.store_url, wait_s=10)
    rows = store.query("SELECT toString(id) AS id, outcome, response_text FROM records FINAL")
    store.close()
    assert {row["id"]: row["response_text"] for row in rows} == traffic.expected
    assert len(rows) == len(traffic.expected)
    assert all(row["outcome"] != "open" for row in rows)
