"""A simulator in a thread of its own, so that blocking clients can talk to it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx

from streamgauge.simulator.server import Simulator, loop_factory
from streamgauge.simulator.wishes import NOTHING, Wishes

T = TypeVar("T")

RECORDINGS = Path(__file__).parent / "recordings"


class RunningSimulator:
    """A simulator that runs until `stop`, and what it saw."""

    def __init__(
        self,
        *,
        recordings: Path | None = RECORDINGS,
        seed: int = 7,
        faults: Path | None = None,
        tls: ssl.SSLContext | None = None,
        pace: Wishes = NOTHING,
    ) -> None:
        self._simulator = Simulator(recordings, seed, "127.0.0.1", 0, faults, tls, pace)
        # Whom to trust is for the test's client to say; here we only ask what was seen.
        self._is_verifying = tls is None
        self._is_up = threading.Event()
        self._loop = loop_factory()()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        assert self._is_up.wait(10), "the simulator did not start"

    @property
    def url(self) -> str:
        return self._simulator.url

    @property
    def port(self) -> int:
        return self._simulator.port

    def requests(self, text: str = "", **headers: str) -> list[dict[str, Any]]:
        """Return its accounts of requests with *text* in the body and *headers* (x_test="1")."""
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        accounts = self._get("requests")
        return [
            one
            for one in accounts
            if text in one["body"] and wanted.items() <= one["headers"].items()
        ]

    def request(self, text: str = "", **headers: str) -> dict[str, Any]:
        """Return the one account with *text* and *headers*, once it is not open any more."""
        return until(lambda: self._closed(text, headers))

    def _closed(self, text: str, headers: dict[str, str]) -> dict[str, Any] | None:
        found = self.requests(text, **headers)
        assert len(found) < 2, f"{len(found)} requests with {text} {headers}"
        return next((one for one in found if one["ended"] != "open"), None)

    def attempts(self, model: str) -> int:
        """Return how often *model* was asked for."""
        return self._get("attempts")["models"].get(model, {"attempts": 0})["attempts"]

    def recordings(self) -> list[dict[str, Any]]:
        return self._get("recordings")

    def _get(self, shelf: str) -> Any:
        url = f"{self.url}/simulator/{shelf}"
        return httpx.get(url, trust_env=False, timeout=30, verify=self._is_verifying).json()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._simulator.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._simulator.start())
        self._is_up.set()
        self._loop.run_forever()


def until(look: Callable[[], T | None], *, within: float = 20.0) -> T:
    """Look until there is something, or something is so; fail after *within* seconds."""
    end = monotonic() + within
    while (found := look()) is None or found is False:
        assert monotonic() < end, f"nothing after {within} s"
        sleep(0.02)
    return found
