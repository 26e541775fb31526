"""What a request may wish for: limits, what happens when its client leaves, heartbeats."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from streamgauge.errors import ConfigurationError
from streamgauge.gateway.exchange import FOR_EVER
from streamgauge.gateway.head import RequestHead
from streamgauge.gateway.policy import Policies
from streamgauge.journal.format import Kind
from streamgauge.settings import Limits, Provider, Settings, load
from tests.gateway.rig import Peer, Rig, Script
from tests.gateway.test_outflow import CHUNKED, DONE, STOP, TEXT, chunk, post

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
COMMENT = b": PROCESSING\n\n"


def head(*wishes: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(b"POST", b"/openai/x", "1.1", [(b"Host", b"g"), *wishes])


def test_the_last_word_is_the_clients() -> None:
    """The settings for all, a provider's own, a request's header."""
    settings = Settings(
        limits=Limits(first_token_timeout_s=30, idle_timeout_s=20),
        on_disconnect="grace=5",
        providers={
            "openai": Provider(url="http://x"),
            "slow": Provider(url="http://y", idle_timeout_s=90, on_disconnect="detach"),
        },
    )
    policies = Policies(settings)
    usual = policies.of("openai", head())
    assert (usual.patience.first_token_ns, usual.patience.idle_ns) == (30 * 10**9, 20 * 10**9)
    assert (usual.patience.total_ns, usual.stay_ns) == (FOR_EVER, 5 * 10**9)
    slow = policies.of("slow", head())
    assert (slow.patience.first_token_ns, slow.patience.idle_ns) == (30 * 10**9, 90 * 10**9)
    assert slow.stay_ns == FOR_EVER
    wishes = head(
        (b"Streamgauge-Timeout-Idle", b"1.5"),
        (b"Helicone-Timeout-Total", b"7"),
        (b"Streamgauge-On-Disconnect", b"Cancel"),
        (b"Helicone-On-Disconnect", b"detach"),
        (b"Streamgauge-Heartbeat", b"15"),
    )
    wished = policies.of("slow", wishes)
    assert (wished.patience.idle_ns, wished.patience.total_ns) == (15 * 10**8, 7 * 10**9)
    assert wished.patience.first_token_ns == 30 * 10**9
    assert (wished.stay_ns, wished.heartbeat_ns) == (0, 15 * 10**9)


@pytest.mark.parametrize(
    "wish",
    [
        b"Streamgauge-On-Disconnect: later",
        b"Streamgauge-On-Disconnect: grace=soon",
        b"Streamgauge-Timeout-Idle: 0",
        b"Streamgauge-Timeout-First-Token: -1",
        b"Streamgauge-Timeout-Total: nan",
        b"Streamgauge-Timeout-Connect: 1e9",
        b"Streamgauge-Heartbeat: often",
        b"Streamgauge-Retries: many",
        b"Streamgauge-Fallbacks: groq",
        b"Streamgauge-On-Interruption: stop",
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(rig: Rig, wish: bytes) -> None:
    """With its name and what it may be; the provider hears nothing."""
    client = await rig.client()
    await client.send(post("/openai/x", b"", wish))
    answer, body = await client.answer()
    assert b" 400 " in answer
    error = json.loads(body)["error"]
    name = wish.partition(b":")[0].decode()
    assert (error["type"], error["param"]) == ("invalid_request", name)
    assert name in error["message"]
    assert rig.provider_connections == 0


@pytest.mark.parametrize("value", ["later", "grace=", "grace=-1"])
def test_a_bad_setting_is_one_clear_line(value: str) -> None:
    """As all of them."""
    with pytest.raises(ConfigurationError, match="on_disconnect"):
        load(environment={}, overrides={"on_disconnect": value})


# -- the client leaves --------------------------------------------------------------------------


def slow_stream(*rest: bytes, gone: asyncio.Event | None = None) -> Script:
    """A provider that waits after its first text until something of it is heard of."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(TEXT))
        if gone is not None:
            await peer.rest()
            gone.set()
            return
        await asyncio.sleep(0.3)
        for piece in rest:
            await peer.send(chunk(piece))
        await peer.send(b"0\r\n\r\n")

    return script


async def leave_after_the_first_text(rig: Rig, wish: bytes) -> None:
    client = await rig.client()
    await client.send(post("/openai/v1/chat/completions", b"{}", wish))
    await client.until(b"Hi")
    client.reset()
    await rig.eventually(lambda: not rig.gateway.clients)


@pytest.mark.parametrize("wish", [b"detach", b"grace=5"])
async def test_a_stream_goes_on_for_the_record(rig: Rig, wish: bytes) -> None:
    """To its end; who left first is known all the same."""
    rig.script = slow_stream(TEXT, STOP, DONE)
    await leave_after_the_first_text(rig, b"Streamgauge-On-Disconnect: " + wish)
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("completed", "client")
    assert rig.body() == TEXT + TEXT + STOP + DONE
    assert not rig.gateway.detached


