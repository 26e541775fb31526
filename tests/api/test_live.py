"""The live view over server-sent events."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import httpx
import pytest

from streamgauge.api.live import HEARTBEAT, event, events, while_allowed
from streamgauge.keys import Keys, Scope
from tests.api.serving import MemoryLive, assert_no_subscribers


def opened(id_):
    return {"id": id_, "provider": "openai"}


async def first(source, count):
    """The first *count* pieces of *source*."""
    return [await anext(source) for _ in range(count)]


async def test_what_is_open_comes_first_then_what_happens():
    live = MemoryLive()
    live.open = {"a": opened("a"), "b": opened("b")}
    async with aclosing(events(live)) as source:
        assert await first(source, 2) == [
            event("opened", opened("a")),
            event("opened", opened("b")),
        ]
        await live.publish(("progress", {"id": "a", "chunks": 1}))
        await live.publish(("closed", {"id": "a"}))
        assert await first(source, 2) == [
            b'event: progress\ndata: {"id":"a","chunks":1}\n\n',
            b'event: closed\ndata: {"id":"a"}\n\n',
        ]


async def test_nothing_that_opens_while_the_snapshot_is_sent_is_missed():
    live = MemoryLive()
    live.open = {"a": opened("a")}
    async with aclosing(events(live)) as source:
        await anext(source)
        await live.publish(("opened", opened("b")))
        assert await anext(source) == event("opened", opened("b"))


async def test_a_comment_comes_when_nothing_happens():
    live = MemoryLive()
    async with aclosing(events(live, heartbeat_s=0.01)) as source:
        assert await first(source, 3) == [HEARTBEAT] * 3
        await live.publish(("closed", {"id": "a"}))
        got = [piece for piece in await first(source, 2) if piece != HEARTBEAT]
        assert got[:1] == [event("closed", {"id": "a"})]


async def test_it_goes_on_as_long_as_it_may():
    """Asked once a second at most, and at a heartbeat, too; then the subscription ends."""
    live, time, asked, answers = MemoryLive(), [0.0], [], [True, False]

    def may_go_on():
        asked.append(time[0])
        return answers.pop(0)

    source = while_allowed(events(live, heartbeat_s=0.01), may_go_on, now=lambda: time[0])
    async with aclosing(source):
        for time[0] in (0.0, 0.9, 1.0, 1.5, 1.9):
            assert await anext(source) == HEARTBEAT
        time[0] = 2.0
        assert await anext(source, "end") == "end"
    assert asked == [1.0, 2.0]
    assert not live.subscribers


def test_a_revoked_key_ends_what_it_has_open(api, served, monkeypatch):
    """The client is refused when it comes again."""
    monkeypatch.setattr("streamgauge.api.live.ASK_AGAIN_S", 0.0)
    folder = served.journal.directory.parent
    served.parts.keys = keys = Keys(folder)
    key, secret = keys.create("reader", [Scope.READ])
    api.headers["Authorization"] = f"Bearer {secret}"
    served.live.open["a"] = opened("a")
    try:
        with api.stream("GET", "/api/v1/live") as answer:
            pieces = answer.iter_raw()
            assert next(pieces) == event("opened", opened("a"))
            keys.revoke(key.id)
            served.call(lambda: served.live.publish(("closed", {"id": "a"})))
            assert list(pieces) == []
        assert api.get("/api/v1/live").status_code == 401
        assert_no_subscribers(served)
    finally:
        (folder / "keys.json").unlink()
        served.parts.keys = Keys(folder)


async def test_the_end_of_the_subscription_is_the_end_of_the_stream():
    live = MemoryLive()
    source = events(live, heartbeat_s=60)
    following = asyncio.ensure_future(anext(source, "end"))
    await asyncio.sleep(0.01)
    await live.publish(("lagged", {}))
    await live.publish(None)
    assert await following == event("lagged", {})
    assert await anext(source, "end") == "end"
    assert not live.subscribers


@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_closing_ends_the_subscription_at_any_moment(taken):
    live = MemoryLive()
    live.open = {"a": opened("a"), "b": opened("b")}
    source = events(live)
    await first(source, taken)
    await source.aclose()
    assert not live.subscribers


def test_text_of_a_model_cannot_break_out_of_its_event():
    text = "a\nevent: closed\ndata: {}\r\n\r\n\u2028"
    piece = event("progress", {"text": text})
    assert piece.count(b"\n") == 3
    assert b"\r" not in piece


def test_the_stream_over_http_and_a_client_that_leaves(api, served):
    served.live.open["a"] = opened("a")
    with api.stream("GET", "/api/v1/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        pieces = answer.iter_raw()
        assert next(pieces) == event("opened", opened("a"))
        served.call(lambda: served.live.publish(("closed", {"id": "a"})))
        assert next(pieces) == event("closed", {"id": "a"})
        assert len(served.live.subscribers) == 1
    assert_no_subscribers(served)


def test_a_client_that_leaves_without_reading_leaves_nothing_behind(served):
    for _ in range(5):
        with (
            httpx.Client(base_url=served.url, timeout=30) as client,
            client.stream("GET", "/api/v1/live") as answer,
        ):
            assert answer.status_code == 200
    assert_no_subscribers(served)
