"""WebSocket upgrades: an opaque tunnel whose sizes and times are journaled."""

from __future__ import annotations

import socket

import msgspec
import pytest

from streamgauge.journal.format import Kind, Mark
from tests.gateway.rig import Peer, Rig

UPGRADE = (
    b"GET /openai/v1/realtime HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: x\r\n\r\n"
)


def marks(rig: Rig) -> list[tuple[str, int]]:
    found = [msgspec.msgpack.decode(p, type=Mark) for k, _, p in rig.entries() if k is Kind.MARK]
    return [(mark.name, mark.value) for mark in found]


@pytest.mark.parametrize("closer", ["client", "upstream"])
async def test_bytes_pass_both_ways(rig: Rig, closer: str) -> None:
    """Also those that came along with the heads; either side may end it."""

    async def script(peer: Peer) -> None:
        head = await peer.until(b"\r\n\r\n")
        assert b"Upgrade: websocket" in head
        assert b"Connection: Upgrade" in head
        await peer.send(SWITCH + b"early")
        assert await peer.exactly(4) == b"ping"
        await peer.send(b"pong!")
        if closer == "client":
            assert await peer.rest() == b""

    rig.script = script
    client = await rig.client()
    await client.send(UPGRADE)
    head = await client.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: x" in head
    assert await client.exactly(5) == b"early"
    await client.send(b"ping")
    assert await client.exactly(5) == b"pong!"
    if closer == "client":
        client.close()
    else:
        assert await client.rest() == b""
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("completed", closer)
    assert marks(rig) == [("tunnel_down", 5), ("tunnel_up", 4), ("tunnel_down", 5)]


async def test_a_refused_upgrade_is_an_ordinary_answer(rig: Rig) -> None:
    """And the client's connection ends, since nobody knows what it would say next."""

    async def script(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")

    rig.script = script
    client = await rig.client()
    await client.send(UPGRADE)
    head, body = await client.answer()
    assert b" 403 " in head
    assert body == b"no"
    assert await client.rest() == b""


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /openai/v1/m HTTP/1.1\r\nHost: g\r\n\r\n",
        UPGRADE.replace(b"Connection: Upgrade", b"Connection: keep-alive"),
        UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        UPGRADE.replace(b"GET", b"POST"),
    ],
    ids=["plain", "no Connection", "HTTP/1.0", "POST"],
)
async def test_a_tunnel_that_nobody_asked_for_is_none(rig: Rig, request_head: bytes) -> None:
    """The next request, for another provider, would go to this one, key and all."""
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(SWITCH + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        heard.append(await peer.rest())

    rig.script = script
    client = await rig.client()
    await client.send(request_head)
    head, _ = await client.answer()
    assert b" 502 " in head
    (end,) = await rig.ended()
    assert (end.outcome, end.error_type) == ("truncated", "invalid_response")
    await rig.eventually(lambda: heard == [b""])


async def test_a_switch_without_its_headers_is_no_answer(rig: Rig) -> None:
    """Nobody could tell where HTTP ends."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await peer.rest()

    rig.script = script
    client = await rig.client()
    await client.send(UPGRADE)
    head, _ = await client.answer()
    assert b" 502 " in head


async def test_the_kernel_probes_silent_peers(rig: Rig) -> None:
    """On both sides: a tunnel has no other limit."""

    async def script(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(SWITCH)
        await peer.rest()

    rig.script = script
    client = await rig.client()
    await client.send(UPGRADE)
    await client.until(b"\r\n\r\n")
    (ours,) = rig.gateway.clients
    assert ours.relay is not None
    for connection in (ours, ours.relay.dispatch.upstream):
        assert connection is not None
        assert connection.transport is not None
        inner = connection.transport.get_extra_info("socket")
        assert inner.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
