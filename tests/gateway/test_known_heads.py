"""Heads that are not parsed twice: what follows is the same as if they were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from streamgauge.gateway import known_heads
from streamgauge.gateway.guard import Guard
from streamgauge.gateway.head import RequestHead
from streamgauge.keys import Keys, Scope
from streamgauge.settings import Limits
from tests.gateway.rig import OK, Peer, Rig, says

LINES = b"POST /openai/v1/x HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer sk-1\r\n"


def ask(body: bytes, *, length: bytes | None = None, lines: bytes = LINES) -> bytes:
    said = b"%d" % len(body) if length is None else length
    return lines + b"Content-Length: " + said + b"\r\nX-Last: 1\r\n\r\n" + body


@pytest.fixture
def found(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what began with a head that was known."""
    begun: list[bytes] = []
    find: Callable[[bytes], Any] = rig.gateway.known_heads.find

    def noting(data: bytes) -> Any:
        known = find(data)
        if known is not None:
            begun.append(data)
        return known

    monkeypatch.setattr(rig.gateway.known_heads, "find", noting)
    return begun


@pytest.fixture
def heard(rig: Rig) -> list[tuple[bytes, bytes]]:
    """Return what the provider has been asked."""
    asked: list[tuple[bytes, bytes]] = []

    async def script(peer: Peer) -> None:
        while True:
            try:
                asked.append(await peer.request())
            except asyncio.IncompleteReadError:
                return
            await peer.send(OK)

    rig.script = script
    return asked


async def answered(client: Peer) -> None:
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"ok"


@pytest.mark.parametrize("name", [b"Content-Length", b"content-length"])
async def test_provider_and_journal_hear_the_same(rig, found, heard, name):
    """On the same connection and on another, with bodies of any length but none."""
    bodies = [b"first", b"a longer second", b"3rd", b"4" * 1000]
    client = await rig.client()
    for number, body in enumerate(bodies):
        if number == 3:
            client = await rig.client()
        await client.send(ask(body).replace(b"Content-Length", name))
        await answered(client)
    assert len(found) == len(bodies) - 1
    assert [body for _, body in heard] == bodies
    length = b"Content-Length: %d\r\n"
    assert len({head.replace(length % len(body), b"") for head, body in heard}) == 1
    assert all(length % len(body) in head for head, body in heard)
    await rig.ended(len(bodies))
    opened = rig.opened()
    assert [one.body for one in opened] == bodies
    assert all(name + b": %d\r\nX-Last: 1" % len(one.body) in one.headers for one in opened)
    assert len({one.key_hash for one in opened}) == 1
    assert all(b"sk-1" not in one.headers for one in opened)


async def test_head_and_body_may_come_apart(rig, found, heard):
    """As OpenAI's and Anthropic's SDKs send them, and in as many pieces as they like."""
    client = await rig.client()
    await client.send(ask(b"once"))
    await answered(client)
    whole = ask(b"in pieces")
    head, body = whole[:-9], whole[-9:]
    await client.send(head)
    await rig.eventually(lambda: len(found) == 1)
    for at in range(0, 9, 2):
        await client.send(body[at : at + 2])
        await asyncio.sleep(0.01)
    await answered(client)
    assert heard[1][1] == b"in pieces"
    await client.send(ask(b"and once more"))
    await answered(client)
    await rig.ended(3)
    pieces = [payload for kind, _, payload in rig.entries() if kind.name == "BODY"]
    assert len(pieces) > 1


async def test_what_follows_the_body_ends_the_connection(rig, found, heard):
    """The next request, sent too early, is not taken for the body of this one."""
    client = await rig.client()
    await client.send(ask(b"once"))
    await answered(client)
    whole = ask(b"body")
    await client.send(whole[:-2])
    await rig.eventually(lambda: len(found) == 1)
    await client.send(whole[-2:] + ask(b"early"))
    await answered(client)
    assert await client.rest() == b""
    assert [body for _, body in heard] == [b"once", b"body"]


SENSELESS = {
    "signed": ask(b"ab", length=b"+2"),
    "with a space": ask(b"ab", length=b"2 2"),
    "hexadecimal": ask(b"ab", length=b"0x2"),
    "of letters": ask(b"ab", length=b"two"),
    "empty": ask(b"ab", length=b""),
    "too long": ask(b"ab", length=b"9" * 30),
    "followed by a second": ask(b"ab", length=b"2\r\nContent-Length: 1"),
    "with a bare LF": ask(b"ab", length=b"2\nX: 1"),
    "folded": ask(b"ab", length=b"2\r\n 3"),
    "beside chunks": ask(b"0\r\n\r\n", length=b"5\r\nTransfer-Encoding: chunked"),
}


@pytest.mark.parametrize("request_", SENSELESS.values(), ids=SENSELESS)
async def test_a_senseless_length_is_refused_as_ever(rig, found, heard, request_):
    """Although all the rest of the head is known."""
    first = await rig.client()
    await first.send(ask(b"ok"))
    await answered(first)
    client = await rig.client()
    await client.send(request_)
    head, _ = await client.answer()
    assert b" 400 " in head
    assert await client.rest() == b""
    assert len(heard) == 1
    assert not found


# What the parser takes, but no second time without a look.
UNUSUAL = {
    "chunks": LINES + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "an end of the connection": ask(b"ok", lines=LINES + b"Connection: close\r\n"),
    "the same, said to a proxy": ask(b"ok", lines=LINES + b"Proxy-Connection: close\r\n"),
    "a named header": ask(b"ok", lines=LINES + b"Connection: x-hop\r\nX-Hop: 1\r\n"),
    "an id of its own": ask(b"ok", lines=LINES + b"Helicone-Request-Id: 1\r\n"),
    "an old version": ask(b"ok").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "an upgrade": ask(b"ok", lines=LINES + b"Upgrade: h2c\r\n"),
    "a wish to wait": ask(b"ok", lines=LINES + b"Expect: 100-continue\r\n"),
    "another attempt": ask(b"ok", lines=LINES + b"Streamgauge-Retries: 1\r\n"),
    "no provider": ask(b"ok").replace(b"/openai/v1/x", b"/api/v1/log"),
    "a long head": ask(b"ok", lines=LINES + b"X-Long: %b\r\n" % (b"x" * 5000)),
}


