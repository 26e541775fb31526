"""Second attempts before the first byte: when, where, with what, and what is said of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import msgspec
import pytest

from streamgauge.gateway.attempts import refusal
from streamgauge.gateway.head import ResponseHead
from streamgauge.journal.format import Kind, Retried
from streamgauge.settings import Limits, RouteSettings, Target
from tests.gateway.rig import OK, Peer, Rig, Script

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b'{"model": "gpt-4o",  "stream":true, "messages":[]}'


def chunk(text: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(text), text)


def event(delta: dict[str, str]) -> bytes:
    said = {"model": "m", "choices": [{"index": 0, "delta": delta}]}
    return chunk(b"data: " + json.dumps(said).encode() + b"\n\n")


ROLE, WORD = event({"role": "assistant"}), event({"content": "Hi"})
DONE = chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
OVERLOADED = chunk(b'data: {"error":{"type":"overloaded","message":"too much"}}\n\n')


class Provider:
    """Plays its answers in turn, the last one for ever, and keeps what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            try:
                head, body = await peer.request()
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return
            self.heads.append(head)
            self.bodies.append(body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer == b"":
                return
            await peer.send(answer)


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.rest()


def post(path: str = "/openai/v1/chat/completions", body: bytes = BODY, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: g", "Authorization: Bearer sk-mine"]
    lines.append("Streamgauge-Stream-Usage: false")  # it would change the body
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def ask(rig: Rig, request: bytes) -> tuple[bytes, bytes]:
    client = await rig.client()
    await client.send(request)
    return await client.answer()


def retried(rig: Rig) -> list[Retried]:
    return [
        msgspec.msgpack.decode(payload, type=Retried)
        for kind, _, payload in rig.entries()
        if kind is Kind.RETRIED
    ]


FALLBACK = json.dumps([{"provider": "second", "model": "llama", "key": "sk-other"}])


@pytest.fixture
async def routed(tmp_path: Path) -> AsyncIterator[Rig]:
    targets = [Target(provider="openai"), Target(provider="second", model="llama")]
    rig = Rig(tmp_path, Limits(first_token_timeout_s=0.3))
    rig.routes = {
        "chat": RouteSettings(targets=targets),
        "held": RouteSettings(targets=targets, hold=True),
    }
    await rig.start()
    yield rig
    await rig.stop()


# -- the same target again -----------------------------------------------------------------------


@pytest.mark.parametrize("failure", [BUSY, b""], ids=["503", "closed"])
async def test_it_is_sent_again(rig: Rig, failure: bytes) -> None:
    """As often as asked for; the client sees the answer that came at last."""
    provider = rig.script = Provider(failure, failure, OK)
    head, body = await ask(rig, post(Helicone_Retry_Enabled="true", Helicone_Retry_Min_Timeout="1"))
    assert body == b"ok"
    assert b"Streamgauge-Attempts: 3\r\n" in head
    assert provider.bodies == [BODY] * 3
    (end,) = await rig.ended()
    assert end.outcome == "completed"
    first, second = retried(rig)
    assert (first.status, first.provider) == (503 if failure else None, "openai")
    assert second.error_type == ("http_503" if failure else "upstream_closed")


async def test_only_as_often_as_asked_for(rig: Rig) -> None:
    """Then the client gets what the provider said."""
    provider = rig.script = Provider(BUSY)
    head, body = await ask(rig, post(Streamgauge_Retries="1", Streamgauge_User_Id="u"))
    assert (head[:12], body) == (b"HTTP/1.1 503", b"busy")
    assert len(provider.bodies) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 422, 501])
async def test_what_would_fail_again_is_not_repeated(rig: Rig, status: int) -> None:
    """A request that is wrong is wrong everywhere."""
    said = b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status
    provider = rig.script = Provider(said)
    fallback = {"Streamgauge_Fallbacks": FALLBACK, "Streamgauge_Retries": "3"}
    head, _ = await ask(rig, post(**fallback))
    assert head.startswith(b"HTTP/1.1 %d" % status)
    assert len(provider.bodies) == 1


async def test_nothing_is_repeated_unasked(rig: Rig) -> None:
    """Not even a 503."""
    provider = rig.script = Provider(BUSY)
    head, _ = await ask(rig, post())
    assert head.startswith(b"HTTP/1.1 503")
    assert b"Attempts" not in head
    assert len(provider.bodies) == 1


async def test_a_provider_that_said_no_is_not_asked_again(rig: Rig) -> None:
    """`x-should-retry: false`, or a quota that is used up."""
    quota = b'{"error":{"code":"insufficient_quota"}}'
    used_up = b"HTTP/1.1 429 No\r\nContent-Length: %d\r\n\r\n%b" % (len(quota), quota)
    provider = rig.script = Provider(used_up)
    await ask(rig, post(Streamgauge_Retries="3"))
    assert len(provider.bodies) == 1


