"""The whole product as its users start it: `streamgauge serve --port 0`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx

from tests.simulating import until

STREAMGAUGE = Path(sys.executable).with_name("streamgauge")

# Generous: a small machine that builds and tests at once imports a database slowly.
START_S = 60.0
STOP_S = 30.0

# For servers that are asked for their records, and not killed while some wait to be stored.
PROMPT = ("--set=store.flush_interval_s=0.05",)

# Not there yet; and the recorder is being replaced.
NOT_YET = (404, 503)

# As much of the server's output as helps in a failed test's report.
MOST_LOG = 3000


class Product:
    """A running server on its own data folder; `stop` leaves nothing behind."""

    def __init__(
        self,
        folder: Path,
        *,
        providers: dict[str, str],
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.data = folder / "data"
        self._log = folder / "serve.log"
        self._environment = environment or {}
        self._arguments = [
            *(f"--provider={name}={url}" for name, url in providers.items()),
            *arguments,
        ]
        self.start()

    # -- a life ---------------------------------------------------------------------------

    def start(self) -> None:
        """Start on the same data folder, and wait until it is ready."""
        command = [STREAMGAUGE, "serve", "--port=0", f"--data={self.data}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=plain_environment() | self._environment,
            )
        self.url = until(self._announced, within=START_S)
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=30)
        until(self._ready, within=START_S)

    def stop(self) -> int:
        """Stop as an operator does, with SIGTERM, and return the exit code."""
        self.http.close()
        children = self.pids()
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)
            raise
        finally:
            self._bury(children)

    def kill(self) -> None:
        """Kill every process at once, as a power cut would."""
        children = self.pids()
        self.http.close()
        self._process.kill()
        self._process.wait(STOP_S)
        for pid in children:
            _signal(pid, signal.SIGKILL)
        self._bury(children)

    def restart(self) -> None:
        """Start again on the same data, after `stop` or `kill`."""
        self.start()

    def kill_worker(self) -> int:
        """Kill a gateway worker and return its pid; the supervisor starts another."""
        return self._kill_one("worker")

    def kill_recorder(self) -> int:
        """Kill the recorder and return its pid; the supervisor starts another."""
        return self._kill_one("recorder")

    def pids(self, role: str = "") -> list[int]:
        """Return the supervisor's children, of one *role* (worker, recorder) or all."""
        listing = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,command="], check=True, capture_output=True, text=True
        )
        rows = [line.split(None, 2) for line in listing.stdout.splitlines()]
        return [
            int(row[0])
            for row in rows
            if len(row) == 3
            and int(row[1]) == self._process.pid
            and f"streamgauge.app {role}" in row[2]
        ]

    def log(self) -> str:
        """Return the last lines that the server has printed."""
        return self._log.read_text(errors="replace")[-MOST_LOG:]

    # -- what it recorded -------------------------------------------------------------------

    def records(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the records that the API lists, newest first."""
        answer = self.http.get("/api/v1/records", params=filters)
        assert answer.status_code == 200, answer.text
        return answer.json()["records"]

    def record(self, record_id: str, *, within: float = 20.0) -> dict[str, Any]:
        """Return the whole record, once it is stored and closed."""
        until(lambda: self.closed(id=record_id), within=within)
        answer = self.http.get(f"/api/v1/records/{record_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def record_of(self, text: str, *, within: float = 20.0) -> dict[str, Any]:
        """Return the one record whose request or response has *text*, once it is closed."""
        found = until(lambda: self.closed(q=text), within=within)
        assert len(found) == 1, f"{len(found)} records with {text}"
        return self.record(found[0]["id"])

    def closed(self, **filters: str) -> list[dict[str, Any]] | None:
        """Return what the filters find, if there is anything and all of it is closed."""
        found = self.records(**filters)
        is_closed = found and all(one["outcome"] != "open" for one in found)
        return found if is_closed else None

    # -- processes ----------------------------------------------------------------------------

    def _announced(self) -> str | None:
        """Read the address that this very process has written into its data folder."""
        code = self._process.poll()
        assert code is None, f"serve ended with {code}:\n{self.log()}"
        facts = self.data / "server.json"
        told = json.loads(facts.read_bytes() or b"{}") if facts.exists() else {}
        return told["url"] if told.get("pid") == self._process.pid else None

    def _ready(self) -> bool | None:
        return self.http.get("/readyz").status_code == 200 or None

    def _kill_one(self, role: str) -> int:
        pid = until(lambda: next(iter(self.pids(role)), None))
        _signal(pid, signal.SIGKILL)
        return pid

    def _bury(self, children: list[int]) -> None:
        """Wait until the children are gone; a child that outlives its parent is a fault."""
        end = monotonic() + STOP_S
        while left := [pid for pid in children if _is_alive(pid)]:
            if monotonic() > end:
                for pid in left:
                    _signal(pid, signal.SIGKILL)
                raise AssertionError(f"processes {left} outlived the server:\n{self.log()}")
            sleep(0.05)


def plain_environment() -> dict[str, str]:
    """Return the environment without what would change how a server or client behaves."""
    drop = ("STREAMGAUGE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_", "ANTHROPIC_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith((*drop, "TOGETHER_"))
    }


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
