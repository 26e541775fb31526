"""Many at once, slow ones, and every recording: the same bytes, bounded memory."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.conftest import providers_of
from tests.faults.patience import stored_bytes
from tests.faults.streaming import streams
from tests.product import Product
from tests.simulating import RunningSimulator, until

# What one slow reader may cost a worker: our high-water mark and one read of uvloop's
# 256 KiB, the parser's copies of that read, and what the allocator keeps of it.
SLOW_READER_BYTES = 8 * 1024 * 1024

MANY = 2_000


def memory_of(pid: int) -> int:
    """Return the resident bytes of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def fetch(product: Product, name: str, path: str, **wishes: str) -> tuple[str, bytes]:
    """Play a recording through the gateway; return the record's id and the bytes as received."""
    headers = {"Simulate-Recording": name, **{k.replace("_", "-"): v for k, v in wishes.items()}}
    with httpx.stream(
        "POST", f"{product.url}/openai{path}", json={}, headers=headers, trust_env=False, timeout=60
    ) as answer:
        return answer.headers["streamgauge-id"], b"".join(answer.iter_raw())


@pytest.mark.parametrize("chunks", ["whole", "ragged"])
def test_all_recordings_pass_unchanged(
    product: Product, simulator: RunningSimulator, chunks: str
) -> None:
    """Every provider, every dialect, every framing, 64 at once: the same hash."""
    recordings = simulator.recordings()
    assert len(recordings) > 150

    def one(recording: dict[str, str]) -> tuple[str, str, str]:
        name = recording["file"]
        record_id, body = fetch(product, name, recording["path"], Simulate_Chunks=chunks)
        return record_id, hashlib.sha256(body).hexdigest(), recording["sha256"]

    with ThreadPoolExecutor(64) as pool:
        results = list(pool.map(one, recordings))
    assert [got for _, got, _ in results] == [wanted for _, _, wanted in results]
    for record_id, _, wanted in results:
        stored, _ = stored_bytes(product, record_id)
        assert hashlib.sha256(stored).hexdigest() == wanted


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_encoded_bodies_pass_unchanged_and_are_understood(
    product: Product, simulator: RunningSimulator, encoding: str
) -> None:
    """The client gets the compressed bytes; the recorder inflates its copy."""
    recording = next(r for r in simulator.recordings() if r["dialect"] == "openai_chat")
    plain_id, plain = fetch(product, recording["file"], recording["path"])
    record_id, body = fetch(
        product, recording["file"], recording["path"], Simulate_Encoding=encoding
    )
    assert body != plain
    if encoding == "gzip":
        assert gzip.decompress(body) == plain
    record, reference = product.record(record_id), product.record(plain_id)
    assert record["reply"] == reference["reply"]
    assert record["response_text"] == reference["response_text"]
    assert record["bytes_out"] == len(body)
    stored, headers = stored_bytes(product, record_id)
    assert stored == body
    assert headers["content-encoding"] == encoding


def test_a_slow_reader_costs_a_bounded_amount_of_memory(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    """1 KB/s on a 50 MB stream: back-pressure reaches the provider; leaving frees everything."""
    product = Product(tmp_path, providers=providers_of(simulator))
    try:
        (worker,) = product.pids("worker")
        asyncio.run(streams(4, f"{product.url}/openai/v1/chat/completions", Simulate_Tokens="20"))
        before = memory_of(worker)
        body = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"x"}]}'
        with socket.create_connection(("127.0.0.1", httpx.URL(product.url).port)) as client:
            client.sendall(
                b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\n"
                b"Content-Type: application/json\r\nSimulate-Bytes: 52428800\r\n"
                b"Simulate-Itl-Ms: 0\r\nSimulate-Ttft-Ms: 0\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            end = monotonic() + 6
            taken = 0
            while monotonic() < end:
                taken += len(client.recv(256))
                asyncio.run(asyncio.sleep(0.25))
            assert taken > 0
            assert memory_of(worker) - before < SLOW_READER_BYTES
            written = product.http.get("/healthz").json()["workers"][0]["journal"]["written_bytes"]
            assert written < 50_000_000
        (record,) = until(lambda: product.records(outcome="client_left") or None)
        assert record["closed_by"] == "client"
    finally:
        assert product.stop() == 0


@pytest.mark.long
def test_two_thousand_open_streams_work(simulator: RunningSimulator, tmp_path: Path) -> None:
    """All are open at once, all are whole, all are recorded."""
    product = Product(tmp_path, providers=providers_of(simulator))
    url = f"{product.url}/openai/v1/chat/completions"
    try:
        received = asyncio.run(
            streams(MANY, url, Simulate_Tokens="5", Simulate_Ttft_Ms="8000", Simulate_Itl_Ms="200")
        )
        assert sum(one.is_whole and one.status == 200 for one in received) == MANY
        assert all(one.body.rstrip().endswith(b"data: [DONE]") for one in received)

        def stored() -> int | None:
            groups = product.http.get("/api/v1/stats", params={"group_by": "outcome"}).json()
            counts = {row["group"]: row["count"] for row in groups["buckets"]}
            return counts.get("completed") if counts.get("completed") == MANY else None

        assert until(stored, within=60) == MANY
        health = product.http.get("/healthz").json()
        assert health["workers"][0]["open"] == 0
        assert health["status"] == "ok"
    finally:
        assert product.stop() == 0
