"""The demo's clients, against the simulator itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from itertools import islice, repeat
from random import Random
from time import monotonic
from typing import Any

import httpx
import pytest

from streamgauge.simulator import traffic
from streamgauge.simulator.server import Simulator
from streamgauge.simulator.traffic import Turn, Visitor, run_traffic

# An SDK says when a model's days are counted; that shall not break our build.
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")

MESSAGES = ({"role": "user", "content": "Hello"},)


@pytest.fixture
async def simulator():
    running = Simulator(None, seed=1, port=0)
    await running.start()
    yield running
    await running.stop()


async def accounts(simulator: Simulator) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.get(f"{simulator.url}/simulator/requests")).json()


@pytest.fixture
async def talks(simulator):
    opened = traffic._open_talks(simulator.url)
    yield opened
    for talk in opened:
        await talk.close()


@pytest.mark.parametrize("sdk", [0, 1, 2])
@pytest.mark.parametrize("is_streamed", [True, False])
async def test_each_sdk_reads_the_whole_answer(talks, simulator, sdk, is_streamed):
    """Streamed and plain, as its manual says."""
    headers = {"Simulate-Tokens": "20", "Streamgauge-User-Id": "ada"}
    turn = Turn("m", MESSAGES, headers, is_streamed, None)
    assert len((await talks[sdk].say(turn)).split()) > 10
    (account,) = await accounts(simulator)
    assert account["headers"]["streamgauge-user-id"] == "ada"
    assert (account["status"], account["ended"]) == (200, "finished")


@pytest.mark.parametrize("sdk", [0, 1, 2])
async def test_each_sdk_can_leave_early(talks, simulator, sdk):
    """After a few tokens, and the provider notices."""
    headers = {"Simulate-Tokens": "5000", "Simulate-Itl-Ms": "20"}
    said = await talks[sdk].say(Turn("m", MESSAGES, headers, True, 3))
    assert 0 < len(said.split()) < 100
    await eventually(lambda: left(simulator))


@pytest.mark.parametrize("sdk", [0, 1, 2])
async def test_each_sdk_raises_what_its_talk_expects(talks, sdk):
    """A refusal is part of the picture."""
    with pytest.raises(talks[sdk].errors):
        await talks[sdk].say(Turn("m", MESSAGES, {"Simulate-Status": "429"}, True, None))


@pytest.mark.parametrize("sdk", [0, 1, 2])
async def test_each_mishap_is_met_by_each_sdk(talks, simulator, sdk):
    """A stream that stands still goes on; of those that fail, the talk expects what is raised."""
    ended = {}
    for mishap in islice(filter(None, traffic.dealt_mishaps()), len(traffic.MISHAPS)):
        turn = Turn("m", MESSAGES, {"Simulate-Tokens": "60", "Simulate-Fault": mishap}, True, None)
        with contextlib.suppress(*talks[sdk].errors):
            await talks[sdk].say(turn)
            ended[mishap.partition(";")[0]] = "read"
    assert ended == {"stall": "read"}
    assert [one["fault"] for one in await accounts(simulator)] == ["stall", "cut", "error"]


async def test_a_visit_is_a_session(talks, simulator, monkeypatch):
    """One user, one session, a path for each turn, and no turn forgets the one before."""
    monkeypatch.setattr(traffic, "PAUSE_S", 0.001)
    monkeypatch.setattr(Visitor, "_turn", lambda *given: Turn("m", given[2], given[3], True, None))
    visitor = Visitor(talks, Random(4), repeat(None))
    seen: list[dict[str, Any]] = []
    while len(seen) < 2:
        known = {one["number"] for one in await accounts(simulator)}
        await visitor.visit()
        seen = [one for one in await accounts(simulator) if one["number"] not in known]
    heads = [one["headers"] for one in seen]
    assert len({head["streamgauge-session-id"] for head in heads}) == 1
    assert len({head["streamgauge-session-path"] for head in heads}) == len(heads)
    assert all("streamgauge-property-feature" in head for head in heads)
    assert [one["body_bytes"] for one in seen] == sorted(one["body_bytes"] for one in seen)


async def test_traffic_is_a_lively_mix_and_ends_when_told(simulator, monkeypatch):
    """Several SDKs, users and models; cancelling it leaves no connection open."""
    monkeypatch.setattr(traffic, "PAUSE_S", 0.01)
    running = asyncio.create_task(run_traffic(simulator.url, visitors=20, seed=3))

    async def has_variety() -> bool:
        assert not running.done(), running.exception()
        seen = await accounts(simulator)
        return len(seen) >= 15 and len({one["model"] for one in seen}) >= 4

    await eventually(has_variety)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: nothing_open(simulator))


async def left(simulator: Simulator) -> bool:
    return "client_left" in [one["ended"] for one in await accounts(simulator)]


async def nothing_open(simulator: Simulator) -> bool:
    return "open" not in [one["ended"] for one in await accounts(simulator)]


async def eventually(look: Callable[[], Any], within: float = 30.0) -> None:
    end = monotonic() + within
    while not await look():
        assert monotonic() < end, "it never came"
        await asyncio.sleep(0.05)
