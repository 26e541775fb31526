#!/usr/bin/env python3
"""Does the recorder keep up with a gateway worker that has its core full? `make bench-recorder`.

One core for the worker, one for the recorder, and none left for the tools: so it is done in two
steps, and neither disturbs the other.

1. A worker on one core passes streams, the tools have the other, and the recorder is stopped
   (SIGSTOP). What the worker wrote is its journal; its CPU per chunk says how many chunks a second
   would fill its core.
2. A fresh server. A feeder, on the worker's core, writes that journal again, block by block, at
   the pace of a full core. The recorder has the other core, makes records of it and stores them,
   as always. Twice a second it is asked how far behind it is.

It keeps up if what it is behind does not grow: what is unread stays a moment, and soon after the
last block every stream is a record in the store. `saturation` is there for information: nobody's
model fills a core without a pause.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from contenders import Cores, get_json, streamgauge
from loadtools import BenchError, build, load, upstream
from processes import cpu_seconds, pin, raise_file_limit

from streamgauge.journal.format import BLOCK, ENTRY, Kind
from streamgauge.journal.owner import own
from streamgauge.journal.recover import Entry, parse
from streamgauge.journal.segments import segment_numbers, segment_path
from streamgauge.journal.waker import WAKE, WAKE_INTERVAL_S

# What the worker passes in step 1. Paced: each event is a chunk of its own, as in life, and the
# dearest for a recorder. Saturation: as fast as it goes, where a chunk is many events.
LOADS: dict[str, dict[str, int | str]] = {
    "paced": {"connections": 400, "events": 200, "gap_us": 10_000, "ramp_ms": 2000},
    "saturation": {"connections": 64, "events": 2000, "gap_us": 0, "ramp_ms": 500},
}

# The blocks are written in gulps: more often would cost the feeder more than the worker's writes.
GULP_NS = 2_000_000
LOOK_S = 0.5
# The recorder looks for new folders once a second.
SETTLE_S = 2.0
CATCH_UP_TIMEOUT_S = 120.0

# So long after the last block all of it is to be stored: a flush interval, a flush, and a look.
# Who does not keep up is behind by a share of the whole time instead.
MOST_BEHIND_S = 3.0


class Blocks(NamedTuple):
    """What a worker wrote in one gulp, and when."""

    at_ns: int
    data: bytes


@dataclass(frozen=True)
class Written:
    """A worker's journal, and what it says of the worker."""

    gulps: list[Blocks]
    chunks: int
    events: int
    streams: int
    chunks_per_s: float
    full_chunks_per_s: float

    @property
    def speed(self) -> float:
        """How much faster than it was written a full core would have written it."""
        return max(self.full_chunks_per_s / self.chunks_per_s, 1.0)


# -- step 1: a worker's journal --------------------------------------------------------------------


def written(name: str, seconds: float, cores: Cores) -> Written:
    """Let a worker pass streams while the recorder is stopped, and return what it wrote."""
    options = LOADS[name] | {
        "mode": "stream", "warm_ms": 1000, "measure_ms": int(seconds * 1000), "drain_ms": 30_000,
    }  # fmt: skip
    with upstream(core=cores.others) as port, streamgauge(port, cores) as running:
        assert running.data is not None
        assert running.recorder is not None
        (worker,) = running.pids
        os.kill(running.recorder, signal.SIGSTOP)
        try:
            before = cpu_seconds(worker)
            figures = load(options, running.port, running.path, core=cores.others)
            cpu_s = cpu_seconds(worker) - before
            gulps, chunks = _gulps(running.data / "journal")
        finally:
            os.kill(running.recorder, signal.SIGCONT)
    if figures["errors"] or figures["altered"]:
        raise BenchError(f"step 1 broke: {figures}")
    took_s = (gulps[-1].at_ns - gulps[0].at_ns) / 1e9
    return Written(
        gulps, chunks, figures["chunks"], figures["sent"], chunks / took_s, chunks / cpu_s
    )


def _gulps(journal: Path) -> tuple[list[Blocks], int]:
    """Return the blocks of the one worker that has streamed, and how many chunks are in them."""
    (directory,) = (path for path in journal.iterdir() if path.name.rsplit("-", 2)[1] == "0")
    gulps: list[Blocks] = []
    held, due, chunks = bytearray(), 0, 0
    for number in segment_numbers(directory):
        data = segment_path(directory, number).read_bytes()
        entries: list[Entry] = []
        parse(data, entries)
        chunks += sum(entry.kind == Kind.CHUNK for entry in entries)
        at = 0
        while at < len(data):
            length, _ = BLOCK.unpack_from(data, at)
            t_ns = ENTRY.unpack_from(data, at + BLOCK.size)[3]
            if t_ns >= due and held:
                gulps.append(Blocks(due, bytes(held)))
                held.clear()
            if not held:
                due = t_ns + GULP_NS
            end = at + BLOCK.size + length
            held += data[at:end]
            at = end
    gulps.append(Blocks(due, bytes(held)))
    return gulps, chunks


# -- step 2: the same again, at full speed ---------------------------------------------------------


