"""Streams that break and are continued by a second answer, if it is the same one."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.gateway.rig import Peer, Rig
from tests.gateway.test_retries import STREAM, Provider, chunk, post, retried

RESCUE = {"Streamgauge_On_Interruption": "retry"}


def said(text: str, answer: str = "a") -> bytes:
    delta = {"content": text} if text else {"role": "assistant"}
    body = {"id": answer, "model": "m", "choices": [{"index": 0, "delta": delta}]}
    return chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


def end(answer: str = "a") -> bytes:
    body = {"id": answer, "model": "m", "choices": [{"index": 0, "finish_reason": "stop"}]}
    last = chunk(b"data: " + json.dumps(body).encode() + b"\n\n")
    return last + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Breaking(Provider):
    """Ends its connection after each answer but the last."""

    async def __call__(self, peer: Peer) -> None:
        try:
            self.bodies.append((await peer.request())[1])
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await peer.send(answer[: len(BEGUN)])
        await asyncio.sleep(0.02)
        await peer.send(answer[len(BEGUN) :])


async def stream(rig: Rig, **headers: str) -> tuple[bytes, str]:
    """Return the body of a streamed answer, and the text in it."""
    client = await rig.client()
    await client.send(post(**headers))
    await client.until(b"\r\n\r\n")
    body = await client.chunks()
    events = [json.loads(e[6:]) for e in body.split(b"\n\n") if e.startswith(b"data: {")]
    choices = [choice for event in events for choice in event.get("choices", [])]
    return body, "".join(choice.get("delta", {}).get("content", "") for choice in choices)


BEGUN = STREAM + said("") + said("Hel")
WHOLE = STREAM + said("", "b") + said("He", "b") + said("llo", "b") + said("!", "b") + end("b")


@pytest.mark.parametrize(
    "begun",
    [BEGUN, BEGUN + b"0\r\n\r\n", BEGUN + b"zz\r\n", BEGUN + said("lo")[:40]],
    ids=["cut", "ended early", "no HTTP", "half an event"],
)
async def test_the_client_notices_nothing(rig: Rig, begun: bytes) -> None:
    """One stream, with the first one's ids, and nothing twice."""
    provider = rig.script = Breaking(begun, WHOLE)
    body, text = await stream(rig, **RESCUE)
    assert text == "Hello!"
    assert b'"b"' not in body
    assert body.count(b"assistant") == 1
    assert body.endswith(b"data: [DONE]\n\n")
    assert len(provider.bodies) == 2
    (ending,) = await rig.ended()
    assert (ending.outcome, ending.closed_by) == ("completed", "upstream")
    assert len(retried(rig)) == 1
    assert rig.body() == body, "the journal has what the client has"


@pytest.mark.parametrize(
    "second",
    [
        STREAM + said("") + said("Howdy") + end(),
        STREAM + said("") + said("He") + end(),
        b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"",
    ],
    ids=["another word", "shorter", "500", "no stream", "closed"],
)
async def test_another_answer_is_no_rescue(rig: Rig, second: bytes) -> None:
    """The stream ends as it broke; nothing of the other answer has got through."""
    rig.script = Breaking(BEGUN, second)
    body, text = await stream(rig, **RESCUE)
    assert text == "Hel"
    assert b'"upstream_closed"' in body
    assert b"[DONE]" not in body
    (ending,) = await rig.ended()
    assert (ending.outcome, ending.error_type) == ("truncated", "upstream_closed")


async def test_the_next_target_may_go_on(rig: Rig) -> None:
    """Where the first one is silent, or will not."""
    rig.script, rig.second = Breaking(BEGUN, b""), Breaking(WHOLE)
    fallback = json.dumps([{"provider": "second"}])
    body, text = await stream(rig, **RESCUE, Streamgauge_Fallbacks=fallback)
    assert text == "Hello!"
    assert body.endswith(b"data: [DONE]\n\n")
    assert [entry.provider for entry in retried(rig)] == ["openai", "second"]


async def test_it_may_break_again(rig: Rig) -> None:
    """And is continued again, as often as retries allow."""
    more = STREAM + said("", "b") + said("Hello", "b")
    rig.script = Breaking(BEGUN, more, WHOLE)
    _, text = await stream(rig, **RESCUE, Streamgauge_Retries="2")
    assert text == "Hello!"


async def test_who_leaves_meanwhile_has_left(rig: Rig) -> None:
    """The second attempt is dropped with the client."""

    async def script(peer: Peer) -> None:
        await peer.request()
        if rig.provider_connections == 1:
            await peer.send(BEGUN)
        else:
            await peer.rest()

    rig.script = script
    client = await rig.client()
    await client.send(post(**RESCUE))
    await client.until(b"Hel")
    await rig.eventually(lambda: rig.provider_connections == 2)
    client.close()
    (ending,) = await rig.ended()
    assert ending.outcome == "client_left"


async def test_nobody_is_rescued_unasked(rig: Rig) -> None:
    """The stream ends with an error."""
    provider = rig.script = Breaking(BEGUN, WHOLE)
    body, _ = await stream(rig, Streamgauge_Retries="3")
    assert b'"upstream_closed"' in body
    assert len(provider.bodies) == 1
