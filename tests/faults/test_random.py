"""Random faults, random clients, many streams: one truthful record each, and nothing is left."""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from streamgauge.simulator.faults import KINDS
from tests.conftest import providers_of
from tests.faults.raw_client import RESET, Got, read_answer
from tests.product import Product
from tests.simulating import RunningSimulator, until

STREAMS = 1_000
SOAK_STREAMS = 10_000

AT_ONCE = 50
WAIT_S = 20.0

# Allocators keep what they once had; a leak of a few kilobytes a stream would be far more.
FLAT_BYTES = 40_000_000

PATHS = ("/openai/v1/chat/completions", "/anthropic/v1/messages", "/together/v1/chat/completions")

BODY = (
    b'{"model":"gpt-4o-mini","stream":true,"max_tokens":60,'
    b'"messages":[{"role":"user","content":"%b"}]}'
)

# What a fault needs beside its place; those not named need nothing.
OPTIONS = {
    "stall": ("", "lasting=50ms"),
    "pings": ("gap=20ms; lasting=100ms",),
    "drip": ("bytes=16; gap=1ms", "bytes=200; gap=5ms"),
    "status": ("code=429; retry-after=1", "code=429", "code=500", "code=503", "code=400"),
    "error": ("code=529", "code=500"),
    "giant": ("bytes=200000",),
    "drop": ("last=1", "last=2", "last=3", "last=9"),
    "length": ("by=10", "by=-10", "by=-900"),
}

# A provider that says nothing is waited for so long, where the fault is silence.
IDLE = "Streamgauge-Timeout-Idle: 0.5"


@dataclass
class Try:
    """One stream: what is asked, when its client leaves, and what it got."""

    number: int
    path: str
    fault: str
    headers: list[str]
    leaves_after: int | None
    how: str
    raw: bytearray = field(default_factory=bytearray)
    has_fin: bool = False

    @property
    def got(self) -> Got:
        return read_answer(bytes(self.raw), is_closed=self.has_fin)


def tries(count: int, dice: random.Random) -> list[Try]:
    """Make *count* streams up; the same for the same dice."""
    return [one_try(number, dice) for number in range(count)]


def one_try(number: int, dice: random.Random) -> Try:
    name = dice.choice([*KINDS, "none", "none", "cut", "rst"])
    row = KINDS[name]
    option = dice.choice(OPTIONS.get(name, ("",)))
    places = [place for place in row.places if place != "connect"]
    place = f"after={where(dice.choice(places), dice)}" if places else ""
    fault = "; ".join(part for part in (name, place, option) if part)
    headers = [
        f"Simulate-Tokens: {dice.randint(0, 25)}",
        f"Simulate-Chunks: {dice.choice(['events', 'events', 'ragged', 'characters'])}",
    ]
    if name == "stall" and not option:
        headers.append(IDLE)
    if dice.random() < 0.15:
        headers.append(f"Simulate-Encoding: {dice.choice(['gzip', 'br', 'zstd'])}")
    if dice.random() < 0.2:
        headers.append("Streamgauge-Stream-Usage: false")
    leaves = dice.random() < 0.25
    return Try(
        number,
        dice.choice(PATHS),
        fault,
        headers,
        dice.randint(0, 4000) if leaves else None,
        dice.choice(["FIN", "RST"]),
    )


def where(place: str, dice: random.Random) -> str:
    if place == "events":
        return f"{dice.randint(0, 25)} events"
    return f"{dice.randint(0, 4000)} bytes" if place == "bytes" else place


async def stream(port: int, one: Try) -> None:
    """Ask, and read until the end or until it is time to leave."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = BODY % b"n%d" % one.number
    head = [
        f"POST {one.path} HTTP/1.1",
        "Host: g",
        f"Content-Length: {len(body)}",
        f"Simulate-Fault: {one.fault}",
        f"Streamgauge-User-Id: n{one.number}",
        *one.headers,
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    try:
        while one.leaves_after is None or len(one.raw) < one.leaves_after:
            data = await asyncio.wait_for(reader.read(16384), WAIT_S)
            if not data:
                one.has_fin = True
                break
            one.raw += data
            if one.got.is_whole:
                break
    except ConnectionError:
        pass
    except TimeoutError:
        raise AssertionError(f"no end: {one}") from None
    finally:
        if one.how == "RST" and one.leaves_after is not None:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        else:
            writer.close()


async def stream_all(port: int, all_tries: list[Try]) -> None:
    """Stream them, so many at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(one: Try) -> None:
        async with gate:
            await stream(port, one)

    await asyncio.gather(*(run(one) for one in all_tries))


