"""The live view: who runs now, and what happens to them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamgauge.journal.writer import Writer
from streamgauge.recorder import live as module
from streamgauge.recorder.live import Live, Subscription
from tests.recorder.desk import DONE, REQUEST, STOP, Desk, Exchange, event


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRESS_INTERVAL_S", 0.02)


async def following(subscription: Subscription) -> tuple[str, dict[str, Any]]:
    return await asyncio.wait_for(anext(subscription), 10)


async def test_an_exchange_opens_moves_and_closes(desk: Desk, journal: Writer) -> None:
    """Three kinds of events, in the order of a life."""
    subscription = desk.live.subscribe()
    follower = desk.follower()
    exchange = Exchange(journal).opens(headers=[("Streamgauge-Session-Id", "s1")])
    desk.read(follower)
    assert await following(subscription) == (
        "opened",
        {
            "id": exchange.id,
            "started_at": "2026-09-21T14:13:20.123456Z",
            "provider": "openai",
            "model": "gpt-4o",
            "path": "/v1/chat/completions",
            "streaming": True,
            "user_id": "body-user",
            "session_id": "s1",
        },
    )
    exchange.head(50).chunk(60, event("Hel")).chunk(75, event("lo"))
    desk.read(follower)
    name, data = await following(subscription)
    assert name == "progress"
    assert data.pop("elapsed_ms") >= 0
    assert data.pop("idle_ms") >= 0
    assert data == {
        "id": exchange.id,
        "model": "gpt-4o",
        "user_id": "body-user",
        "ttft_ms": 60,
        "chunks": 2,
        "bytes_out": len(event("Hel") + event("lo")),
        "output_tokens": 2,
        "usage_source": "estimated",
        "max_gap_ms": 15,
        "gaps_ms": [15],
        "text": "Hello",
    }
    exchange.chunk(80, STOP + DONE).ends(81)
    (record,) = desk.read(follower)
    desk.live.closed(record, is_stored=True)
    while (event_ := await following(subscription))[0] == "progress":
        pass
    assert event_[0] == "closed"
    assert (event_[1]["id"], event_[1]["outcome"]) == (exchange.id, "completed")
    assert "reply" not in event_[1]
    assert "request_body" not in event_[1]
    await subscription.aclose()


async def test_a_request_that_comes_later_is_told_before_the_answer(
    desk: Desk, journal: Writer
) -> None:
    """Its model and its user stand in the body, which many clients send after the head."""
    subscription = desk.live.subscribe()
    follower = desk.follower()
    exchange = Exchange(journal).opens(body=b"", complete=False)
    desk.read(follower)
    name, data = await following(subscription)
    assert (name, data["model"]) == ("opened", None)
    exchange.body(5, REQUEST, complete=True)
    desk.read(follower)
    name, data = await following(subscription)
    assert (name, data["model"], data["user_id"]) == ("progress", "gpt-4o", "body-user")
    assert (data["chunks"], data["ttft_ms"], data["gaps_ms"]) == (0, None, [])
    await subscription.aclose()


async def test_what_was_said_so_far_is_told_to_who_asks_for_it(desk: Desk, journal: Writer) -> None:
    """The reply as well as its text, as they are by then; it may be long, so only then."""
    follower = desk.follower()
    exchange = Exchange(journal).opens().head(50).chunk(60, event("Hel"))
    desk.read(follower)
    found = desk.live.get(exchange.id, with_bodies=True)
    assert (found["response_text"], found["reply"]["choices"]) == ("Hel", ({"text": "Hel"},))
    assert found["request_body"] == REQUEST.decode()
    found = desk.live.get(exchange.id)
    assert found["response_text"] is found["reply"] is found["request_body"] is None


async def test_whose_api_it_is_may_be_unknown(desk: Desk, journal: Writer) -> None:
    """Who logs a call need not tell; unknown is no empty name."""
    subscription = desk.live.subscribe()
    follower = desk.follower()
    Exchange(journal).opens(provider="", path="")
    desk.read(follower)
    _, data = await following(subscription)
    assert (data["provider"], data["path"]) == (None, None)
    await subscription.aclose()


async def test_what_has_not_moved_is_not_told_again(desk: Desk, journal: Writer) -> None:
    """A silent stream makes no noise."""
    subscription = desk.live.subscribe()
    follower = desk.follower()
    exchange = Exchange(journal).opens().head(50).chunk(60, event("a"))
    desk.read(follower)
    assert [(await following(subscription))[0] for _ in range(2)] == ["opened", "progress"]
    await asyncio.sleep(0.1)
    exchange.chunk(70, event("b"))
    desk.read(follower)
    name, data = await following(subscription)
    assert (name, data["text"]) == ("progress", "ab")
    await subscription.aclose()


async def test_a_subscriber_sees_all_and_a_snapshot_has_the_rest(
    desk: Desk, journal: Writer
) -> None:
    """What was open before is in the snapshot."""
    follower = desk.follower()
    before = Exchange(journal).opens()
    desk.read(follower)
    subscription = desk.live.subscribe()
    after = Exchange(journal).opens()
    desk.read(follower)
    assert [e["id"] for e in desk.live.snapshot()] == [before.id, after.id]
    assert (await following(subscription))[1]["id"] == after.id
    await subscription.aclose()


async def test_an_exchange_is_to_be_seen_until_it_is_stored(desk: Desk, journal: Writer) -> None:
    """Between its end and its row there is no moment at which nobody knows it."""
    follower = desk.follower()
    exchange = Exchange(journal).opens(body=b'{"model":"m"}')
    desk.read(follower)
    known = desk.live.get(exchange.id)
    assert known is not None
    assert (known["outcome"], known["model"], known["ended_at"]) == ("open", "m", None)
    exchange.ends(10, "client_left", "client")
    (record,) = desk.read(follower)
    for _ in range(2):
        known = desk.live.get(exchange.id)
        assert known is not None
        assert known["outcome"] == "client_left"
        desk.live.closed(record, is_stored=False)
    desk.live.closed(record, is_stored=True)
    assert desk.live.get(exchange.id) is None
    assert desk.live.snapshot() == []


async def test_a_slow_subscriber_is_dropped_with_a_last_word(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others and the recorder do not wait for it."""
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    slow = desk.live.subscribe()
    for _ in range(20):
        Exchange(journal).opens()
    desk.read(desk.follower())
    got = [name async for name, _ in slow]
    assert got == ["opened"] * 5 + ["lagged"]
    with pytest.raises(StopAsyncIteration):
        await anext(slow)


