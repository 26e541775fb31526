"""What providers may send, and what reaches the client of it."""

from __future__ import annotations

import asyncio
import hashlib
import random

import msgspec
import pytest

from streamgauge.gateway import dispatch
from streamgauge.gateway.upstream import SIZE_LINES, UpstreamConnection
from streamgauge.journal.format import Body, Kind
from streamgauge.settings import Limits
from tests.gateway.rig import OK, Peer, Rig, says

GET = b"GET /openai/v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n"
POST = b"POST /openai/v1/x HTTP/1.1\r\nHost: gateway\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


async def ask(rig: Rig, request: bytes = GET) -> Peer:
    client = await rig.client()
    await client.send(request)
    return client


CUTS = {
    "whole": (CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",),
    "chunk by chunk": (CHUNKED, b"5\r\nhello\r\n", b"6\r\n world\r\n", b"0\r\n\r\n"),
    "end with the last": (CHUNKED, b"5\r\nhello\r\n", b"6\r\n world\r\n0\r\n\r\n"),
    "in a size": (CHUNKED + b"0", b"5\r\nhello\r\n0000", b"6\r", b"\n world\r\n0\r\n\r\n"),
    "in a chunk": (CHUNKED, b"5\r\nhe", b"llo\r\n6\r\n world\r\n", b"0\r\n\r\n"),
    "in a line end": (CHUNKED, b"5\r\nhello\r", b"\n6\r\n world", b"\r\n0\r\n\r", b"\n"),
    "after a size": (CHUNKED, b"5\r\n", b"hello\r\n6\r\n", b" world\r\n", b"0\r\n", b"\r\n"),
    "with extensions": (CHUNKED, b'5;a="b"\r\nhello\r\n', b"6;c\r\n world\r\n", b"0\r\n\r\n"),
    "with trailers": (CHUNKED, b"5\r\nhello\r\n6\r\n world\r\n", b"0\r\nX-T: 1\r\n\r\n"),
    "in the head": (CHUNKED[:30], CHUNKED[30:] + b"b\r\nhello world\r\n0\r\n\r\n"),
    "by length": (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello", b" world"),
    "by the end": (b"HTTP/1.1 200 OK\r\n\r\nhello", b" world"),
}


@pytest.mark.parametrize("pieces", CUTS.values(), ids=CUTS)
async def test_the_body_does_not_depend_on_the_cuts(rig: Rig, pieces: tuple[bytes, ...]) -> None:
    """The client and the journal have the provider's bytes, however they were framed."""
    rig.script = says(*pieces, keeps=b"Content-Length" in pieces[0] or b"chunked" in pieces[0])
    client = await ask(rig)
    _, body = await client.answer()
    assert body == b"hello world"
    assert rig.body() == b"hello world"
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("completed", "upstream")


async def test_random_framing_gives_the_same_bytes(rig: Rig) -> None:
    """A megabyte in random chunks, in random writes: the same hash on both sides."""
    dice = random.Random(5)
    sent = dice.randbytes(1_000_000)
    framed = bytearray(CHUNKED)
    start = 0
    while start < len(sent):
        size = dice.choice([1, 2, 17, 300, 5000, 40_000])
        piece = sent[start : start + size]
        framed += b"%x\r\n%b\r\n" % (len(piece), piece)
        start += size
    framed += b"0\r\n\r\n"
    pieces = []
    start = 0
    while start < len(framed):
        size = dice.choice([1, 3, 100, 1000, 20_000])
        pieces.append(bytes(framed[start : start + size]))
        start += size
    rig.script = says(*pieces, pause=0)
    client = await ask(rig)
    _, body = await client.answer()
    assert hashlib.sha256(body).digest() == hashlib.sha256(sent).digest()
    assert hashlib.sha256(rig.body()).digest() == hashlib.sha256(sent).digest()


SURPLUS = {
    "another answer": (
        CHUNKED,
        b"2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    ),
    "garbage": (CHUNKED, b"2\r\nok\r\n0\r\n\r\nevil"),
    "too long": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokevil",),
    "too long, later": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", b"kevil"),
    "after a 204": (b"HTTP/1.1 204 No Content\r\n\r\nevil",),
    "later still": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"evil"),
}


@pytest.mark.parametrize("pieces", SURPLUS.values(), ids=SURPLUS)
async def test_surplus_bytes_reach_no_client(rig: Rig, pieces: tuple[bytes, ...]) -> None:
    """Not this one and not the next: the provider's connection is not used again."""
    rig.script = says(*pieces)
    client = await ask(rig)
    head, body = await client.answer()
    assert body == (b"" if b" 204 " in head else b"ok")
    await asyncio.sleep(0.05)
    await client.send(GET)
    await client.until(b"\r\n\r\n")
    client.close()
    assert b"evil" not in rig.body()
    assert rig.provider_connections == 2


async def test_interim_answers_are_skipped(rig: Rig) -> None:
    """100 and 103 come before the real one."""
    rig.script = says(
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + b"HTTP/1.1 100 C\r\n\r\n" + OK
    )
    client = await ask(rig)
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"Link" not in head
    assert body == b"ok"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_an_answer_without_a_body_ends_with_its_head(rig: Rig, status: bytes) -> None:
    """And the connection goes on."""
    rig.script = says(b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n")
    client = await ask(rig)
    for _ in range(2):
        assert status in await client.until(b"\r\n\r\n")
        await client.send(GET)
    assert rig.provider_connections == 1


async def test_every_answer_is_named(rig: Rig) -> None:
    """`Streamgauge-Id` is a UUIDv7; `Helicone-Id` is the client's own id where it gave one."""
    client = await ask(rig, GET.replace(b"\r\n\r\n", b"\r\nHelicone-Request-Id: mine\r\n\r\n"))
    head, _ = await client.answer()
    name = head.split(b"Streamgauge-Id: ")[1][:36]
    assert name[14:15] == b"7"
    assert b"Helicone-Id: mine\r\n" in head
    assert rig.entries()[0][1].hex() == name.replace(b"-", b"").decode()


NOT_HTTP = {
    "garbage": b"SSH-2.0-OpenSSH\r\n",
    "length and chunked": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
    ),
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("raw", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_an_answer_that_is_none_is_502(rig: Rig, raw: bytes) -> None:
    """The message says whose fault it is."""

    async def script(peer: Peer) -> None:
        await peer.request()
        if raw:
            await peer.send(raw)

    rig.script = script
    client = await ask(rig)
    head, body = await client.answer()
    assert b" 502 " in head
    assert str(rig.provider_port).encode() in body
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("truncated", "upstream")


BROKEN = {
    "end in a chunk": (CHUNKED, b"5\r\nhel"),
    "end between chunks": (CHUNKED, b"5\r\nhello\r\n"),
    "end before the length": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"hello"),
    "bad chunk size": (CHUNKED, b"5\r\nhello\r\n", b"zz\r\n"),
}


@pytest.mark.parametrize("pieces", BROKEN.values(), ids=BROKEN)
async def test_a_cut_stream_is_never_presented_as_whole(
    rig: Rig, pieces: tuple[bytes, ...]
) -> None:
    """The client has what came, and a connection that ends before the body does."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
            await asyncio.sleep(0.02)

    rig.script = script
    client = await ask(rig)
    everything = await client.rest()
    assert b"hel" in everything
    assert not everything.endswith(b"0\r\n\r\n")
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("truncated", "upstream")
    assert end.error_message


async def test_a_cut_stream_resets_a_client_that_waits_for_the_end(rig: Rig) -> None:
    """For HTTP/1.0 a clean end would mean that all is there."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nhello\r\n")
        await asyncio.sleep(0.05)
        peer.reset()

    rig.script = script
    client = await ask(rig, GET.replace(b"1.1", b"1.0"))
    await client.until(b"\r\n\r\n")
    assert await client.exactly(5) == b"hello"
    with pytest.raises(ConnectionResetError):
        await client.exactly(1)


async def test_a_stale_connection_is_replaced(rig: Rig) -> None:
    """The provider has closed what we kept; the client notices nothing."""

    async def script(peer: Peer) -> None:
        if rig.provider_connections == 1:
            await peer.request()
            await peer.send(OK)
            await peer.request()
            peer.reset()
            return
        await peer.request()
        await peer.send(OK)

    rig.script = script
    client = await rig.client()
    for _ in range(2):
        await client.send(b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\nabc")
        _, body = await client.answer()
        assert body == b"ok"
    assert rig.provider_connections == 2
    assert [end.outcome for end in rig.ends()] == ["completed", "completed"]


@pytest.mark.parametrize(
    "some", [b"HTTP/1.1 200 OK\r\nX: 1", b"HTTP/1.1 103 Early Hints\r\n\r\n"], ids=["half", "103"]
)
async def test_a_request_that_was_half_answered_is_not_sent_twice(rig: Rig, some: bytes) -> None:
    """The provider has seen it: a second POST could be a second charge."""
    requests = 0

    async def script(peer: Peer) -> None:
        nonlocal requests
        await peer.request()
        requests += 1
        await peer.send(OK)
        await peer.request()
        requests += 1
        await peer.send(some)

    rig.script = script
    client = await rig.client()
    request = b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\nabc"
    await client.send(request)
    await client.answer()
    await client.send(request)
    head, _ = await client.answer()
    assert b" 502 " in head
    assert (requests, rig.provider_connections) == (2, 1)


async def test_the_end_of_a_connection_is_told_once() -> None:
    """First the end of its bytes, then the end of itself; the exchange hears of one."""
    heard: list[str] = []

    class Receiver:
        is_head_request = False

        def upstream_closed(self, why: str) -> None:
            heard.append(why)

    class Pool:
        def lost(self, connection: UpstreamConnection) -> None: ...

    connection = UpstreamConnection(Pool(), None)  # type: ignore[arg-type]
    connection.receiver = Receiver()  # type: ignore[assignment]
    connection.eof_received()
    connection.connection_lost(None)
    assert heard == ["end of connection"]


async def test_a_refused_connection_is_502(rig: Rig) -> None:
    """With the address and the reason."""
    client = await ask(rig, GET.replace(b"openai", b"closed"))
    head, body = await client.answer()
    assert b" 502 " in head
    assert str(rig.closed_port).encode() in body
    assert b"refused" in body
    (end,) = await rig.ended()
    assert end.outcome == "connect_failed"


async def test_a_refused_connection_does_not_lose_the_request(rig: Rig) -> None:
    """Clients send head and body apart: what comes behind the refusal is in the record, too."""
    body = b'{"model": "m"}'
    head = POST.replace(b"openai", b"closed") + b"Content-Length: %d\r\n\r\n" % len(body)
    client = await ask(rig, head)
    await rig.eventually(lambda: bool(rig.opened()))
    await asyncio.sleep(0.1)
    await client.send(body)
    answered, _ = await client.answer()
    assert b" 502 " in answered
    assert b"connection: close" not in answered.lower()
    (more,) = [payload for kind, _, payload in rig.entries() if kind is Kind.BODY]
    assert msgspec.msgpack.decode(more, type=Body) == Body(data=body, complete=True)


async def test_a_refused_connection_waits_for_nobody(rig: Rig, monkeypatch) -> None:
    """A client that sends no more is answered all the same."""
    monkeypatch.setattr(dispatch, "REST_S", 0.2)
    head = POST.replace(b"openai", b"closed") + b"Content-Length: 5\r\n\r\n"
    client = await ask(rig, head)
    answered, _ = await client.answer()
    assert b" 502 " in answered


@pytest.mark.parametrize("limits", [Limits(idle_timeout_s=0.3)])
async def test_a_silent_provider_is_504(rig: Rig) -> None:
    """Nothing has been sent, so there is an answer."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.rest()

    rig.script = script
    client = await ask(rig)
    head, _ = await client.answer()
    assert b" 504 " in head
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("stalled", "gateway")


@pytest.mark.parametrize("limits", [Limits(upstream_idle_s=0.2)])
async def test_idle_connections_to_providers_expire(rig: Rig) -> None:
    """The provider sees the end of the connection; the next request opens another."""
    client = await rig.client()
    await client.send(GET)
    await client.answer()
    await asyncio.sleep(0.8)
    await client.send(GET)
    await client.answer()
    assert rig.provider_connections == 2


async def test_a_path_of_the_base_url_stays_in_front(rig: Rig) -> None:
    """A provider may live under a path."""
    asked = asyncio.get_running_loop().create_future()

    async def script(peer: Peer) -> None:
        head, _ = await peer.request()
        asked.set_result(head)
        await peer.send(OK)

    rig.script = script
    client = await ask(rig, GET.replace(b"/openai/", b"/base/"))
    await client.answer()
    assert (await asked).startswith(b"GET /under/here/v1/models HTTP/1.1\r\n")


async def test_the_dashboards_absence_is_told_apart(rig: Rig) -> None:
    """Without a recorder the API is 503, and health says degraded: streams still go."""
    client = await ask(rig, b"GET /api/v1/records HTTP/1.1\r\nHost: g\r\n\r\n")
    head, body = await client.answer()
    assert b" 503 " in head
    assert b"recorder" in body
    await client.send(b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n")
    head, body = await client.answer()
    assert b" 200 " in head
    assert b"degraded" in body
    assert rig.entries() == []


async def test_a_head_request_for_ours_has_no_body(rig: Rig) -> None:
    """Also while there is no recorder."""
    client = await rig.client()
    await client.send(b"HEAD /healthz HTTP/1.1\r\nHost: g\r\n\r\n")
    head = await client.until(b"\r\n\r\n")
    assert b" 200 " in head
    await client.send(GET)
    head, body = await client.answer()
    assert (head.split(b" ")[1], body) == (b"200", b"ok")


@pytest.mark.parametrize("limits", [Limits(max_body_bytes=10)])
async def test_a_refusal_on_our_own_paths_is_not_the_recorders_absence(rig: Rig) -> None:
    """The client learns that its body is too long."""
    (rig.folder / "run").mkdir(exist_ok=True)
    release = asyncio.Event()

    async def never(*_: object) -> None:
        await release.wait()

    rig.gateway.pool.connect = never  # type: ignore[assignment, method-assign]
    client = await rig.client()
    await client.send(b"POST /api/v1/log HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n")
    await client.send(b"14\r\n" + bytes(20) + b"\r\n")
    head, body = await client.answer()
    assert b" 413 " in head
    assert b"body_too_large" in body


def test_the_short_way_knows_every_small_chunk_by_its_length() -> None:
    """One size line for each length, and the one that HTTP has for it."""
    assert len(SIZE_LINES) == 0x2000 - 1
    for length, line in SIZE_LINES.items():
        size = int(line, 16)
        assert line == b"%x\r\n" % size
        assert length == len(line) + size + 2


@pytest.mark.parametrize("odd", [b"0a", b"A", b"a;x=1"])
async def test_other_spellings_of_a_size_take_the_long_way(rig: Rig, odd: bytes) -> None:
    """They are rare, and mean the same."""
    rig.script = says(CHUNKED, b"5\r\nhello\r\n", odd + b"\r\n0123456789\r\n", b"0\r\n\r\n")
    await ask(rig)
    (end,) = await rig.ended()
    assert end.outcome == "completed"
    assert rig.body() == b"hello0123456789"


@pytest.mark.parametrize("odd", [b"\r\na", b"+a", b"0xa", b" a", b"1_0"])
async def test_what_is_no_size_ends_the_stream(rig: Rig, odd: bytes) -> None:
    """Whatever Python's own reading of numbers would make of it."""
    rig.script = says(CHUNKED, b"5\r\nhello\r\n", odd + b"\r\n0123456789\r\n", b"0\r\n\r\n")
    client = await ask(rig)
    everything = await client.rest()
    assert b"hello" in everything
    assert b"0123456789" not in everything
    (end,) = await rig.ended()
    assert (end.outcome, end.error_type) == ("truncated", "invalid_response")


async def test_a_stream_that_ends_too_early_without_a_word_for_it_keeps_nobody(rig: Rig) -> None:
    """The client is cut, and so is the provider's connection: nobody else would close it."""
    gone = asyncio.Event()
    event = b'data: {"results":[{"generated_text":"Hi","stop_reason":"not_finished"}]}\n\n'

    async def script(peer: Peer) -> None:
        await peer.request()
        # All of it, as HTTP counts; the last event never came, and the dialect has no errors.
        await peer.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(event), event))
        await peer.rest()
        gone.set()

    rig.script = script
    client = await ask(
        rig,
        b"POST /openai/ml/v1/text/generation_stream HTTP/1.1\r\nHost: g\r\n"
        b"Content-Length: 2\r\n\r\n{}",
    )
    assert not (await client.rest()).endswith(b"0\r\n\r\n")
    await asyncio.wait_for(gone.wait(), 5)
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("truncated", "upstream")


async def test_a_stream_with_a_length_is_told_of_its_early_end(rig: Rig) -> None:
    """It goes on in chunks, so that an error fits behind it."""
    event = b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
    rig.script = says(head % len(event) + event)
    client = await ask(
        rig,
        b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nConnection: close\r\n"
        b"Streamgauge-Stream-Usage: false\r\nContent-Length: 2\r\n\r\n{}",
    )
    answer = await client.rest()
    assert event in answer
    assert b'"type":"no_terminal_event"' in answer
    assert answer.endswith(b"0\r\n\r\n")
