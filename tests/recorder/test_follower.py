"""Following one directory, through restarts and deletion."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from streamgauge.journal.format import Kind
from streamgauge.journal.owner import OWNER
from streamgauge.journal.segments import segment_numbers, segment_path
from streamgauge.journal.writer import Writer
from streamgauge.record import Outcome, Source
from streamgauge.recorder import follower as module
from tests.recorder.desk import DONE, STARTED_NS, STOP, Desk, Exchange, event


def test_a_restart_goes_on_where_the_stored_progress_was(desk: Desk, journal: Writer) -> None:
    """What had ended is not made again; what was open is read from its beginning."""
    ended = Exchange(journal).streams("a")
    long = Exchange(journal).opens().head(50).chunk(60, event("Hel"))
    other = Exchange(journal).streams("b")
    first = desk.follower()
    assert {r.id for r in desk.read(first)} == {ended.id, other.id}
    progress = first.progress()
    assert progress.open == {long.raw}
    assert progress.low < progress.high
    long.chunk(70, event("lo") + STOP + DONE).ends(71)
    late = Exchange(journal).streams("c")

    second = desk.again()
    assert {r.id for r in second.read(second.follower(progress=progress))} == {long.id, late.id}
    (record,) = [r for r in second.records if r.id == long.id]
    assert record.response_text == "Hello"
    assert record.chunks == 2


def test_it_knows_when_that_was_written_which_it_read_last(desk: Desk, journal: Writer) -> None:
    """Which tells how far behind it is."""
    follower = desk.follower()
    exchange = Exchange(journal, start_ms=1000).opens().head(50).chunk(60, event("Hel"))
    desk.read(follower)
    assert follower.last_ns == 1_060_000_000
    exchange.chunk(75, event("lo"))
    desk.read(follower)
    desk.read(follower)
    assert follower.last_ns == 1_075_000_000


def test_the_progress_stays_while_a_restart_reads_again(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of it, the next start must not skip anything."""
    long = Exchange(journal).opens().head(50)
    for number in range(50):
        long.chunk(60 + number, event("x" * 100))
        Exchange(journal).streams("y")
    first = desk.follower()
    desk.read(first)
    progress = first.progress()

    monkeypatch.setattr(module, "SLICE_BYTES", 3000)
    second = desk.again()
    follower = second.follower(progress=progress)
    seen = 0
    while follower.read() and follower.progress() == progress:
        seen += 1
    assert seen > 5
    second.read(follower)
    assert follower.progress().high == progress.high
    assert follower.progress().open == {long.raw}
    assert second.records == []


@pytest.mark.parametrize("stop_after", range(0, 40, 3))
def test_a_restart_at_any_moment_gives_every_record(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    """Whatever was read and stored before, the second process completes it exactly."""
    monkeypatch.setattr(module, "SLICE_BYTES", 700)
    exchanges = [Exchange(journal).opens() for _ in range(6)]
    for exchange in exchanges:
        exchange.head(50)
    for word in ("a", "b", "c"):
        for exchange in exchanges:
            exchange.chunk(60, event(word))
    for exchange in exchanges:
        exchange.chunk(70, STOP + DONE).ends(71)
    first = desk.follower()
    for _ in range(stop_after):
        first.read()
    stored = list(desk.records)
    progress = first.progress()

    second = desk.again()
    second.read(second.follower(progress=progress))
    assert not {r.id for r in stored} & {r.id for r in second.records}
    together = stored + second.records
    assert {r.id for r in together} == {e.id for e in exchanges}
    assert all(r.response_text == "abc" and r.outcome == "completed" for r in together)


def test_the_same_record_is_made_again_after_a_kill_before_the_save(
    desk: Desk, journal: Writer
) -> None:
    """Same id, same start, same everything: the store keeps one row."""
    Exchange(journal).streams("a", "b")
    desk.read(desk.follower())
    second = desk.again()
    second.read(second.follower())
    assert second.records == desk.records
    assert second.transcripts == desk.transcripts


def test_finished_records_are_stored_as_they_are(desk: Desk, journal: Writer) -> None:
    """What ingest has journaled needs no decoding."""
    Exchange(journal).streams("a")
    (record,) = desk.read(desk.follower())
    logged = msgspec.structs.replace(record, id="logged", source=Source.SDK)
    journal.append(Kind.RECORD, bytes(16), 5, msgspec.msgpack.encode(logged))
    assert desk.read(desk.follower())[-1] == logged


def test_an_entry_that_cannot_be_read_costs_itself_only(
    desk: Desk, journal: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and logged; the exchange goes on."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hi"))
    exchange.note(Kind.MARK, 61, b"\xc1")
    exchange.chunk(62, STOP + DONE).ends(70)
    follower = desk.follower()
    (record,) = desk.read(follower)
    assert record.response_text == "Hi"
    assert follower.damages == 1
    assert "cannot be read" in caplog.text