async def test_with_many_exchanges_each_has_its_turn(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events of one interval are bounded, and nobody is forgotten."""
    monkeypatch.setattr(module, "MAX_PROGRESS", 3)
    follower = desk.follower()
    exchanges = [Exchange(journal).opens().head(50) for _ in range(10)]
    subscription = desk.live.subscribe()
    heard: set[str] = set()
    for turn in range(4):
        for exchange in exchanges:
            exchange.chunk(60 + turn, event("x"))
        desk.read(follower)
        names = []
        while len(names) < 3:
            name, data = await following(subscription)
            if name == "progress":
                names.append(data["id"])
        heard.update(names)
    assert heard == {exchange.id for exchange in exchanges}
    await subscription.aclose()


async def test_closing_ends_every_subscription(desk: Desk) -> None:
    """A recorder that stops leaves nobody waiting."""
    live = Live()
    first, second = live.subscribe(), live.subscribe()
    waiting = asyncio.ensure_future(anext(first, "over"))
    await asyncio.sleep(0)
    live.close()
    assert await asyncio.wait_for(waiting, 10) == "over"
    assert [e async for e in second] == []


async def test_who_comes_later_hears_of_those_that_stand_still(desk: Desk, journal: Writer) -> None:
    """How far an exchange is, is told to every subscriber, though nothing moves any more."""
    follower = desk.follower()
    Exchange(journal).opens().head(50).chunk(60, event("Hel"))
    desk.read(follower)
    assert (await following(desk.live.subscribe()))[0] == "progress"
    late = desk.live.subscribe()
    name, data = await following(late)
    assert (name, data["text"]) == ("progress", "Hel")
