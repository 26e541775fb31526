"""Streams that the gateway looks into: whole lines, a truthful end, usage that nobody asked for."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from streamgauge.journal.format import Kind
from tests.gateway.rig import Peer, Rig, Script

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = SSE + b"Transfer-Encoding: chunked\r\n\r\n"
TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
DONE = b"data: [DONE]\n\n"
REQUEST = b'{"model":"m","stream":true}'
ASKED = b'{"stream_options":{"include_usage":true},"model":"m","stream":true}'


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def post(path: str, body: bytes, *headers: bytes) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1".encode(),
        b"Host: g",
        b"Content-Length: %d" % len(body),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def streams(
    *pieces: bytes, heard: list[tuple[bytes, bytes]] | None = None, end: str = "whole"
) -> Script:
    """A provider that streams *pieces*, each as a chunk of its own, and ends as *end* says."""

    async def script(peer: Peer) -> None:
        while True:
            try:
                asked = await peer.request()
            except asyncio.IncompleteReadError:
                return
            if heard is not None:
                heard.append(asked)
            await peer.send(CHUNKED)
            for piece in pieces:
                await asyncio.sleep(0.01)
                await peer.send(chunk(piece))
            await asyncio.sleep(0.01)
            if end == "whole":
                await peer.send(b"0\r\n\r\n")
            else:
                peer.reset() if end == "reset" else peer.close()
                return

    return script


async def answered(rig: Rig, script: Script, request: bytes) -> tuple[bytes, bytes, Peer]:
    rig.script = script
    client = await rig.client()
    await client.send(request)
    head = await client.until(b"\r\n\r\n")
    return head, await client.chunks(), client


CHAT = post("/openai/v1/chat/completions", REQUEST, b"Streamgauge-Stream-Usage: false")
MESSAGES = post("/anthropic/v1/messages", REQUEST)
START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m"}}\n\n'


@pytest.mark.parametrize("end", ["whole", "fin", "reset"])
async def test_a_broken_stream_ends_with_an_error_of_its_dialect(rig: Rig, end: str) -> None:
    """After whole events only, then properly: the connection can be used again."""
    half = b'data: {"choices":[{"ind'
    script = streams(TEXT, TEXT + half, end=end)
    _, body, client = await answered(rig, script, CHAT)
    assert body.startswith(TEXT + TEXT + b"data: {")
    (last,) = body.removeprefix(TEXT + TEXT).strip().splitlines()
    error = msgspec.json.decode(last.removeprefix(b"data: "))["error"]
    (ended,) = await rig.ended()
    assert (ended.outcome, ended.closed_by) == ("truncated", "upstream")
    assert error["message"] == ended.error_message
    assert error["code"] == ended.error_type
    assert rig.body() == TEXT + TEXT
    kinds = [
        (kind, payload) for kind, _, payload in rig.entries() if kind in (Kind.HIDDEN, Kind.ADDED)
    ]
    assert kinds == [(Kind.HIDDEN, half), (Kind.ADDED, body.removeprefix(TEXT + TEXT))]
    await client.send(b"GET /openai/x HTTP/1.1\r\nHost: g\r\n\r\n")
    assert b" 200 " in await client.until(b"\r\n\r\n")


async def test_an_event_that_lacks_only_its_end_is_finished(rig: Rig) -> None:
    """Its data are whole, so the client shall have it."""
    _, body, _ = await answered(
        rig, streams(START, b'event: ping\ndata: {"type":"ping"}\n', end="fin"), MESSAGES
    )
    assert body.startswith(START + b'event: ping\ndata: {"type":"ping"}\n\nevent: error\ndata: {')


async def test_an_event_without_data_yet_becomes_the_error(rig: Rig) -> None:
    """Its name is replaced; an empty event would break some parsers."""
    _, body, _ = await answered(rig, streams(START, b"event: ping\n", end="fin"), MESSAGES)
    assert body.startswith(START + b"event: ping\nevent: error\ndata: {")
    assert b'"type":"error"' in body


@pytest.mark.parametrize(
    "pieces", [(TEXT, STOP), (TEXT, STOP, DONE), (TEXT, b"data: [DONE]"), (b"",)]
)
async def test_a_whole_stream_is_left_alone(rig: Rig, pieces: tuple[bytes, ...]) -> None:
    """With [DONE], without it, with half a line end; only silence is no whole answer."""
    _, body, _ = await answered(rig, streams(*filter(None, pieces)), CHAT)
    (ended,) = await rig.ended()
    if pieces == (b"",):
        assert ended.outcome == "truncated"
        assert b"no_terminal_event" in body
    else:
        assert body == b"".join(pieces)
        assert ended.outcome == "completed"


async def test_a_stream_in_no_known_dialect_is_passed_on_as_it_comes(rig: Rig) -> None:
    """Half lines too, and its end is taken as it is."""
    request = CHAT.replace(b"/v1/chat/completions", b"/v1/other")
    rig.script = streams(b"data: ha", b"lf", end="whole")
    client = await rig.client()
    await client.send(request)
    await client.until(b"\r\n\r\n")
    assert await client.until(b"ha\r\n") == b"8\r\ndata: ha\r\n"
    await client.chunks()
    assert [end.outcome for end in await rig.ended()] == ["completed"]


# -- stream usage ------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [b"", b"event: message\nid: 7\n"])
@pytest.mark.parametrize("cuts", [1, 7, 1000])
async def test_usage_is_asked_for_and_hidden(rig: Rig, cuts: int, named: bytes) -> None:
    """The provider sees one splice, the client not a byte of it, the journal everything."""
    heard: list[tuple[bytes, bytes]] = []
    raw = TEXT + STOP + named + USAGE + DONE
    pieces = [
        raw[at : at + len(raw) // cuts + 1] for at in range(0, len(raw), len(raw) // cuts + 1)
    ]
    request = post("/openai/v1/chat/completions", REQUEST, b"Accept-Encoding: gzip, br")
    _, body, _ = await answered(rig, streams(*pieces, heard=heard), request)
    assert body == TEXT + STOP + DONE
    ((head, sent),) = heard
    assert sent == ASKED
    assert b"accept-encoding: identity\r\n" in head.lower()
    assert b"gzip" not in head
    await rig.ended()
    assert rig.body() == TEXT + STOP + DONE
    hidden = b"".join(payload for kind, _, payload in rig.entries() if kind is Kind.HIDDEN)
    assert hidden == named + USAGE
    assert rig.opened()[0].body == REQUEST


@pytest.mark.parametrize(
    "header", [b"Helicone-Stream-Usage: true", b"Streamgauge-Stream-Usage: True"]
)
async def test_usage_is_asked_for_and_shown(rig: Rig, header: bytes) -> None:
    """Of any provider, for a client that says so."""
    heard: list[tuple[bytes, bytes]] = []
    request = post("/anthropic/v1/chat/completions", REQUEST, header)
    _, body, _ = await answered(rig, streams(TEXT, STOP, USAGE, DONE, heard=heard), request)
    assert body == TEXT + STOP + USAGE + DONE
    assert heard[0][1] == ASKED
    assert b"stream-usage" not in heard[0][0].lower()


@pytest.mark.parametrize(
    "request_bytes",
    [
        post("/openai/v1/chat/completions", REQUEST, b"Streamgauge-Stream-Usage: false"),
        post("/anthropic/v1/chat/completions", REQUEST),
        post("/openai/v1/responses", REQUEST),
        post("/openai/v1/chat/completions", b'{"stream":false}'),
        post(
            "/openai/v1/chat/completions",
            b'{"stream":true,"stream_options":{"include_usage":true}}',
        ),
        post("/openai/v1/chat/completions", REQUEST, b"Content-Encoding: gzip"),
    ],
    ids=[
        "told not to",
        "another provider",
        "another dialect",
        "no stream",
        "asks itself",
        "packed",
    ],
)
async def test_what_is_not_to_be_touched_is_not(rig: Rig, request_bytes: bytes) -> None:
    """Neither the request nor the answer."""
    heard: list[tuple[bytes, bytes]] = []
    done = b'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n'
    last = done if b"/responses" in request_bytes else DONE
    _, body, _ = await answered(rig, streams(TEXT, USAGE, last, heard=heard), request_bytes)
    assert body == TEXT + USAGE + last
    assert heard[0][1] == request_bytes.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_request_that_comes_in_pieces_is_asked_in_one(rig: Rig, framing: str) -> None:
    """Its new length is known when all of it is here."""
    heard: list[tuple[bytes, bytes]] = []
    rig.script = streams(TEXT, STOP, USAGE, DONE, heard=heard)
    client = await rig.client()
    request = post("/openai/v1/chat/completions", REQUEST)
    if framing == "chunked":
        request = request.replace(
            b"Content-Length: %d" % len(REQUEST), b"Transfer-Encoding: chunked"
        )
        request = request.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + chunk(REQUEST) + b"0\r\n\r\n"
    for at in range(0, len(request), 20):
        await client.send(request[at : at + 20])
        await asyncio.sleep(0.005)
    await client.until(b"\r\n\r\n")
    assert await client.chunks() == TEXT + STOP + DONE
    assert heard[0][1] == ASKED


async def test_a_long_request_is_not_waited_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes up as it is."""
    monkeypatch.setattr("streamgauge.gateway.upload.MAX_ASKING", 100)
    heard: list[tuple[bytes, bytes]] = []
    rig.script = streams(TEXT, STOP, USAGE, DONE, heard=heard)
    client = await rig.client()
    long = b'{"stream":true,"x":"' + b"y" * 500 + b'"}'
    request = post("/openai/v1/chat/completions", long)
    for at in range(0, len(request), 150):
        await client.send(request[at : at + 150])
        await asyncio.sleep(0.005)
    await client.until(b"\r\n\r\n")
    assert await client.chunks() == TEXT + STOP + USAGE + DONE
    assert heard[0][1] == long


