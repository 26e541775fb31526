"""`kill -9` of a worker, the recorder, everything: nothing received is lost, nothing is twice."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import sleep

import pytest

from tests.conftest import providers_of
from tests.faults.patience import ask, closed_record, stored_bytes
from tests.faults.streaming import Received, streams
from tests.product import Product
from tests.simulating import RunningSimulator, until

ROUNDS = 20
SOAK_ROUNDS = 1_000
STREAMS = 6

# A worker whose supervisor was killed ends in good order, if it is not killed first.
GATEWAY_STOPPED = 503

Kill = Callable[[Product], object]


def everything(product: Product) -> None:
    product.kill()
    product.restart()


KILLS: dict[str, Kill] = {
    "worker": Product.kill_worker,
    "recorder": Product.kill_recorder,
    "everything": everything,
}


def stream_and_kill(product: Product, kill: Kill, dice: random.Random) -> list[Received]:
    """Start streams, let a random moment pass, kill, and wait for the streams to end."""
    received: list[Received] = []
    url = f"{product.url}/openai/v1/chat/completions"

    def work() -> None:
        received.extend(
            asyncio.run(
                streams(
                    STREAMS, url, Simulate_Tokens="80", Simulate_Itl_Ms="10", Simulate_Ttft_Ms="20"
                )
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    sleep(dice.uniform(0.0, 1.2))
    kill(product)
    thread.join(60)
    assert not thread.is_alive()
    return received


def check(product: Product, received: list[Received]) -> None:
    """Everything that a client has is in the record of that name."""
    for one in received:
        if not one.id:
            continue
        record = closed_record(product, one.id)
        stored, _ = stored_bytes(product, one.id)
        if one.status == GATEWAY_STOPPED:
            # Nothing of a provider's had come; what the client got is the gateway's own word.
            assert record["outcome"] == "gateway_restarted"
            assert json.loads(one.body)["error"]["type"] == "gateway_restarted"
            continue
        assert stored[: len(one.body)] == bytes(one.body)
        assert record["bytes_out"] >= len(one.body)
        if one.is_whole:
            # Killed between the last byte and the note that it was the last: still whole,
            # since the stream itself said so.
            assert record["outcome"] in ("completed", "gateway_restarted")
            assert stored == bytes(one.body)
        else:
            assert record["outcome"] == "gateway_restarted"
            assert record["closed_by"] == "gateway"
        if b'"content":"' in one.body:
            assert record["reply"]["choices"]


def all_ids(product: Product) -> list[str]:
    """Return the id of every row that the API lists, page by page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask(product, "/api/v1/records", limit=1000, **cursor)
        ids += [record["id"] for record in page["records"]]
        if not page["next_cursor"]:
            return ids
        cursor = {"cursor": page["next_cursor"]}


def kill_again_and_again(simulator: RunningSimulator, folder: Path, rounds: int) -> None:
    """Kill something in each of *rounds*, on one data folder, and look at every record."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    product = Product(folder, providers=providers_of(simulator))
    try:
        seen: list[Received] = []
        for number in range(rounds):
            name = list(KILLS)[number % len(KILLS)]
            received = stream_and_kill(product, KILLS[name], dice)
            check(product, received)
            seen += received
        ids = all_ids(product)
        assert max(Counter(ids).values()) == 1
        assert {one.id for one in seen if one.id} <= set(ids)
        assert not ask(product, "/api/v1/records", outcome="open")["records"]
        assert ask(product, "/api/v1/records", outcome="gateway_restarted")["records"]
    finally:
        assert product.stop() == 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_killing_at_random_moments_loses_and_repeats_nothing(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    """Twenty times, whatever is killed."""
    kill_again_and_again(simulator, tmp_path, ROUNDS)


@pytest.mark.soak
def test_killing_for_an_hour_loses_and_repeats_nothing(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    """A thousand times."""
    kill_again_and_again(simulator, tmp_path, SOAK_ROUNDS)


def test_streams_go_on_without_a_recorder(simulator: RunningSimulator, tmp_path: Path) -> None:
    """It is down for a while; nothing stops, and then it catches up."""
    product = Product(tmp_path, providers=providers_of(simulator))
    url = f"{product.url}/openai/v1/chat/completions"
    try:
        ended: list[Received] = []
        for _ in range(5):
            product.kill_recorder()
            ended += asyncio.run(streams(4, url, Simulate_Tokens="20", Simulate_Itl_Ms="5"))
        assert all(one.is_whole and one.status == 200 for one in ended)
        for one in ended:
            record = closed_record(product, one.id)
            assert record["outcome"] == "completed"
            assert record["output_tokens"] == 20
        until(lambda: ask(product, "/healthz")["recorder"]["lag_bytes"] == 0 or None)
    finally:
        assert product.stop() == 0