@pytest.mark.parametrize("request_", UNUSUAL.values(), ids=UNUSUAL)
async def test_heads_that_say_more_than_a_length_are_parsed(rig, found, heard, request_):
    """Every time."""
    for _ in range(2):
        client = await rig.client()
        await client.send(request_)
        await client.answer()
    assert not found
    assert len(rig.gateway.known_heads) == 0


async def test_no_body_is_a_length_like_any_other_to_the_parser(rig, found, heard):
    """It is seldom, and a zero may also begin an octal number of somebody's."""
    client = await rig.client()
    for body in (b"", b"ok", b""):
        await client.send(ask(body))
        await answered(client)
    assert len(found) == 1
    assert [body for _, body in heard] == [b"", b"ok", b""]


async def test_a_head_in_two_reads_is_not_learned(rig, heard):
    """What was read last is not all of it."""
    whole = ask(b"ok")
    client = await rig.client()
    await client.send(whole[:20])
    await asyncio.sleep(0.05)
    await client.send(whole[20:])
    await answered(client)
    assert len(rig.gateway.known_heads) == 0


@pytest.mark.parametrize("limits", [Limits(max_body_bytes=10)])
async def test_a_body_that_is_too_large_is_refused_as_ever(rig, heard):
    """With a record, as for any other."""
    client = await rig.client()
    await client.send(ask(b"ok"))
    await answered(client)
    await client.send(ask(b"x" * 11))
    head, _ = await client.answer()
    assert head.startswith(b"HTTP/1.1 413 ")
    ends = await rig.ended(2)
    assert [end.outcome for end in ends] == ["completed", "refused"]
    assert len(heard) == 1


async def test_a_revoked_key_opens_nothing(rig, found, heard):
    """What the head says is known; whether it holds is asked every time."""
    keys = Keys(rig.folder)
    rig.gateway.guard = Guard(keys)
    key, secret = keys.create("backend", [Scope.LOG])
    lines = LINES + b"Streamgauge-Auth: Bearer %b\r\n" % secret.encode()
    client = await rig.client()
    for _ in range(2):
        await client.send(ask(b"ok", lines=lines))
        await answered(client)
    keys.revoke(key.id)
    await client.send(ask(b"ok", lines=lines))
    head, _ = await client.answer()
    assert head.startswith(b"HTTP/1.1 401 ")
    assert len(found) == 2
    assert len(heard) == 2


async def test_what_is_known_already_takes_no_others_place(rig, heard, monkeypatch):
    """A head that goes through the parser again, for a zero, is not learned again."""
    monkeypatch.setattr(known_heads, "MOST_KNOWN", 2)
    client = await rig.client()
    other = LINES + b"X-Other: 1\r\n"
    for request in (ask(b"ok"), ask(b"ok", lines=other), ask(b"", lines=other)):
        await client.send(request)
        await answered(client)
    assert rig.gateway.known_heads.find(ask(b"ok")) is not None


def test_all_of_a_head_is_there_again():
    """But for what its length changes."""
    head = RequestHead(b"POST", b"/x", "1.1", [(b"Host", b"a"), (b"Content-Length", b"1")])
    same = head.again(2, b"kept")
    changed = {"length": 2, "kept": b"kept"}
    for name in RequestHead.__slots__:
        assert getattr(same, name) == changed.get(name, getattr(head, name)), name


async def test_heads_that_never_come_again_do_not_pile_up(rig, heard, monkeypatch):
    """The oldest goes; the last is known."""
    monkeypatch.setattr(known_heads, "MOST_KNOWN", 3)
    client = await rig.client()
    for number in range(10):
        await client.send(ask(b"ok", lines=LINES + b"Traceparent: %d\r\n" % number))
        await answered(client)
    kept = rig.gateway.known_heads
    assert len(kept) == 3
    assert kept.find(ask(b"ok", lines=LINES + b"Traceparent: 9\r\n")) is not None
    assert kept.find(ask(b"ok", lines=LINES + b"Traceparent: 6\r\n")) is None


SAID_BY_OPENAI = (
    b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
)
SAID_BY_ANTHROPIC = (
    b'{"id":"1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn",'
    b'"content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":1,"output_tokens":1}}'
)


def with_head(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def test_the_heads_of_openais_sdk_are_known(rig, found):
    """All but the first one's, whatever is asked."""
    rig.script = says(with_head(SAID_BY_OPENAI))
    async with AsyncOpenAI(
        api_key="sk-1", base_url=f"http://127.0.0.1:{rig.port}/openai/v1", max_retries=0
    ) as client:
        for question in ("Why?", "And why is that so?", "Why?"):
            answer = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": question}]
            )
            assert answer.choices[0].message.content == "hi"
    assert len(found) == 2


async def test_the_heads_of_anthropics_sdk_are_known(rig, found):
    """All but the first one's, whatever is asked."""
    rig.script = says(with_head(SAID_BY_ANTHROPIC))
    async with AsyncAnthropic(
        api_key="sk-1", base_url=f"http://127.0.0.1:{rig.port}/anthropic", max_retries=0
    ) as client:
        for question in ("Why?", "And why is that so?", "Why?"):
            answer = await client.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": question}]
            )
            assert answer.content[0].text == "hi"
    assert len(found) == 2