# -- what must hold ---------------------------------------------------------------------------


def assert_truthful(one: Try, record: dict[str, Any]) -> None:
    """The record and what the client saw tell the same."""
    got, outcome = one.got, record["outcome"]
    what = f"{one}: {outcome}, {record['error_message']}"
    is_sound = one.fault == "none"
    if one.leaves_after is not None and not got.is_whole:
        assert outcome in ("client_left", "completed") or not is_sound, what
        return
    if got.status is not None and got.status >= 400:
        assert outcome not in ("completed", "fault_in_stream"), what
        assert record["http_status"] == got.status, what
        return
    assert outcome not in ("open", "client_left", "gateway_restarted"), what
    if is_sound:
        assert outcome == "completed", what
    if outcome == "completed":
        assert got.is_whole, what
    elif "Encoding" not in str(one.headers) and "gzip" not in one.fault:
        # Who reads the answer can tell that it is not whole.
        last = got.events[-1] if got.events else b""
        assert not got.is_whole or b'"error"' in last, what


def records_of(product: Product) -> list[dict[str, Any]]:
    """Return all records, page by page."""
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": 1000}
    while True:
        page = product.http.get("/api/v1/records", params=params).json()
        found += page["records"]
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


def files_of(pid: int) -> list[str]:
    """Return what a process has open."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return found


def memory_of(pid: int) -> int:
    """Return a process's resident memory, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def sockets_of(pid: int) -> int:
    """Return how many sockets a process has open."""
    return sum(name.startswith("socket:") for name in files_of(pid))


def fault_after_fault(simulator: RunningSimulator, folder: Path, count: int, seed: int) -> None:
    """Stream *count* times, and look at every record and at what is left."""
    settings = ("--set=limits.upstream_idle_s=1",)
    product = Product(folder, providers=providers_of(simulator), arguments=settings)
    try:
        port = int(product.url.rpartition(":")[2])
        (worker,) = product.pids("worker")
        all_tries = tries(count, random.Random(seed))
        product.http.get("/healthz").raise_for_status()
        sockets, tasks = sockets_of(worker), tasks_of(product)
        warm = count // 5
        asyncio.run(stream_all(port, all_tries[:warm]))
        before = memory_of(worker)
        asyncio.run(stream_all(port, all_tries[warm:]))
        records = until(lambda: all_closed(product, count), within=WAIT_S * 2)
        by_user = {record["user_id"]: record for record in records}
        assert len(by_user) == len(records) == count
        for one in all_tries:
            assert_truthful(one, by_user[f"n{one.number}"])
        until(lambda: None if open_streams(product) else True)
        assert product.http.get("/healthz").json()["status"] == "ok"
        assert product.pids("worker") == [worker]
        assert memory_of(worker) - before < FLAT_BYTES
        until(lambda: True if sockets_of(worker) <= sockets else None)
        until(lambda: True if tasks_of(product) <= tasks else None)
    finally:
        assert product.stop() == 0


def open_streams(product: Product) -> int:
    """Return how many streams the server says are running."""
    health = product.http.get("/healthz").json()
    return sum(row["open"] for row in health["workers"])


def tasks_of(product: Product) -> int:
    """Return how many tasks the one worker's loop has."""

    def told() -> int | None:
        workers = product.http.get("/healthz").json()["workers"]
        return workers[0]["tasks"] if workers else None

    return until(told)


def all_closed(product: Product, count: int) -> list[dict[str, Any]] | None:
    found = records_of(product)
    assert len(found) <= count
    is_closed = len(found) == count and all(one["outcome"] != "open" for one in found)
    return found if is_closed else None


@pytest.mark.timeout(300)
def test_random_faults_leave_one_truthful_record_each(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    """A thousand streams, the same every time."""
    fault_after_fault(simulator, tmp_path, STREAMS, seed=4)


@pytest.mark.soak
def test_ten_thousand_random_faults_leave_nothing_behind(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    """Ten thousand."""
    fault_after_fault(simulator, tmp_path, SOAK_STREAMS, seed=10_000)
