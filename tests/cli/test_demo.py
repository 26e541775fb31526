"""The demo: everything at once, from one command, and nothing left of it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.product import STREAMGAUGE, plain_environment
from tests.simulating import until


class Demo:
    """A running demo in a session of its own, as in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [STREAMGAUGE, "demo", "--port=0"],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=plain_environment() | {"TMPDIR": str(self.temporary)},
            )
        self.url = until(self._address, within=60)

    def log(self) -> str:
        return self._log.read_text()

    def _address(self) -> str | None:
        assert self.process.poll() is None, self.log()
        return next(iter(re.findall(r"Open (http://\S+) and watch", self.log())), None)

    def outcomes(self) -> list[str]:
        answer = httpx.get(f"{self.url}/api/v1/records?limit=100", trust_env=False, timeout=30)
        return [one["outcome"] for one in answer.json()["records"]]


@pytest.fixture
def demo(tmp_path) -> Iterator[Demo]:
    """A demo; killed after the test if it does not end by itself."""
    running = Demo(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def test_the_demo_shows_traffic_and_ends_with_all_its_processes(demo):
    """Finished streams come in; Ctrl-C ends every process and takes the records with it."""
    until(lambda: "completed" in demo.outcomes() or None, within=60)
    everyone = processes(demo.process.pid)
    assert len(everyone) >= 4, everyone  # itself, simulator, worker, recorder
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    until(lambda: not still_running(everyone) or None)
    assert list(demo.temporary.iterdir()) == []
    assert "Traceback" not in demo.log()


def test_the_demo_ends_by_itself_when_told_how_long(tmp_path):
    """`--seconds`, with the records in a folder that stays."""
    command = [STREAMGAUGE, "demo", "--port=0", "--seconds=1", "--data", tmp_path / "kept"]
    told = subprocess.run(
        command, check=False, capture_output=True, text=True, env=plain_environment()
    )
    assert told.returncode == 0, told.stderr
    assert "Open http://127.0.0.1:" in told.stdout
    assert (tmp_path / "kept" / "journal").is_dir()
    assert told.stderr == ""


def test_a_port_that_is_taken_is_known_before_anything_starts():
    """One line, and no word of what was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [STREAMGAUGE, "demo", f"--port={taken.getsockname()[1]}"]
        told = subprocess.run(
            command, check=False, capture_output=True, text=True, env=plain_environment()
        )
    assert (told.returncode, told.stdout) == (2, "")
    assert re.fullmatch("streamgauge: port: .* is taken; .*\n", told.stderr)


def processes(parent: int) -> set[int]:
    """Return *parent* and all below it."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True
    )
    parents = {int(pid): int(of) for pid, of in map(str.split, listing.stdout.splitlines())}
    found = {parent}
    while more := {pid for pid, of in parents.items() if of in found} - found:
        found |= more
    return found


def still_running(pids: set[int]) -> set[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="], check=True, capture_output=True, text=True
    )
    states = {int(pid): state for pid, state in map(str.split, listing.stdout.splitlines())}
    return {pid for pid in pids if pid in states and not states[pid].startswith("Z")}