class Feeder:
    """Writes *gulps* into a journal folder of its own, *speed* times as fast as they came."""

    def __init__(self, data: Path, gulps: list[Blocks], speed: float) -> None:
        self._gulps, self._speed = gulps, speed
        self._wake = data / "run" / "wake.sock"
        self.directory = data / "journal" / f"local-fed-{time.monotonic_ns():016x}"
        self.directory.mkdir(parents=True)
        self._owner = own(self.directory)
        self._fd = os.open(segment_path(self.directory, 1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.took_s = 0.0

    def run(self) -> None:
        """Write all of it; `took_s` is how long that was."""
        waker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        waker.setblocking(False)
        began, woken = time.monotonic_ns(), 0
        first = self._gulps[0].at_ns
        for gulp in self._gulps:
            due = began + int((gulp.at_ns - first) / self._speed)
            left = due - time.monotonic_ns()
            if left > 0:
                time.sleep(left / 1e9)
            os.write(self._fd, gulp.data)
            now = time.monotonic_ns()
            if now - woken > WAKE_INTERVAL_S * 1e9:
                woken = now
                _send(waker, self._wake)
        _send(waker, self._wake)
        waker.close()
        self.took_s = (time.monotonic_ns() - began) / 1e9

    def close(self) -> None:
        """Give up the folder."""
        os.close(self._fd)
        os.close(self._owner)


def _send(waker: socket.socket, path: Path) -> None:
    with suppress(OSError):  # its queue is full: it is awake
        waker.sendto(WAKE, str(path))


class Looker(threading.Thread):
    """Asks twice a second how much of the journal is not read yet."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.seen: list[int] = []
        self._port = port
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(LOOK_S):
            self.seen.append(int(get_json(self._port, "/healthz")["recorder"]["lag_bytes"]))

    def stop(self) -> None:
        """End, after the look that is on its way."""
        self._is_over.set()
        self.join()


@dataclass(frozen=True)
class Recorded:
    """How a recorder did."""

    took_s: float  # the feeding
    unread_bytes: list[int]
    done_after_s: float
    cpu_s: float
    records: int


def recorded(journal: Written, cores: Cores) -> Recorded:
    """Feed *journal* to a fresh server at the pace of a full core."""
    with upstream(core=cores.proxy) as port, streamgauge(port, cores) as running:
        assert running.data is not None
        assert running.recorder is not None
        pin(os.getpid(), cores.proxy)
        feeder = Feeder(running.data, journal.gulps, journal.speed)
        looker = Looker(running.port)
        try:
            time.sleep(SETTLE_S)
            before = cpu_seconds(running.recorder)
            looker.start()
            feeder.run()
            over = time.monotonic()
            while (records := _records(running.port)) < journal.streams:
                if time.monotonic() - over > CATCH_UP_TIMEOUT_S:
                    break
                time.sleep(LOOK_S)
            done_after_s = time.monotonic() - over
            cpu_s = cpu_seconds(running.recorder) - before
        finally:
            looker.stop()
            feeder.close()
            pin(os.getpid(), cores.others)
    return Recorded(feeder.took_s, looker.seen, done_after_s, cpu_s, records)


def _records(port: int) -> int:
    buckets = get_json(port, "/api/v1/stats?outcome.not=open")["buckets"]
    return sum(int(bucket["count"]) for bucket in buckets)


# -- the report ------------------------------------------------------------------------------------


def report(name: str, journal: Written, done: Recorded) -> bool:
    """Print what was measured; whether the recorder has kept up."""
    fed = journal.chunks / done.took_s
    events = fed * journal.events / journal.chunks
    stored = journal.chunks / (done.took_s + done.done_after_s)
    cpu_us = done.cpu_s / journal.chunks * 1e6
    busy = done.cpu_s / (done.took_s + done.done_after_s)
    size = sum(len(gulp.data) for gulp in journal.gulps)
    behind = [unread / size * done.took_s for unread in done.unread_bytes]
    has_kept_up = done.done_after_s <= MOST_BEHIND_S and done.records == journal.streams
    print(f"""
{name}: {journal.streams:,} streams, {journal.chunks:,} chunks, {journal.events:,} events
  worker passed           {journal.chunks_per_s:8,.0f} chunks/s, with the tools on the other core
  a full core would pass  {journal.full_chunks_per_s:8,.0f} chunks/s
  fed                     {fed:8,.0f} chunks/s ({events:,.0f} events/s), for {done.took_s:.1f} s
  recorded and stored     {stored:8,.0f} chunks/s, {cpu_us:.1f} us of CPU each
  recorder's core         {busy:8.0%} busy
  unread at most          {max(behind, default=0):8.2f} s of feeding; twice a second:
    {" ".join(f"{seconds:.2f}" for seconds in behind)}
  done                    {done.done_after_s:8.1f} s after the last block
  records                 {done.records:8,} of {journal.streams:,}
  {"it keeps up" if has_kept_up else "IT DOES NOT KEEP UP"}""")
    return has_kept_up


def main() -> int:
    """Return the exit code: 1 where the recorder does not keep up, or something broke."""
    parser = argparse.ArgumentParser(prog="bench/recorder.py", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of load; default %(default)s")
    parser.add_argument(
        "--only", choices=list(LOADS), action="append", help="one load; default all"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if sys.platform != "linux" or not {0, 1} <= os.sched_getaffinity(0):
        print("bench: this needs Linux and two cores", file=sys.stderr)
        return 1
    cores = Cores(0, 1)
    try:
        build()
        raise_file_limit()
        pin(os.getpid(), cores.others)
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        kept = {}
        for name in options.only or LOADS:
            journal = written(name, options.seconds, cores)
            kept[name] = report(name, journal, recorded(journal, cores))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0 if kept.get("paced", True) else 1


if __name__ == "__main__":
    sys.exit(main())