# -- another target ------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [BUSY, b""], ids=["503", "closed"])
async def test_the_next_target_gets_it(rig: Rig, failure: bytes) -> None:
    """With its own key and model, and nothing else changed."""
    primary, other = Provider(failure), Provider(OK)
    rig.script, rig.second = primary, other
    head, body = await ask(rig, post(Streamgauge_Fallbacks=FALLBACK))
    assert body == b"ok"
    assert b"Helicone-Fallback-Index: 1\r\n" in head
    assert primary.bodies == [BODY]
    assert other.bodies == [BODY.replace(b"gpt-4o", b"llama")]
    assert b"Authorization: Bearer sk-other\r\n" in other.heads[0]
    assert b"sk-mine" not in other.heads[0]
    assert b"Fallbacks" not in other.heads[0]
    (entry,) = retried(rig)
    assert (entry.provider, entry.model) == ("second", "llama")
    assert b"sk-" not in b"".join(payload for _, _, payload in rig.entries())


async def test_nobody_listens(rig: Rig) -> None:
    """A refused connection falls over."""
    rig.second = Provider(OK)
    request = post("/closed/v1/chat/completions", Streamgauge_Fallbacks=FALLBACK)
    _, body = await ask(rig, request)
    assert body == b"ok"
    (entry,) = retried(rig)
    assert entry.error_type == "connect_failed"


async def test_the_clients_key_goes_nowhere_else(routed: Rig) -> None:
    """A route without a key of its own sends none."""
    routed.script, other = Provider(BUSY), Provider(OK)
    routed.second = other
    await ask(routed, post("/chat/v1/chat/completions"))
    assert b"sk-mine" not in other.heads[0]


