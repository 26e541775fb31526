"""What clients may send, what they get, and what happens to what is not HTTP."""

from __future__ import annotations

import asyncio
import socket

import msgspec
import pytest

from streamgauge.settings import Limits
from tests.gateway.rig import OK, Peer, Rig

GET = b"GET /openai/v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n"


def post(body: bytes, *lines: bytes, path: bytes = b"/openai/v1/x") -> bytes:
    head = [b"POST " + path + b" HTTP/1.1", b"Host: gateway", *lines]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


REFUSED = {
    "length and chunked": (
        b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked and length": (
        b"POST /openai/x HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 4\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (
        b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
    ),
    "signed length": (b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: +2\r\n\r\nab", 400),
    "bare LF": (b"GET /openai/x HTTP/1.1\nHost: g\n\n", 400),
    "folded header": (b"GET /openai/x HTTP/1.1\r\nHost: g\r\nX: a\r\n b\r\n\r\n", 400),
    "space before colon": (b"GET /openai/x HTTP/1.1\r\nHost : g\r\n\r\n", 400),
    "NUL in header": (b"GET /openai/x HTTP/1.1\r\nHost: g\r\nX: a\0b\r\n\r\n", 400),
    "space in target": (b"GET /openai/a b HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    "no host": (b"GET /openai/x HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /openai/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "whole URL": (b"GET http://elsewhere/openai/x HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    "CONNECT": (b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n", 405),
    "HTTP/2": (b"GET /openai/x HTTP/2.0\r\nHost: g\r\n\r\n", 505),
    "chunked in 1.0": (
        b"POST /openai/x HTTP/1.0\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "gzip, chunked": (
        b"POST /openai/x HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "chunked, identity": (
        b"POST /openai/x HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        400,
    ),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "not a target": (
        b"GET /v1/models HTTP/1.1\r\nHost: g\r\nHelicone-Target-URL: ftp://x\r\n\r\n",
        400,
    ),
    "a password in a target": (
        b"GET /v1/models HTTP/1.1\r\nHost: g\r\nHelicone-Target-URL: https://a:b@api.openai.com\r\n\r\n",
        400,
    ),
    "target not allowed": (
        b"GET /v1/models HTTP/1.1\r\nHost: g\r\nStreamgauge-Target-Url: http://169.254.169.254\r\n\r\n",
        403,
    ),
}


@pytest.mark.parametrize(("raw", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_could_smuggle_is_answered_and_closed(rig: Rig, raw: bytes, status: int) -> None:
    """The client is told whose fault it is; the provider never hears of it."""
    client = await rig.client()
    await client.send(raw)
    head, body = await client.answer()
    assert head.split(b" ")[1] == b"%d" % status
    assert b"Streamgauge-Error: true" in head
    error = msgspec.json.decode(body)["error"]
    assert error["type"]
    assert error["message"]
    assert await client.rest() == b""
    assert rig.provider_connections == 0


async def test_a_bad_chunk_size_in_a_request_ends_it(rig: Rig) -> None:
    """The head was fine and has gone up; the provider's connection is dropped."""
    client = await rig.client()
    await client.send(
        b"POST /openai/x HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    )
    await asyncio.sleep(0.05)
    await client.send(b"zz\r\n")
    head, _ = await client.answer()
    assert b" 400 " in head
    assert await client.rest() == b""
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("refused", "gateway")


@pytest.mark.parametrize("limits", [Limits(max_header_bytes=4096)])
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_endless_head_is_refused(rig: Rig, at_once: bool) -> None:
    """Whether it comes in one read or in many, 431 and the end."""
    client = await rig.client()
    await client.send(b"GET /openai/x HTTP/1.1\r\nHost: g\r\nX: ")
    for _ in range(1 if at_once else 50):
        await client.send(b"a" * (8000 if at_once else 160))
        await asyncio.sleep(0)
    if at_once:
        await client.send(b"\r\n\r\n")
    head, _ = await client.answer()
    assert b" 431 " in head
    assert rig.provider_connections == 0


@pytest.mark.parametrize("limits", [Limits(header_timeout_s=0.3)])
async def test_a_head_that_never_ends_is_timed_out(rig: Rig) -> None:
    """A connection that only drips is not kept."""
    client = await rig.client()
    await client.send(b"GET /openai/x HT")
    head, _ = await client.answer()
    assert b" 408 " in head


@pytest.mark.parametrize("limits", [Limits(keepalive_timeout_s=0.3)])
async def test_an_idle_connection_is_closed(rig: Rig) -> None:
    """Also one that has been used."""
    client = await rig.client()
    await client.send(GET)
    await client.answer()
    assert await client.rest() == b""


@pytest.mark.parametrize("limits", [Limits(max_body_bytes=1000)])
async def test_a_body_that_is_too_large_is_refused(rig: Rig) -> None:
    """With a length at once, and the provider never hears of it."""
    client = await rig.client()
    await client.send(post(b"x" * 1001))
    head, body = await client.answer()
    assert b" 413 " in head
    assert b"1001" in body
    assert b"1000" in body
    assert b"\r\nStreamgauge-Id: " in head
    assert rig.provider_connections == 0
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("refused", "gateway")
    assert end.error_type == "body_too_large"
    assert await client.rest() == b""


@pytest.mark.parametrize("limits", [Limits(max_body_bytes=10)])
async def test_a_body_that_is_too_large_leaves_its_route_and_key(rig: Rig) -> None:
    """Enough to see whose requests are too long, and nothing of the body."""
    client = await rig.client()
    await client.send(
        b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer sk-1\r\n"
        b"Expect: 100-continue\r\nContent-Length: 5000000000\r\n\r\n"
    )
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"5000000000" in body
    await rig.ended()
    (opened,) = rig.opened()
    assert (opened.provider, opened.path) == ("openai", "/v1/chat/completions")
    assert opened.key_hash
    assert opened.body == b""


@pytest.mark.parametrize("limits", [Limits(max_body_bytes=10)])
@pytest.mark.parametrize("target", [b"/api/v1/log", b"/nobody/x"])
async def test_a_body_that_is_too_large_for_nobody_is_only_counted(rig: Rig, target: bytes) -> None:
    """What is for no provider leaves no record."""
    client = await rig.client()
    await client.send(
        b"POST %b HTTP/1.1\r\nHost: g\r\nContent-Length: 11\r\n\r\n12345678901" % target
    )
    head, _ = await client.answer()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert rig.gateway.refused == 1
    assert not rig.opened()


@pytest.mark.parametrize("limits", [Limits(max_body_bytes=1000)])
async def test_a_chunked_body_that_grows_too_large_is_refused(rig: Rig) -> None:
    """Without a length as soon as it is over the limit."""
    client = await rig.client()
    await client.send(b"POST /openai/x HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n")
    await rig.eventually(lambda: rig.provider_connections == 1)
    for _ in range(11):
        await client.send(b"64\r\n" + b"x" * 100 + b"\r\n")
    head, _ = await client.answer()
    assert b" 413 " in head
    (end,) = await rig.ended()
    assert end.outcome == "refused"


async def test_a_connection_serves_one_request_after_the_other(rig: Rig) -> None:
    """Keep-alive on both sides: one connection each."""
    client = await rig.client()
    for _ in range(3):
        await client.send(GET)
        head, body = await client.answer()
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body == b"ok"
    assert rig.provider_connections == 1


async def test_a_pipelined_request_is_not_served(rig: Rig) -> None:
    """The first gets its answer, then the connection ends (RFC 9112 §9.3.2)."""
    heard = []

    async def script(peer: Peer) -> None:
        head, _ = await peer.request()
        heard.append(head)
        await peer.send(OK)

    rig.script = script
    client = await rig.client()
    await client.send(GET + GET.replace(b"models", b"second"))
    head, body = await client.answer()
    assert body == b"ok"
    assert b"Connection: close" in head
    assert await client.rest() == b""
    assert len(heard) == 1


async def test_a_client_that_waits_for_100_gets_it(rig: Rig) -> None:
    """`Expect: 100-continue` is answered here and goes no further."""
    client = await rig.client()
    await client.send(
        b"POST /openai/x HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await client.send(b"abc")
    _, body = await client.answer()
    assert body == b"ok"


async def test_http_1_0_gets_a_body_that_ends_with_the_connection(rig: Rig) -> None:
    """It knows no chunks; nginx in its default speaks 1.0 to us."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await peer.send(b"2\r\nab\r\n")
        await asyncio.sleep(0.02)
        await peer.send(b"2\r\ncd\r\n0\r\n\r\n")

    rig.script = script
    client = await rig.client()
    await client.send(b"GET /openai/x HTTP/1.0\r\nHost: g\r\n\r\n")
    head = await client.until(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert await client.rest() == b"abcd"


async def test_head_has_no_body_but_its_length(rig: Rig) -> None:
    """And the connection goes on."""

    async def script(peer: Peer) -> None:
        head, _ = await peer.request()
        if head.startswith(b"HEAD"):
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
            return
        await peer.send(OK)

    rig.script = script
    client = await rig.client()
    await client.send(GET.replace(b"GET", b"HEAD"))
    head = await client.until(b"\r\n\r\n")
    assert b"Content-Length: 500" in head
    await client.send(GET)
    _, body = await client.answer()
    assert body == b"ok"


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_large_request_body_goes_up_whole(rig: Rig, framing: str) -> None:
    """Streamed, not buffered; the same bytes arrive."""
    sent = bytes(range(256)) * 20_000
    got = asyncio.get_running_loop().create_future()

    async def script(peer: Peer) -> None:
        _, body = await peer.request()
        got.set_result(body)
        await peer.send(OK)

    rig.script = script
    client = await rig.client()
    if framing == "length":
        await client.send(post(sent))
    else:
        await client.send(
            b"POST /openai/x HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for start in range(0, len(sent), 70_001):
            piece = sent[start : start + 70_001]
            await client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await client.send(b"0\r\n\r\n")
    _, body = await client.answer()
    assert body == b"ok"
    assert await got == sent


async def test_an_upload_waits_for_a_provider_that_does_not_read(rig: Rig) -> None:
    """Back-pressure up: the client is stopped instead of its body piling up here."""
    reads = asyncio.Event()

    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()
        await reads.wait()
        peer.writer.transport.resume_reading()
        _, body = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%08d" % len(body))

    rig.script = script
    client = await rig.client()
    size = 40_000_000
    client.writer.write(b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n" % size)
    piece = bytes(1_000_000)
    taken = 0
    is_stopped = False
    while not is_stopped and taken < size // len(piece):
        client.writer.write(piece)
        try:
            await asyncio.wait_for(client.writer.drain(), 1)
            taken += 1
        except TimeoutError:
            is_stopped = True
    assert is_stopped
    assert taken < 39
    reads.set()
    await client.writer.drain()
    for _ in range(size // len(piece) - taken - 1):
        await client.send(piece)
    _, body = await client.answer()
    assert int(body) == size


async def test_an_early_answer_is_passed_on(rig: Rig) -> None:
    """A provider that refuses before it has the whole body is heard; then both sides close."""

    async def script(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        await peer.rest()

    rig.script = script
    client = await rig.client()
    await client.send(b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 1000\r\n\r\nabc")
    head, body = await client.answer()
    assert b" 401 " in head
    assert body == b"no"
    assert await client.rest() == b""


async def test_a_plain_upgrade_is_a_plain_request(rig: Rig) -> None:
    """Java's HTTP client offers h2c with every first request."""
    client = await rig.client()
    await client.send(
        post(b"abc", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA")
    )
    head, body = await client.answer()
    assert b" 200 " in head
    assert body == b"ok"


# More than the kernel takes from `unread`'s clients, less than we hold for them.
BIG = bytes(60_000)


async def early(peer: Peer) -> None:
    """Answer at length before the request is whole."""
    await peer.until(b"\r\n\r\n")
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BIG) + BIG)
    await peer.rest()


async def unread(rig: Rig, request: bytes) -> Peer:
    """Send *request* and leave most of the answer unread until the exchange has ended."""
    client = await rig.client(receive_buffer=4096)
    await rig.eventually(lambda: len(rig.gateway.clients) == 1)
    (ours,) = rig.gateway.clients
    assert ours.transport is not None
    ours.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    await client.send(request)
    assert [end.outcome for end in await rig.ended()] == ["completed"]
    assert ours.unsent_bytes()
    return client


async def test_a_slow_reader_gets_all_of_an_early_answer(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two seconds for the rest of the request begin when the answer is out."""
    monkeypatch.setattr("streamgauge.gateway.client.LINGER_NS", 1_000_000)
    rig.script = early
    client = await unread(
        rig, b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 1000\r\n\r\nabc"
    )
    await asyncio.sleep(0.6)
    _, body = await client.answer()
    assert body == BIG
    assert await client.rest() == b""


async def test_a_stop_lets_answers_leave(rig: Rig) -> None:
    """What is recorded as whole is delivered whole, within the time that a stop has."""
    rig.script = early
    client = await unread(rig, b"GET /openai/x HTTP/1.1\r\nHost: g\r\n\r\n")
    stopping = asyncio.ensure_future(rig.gateway.stop(5))
    await asyncio.sleep(0.05)
    _, body = await client.answer()
    assert body == BIG
    await stopping


async def test_an_answer_is_not_overtaken(rig: Rig) -> None:
    """One turn of the loop answers a request and refuses the next: in this order."""
    client = await rig.client()
    await client.send(b"GET /openai/x HTTP/1.1\r\nHost: g\r\n\r\n")
    await client.answer()
    (ours,) = rig.gateway.clients
    rig.gateway.turn.send_down(ours.send, b"FIRST")
    ours.data_received(b"GET / HTTP/9.9\r\n\r\n")
    everything = await client.rest()
    assert everything.startswith(b"FIRSTHTTP/1.1 400 ")


@pytest.mark.parametrize("limits", [Limits(idle_timeout_s=0.3)])
async def test_a_client_that_stalls_its_upload_is_told(rig: Rig) -> None:
    """It is not the provider that kept us waiting."""

    async def script(peer: Peer) -> None:
        await peer.until(b"\r\n\r\n")
        await peer.rest()

    rig.script = script
    client = await rig.client()
    await client.send(b"POST /openai/x HTTP/1.1\r\nHost: g\r\nContent-Length: 9\r\n\r\nabc")
    head, body = await client.answer()
    assert b" 408 " in head
    assert msgspec.json.decode(body)["error"]["type"] == "client_stalled"
    (end,) = await rig.ended()
    assert (end.outcome, end.closed_by) == ("client_left", "gateway")


async def test_one_faulty_connection_does_not_end_the_limits_of_all(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the next tick comes."""
    client = await rig.client()
    await client.send(b"GET /op")
    await rig.eventually(lambda: len(rig.gateway.clients) == 1)
    (ours,) = rig.gateway.clients
    ours.head_since = "not a number"  # type: ignore[assignment]
    await rig.eventually(lambda: caplog.text.count("limits could not be looked at") >= 2)
