"""Writing: what a writer promises, and what it does when the disk does not keep up."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from streamgauge.errors import JournalError
from streamgauge.journal import appender, backlog, segments, writer
from streamgauge.journal.format import OVERHEAD, Kind, Mark
from streamgauge.journal.owner import is_owned
from streamgauge.journal.reader import Reader
from streamgauge.journal.recover import Entry, parse
from streamgauge.journal.segments import segment_numbers, segment_path
from streamgauge.journal.writer import Writer
from tests.journal.pages import ID, exchange_id

PATIENCE_S = 20.0


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "local-0-1"


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the kernel refuse what would make a file longer: short writes, then EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_appended_is_read(directory: Path) -> None:
    """Each call leaves its entries, in order, as they were given."""
    journal = Writer(directory)
    journal.append(Kind.OPEN, ID, 10, b"open")
    journal.chunk(ID, 20, b"data", 77)
    journal.append_all([(Kind.CHUNK, ID, 30, b"1234x"), (Kind.END, ID, 40, b"end")])
    found = [(e.kind, e.exchange, e.t_ns, e.payload) for e in Reader(directory).read()]
    assert found == [
        (Kind.OPEN, ID, 10, b"open"),
        (Kind.CHUNK, ID, 20, OVERHEAD.pack(77) + b"data"),
        (Kind.CHUNK, ID, 30, b"1234x"),
        (Kind.END, ID, 40, b"end"),
    ]
    assert journal.status().written_bytes == segment_path(directory, 1).stat().st_size
    journal.close()


def test_an_entry_is_there_before_the_call_returns(directory: Path) -> None:
    """Write-ahead: another process could read it at once."""
    journal = Writer(directory)
    reader = Reader(directory)
    for number in range(50):
        journal.chunk(ID, number, b"x" * number, 0)
        assert [e.t_ns for e in reader.read()] == [number]
    journal.close()


def test_nothing_appended_is_nothing_written(directory: Path) -> None:
    """No empty blocks."""
    journal = Writer(directory)
    journal.append_all([])
    assert journal.status().written_bytes == 0
    journal.close()


def test_many_entries_become_several_blocks(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged byte is to cost one block of bounded size, not everything."""
    monkeypatch.setattr(writer, "JOINED_BLOCK_BYTES", 1000)
    journal = Writer(directory)
    journal.append_all([(Kind.BODY, ID, n, b"x" * 400) for n in range(10)])
    data = bytearray(segment_path(directory, 1).read_bytes())
    data[100] ^= 1
    segment_path(directory, 1).write_bytes(data)
    assert [e.t_ns for e in Reader(directory).read()] == [2, 3, 4, 5, 6, 7, 8, 9]
    journal.close()


def test_segments_roll_by_size(directory: Path) -> None:
    """A segment that is long enough is left for the next, and nothing falls between."""
    journal = Writer(directory, segment_bytes=1000)
    for number in range(100):
        journal.chunk(ID, number, b"x" * 100, 0)
    numbers = segment_numbers(directory)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 10
    sizes = [segment_path(directory, number).stat().st_size for number in numbers[:-1]]
    assert all(1000 <= size < 1200 for size in sizes)
    assert [e.t_ns for e in Reader(directory).read()] == list(range(100))
    journal.close()