async def test_a_grace_that_is_over_is_over(rig: Rig) -> None:
    """Then the provider is cancelled."""
    gone = asyncio.Event()
    rig.script = slow_stream(gone=gone)
    await leave_after_the_first_text(rig, b"Streamgauge-On-Disconnect: grace=0.3")
    await asyncio.wait_for(gone.wait(), 5)
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("client_left", "client")
    assert not rig.gateway.detached


async def test_a_slow_client_that_leaves_holds_nothing_up(rig: Rig) -> None:
    """What was paused because of it goes on."""
    many = [TEXT * 500] * 400  # more than any buffer of the system takes
    rig.script = slow_stream(*many, STOP, DONE)
    client = await rig.client(receive_buffer=4096)
    await client.send(
        post("/openai/v1/chat/completions", b"{}", b"Streamgauge-On-Disconnect: detach")
    )
    await rig.eventually(lambda: any(c.is_full for c in rig.gateway.clients))
    client.reset()
    (end,) = await rig.ended()
    assert end.outcome == "completed"
    assert rig.body() == TEXT + b"".join(many) + STOP + DONE


async def test_a_stop_ends_streams_without_clients_too(rig: Rig) -> None:
    """They have the same time as the others."""
    rig.script = slow_stream(gone=asyncio.Event())
    await leave_after_the_first_text(rig, b"Streamgauge-On-Disconnect: detach")
    assert len(rig.gateway.detached) == 1
    await rig.gateway.stop(0.1)
    assert [end.outcome for end in rig.ends()] == ["gateway_restarted"]


# -- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [(), (ROLE, COMMENT), (COMMENT,) * 3])
async def test_no_content_in_time(rig: Rig, pieces: tuple[bytes, ...]) -> None:
    """Silence, a role or comments are none; the client is told in the way that is left."""

    async def script(peer: Peer) -> None:
        await peer.request()
        if pieces:
            await peer.send(CHUNKED)
        for piece in pieces:
            await peer.send(chunk(piece))
        await peer.rest()

    rig.script = script
    client = await rig.client()
    wish = b"Streamgauge-Timeout-First-Token: 0.3"
    await client.send(post("/openai/v1/chat/completions", b"{}", wish))
    answer = await client.until(b"\r\n\r\n")
    if pieces:
        body = await client.chunks()
        assert body.startswith(b"".join(pieces))
        assert b"first_token_timeout" in body
    else:
        assert b" 504 " in answer
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("no_first_token", "gateway")


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/openai/v1/other"])
async def test_content_in_time_is_enough(rig: Rig, path: str) -> None:
    """A stream, or any answer whose content nobody can tell from its bytes."""
    rig.script = slow_stream(STOP, DONE)
    client = await rig.client()
    await client.send(post(path, b"{}", b"Streamgauge-Timeout-First-Token: 0.2"))
    await client.until(b"\r\n\r\n")
    assert (await client.chunks()).endswith(DONE)
    assert [end.outcome for end in await rig.ended()] == ["completed"]


async def test_pings_are_no_sign_of_life(rig: Rig) -> None:
    """A provider that only says that it is there has stalled."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(TEXT))
        for _ in range(20):
            await asyncio.sleep(0.1)
            await peer.send(chunk(COMMENT))

    rig.script = script
    client = await rig.client()
    wish = b"Streamgauge-Timeout-Idle: 0.4"
    await client.send(post("/openai/v1/chat/completions", b"{}", wish))
    await client.until(b"\r\n\r\n")
    body = await client.chunks()
    assert body.startswith(TEXT + COMMENT)
    assert (
        msgspec.json.decode(body.rstrip().splitlines()[-1][6:])["error"]["type"] == "idle_timeout"
    )
    (end,) = await rig.ended()
    assert end.outcome == "stalled"


# -- heartbeats ---------------------------------------------------------------------------------


async def test_a_silent_stream_has_a_heartbeat(rig: Rig) -> None:
    """Between events, also before the first; it is in no record and counts as no byte."""
    quiet = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        await quiet.wait()
        await peer.send(chunk(TEXT) + chunk(STOP) + chunk(DONE) + b"0\r\n\r\n")

    rig.script = script
    client = await rig.client()
    wish = b"Streamgauge-Heartbeat: 0.1"
    await client.send(post("/openai/v1/chat/completions", b"{}", wish))
    await client.until(b": keep-alive\n\n\r\n")
    await client.until(b": keep-alive\n\n\r\n")
    quiet.set()
    body = await client.chunks()
    assert body.replace(b": keep-alive\n\n", b"") == TEXT + STOP + DONE
    await rig.ended()
    assert rig.body() == TEXT + STOP + DONE
    assert not [1 for kind, _, _ in rig.entries() if kind is Kind.ADDED]


async def test_no_heartbeat_inside_an_event(rig: Rig) -> None:
    """It would cut the event in two."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"event: x\n"))
        await asyncio.sleep(0.8)
        await peer.send(chunk(TEXT) + chunk(STOP) + chunk(DONE) + b"0\r\n\r\n")

    rig.script = script
    client = await rig.client()
    wish = b"Streamgauge-Heartbeat: 0.1"
    await client.send(post("/openai/v1/chat/completions", b"{}", wish))
    await client.until(b"\r\n\r\n")
    assert await client.chunks() == b"event: x\n" + TEXT + STOP + DONE
