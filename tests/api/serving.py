"""The API on a real port, over a real store, with a live view that a test drives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import UUID

import uvicorn

from streamgauge.api.app import create_app
from streamgauge.api.parts import Parts
from streamgauge.journal.reader import Reader
from streamgauge.journal.recover import Entry
from streamgauge.journal.status import JournalHealth
from streamgauge.journal.writer import Writer
from streamgauge.keys import Keys
from streamgauge.recorder.answers import Answers
from streamgauge.recorder.health import Health, RecorderHealth, StoreHealth, WorkerHealth
from streamgauge.recorder.live import Live
from streamgauge.store.loader import Store

T = TypeVar("T")


class MemoryLive:
    """Open exchanges in a dict; events go to every subscriber. Ends a subscription on None."""

    def __init__(self) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self.subscribers: set[asyncio.Queue[tuple[str, dict[str, Any]] | None]] = set()

    def snapshot(self) -> list[dict[str, Any]]:
        return list(self.open.values())

    def get(self, record_id: str, /, *, with_bodies: bool = False) -> dict[str, Any] | None:
        return self.open.get(record_id)

    async def subscribe(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        queue: asyncio.Queue[tuple[str, dict[str, Any]] | None] = asyncio.Queue()
        self.subscribers.add(queue)
        try:
            while (item := await queue.get()) is not None:
                yield item
        finally:
            self.subscribers.discard(queue)

    async def publish(self, item: tuple[str, dict[str, Any]] | None) -> None:
        for queue in self.subscribers:
            queue.put_nowait(item)


HEALTHY = Health(
    version="1.2.3",
    uptime_s=12.5,
    recorder=RecorderHealth(records_stored=41),
    store=StoreHealth(scheme="chdb"),
    workers=(
        WorkerHealth(
            node="local",
            worker="0",
            pid=4242,
            age_s=0.2,
            open=3,
            exchanges=40,
            journal=JournalHealth(written_bytes=1000),
        ),
    ),
)


class Served:
    """The API under uvicorn in a thread of its own."""

    def __init__(self, store: Store, ui_dir: Path | None, journal: Writer) -> None:
        self.store = store
        self.journal = journal
        self.live = MemoryLive()
        self.health = HEALTHY
        answers = Answers(Live(), store)
        self.stopped: list[bytes] = []
        self.parts = Parts(
            store,
            self.live,
            health=lambda: self.health,
            ui_dir=ui_dir,
            journal=journal,
            answers=answers,
            secret=b"secret",
            stop=self.stop_stream,
            keys=Keys(journal.directory.parent),
            is_local=True,
        )
        self.app = create_app(self.parts)
        config = uvicorn.Config(
            self.app, port=0, log_level="warning", ws="none", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)
        self._thread.start()
        assert self._is_up.wait(10), "the API did not start"
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        serving = asyncio.ensure_future(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110 - uvicorn has only a flag
            await asyncio.sleep(0.01)
        self._is_up.set()
        await serving

    def stop_stream(self, exchange: bytes) -> int:
        """Take a stream's id as the workers would; the first one is heard by nobody."""
        self.stopped.append(exchange)
        if len(self.stopped) > 1:
            self.live.open.pop(str(UUID(bytes=exchange)))
        return len(self.stopped) - 1

    def written(self) -> list[Entry]:
        """What the journal has."""
        with closing(Reader(self.journal.directory)) as reader:
            return list(reader.read())

    def call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine on the API's own loop."""
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result(10)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.journal.close()
        assert not self._thread.is_alive(), "the API did not stop"


def assert_no_subscribers(served: Served) -> None:
    """Wait until nobody is subscribed to the live view."""
    deadline = monotonic() + 10
    while served.live.subscribers:
        assert monotonic() < deadline, "a subscription leaks"
        sleep(0.01)