def test_an_entry_that_no_block_can_hold_is_counted(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers would not believe its length."""
    monkeypatch.setattr(writer, "MAX_BLOCK_BYTES", 1000)
    journal = Writer(directory)
    journal.append(Kind.RECORD, ID, 1, b"x" * 2000)
    journal.append(Kind.RECORD, ID, 2, b"y")
    assert [e.t_ns for e in Reader(directory).read() if e.kind == Kind.RECORD] == [2]
    assert journal.status().lost_entries == 1
    journal.close()


# -- the directory's owner ---------------------------------------------------------------------


def test_a_directory_has_one_writer(directory: Path) -> None:
    """A second one is refused while the first lives."""
    journal = Writer(directory)
    assert is_owned(directory)
    with pytest.raises(JournalError, match="written by another process"):
        Writer(directory)
    assert is_owned(directory)
    journal.close()
    assert not is_owned(directory)


def test_a_directory_is_taken_over_from_a_dead_writer(directory: Path) -> None:
    """The next one goes on in a segment of its own."""
    first = Writer(directory)
    first.append(Kind.MARK, ID, 1, b"a")
    first.close()
    second = Writer(directory)
    second.append(Kind.MARK, ID, 2, b"b")
    assert segment_numbers(directory) == [1, 2]
    assert [e.t_ns for e in Reader(directory).read()] == [1, 2]
    second.close()


def test_a_directory_that_cannot_be_made_is_an_error_at_once(tmp_path: Path) -> None:
    """Better no start than no journal."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalError, match="cannot write the journal"):
        Writer(tmp_path / "file" / "local-0-1")


# -- a disk that is full -------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once after a failure."""
    monkeypatch.setattr(appender, "RETRY_NS", 0)


@pytest.mark.usefixtures("impatient")
def test_a_short_write_leaves_the_journal_readable(directory: Path) -> None:
    """The kernel takes half a block: it is cut off again, counted, and later told."""
    journal = Writer(directory, fsync_interval_s=60)
    journal.chunk(ID, 1, b"a" * 500, 0)
    before = segment_path(directory, 1).stat().st_size
    with largest_file(before + 10):
        journal.chunk(ID, 2, b"b" * 500, 0)
        journal.append(Kind.END, ID, 3, b"end")
        assert segment_path(directory, 1).stat().st_size == before
    journal.chunk(exchange_id(), 4, b"c", 0)
    reader = Reader(directory)
    entries = list(reader.read())
    assert [e.t_ns for e in entries if e.kind == Kind.CHUNK] == [1, 4]
    marks = [msgspec.msgpack.decode(e.payload, type=Mark) for e in entries if e.kind == Kind.MARK]
    assert marks == [Mark(name="lost", value=500 + 33)]
    assert [(e.exchange, e.payload) for e in entries if e.kind == Kind.END] == [(ID, b"end")]
    assert reader.damages == reader.torn_tails == 0
    assert journal.status().lost_entries == 2
    journal.close()


@pytest.mark.usefixtures("impatient")
def test_an_end_that_was_lost_is_written_later(directory: Path) -> None:
    """An exchange must not stay open because the disk was full when it ended."""
    journal = Writer(directory, fsync_interval_s=60)
    journal.append(Kind.OPEN, ID, 1, b"open")
    with largest_file(segment_path(directory, 1).stat().st_size):
        journal.chunk(ID, 2, b"b" * 500, 0)
        journal.append(Kind.END, ID, 3, b"end")
        assert journal.status().full
        assert journal.status().losing
    journal.append(Kind.OPEN, exchange_id(), 4, b"open")
    assert not journal.status().full
    assert not journal.status().losing
    entries = [e for e in Reader(directory).read() if e.exchange == ID]
    assert [(e.kind, e.t_ns) for e in entries if e.kind != Kind.MARK] == [
        (Kind.OPEN, 1),
        (Kind.END, 3),
    ]
    assert journal.status().lost_entries == 2
    journal.close()


@pytest.mark.usefixtures("impatient")
def test_a_hole_is_told_before_the_end_that_follows_it(directory: Path) -> None:
    """Else the exchange would pass for whole."""
    journal = Writer(directory, fsync_interval_s=60)
    journal.append(Kind.OPEN, ID, 1, b"open")
    with largest_file(segment_path(directory, 1).stat().st_size):
        journal.chunk(ID, 2, b"b" * 500, 0)
    journal.append(Kind.END, ID, 3, b"end")
    assert [e.kind for e in Reader(directory).read()] == [Kind.OPEN, Kind.MARK, Kind.END]
    journal.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.usefixtures("impatient")
def test_a_segment_that_cannot_be_cut_back_is_left_for_another(directory: Path) -> None:
    """A device without room that cannot even truncate: the next segment takes over."""
    journal = Writer(directory, fsync_interval_s=60)
    journal.chunk(ID, 1, b"a", 0)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._appender.fd)
    os.close(full)
    journal.chunk(ID, 2, b"b", 0)
    assert journal.status().lost_entries == 1
    journal.chunk(ID, 3, b"c", 0)
    assert [e.t_ns for e in Reader(directory).read() if e.kind == Kind.CHUNK] == [1, 3]
    assert segment_numbers(directory) == [1, 2]
    journal.close()


