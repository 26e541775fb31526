"""The short way of a request, and that it tells client and journal what the long one tells."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from streamgauge.gateway import server
from streamgauge.gateway.client import ClientConnection
from streamgauge.gateway.errand import Errand
from streamgauge.journal.format import Kind
from streamgauge.settings import Limits
from tests.gateway.rig import OK, Peer, Rig

ASK = b'{"model":"m","messages":[]}'
ASK_STREAM = b'{"model":"m","stream":true,"messages":[]}'
PATH = b"/openai/v1/chat/completions"

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def post(body: bytes, *lines: bytes) -> bytes:
    head = [b"POST " + PATH + b" HTTP/1.1", b"Host: gateway", *lines]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


def pieces(*parts: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Return an answer in several reads."""

    async def answer(peer: Peer) -> None:
        for number, part in enumerate(parts):
            if number:
                await asyncio.sleep(0.03)
            await peer.send(part)

    return answer


def then_close(*parts: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Return an answer that ends with its connection."""

    async def answer(peer: Peer) -> None:
        await pieces(*parts)(peer)
        peer.close()

    return answer


def once(may_answer: asyncio.Event) -> Callable[[Peer], Awaitable[None]]:
    """Return an answer that waits until it may come."""

    async def answer(peer: Peer) -> None:
        await may_answer.wait()
        await peer.send(OK)

    return answer


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: r1\r\n"

# What the provider answers, and whether a relay must take over.
ANSWERS: dict[str, tuple[Callable[[Peer], Awaitable[None]], bool]] = {
    "whole": (pieces(PLAIN + b"Content-Length: 2\r\n\r\n{}"), False),
    "whole, an error": (
        pieces(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow"),
        False,
    ),
    "whole, then closed": (then_close(PLAIN + b"Content-Length: 2\r\n\r\n{}"), False),
    "whole, and says that it closes": (
        then_close(PLAIN + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}"),
        False,
    ),
    "whole, and more": (pieces(PLAIN + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n"), False),
    "empty": (pieces(PLAIN + b"Content-Length: 0\r\n\r\n"), False),
    "without a body": (pieces(b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"), True),
    "head and body apart": (pieces(PLAIN + b"Content-Length: 2\r\n\r\n", b"{}"), True),
    "a head in pieces": (pieces(PLAIN, b"Content-Length: 2\r\n\r\n{}"), False),
    "a body in pieces": (pieces(PLAIN + b"Content-Length: 4\r\n\r\n{", b" ", b" }"), True),
    "in chunks": (
        pieces(PLAIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        True,
    ),
    "until it closes": (then_close(PLAIN + b"\r\n", b"{}"), True),
    "after an interim answer": (
        pieces(b"HTTP/1.1 103 Early Hints\r\n\r\n" + PLAIN + b"Content-Length: 2\r\n\r\n{}"),
        False,
    ),
    "a stream": (pieces(STREAM + chunk(EVENT), chunk(EVENT), chunk(DONE) + b"0\r\n\r\n"), True),
    "a stream in one read": (pieces(STREAM + chunk(EVENT + DONE) + b"0\r\n\r\n"), True),
    "a stream that breaks": (then_close(STREAM + chunk(EVENT)), True),
    "a body that breaks": (then_close(PLAIN + b"Content-Length: 9\r\n\r\n{"), True),
    "half a head": (then_close(PLAIN), True),
    "no HTTP": (pieces(b"SSH-2.0-x\r\n\r\n"), True),
    "another protocol": (
        pieces(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nframes"),
        True,
    ),
}


class Ways:
    """How many exchanges have gone the short way, and how many of them became relays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.short = 0
        self.grown = 0
        begin, grow = Errand.begin, Errand.grow

        def beginning(errand: Errand, *arguments: Any) -> None:
            self.short += 1
            begin(errand, *arguments)

        def growing(errand: Errand) -> Any:
            self.grown += errand._relay is None
            return grow(errand)

        monkeypatch.setattr(Errand, "begin", beginning)
        monkeypatch.setattr(Errand, "grow", growing)


@pytest.fixture
def no_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no look at the limits make a relay in between; to be asked for before the rig."""
    monkeypatch.setattr(server, "TICK_S", 3600)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    return Ways(monkeypatch)


async def keep_one(rig: Rig, answer: Callable[[Peer], Awaitable[None]]) -> list[bytes]:
    """Leave a kept connection in the pool, on which the next request gets *answer*."""
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        try:
            await peer.request()
            await peer.send(OK)
            head, body = await peer.request()
            heard.append(head + body)
            await answer(peer)
            await peer.rest()
        except asyncio.IncompleteReadError:
            pass

    rig.script = script
    client = await rig.client()
    await client.send(post(ASK))
    await client.answer()
    await rig.ended()
    return heard


IDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


async def heard_by_the_client(rig: Rig, request: bytes, *, count: int) -> bytes:
    """Send *request*, and return all that comes back until *count* exchanges have ended."""
    client = await rig.client()
    await client.send(request)
    await rig.ended(count)
    with contextlib.suppress(OSError):  # closed already
        client.writer.write_eof()
    return IDS.sub(b"ID", await client.rest())


def told(rig: Rig, since: int) -> list[tuple[str, Any]]:
    """Return what the journal has from entry *since* on, without ids and times."""
    told: list[tuple[str, Any]] = []
    for kind, _, payload in rig.entries()[since:]:
        if kind is Kind.CHUNK:
            # Two reads may be journaled as one chunk or as two; the overhead is a time.
            if told and told[-1][0] == "CHUNK":
                told[-1] = ("CHUNK", told[-1][1] + payload[4:])
            else:
                told.append(("CHUNK", payload[4:]))
        elif kind in (Kind.HIDDEN, Kind.ADDED):
            told.append((kind.name, payload))
        else:
            said = msgspec.msgpack.decode(payload)
            times = {Kind.OPEN: (0,), Kind.HEAD: (2,), Kind.END: (4,)}.get(kind, ())
            told.append((kind.name, [v for at, v in enumerate(said) if at not in times]))
    return told


@pytest.mark.parametrize("body", [ASK, ASK_STREAM], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", ANSWERS)
async def test_both_ways_tell_the_same(
    no_ticks: None, rig: Rig, ways: Ways, name: str, body: bytes
) -> None:
    """To the provider, to the client and to the journal, whatever is answered."""
    answer, is_grown = ANSWERS[name]
    short_heard = await keep_one(rig, answer)
    since = len(rig.entries())
    assert ways.short == 0
    short = await heard_by_the_client(rig, post(body), count=2)
    # A stream's relay is made while the provider thinks.
    assert (ways.short, ways.grown) == (1, is_grown or body is ASK_STREAM)
    short_told = told(rig, since)

    rig.gateway.pool.close()
    long_heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        try:
            head, asked = await peer.request()
            long_heard.append(head + asked)
            await answer(peer)
            await peer.rest()
        except asyncio.IncompleteReadError:
            pass

    rig.script = script
    since = len(rig.entries())
    long = await heard_by_the_client(rig, post(body), count=3)
    assert ways.short == 1
    assert short
    assert short_heard == long_heard
    assert short == long
    assert short_told == told(rig, since)
    assert rig.gateway.open == 0


async def test_the_relay_of_a_stream_is_there_before_its_answer(
    no_ticks: None, rig: Rig, ways: Ways
) -> None:
    """It costs the first token nothing."""
    may_answer = asyncio.Event()

    await keep_one(rig, once(may_answer))
    client = await rig.client()
    await client.send(post(ASK_STREAM))
    await rig.eventually(lambda: ways.grown == 1)
    may_answer.set()
    _, body = await client.answer()
    assert body == b"ok"
    assert (ways.short, ways.grown) == (1, 1)


async def test_a_dead_kept_connection_is_not_the_clients_fault(rig: Rig, ways: Ways) -> None:
    """The request goes out once more, over a new one."""

    async def vanish(peer: Peer) -> None:
        peer.close()

    await keep_one(rig, vanish)
    before = rig.provider_connections

    async def second(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)

    rig.script = second
    client = await rig.client()
    await client.send(post(ASK))
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"ok"
    assert (ways.short, ways.grown) == (1, 1)
    assert rig.provider_connections == before + 1
    assert [end.outcome for end in await rig.ended(2)] == ["completed", "completed"]


async def test_a_client_that_leaves_ends_it(rig: Rig, ways: Ways) -> None:
    """The provider's connection is closed, and the record says who left."""
    gone = asyncio.Event()

    async def wait(peer: Peer) -> None:
        await peer.rest()
        gone.set()

    await keep_one(rig, wait)
    client = await rig.client()
    await client.send(post(ASK))
    await rig.eventually(lambda: ways.short == 1)
    client.reset()
    await asyncio.wait_for(gone.wait(), 30)
    ends = await rig.ended(2)
    assert (ends[1].outcome, ends[1].closed_by) == ("client_left", "client")


@pytest.mark.parametrize("is_reset", [True, False])
async def test_it_goes_on_without_its_client_where_that_is_wished(
    rig: Rig, ways: Ways, is_reset: bool
) -> None:
    """However the client leaves, it leaves once."""
    may_answer = asyncio.Event()

    await keep_one(rig, once(may_answer))
    client = await rig.client()
    await client.send(post(ASK, b"Streamgauge-On-Disconnect: detach"))
    await rig.eventually(lambda: ways.short == 1)
    if is_reset:
        client.reset()
    else:
        client.close()
    await rig.eventually(lambda: len(rig.gateway.detached) == len(rig.gateway.clients) == 1)
    may_answer.set()
    ends = await rig.ended(2)
    assert (ends[1].outcome, rig.body()) == ("completed", b"okok")


@pytest.mark.parametrize("limits", [Limits(idle_timeout_s=0.4)])
async def test_patience_ends_with_it_too(rig: Rig, ways: Ways) -> None:
    """A provider that says nothing is given up."""
    await keep_one(rig, Peer.rest)
    client = await rig.client()
    await client.send(post(ASK))
    head, _ = await client.answer()
    assert head.startswith(b"HTTP/1.1 504 ")
    assert (ways.short, ways.grown) == (1, 1)
    ends = await rig.ended(2)
    assert ends[1].outcome == "stalled"


async def test_it_can_be_stopped(rig: Rig, ways: Ways) -> None:
    """By its id, like any other."""
    await keep_one(rig, Peer.rest)
    client = await rig.client()
    await client.send(post(ASK))
    await rig.eventually(lambda: ways.short == 1)
    (exchange,) = {exchange for _, exchange, _ in rig.entries()[-1:]}
    rig.gateway.stop_exchange(exchange)
    head, _ = await client.answer()
    assert head.startswith(b"HTTP/1.1 ")
    ends = await rig.ended(2)
    assert ends[1].closed_by == "gateway"


async def test_an_old_client_is_told_that_its_connection_stays(rig: Rig, ways: Ways) -> None:
    """HTTP/1.0 takes silence for the end of it."""
    await keep_one(rig, pieces(OK))
    client = await rig.client()
    old = post(ASK, b"Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    await client.send(old)
    head, _ = await client.answer()
    assert b"\r\nConnection: keep-alive\r\n" in head
    assert ways.short == 0


def ours(rig: Rig, client: Peer) -> ClientConnection:
    """Return the gateway's side of *client*."""
    name = client.writer.get_extra_info("sockname")
    return next(
        one
        for one in rig.gateway.clients
        if one.transport is not None and one.transport.get_extra_info("peername") == name
    )


def send_buffer(transport: asyncio.BaseTransport, size: int) -> None:
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


async def test_a_slow_client_leaves_the_providers_connection_as_it_was(
    no_ticks: None, rig: Rig, ways: Ways
) -> None:
    """Answers that it does not take fill its own buffer; whoever comes next is served."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + b"x" * 40_000

    async def script(peer: Peer) -> None:
        while True:
            try:
                _, body = await peer.request()
            except asyncio.IncompleteReadError:
                return
            await peer.send(large if b"large" in body else OK)

    rig.script = script
    other = await rig.client()
    await other.send(post(ASK))
    await other.answer()
    slow = await rig.client(receive_buffer=2048)
    slow.writer.transport.pause_reading()
    await rig.eventually(lambda: len(rig.gateway.clients) == 2)
    connection = ours(rig, slow)
    assert connection.transport is not None
    send_buffer(connection.transport, 8192)
    for number in range(8):
        await slow.send(post(b'{"model":"large"}'))
        await rig.ended(number + 2)
        if connection.is_full:
            break
    assert connection.is_full
    assert ways.short == number + 1
    await other.send(post(ASK))
    assert (await other.answer())[1] == b"ok"
    slow.writer.transport.resume_reading()
    for _ in range(number + 1):
        assert len((await slow.answer())[1]) == 40_000


async def test_a_connection_that_ends_twice_is_lost_once(
    no_ticks: None, rig: Rig, ways: Ways
) -> None:
    """It is closed by the provider, and lost later, when the request is on its second way."""
    loop = asyncio.get_running_loop()
    body = b'{"model":"m","pad":"' + b"x" * 60_000 + b'"}'
    await keep_one(rig, Peer.rest)
    (kept,) = rig.gateway.pool._all
    may_be_lost, is_lost = asyncio.Event(), asyncio.Event()

    async def second(peer: Peer) -> None:
        await peer.request()
        may_be_lost.set()
        await is_lost.wait()
        await peer.send(OK)
        await peer.rest()

    rig.script = second
    client = await rig.client()
    await rig.eventually(lambda: len(rig.gateway.clients) == 2)
    # In one read, as from a client next door.
    loop.call_soon(ours(rig, client).data_received, post(body))
    await rig.eventually(lambda: ways.short == 1)
    kept.eof_received()
    await asyncio.wait_for(may_be_lost.wait(), 30)
    kept.connection_lost(None)
    is_lost.set()
    head, said = await client.answer()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert said == b"ok"
    await rig.ended(2)
    kinds = [kind.name for kind, _, _ in rig.entries()]
    assert kinds[kinds.index("END") + 1 :] == ["OPEN", "HEAD", "CHUNK", "END"]
    assert kept.transport is not None
    kept.transport.abort()


def kinds(rig: Rig, since: int) -> list[Kind]:
    return [kind for kind, _, _ in rig.entries()[since:]]


async def test_the_journal_hears_of_the_request_before_its_end(
    no_ticks: None, rig: Rig, ways: Ways
) -> None:
    """Here the client leaves in the very turn of the loop in which it has asked."""
    await keep_one(rig, Peer.rest)
    client = await rig.client()
    await rig.eventually(lambda: len(rig.gateway.clients) == 2)
    since = len(rig.entries())
    connection = ours(rig, client)
    connection.data_received(post(ASK))
    connection.connection_lost(None)
    assert ways.short == 1
    assert kinds(rig, since) == [Kind.OPEN, Kind.END]
    assert rig.gateway.open == 0


HEARTBEAT = b": ping\n\n"
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'

# What comes with the head, what comes next, and what the client gets of both.
BEGINNINGS = {
    "an event": (EVENT, EVENT, EVENT + EVENT),
    "several": (EVENT + EVENT, EVENT, EVENT * 3),
    "a heartbeat": (HEARTBEAT, EVENT, HEARTBEAT + EVENT),
    "usage that only we asked for": (USAGE, EVENT, EVENT),
    "an event and that usage": (EVENT + USAGE, EVENT, EVENT + EVENT),
    "half an event": (EVENT[:20], EVENT[20:], EVENT),
    "an event and a half": (EVENT + EVENT[:20], EVENT[20:], EVENT + EVENT),
    "an event without its empty line": (EVENT[:-1], b"\n" + EVENT, EVENT + EVENT),
}


@pytest.mark.parametrize("name", BEGINNINGS)
async def test_what_comes_with_the_head_is_looked_at_like_the_rest(
    no_ticks: None, rig: Rig, ways: Ways, name: str
) -> None:
    """Whether it goes the short way or not, what is to be hidden is, and the journal has all."""
    first, second, shown = BEGINNINGS[name]
    may_go_on = asyncio.Event()

    async def answer(peer: Peer) -> None:
        await peer.send(STREAM + chunk(first))
        await may_go_on.wait()
        await peer.send(chunk(second) + chunk(DONE) + b"0\r\n\r\n")

    await keep_one(rig, answer)
    client = await rig.client()
    since = len(rig.entries())
    await client.send(post(ASK_STREAM))
    await rig.eventually(lambda: Kind.HEAD in kinds(rig, since))
    may_go_on.set()
    _, body = await client.answer()
    assert ways.short == 1
    assert body == shown + DONE
    raw = b"".join(
        payload[4:] if kind is Kind.CHUNK else payload
        for kind, _, payload in rig.entries()[since:]
        if kind in (Kind.CHUNK, Kind.HIDDEN)
    )
    assert raw == first + second + DONE


async def test_a_long_request_is_journaled_at_once(no_ticks: None, rig: Rig, ways: Ways) -> None:
    """What is too long to wait for the end of the turn does not leave its record behind."""
    heard = await keep_one(rig, Peer.rest)
    client = await rig.client()
    await rig.eventually(lambda: len(rig.gateway.clients) == 2)
    body = b'{"model":"m","pad":"' + b"x" * 100_000 + b'"}'
    since = len(rig.entries())
    ours(rig, client).data_received(post(body))
    assert ways.short == 1
    written = rig.gateway.journal.status().written_bytes
    assert written > 100_000
    assert kinds(rig, since) == [Kind.OPEN]
    assert rig.gateway.journal.status().written_bytes == written
    await rig.eventually(lambda: heard)
    assert heard[0].endswith(body)


async def test_it_becomes_one_relay(no_ticks: None, rig: Rig, ways: Ways) -> None:
    """However often it is asked for what only a relay has."""
    await keep_one(rig, Peer.rest)
    client = await rig.client()
    await client.send(post(ASK))
    await rig.eventually(lambda: ways.short == 1)
    (errand,) = [one.relay for one in rig.gateway.clients if one.relay is not None]
    assert isinstance(errand, Errand)
    assert errand.journal is rig.journal
    assert ways.grown == 0
    assert errand.exchange is errand.exchange
    assert errand.grow() is errand.grow()
    assert ways.grown == 1
    with pytest.raises(AttributeError):
        _ = errand._nothing
