"""Logs from many threads and tasks while the server is killed and comes back."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from streamgauge import AsyncManualLogger, ManualLogger
from tests.product import Product
from tests.simulating import until

LOGS = 10_000
THREADS, TASKS = 8, 1_000
KILLS = 2
USER = "Streamgauge-User-Id"
ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A server at an address that it keeps when it is started again."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    running = Product(tmp_path, providers={}, arguments=(f"--port={port}",))
    yield running
    running.stop()


def answer(number: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"This is answer {number}."}
    return {
        "object": "chat.completion",
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 4},
    }


def from_threads(logger: ManualLogger, paced: float) -> list[threading.Thread]:
    def work(first: int) -> None:
        for number in range(first, LOGS // 2, THREADS):
            logger.send_log(ASK, answer(number), headers={USER: str(number)}, provider="openai")
            sleep(paced)

    threads = [threading.Thread(target=work, args=(one,)) for one in range(THREADS)]
    for thread in threads:
        thread.start()
    return threads


async def from_tasks(logger: AsyncManualLogger, paced: float) -> None:
    async def work(first: int) -> None:
        for number in range(LOGS // 2 + first, LOGS, TASKS):
            await logger.send_log(
                ASK, answer(number), headers={USER: str(number)}, provider="openai"
            )
            await asyncio.sleep(paced)

    await asyncio.gather(*(work(one) for one in range(TASKS)))


@pytest.mark.long
@pytest.mark.timeout(300)
def test_all_arrive_once(product: Product, tmp_path: Path) -> None:
    """Whatever is lost on the way is sent again, under its own id."""
    logger = ManualLogger(base_url=product.url, spool=tmp_path / "spool")
    async_logger = AsyncManualLogger(base_url=product.url, spool=tmp_path / "spool-of-tasks")
    # Both are busy for some ten seconds.
    threads = from_threads(logger, paced=10 / (LOGS / 2 / THREADS))
    tasks = threading.Thread(
        target=lambda: asyncio.run(from_tasks(async_logger, paced=10 / (LOGS / 2 / TASKS)))
    )
    tasks.start()
    for _ in range(KILLS):
        sleep(2)
        product.kill()
        sleep(0.5)
        product.restart()
    for thread in [*threads, tasks]:
        thread.join(120)
        assert not thread.is_alive()
    assert logger.flush(120)
    assert async_logger.delivery.flush(120)
    users = until(lambda: everybody(product), within=60)
    assert len(users) == LOGS, "none twice"
    assert {int(user) for user in users} == set(range(LOGS))


def everybody(product: Product) -> list[str] | None:
    """Return the user of every record, once there are enough of them."""
    # Counted first: reading them all again and again would keep the recorder from its work.
    buckets = product.http.get("/api/v1/stats").json()["buckets"]
    if sum(bucket["count"] for bucket in buckets) < LOGS:
        return None
    users: list[str] = []
    cursor = None
    while True:
        wanted = {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
        page = product.http.get("/api/v1/records", params=wanted).json()
        users += [record["user_id"] for record in page["records"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return users