@pytest.mark.usefixtures("impatient")
def test_the_log_says_when_a_loss_begins_and_when_it_is_over(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once each, however many entries were lost in between."""
    journal = Writer(directory, fsync_interval_s=60)
    with largest_file(0):
        for number in range(5):
            journal.chunk(ID, number, b"a", 0)
    journal.chunk(ID, 9, b"b", 0)
    journal.chunk(ID, 10, b"c", 0)
    begins, ends = caplog.messages
    assert "does not keep what is streamed now" in begins
    assert ends == "the journal is written again; lost since the start: 5 entries"
    journal.close()


def test_a_full_disk_is_left_alone_for_a_moment(directory: Path) -> None:
    """Every write fails at once until the next try is due."""
    journal = Writer(directory, fsync_interval_s=60)
    with largest_file(10):
        journal.chunk(ID, 1, b"a", 0)
    journal.chunk(ID, 2, b"b", 0)
    assert journal.status().lost_entries == 2
    assert segment_path(directory, 1).stat().st_size == 0
    until(lambda: journal.chunk(ID, 3, b"c", 0) or journal.status().written_bytes > 0)
    journal.close()


@pytest.mark.usefixtures("impatient")
def test_the_disk_limit_counts_every_worker(directory: Path) -> None:
    """At the limit writing stops; when the recorder has made room it goes on."""
    other = directory.parent / "other-1-1"
    other.mkdir(parents=True)
    (other / "00000001.seg").write_bytes(bytes(50_000))
    journal = Writer(directory, segment_bytes=1000, disk_limit_bytes=52_000)
    for number in range(40):
        journal.chunk(ID, number, b"x" * 200, 0)
    status = journal.status()
    assert status.full
    assert status.lost_entries > 20
    assert segments.folder_bytes(directory.parent) <= 52_000 + 1300
    (other / "00000001.seg").unlink()
    journal.chunk(ID, 99, b"x", 0)
    assert not journal.status().full
    kept = [e.t_ns for e in Reader(directory).read() if e.kind == Kind.CHUNK]
    assert kept == [*range(40 - status.lost_entries), 99]
    journal.close()


def test_a_start_on_a_full_disk_is_a_start(directory: Path) -> None:
    """Streams matter more than their journal."""
    journal = Writer(directory, disk_limit_bytes=0)
    journal.chunk(ID, 1, b"a", 0)
    assert journal.status().full
    assert journal.status().lost_entries == 1
    journal.close()


# -- a disk that stalls ---------------------------------------------------------------------------


class StalledDisk:
    """A full pipe in a segment's place: it blocks as a disk that stalls, until it is read."""

    def __init__(self, journal: Writer) -> None:
        self.out, into = os.pipe()
        os.set_blocking(into, False)
        self.filler = 0
        with suppress(BlockingIOError):
            while True:
                self.filler += os.write(into, bytes(4096))
        os.set_blocking(into, True)
        os.dup2(into, journal._appender.fd)
        os.close(into)

    def drain(self) -> list[Entry]:
        """Read what the journal has written, until it is closed."""
        data = bytearray()
        while piece := os.read(self.out, 65536):
            data += piece
        os.close(self.out)
        found: list[Entry] = []
        assert parse(bytes(data[self.filler :]), found) == (len(data) - self.filler, 0)
        return found


def test_a_stalled_disk_is_left_to_a_thread(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write feels the stall, the following do not wait, and the order stays."""
    monkeypatch.setattr(writer, "STALL_NS", 10_000_000)
    journal = Writer(directory, fsync_interval_s=60)
    disk = StalledDisk(journal)
    with ThreadPoolExecutor() as pool:
        draining = pool.submit(lambda: time.sleep(0.4) or disk.drain())
        for number in range(40):
            journal.chunk(ID, number, b"x" * 10_000, 0)
        until(lambda: not journal.status().stalled)
        journal.close()
        found = draining.result(PATIENCE_S)
    assert [e.t_ns for e in found] == list(range(40))
    assert journal.status().stalls >= 1
    assert journal.status().lost_entries == 0


def test_what_waits_for_a_stalled_disk_is_bounded(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the bound is counted as lost, and memory stays."""
    monkeypatch.setattr(backlog, "MAX_BACKLOG_BYTES", 100_000)
    journal = Writer(directory, fsync_interval_s=60)
    disk = StalledDisk(journal)
    journal._backlog.begin()
    for number in range(100):
        journal.chunk(ID, number, b"x" * 10_000, 0)
    # Nine fit, one of which the thread holds in its hands.
    assert journal.status().lost_entries == 91
    assert journal.status().lost_bytes == 91 * (8 + 33 + 10_000)
    with ThreadPoolExecutor() as pool:
        draining = pool.submit(disk.drain)
        until(lambda: not journal.status().stalled)
        journal.close()
        found = draining.result(PATIENCE_S)
    assert [e.t_ns for e in found if e.kind == Kind.CHUNK] == list(range(9))


def test_an_end_that_was_lost_comes_after_what_still_waits(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backlog was full when the exchange ended: its chunks come first, then its end."""
    monkeypatch.setattr(backlog, "MAX_BACKLOG_BYTES", 50_000)
    journal = Writer(directory, fsync_interval_s=60)
    disk = StalledDisk(journal)
    journal._backlog.begin()
    for number in range(8):
        journal.chunk(ID, number, b"x" * 12_000, 0)
    journal.append(Kind.END, ID, 9, b"e" * 5000)
    with ThreadPoolExecutor() as pool:
        draining = pool.submit(disk.drain)
        until(lambda: not journal.status().stalled)
        journal.close()
        found = draining.result(PATIENCE_S)
    assert journal.status().lost_entries == 5
    assert sorted(e.kind for e in found) == [Kind.CHUNK] * 4 + [Kind.MARK, Kind.END]
    assert found[-1].kind == Kind.END


def test_a_disk_that_is_back_is_written_directly_again(directory: Path) -> None:
    """The thread ends by itself, also when no stream follows."""
    journal = Writer(directory)
    journal._backlog.begin()
    journal.chunk(ID, 1, b"a", 0)
    until(lambda: not journal.status().stalled)
    journal.chunk(ID, 2, b"b", 0)
    assert [e.t_ns for e in Reader(directory).read()] == [1, 2]
    journal.close()


def test_closing_waits_for_what_the_thread_has(directory: Path) -> None:
    """Nothing that was handed over is left behind."""
    journal = Writer(directory)
    journal._backlog.begin()
    for number in range(500):
        journal.chunk(ID, number, b"a", 0)
    journal.close()
    assert [e.t_ns for e in Reader(directory).read()] == list(range(500))


# -- syncing --------------------------------------------------------------------------------------


def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the size of every file that is synced, and sync it."""
    from streamgauge.journal import syncer

    sizes: list[int] = []
    real = syncer.sync_data

    def note(fd: int) -> None:
        real(fd)
        sizes.append(os.fstat(fd).st_size)

    monkeypatch.setattr(syncer, "sync_data", note)
    return sizes


def test_with_always_every_block_is_synced_before_the_call_returns(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For ingest that must survive a power cut."""
    sizes = synced(monkeypatch)
    journal = Writer(directory, fsync="always", fsync_interval_s=60)
    for number in range(1, 4):
        journal.append(Kind.RECORD, ID, number, b"abc")
        assert sizes == [n * 40 for n in range(1, number + 1)]
    journal.close()


def test_by_default_a_timer_syncs_what_is_new(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing new, nothing to sync; the end of a segment is synced in any case."""
    sizes = synced(monkeypatch)
    journal = Writer(directory, fsync_interval_s=0.02)
    journal.append(Kind.MARK, ID, 1, b"abc")
    until(lambda: sizes == [40])
    time.sleep(0.1)
    assert sizes == [40]
    journal.close()
    assert sizes == [40, 40]


def test_closing_twice_is_closing(directory: Path) -> None:
    """And what comes after it is counted, not raised."""
    journal = Writer(directory)
    journal.close()
    journal.close()
    journal.chunk(ID, 1, b"a", 0)
    assert journal.status().lost_entries == 1


# -- a process that is killed ---------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from streamgauge.journal.writer import Writer
journal = Writer(Path(sys.argv[1]), segment_bytes=20_000)
for number in range(10**9):
    journal.chunk(bytes(16), number, b"x" * (number * 37 % 3000), 0)
    print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(5))
def test_what_was_written_survives_kill_9(directory: Path, seed: int) -> None:
    """Every chunk whose call had returned is there, and nothing is there twice."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, directory], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(random.Random(seed).uniform(0, 0.3))
    child.send_signal(signal.SIGKILL)
    told = child.stdout.read().split(b"\n")
    child.stdout.close()
    child.wait()
    last = int(told[-2]) if len(told) > 1 else 0
    assert not is_owned(directory)
    reader = Reader(directory)
    found = []
    while not reader.is_at_end:
        found += [e.t_ns for e in reader.slice(is_final=True)]
    assert found == list(range(len(found)))
    assert len(found) > last
    assert reader.damages == 0
