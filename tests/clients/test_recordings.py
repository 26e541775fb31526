"""Every recording of every provider passes through the whole product unchanged."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import httpx
import pytest

from streamgauge.simulator.recordings import Library, Recording
from tests.simulating import RECORDINGS

RECORDED = Library(RECORDINGS).recordings

AT_ONCE = 64

WAYS = {
    "an event a write": {"Simulate-Chunks": "events"},
    "whole": {"Simulate-Chunks": "whole"},
    "ragged": {"Simulate-Chunks": "ragged"},
    "gzip": {"Simulate-Encoding": "gzip"},
    "ragged br": {"Simulate-Encoding": "br", "Simulate-Chunks": "ragged"},
    "ragged zstd": {"Simulate-Encoding": "zstd", "Simulate-Chunks": "ragged"},
    "with a length": {"Simulate-Framing": "length"},
    "until the end": {"Simulate-Framing": "close"},
}


@pytest.mark.parametrize("way", WAYS)
async def test_recordings_pass_unchanged(product, way):
    """To the client: status, content type and every byte; 64 at once."""
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(
        base_url=product.url, trust_env=False, timeout=60, limits=limits
    ) as client:

        async def play(recording: Recording) -> str:
            headers = {"Simulate-Recording": recording.file, **WAYS[way]}
            path = f"/openai{recording.path}"
            answer = await client.post(path, json={"stream": True}, headers=headers)
            assert answer.status_code == recording.http_status, recording.file
            assert answer.headers["content-type"] == recording.content_type
            assert sha256(answer.content).hexdigest() == recording.sha256, recording.file
            return answer.headers["streamgauge-id"]

        assert len(RECORDED) > 150
        names = await asyncio.gather(*(play(recording) for recording in RECORDED))
    assert len(set(names)) == len(RECORDED)


@pytest.mark.parametrize("way", ["ragged", "gzip"])
def test_recordings_are_kept_unchanged(product, way):
    """In the record: `/bytes` gives what the provider sent."""
    for recording in RECORDED[::12]:
        headers = {"Simulate-Recording": recording.file, **WAYS[way]}
        path = f"/openai{recording.path}"
        answer = product.http.post(path, json={"stream": True}, headers=headers)
        record = product.record(answer.headers["streamgauge-id"])
        assert record["http_status"] == recording.http_status
        kept = product.http.get(f"/api/v1/records/{record['id']}/bytes")
        assert sha256(kept.content).hexdigest() == recording.sha256, recording.file