async def test_heliconed_fallbacks(rig: Rig) -> None:
    """The list has all targets; its codes decide."""
    primary = Provider(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno")
    rig.script, rig.second = primary, Provider(OK)
    first, second = (rig.gateway.routes.at(name, b"").url for name in ("openai", "second"))
    targets = [
        {"target-url": first, "onCodes": [{"from": 400, "to": 499}]},
        {
            "target-url": second,
            "headers": {"Authorization": "Bearer sk-other"},
            "bodyKeyOverride": {"model": "x"},
        },
    ]
    request = post("/v1/chat/completions", Helicone_Fallbacks=json.dumps(targets))
    _, body = await ask(rig, request)
    assert body == b"ok"
    assert rig.second.bodies == [BODY.replace(b"gpt-4o", b"x")]


async def test_all_have_failed(routed: Rig) -> None:
    """The client hears what the last one said."""
    routed.script = Provider(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")
    routed.second = Provider(BUSY)
    head, body = await ask(routed, post("/chat/v1/chat/completions"))
    assert (head[:12], body) == (b"HTTP/1.1 503", b"busy")


async def test_silence_is_not_repeated_but_falls_over(routed: Rig) -> None:
    """Even where retries are allowed."""
    routed.script, routed.second = silent, Provider(OK)
    _, body = await ask(routed, post("/held/v1/chat/completions", Streamgauge_Retries="3"))
    assert body == b"ok"
    assert routed.provider_connections == 1
    (entry,) = retried(routed)
    assert entry.error_type == "first_token_timeout"


@pytest.mark.parametrize(
    ("beginning", "error"),
    [(STREAM + ROLE, "first_token_timeout"), (STREAM + ROLE + OVERLOADED, "fault_in_stream")],
    ids=["a role and no more", "an error"],
)
async def test_a_held_stream_can_still_fall_over(routed: Rig, beginning: bytes, error: str) -> None:
    """As long as no content has come."""
    routed.script, routed.second = Provider(beginning), Provider(STREAM + ROLE + WORD + DONE)
    client = await routed.client()
    await client.send(post("/held/v1/chat/completions"))
    await client.until(b"\r\n\r\n")
    assert b"Hi" in await client.chunks()
    (entry,) = retried(routed)
    assert entry.error_type == error
    assert routed.body().count(b"assistant") == 1


async def test_a_held_stream_is_whole(routed: Rig) -> None:
    """Nothing of what was held back is lost, and its head comes first."""
    routed.script = Provider(STREAM + ROLE + WORD + DONE)
    client = await routed.client()
    await client.send(post("/held/v1/chat/completions"))
    head = await client.until(b"\r\n\r\n")
    assert b"Helicone-Fallback-Index: 0" in head
    said = await client.chunks()
    assert said.count(b"data: ") == 3
    assert said.endswith(b"[DONE]\n\n")
    assert (await routed.ended())[0].outcome == "completed"


async def test_an_open_breaker_is_passed_by(routed: Rig) -> None:
    """An outage is asked a few times and then left alone."""
    primary = routed.script = Provider(BUSY)
    routed.second = Provider(OK)
    for _ in range(20):
        _, body = await ask(routed, post("/chat/v1/chat/completions"))
        assert body == b"ok"
    assert len(primary.bodies) <= 4
    assert {one.provider for one in routed.opened()[-5:]} == {"second"}


async def test_who_leaves_during_a_pause_is_let_go(rig: Rig) -> None:
    """There is no further attempt."""
    provider = rig.script = Provider(BUSY)
    client = await rig.client()
    await client.send(post(Helicone_Retry_Enabled="true", Helicone_Retry_Min_Timeout="60000"))
    await rig.eventually(lambda: len(retried(rig)) == 1)
    client.close()
    (end,) = await rig.ended()
    assert end.outcome == "client_left"
    assert len(provider.bodies) == 1


async def test_usage_is_asked_of_those_who_tell_it(rig: Rig) -> None:
    """Each target gets the body that it understands."""
    primary, other = Provider(BUSY), Provider(OK)
    rig.script, rig.second = primary, other
    request = post(Streamgauge_Fallbacks=FALLBACK).replace(b"Usage: false", b"Usage: maybe")
    await ask(rig, request)
    assert b"include_usage" in primary.bodies[0]
    assert other.bodies == [BODY.replace(b"gpt-4o", b"llama")]


# -- wishes that make no sense -------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Streamgauge_Fallbacks": "no json"},
        {"Streamgauge_Fallbacks": "[]"},
        {"Streamgauge_Fallbacks": '[{"provider":"nobody"}]'},
        {"Streamgauge_Fallbacks": '[{"model":"x"}]'},
        {"Streamgauge_Fallbacks": '[{"provider":"second","nonsense":1}]'},
        {"Streamgauge_Fallbacks": '[{"provider":"second","key":"a\\nb"}]'},
        {"Helicone_Fallbacks": '[{"target-url":"ftp://a"}]'},
        {"Streamgauge_Retries": "many"},
        {"Streamgauge_Retries": "-1"},
        {"Streamgauge_Retries": "11"},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(rig: Rig, headers: dict[str, str]) -> None:
    """Before anybody is asked."""
    head, body = await ask(rig, post(**headers))
    assert head.startswith(b"HTTP/1.1 400")
    assert b"Streamgauge" in body or b"provider" in body
    assert rig.provider_connections == 0


async def test_a_target_that_is_not_allowed_is_refused(rig: Rig) -> None:
    """Fallbacks open no door."""
    targets = json.dumps([{"target-url": "http://169.254.169.254"}])
    head, _ = await ask(rig, post(Helicone_Fallbacks=targets))
    assert head.startswith(b"HTTP/1.1 403")


# -- how long a provider wants to be left alone --------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ([(b"Retry-After", b"7")], 7.0, 7.0),
        ([(b"retry-after", b"1.5")], 1.5, 1.5),
        ([(b"Retry-After-Ms", b"250"), (b"Retry-After", b"7")], 0.25, 0.25),
        ([(b"Retry-After", b"Wed, 21 Oct 2015 07:28:00 GMT")], 0.0, 0.0),
    ],
)
def test_retry_after_in_all_its_forms(
    headers: list[tuple[bytes, bytes]], least: float, most: float
) -> None:
    wait_ns = refusal(ResponseHead(429, b"", headers), b"").wait_ns
    assert wait_ns is not None
    assert least * 1e9 <= wait_ns <= most * 1e9


def test_retry_after_as_a_date() -> None:
    """As long as it is until then."""
    then = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True).encode()
    wait_ns = refusal(ResponseHead(429, b"", [(b"Retry-After", then)]), b"").wait_ns
    assert wait_ns is not None
    assert 3000 * 1e9 <= wait_ns <= 3600 * 1e9


@pytest.mark.parametrize("value", [b"soon", b"", b"-1", b"nan"])
def test_a_retry_after_that_says_nothing(value: bytes) -> None:
    assert refusal(ResponseHead(429, b"", [(b"Retry-After", value)]), b"").wait_ns is None


async def test_a_long_retry_after_is_not_waited_for(rig: Rig) -> None:
    """The next target is asked at once, or the client is told."""
    late = b"HTTP/1.1 429 No\r\nRetry-After: 3600\r\nContent-Length: 2\r\n\r\nno"
    primary: Script = Provider(late)
    rig.script, rig.second = primary, Provider(OK)
    _, body = await ask(rig, post(Streamgauge_Retries="3", Streamgauge_Fallbacks=FALLBACK))
    assert body == b"ok"
    head, _ = await ask(rig, post(Streamgauge_Retries="3"))
    assert head.startswith(b"HTTP/1.1 429")