async def test_an_answer_of_known_length_gets_another_framing(rig: Rig) -> None:
    """What is hidden would be missing at its end."""

    async def script(peer: Peer) -> None:
        await peer.request()
        raw = TEXT + STOP + USAGE + DONE
        await peer.send(SSE + b"Content-Length: %d\r\n\r\n" % len(raw) + raw)

    head, body, _ = await answered(rig, script, post("/openai/v1/chat/completions", REQUEST))
    assert b"Content-Length" not in head
    assert body == TEXT + STOP + DONE


@pytest.mark.parametrize(
    ("path", "added"),
    [
        ("/closed/v1/messages", {"type": "error"}),
        ("/closed/v1/chat/completions", {}),
        ("/closed/v2/chat", {"message"}),
        ("/closed/v1beta/models/x:generateContent", {}),
    ],
)
async def test_an_error_answer_has_what_its_dialect_wants(
    rig: Rig, path: str, added: object
) -> None:
    """Around our own shape, which is always there."""
    client = await rig.client()
    await client.send(post(path, b"{}"))
    _, body = await client.answer()
    said = msgspec.json.decode(body)
    error = said["error"]
    assert error["type"] == "connect_failed"
    assert "refused" in error["message"]
    if isinstance(added, set):
        assert said["message"] == error["message"]
    else:
        assert added.items() <= said.items()
    if "generateContent" in path:
        assert (error["code"], error["status"]) == (502, "UNAVAILABLE")
