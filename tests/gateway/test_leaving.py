"""Clients that leave: before the head, with half a body, before the answer, in the middle of it."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.rig import Peer, Rig

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
POST = b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\n"

HOW = {"FIN": Peer.close, "RST": Peer.reset}


async def gone(rig: Rig) -> None:
    """Wait until nothing of the client is left."""
    await rig.eventually(lambda: not rig.gateway.clients and rig.gateway.open == 0)


@pytest.mark.parametrize("leave", HOW.values(), ids=HOW)
@pytest.mark.parametrize("sent", [b"", b"GET /op", POST[:-2]], ids=["nothing", "line", "head"])
async def test_leaving_before_there_is_a_request(rig: Rig, leave, sent: bytes) -> None:
    """No exchange, no trace."""
    client = await rig.client()
    await client.send(sent)
    await asyncio.sleep(0.03)
    leave(client)
    await gone(rig)
    assert rig.entries() == []


@pytest.mark.parametrize("leave", HOW.values(), ids=HOW)
@pytest.mark.parametrize("sent", [POST + b"a", POST + b"abc"], ids=["half a body", "waiting"])
async def test_leaving_before_the_answer(rig: Rig, leave, sent: bytes) -> None:
    """The provider's connection is dropped at once."""
    dropped = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.rest()
        dropped.set()

    rig.script = script
    client = await rig.client()
    await client.send(sent)
    await rig.eventually(lambda: rig.provider_connections == 1)
    leave(client)
    await asyncio.wait_for(dropped.wait(), 5)
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("client_left", "client")
    await gone(rig)


@pytest.mark.parametrize("leave", HOW.values(), ids=HOW)
async def test_leaving_in_the_middle_of_a_stream(rig: Rig, leave) -> None:
    """The provider stops generating; what had arrived is in the journal."""
    dropped = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nhello\r\n")
        await peer.rest()
        dropped.set()

    rig.script = script
    client = await rig.client()
    await client.send(POST + b"abc")
    await client.until(b"hello\r\n")
    leave(client)
    await asyncio.wait_for(dropped.wait(), 5)
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("client_left", "client")
    assert rig.body() == b"hello"
    await gone(rig)


async def test_leaving_while_not_reading(rig: Rig) -> None:
    """A full write buffer hides nothing: the provider is dropped although much is unsent."""
    dropped = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        piece = b"%x\r\n%b\r\n" % (65536, bytes(65536))
        try:
            for _ in range(1000):
                await peer.send(piece)
        except ConnectionError:
            dropped.set()

    rig.script = script
    client = await rig.client()
    await client.send(POST + b"abc")
    await client.until(b"\r\n\r\n")
    client.writer.transport.pause_reading()
    await rig.eventually(lambda: any(c.is_full for c in rig.gateway.clients))
    client.writer.write_eof()
    await asyncio.wait_for(dropped.wait(), 5)
    (end,) = await rig.ended()
    assert end.outcome == "client_left"
    await gone(rig)


async def test_leaving_after_the_answer_is_no_event(rig: Rig) -> None:
    """The exchange is over and stays as it ended."""
    client = await rig.client()
    await client.send(POST + b"abc")
    await client.answer()
    client.reset()
    await gone(rig)
    assert [end.outcome for end in rig.ends()] == ["completed"]


async def test_a_slow_reader_does_not_fill_the_memory(rig: Rig) -> None:
    """Back-pressure down: the provider is stopped after the kernel's buffers and ours are full."""
    written = 0
    total = 64 * 1024 * 1024

    async def script(peer: Peer) -> None:
        nonlocal written
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        piece = bytes(262_144)
        while written < total:
            await peer.send(piece)
            written += len(piece)

    rig.script = script
    client = await rig.client()
    client.writer.transport.pause_reading()
    await client.send(POST + b"abc")
    await rig.eventually(lambda: any(c.is_full for c in rig.gateway.clients))
    (held,) = rig.gateway.clients
    before = -1
    while before != written:
        before = written
        await asyncio.sleep(0.2)
    assert written < total
    assert held.transport is not None
    # What is held here: the high-water mark and one read of uvloop's 256 KiB.
    assert held.transport.get_write_buffer_size() <= 64 * 1024 + 256 * 1024
    client.writer.transport.resume_reading()
    await client.until(b"\r\n\r\n")
    assert len(await client.exactly(total)) == total
    (end,) = await rig.ended()
    assert end.outcome == "completed"


async def test_stopping_tells_everyone(rig: Rig) -> None:
    """Open streams are cut, not ended; the journal says who did it."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nhello\r\n")
        await peer.rest()

    rig.script = script
    client = await rig.client()
    await client.send(POST + b"abc")
    await client.until(b"hello\r\n")
    await rig.gateway.stop()
    assert await client.rest() == b""
    (end,) = rig.ends()
    assert (end.outcome, end.closed_by) == ("gateway_restarted", "gateway")
