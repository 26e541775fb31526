"""Every recording of every provider passes through the whole product unchanged."""

from __future__ import annotations

import asyncio
import re
from hashlib import sha256

import httpx
import pytest

from streamgauge.simulator.recordings import Library, Recording
from streamgauge.wire.looks.stream_usage import is_usage_alone
from tests.simulating import RECORDINGS

RECORDED = Library(RECORDINGS).recordings

# Else their usage event would pass for one that is there because of us.
UNTOUCHED = {"Streamgauge-Stream-Usage": "false"}

AT_ONCE = 64

FRAME = re.compile(rb"data:[^\r\n]*(?:\r\n|\n)(?:\r\n|\n)")

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
            headers = {"Simulate-Recording": recording.file, **UNTOUCHED, **WAYS[way]}
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
        headers = {"Simulate-Recording": recording.file, **UNTOUCHED, **WAYS[way]}
        path = f"/openai{recording.path}"
        answer = product.http.post(path, json={"stream": True}, headers=headers)
        record = product.record(answer.headers["streamgauge-id"])
        assert record["http_status"] == recording.http_status
        kept = product.http.get(f"/api/v1/records/{record['id']}/bytes")
        assert sha256(kept.content).hexdigest() == recording.sha256, recording.file


@pytest.mark.parametrize("way", ["an event a write", "whole", "ragged", "with a length"])
async def test_only_the_event_that_asking_adds_is_hidden(product, way):
    """Frame by frame, and the record has the usage all the same."""
    chats = [one for one in RECORDED if one.dialect == "openai_chat" and one.http_status == 200]
    hidden = 0
    async with httpx.AsyncClient(base_url=product.url, trust_env=False, timeout=60) as client:
        for recording in chats:
            headers = {"Simulate-Recording": recording.file, **WAYS[way]}
            answer = await client.post(
                "/openai/v1/chat/completions", json={"stream": True}, headers=headers
            )
            raw = (RECORDINGS / recording.file).read_bytes()
            left_out = [frame for frame in FRAME.findall(raw) if is_usage_alone(frame[5:])]
            hidden += bool(left_out)
            expected = raw
            for frame in left_out:
                expected = expected.replace(frame, b"")
            assert answer.content == expected, recording.file
    assert hidden > 10
