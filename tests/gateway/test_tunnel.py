"""WebSocket upgrades: an opaque tunnel whose sizes and times are journaled."""

from __future__ import annotations

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