def test_entries_without_their_beginning_are_passed_over(desk: Desk, journal: Writer) -> None:
    """The writer has counted the loss of it."""
    Exchange(journal).head(50).chunk(60, event("Hi")).ends(70)
    whole = Exchange(journal).streams("a")
    assert [r.id for r in desk.read(desk.follower())] == [whole.id]


def test_a_fault_of_ours_at_the_end_still_leaves_a_record(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Better a bare one than none."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault in our own code")

    monkeypatch.setattr("streamgauge.recorder.capture.counted", broken)
    exchange = Exchange(journal).streams("a")
    (record,) = desk.read(desk.follower())
    assert (record.id, record.outcome) == (exchange.id, Outcome.COMPLETED)
    assert record.error_type == "not_decoded"
    assert "a fault in our own code" in caplog.text


# -- deleting -------------------------------------------------------------------------------------


def age(directory: Path, seconds: float) -> None:
    then = time.time() - seconds
    for number in segment_numbers(directory):
        os.utime(segment_path(directory, number), (then, then))


@pytest.fixture
def rolling(desk: Desk) -> Writer:
    return desk.writer(segment_bytes=500)


def test_segments_go_once_stored_and_past_the_window(desk: Desk, rolling: Writer) -> None:
    """But not where an open exchange begins, nor what follows it."""
    for _ in range(5):
        Exchange(rolling).streams("a")
    before = rolling.directory
    Exchange(rolling).opens().head(1)
    begins = max(segment_numbers(before))
    for _ in range(3):
        Exchange(rolling).streams("b")
    follower = desk.follower()
    desk.read(follower)
    age(before, 1000)
    assert not follower.prune(600)
    assert segment_numbers(before)[0] == 1  # nothing is stored yet
    follower.stored = follower.progress()
    assert not follower.prune(2000)
    assert segment_numbers(before)[0] == 1  # not old enough
    assert not follower.prune(600)
    first = segment_numbers(before)[0]
    assert 1 < first <= begins
    rolling.close()


def test_the_directory_of_a_dead_worker_goes_at_last(desk: Desk, rolling: Writer) -> None:
    """When everything in it is stored and past the window."""
    Exchange(rolling).opens().head(1)
    follower = desk.follower()
    desk.read(follower)
    follower.stored = follower.progress()
    rolling.close()
    age(rolling.directory, 1000)
    assert len(desk.read(follower)) == 1
    assert not follower.prune(600)  # the last record is not stored yet
    follower.stored = follower.progress()
    assert not follower.prune(2000)
    assert follower.prune(600)
    assert not rolling.directory.exists()


def test_a_removal_that_was_killed_is_completed(desk: Desk, rolling: Writer) -> None:
    """The next start finds some segments gone, or all."""
    Exchange(rolling).streams("a")
    Exchange(rolling).streams("b")
    follower = desk.follower()
    desk.read(follower)
    rolling.close()
    desk.read(follower)
    progress = follower.progress()
    for number in segment_numbers(rolling.directory):
        segment_path(rolling.directory, number).unlink()
    assert (rolling.directory / OWNER).exists()
    second = desk.again()
    again = second.follower(progress=progress)
    assert second.read(again) == []
    assert again.prune(600)
    assert not rolling.directory.exists()


def test_times_are_anchored_at_the_first_entry(desk: Desk, journal: Writer) -> None:
    """The wall clock is asked once per exchange."""
    Exchange(journal, start_ms=123_456_789).streams("a")
    (record,) = desk.read(desk.follower())
    assert int(record.started_at.timestamp() * 1e6) == STARTED_NS // 1000
    assert record.ended_at is not None
    assert (record.ended_at - record.started_at).total_seconds() == pytest.approx(0.081)
