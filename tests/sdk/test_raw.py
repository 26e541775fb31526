"""A wrapped client whose answers are read raw, as they are packed."""

from __future__ import annotations

import gzip

import httpx
import pytest

import streamgauge

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
WISHES = {"Simulate-Tokens": "6", "Simulate-Ttft-Ms": "30", "Simulate-Itl-Ms": "1"}


def asked(coding):
    return {
        "url": "/v1/chat/completions",
        "json": BODY,
        "headers": WISHES | {"Simulate-Encoding": coding, "Accept-Encoding": coding},
    }


@pytest.fixture
def client(simulator, logger):
    with httpx.Client(base_url=simulator.url, timeout=30) as one:
        yield streamgauge.wrap(one, logger)


def test_gzip_is_logged_unpacked(client, server):
    """The reader has what came over the wire."""
    with client.stream("POST", **asked("gzip")) as response:
        raw = b"".join(response.iter_raw())
    told = server.one()
    text = "".join(text for _, text in told["response"]["chunks"])
    assert text == gzip.decompress(raw).decode()
    assert text.endswith("[DONE]\n\n")
    assert (told["outcome"], told["error"]) == (None, None)


async def test_so_it_is_in_async_code(simulator, logger, server):
    """By `aiter_raw`."""
    async with (
        httpx.AsyncClient(base_url=simulator.url, timeout=30) as one,
        streamgauge.wrap(one, logger).stream("POST", **asked("gzip")) as response,
    ):
        raw = b"".join([piece async for piece in response.aiter_raw()])
    text = "".join(text for _, text in server.one()["response"]["chunks"])
    assert text == gzip.decompress(raw).decode()


def test_what_cannot_be_unpacked_is_said_to_be_missing(client, server):
    """Its log has no text, but knows that the answer is whole."""
    with client.stream("POST", **asked("br")) as response:
        pieces = list(response.iter_raw())
    told = server.one()
    assert "chunks" not in told["response"]
    assert (told["outcome"], told["closed_by"]) == ("completed", "upstream")
    why = f"without the last {len(pieces)} chunks"
    assert told["error"] == {"type": "not_kept_whole", "message": why}
