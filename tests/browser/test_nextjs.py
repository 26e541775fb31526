"""The Next.js example in a real browser: the log leaves after the answer, and does not hold it."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import visiting
from tests.browser.talking import nonce
from tests.clients.environments import NEXT, ROOT, node_packages
from tests.product import Product, plain_environment
from tests.simulating import RunningSimulator, until

NODE = ROOT / "scripts" / "node"

# A first build on a busy machine, after its packages were fetched; and who comes second waits.
BUILD_S = 300
pytestmark = [pytest.mark.timeout(3 * BUILD_S), pytest.mark.long]


class Running(NamedTuple):
    """The example, as far as a visit needs it."""

    url: str


@pytest.fixture(scope="module")
def built(testrun_uid: str) -> Path:
    """The example, built as its users do; once in a run of the suite.

    There is one folder to build in, and a second build would take the first one's files away
    from under its server.
    """
    folder = node_packages(NEXT)
    environment = plain_environment() | {"NEXT_TELEMETRY_DISABLED": "1"}
    command = [NODE, "npm", "run", "build"]
    with (folder / "node_modules" / ".built-by-tests").open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        if note.read() != testrun_uid:
            told = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                check=False,
                capture_output=True,
                timeout=BUILD_S,
            )
            assert told.returncode == 0, told.stdout + told.stderr
            note.truncate(0)
            note.write(testrun_uid)
    return folder


@pytest.fixture(scope="module")
def words() -> Iterator[RunningSimulator]:
    """A simulator without recordings: it always answers with words."""
    running = RunningSimulator(recordings=None)
    yield running
    running.stop()


@pytest.fixture
def started(
    built: Path, words: RunningSimulator, tmp_path: Path
) -> Iterator[Callable[[str], Running]]:
    """Start it with a log endpoint."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(endpoint: str) -> Running:
        log = tmp_path / "next.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [NODE, "npm", "run", "start", "--", "-p", "0"],
                cwd=built,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=plain_environment()
                | {
                    "NEXT_TELEMETRY_DISABLED": "1",
                    "OPENAI_API_KEY": "unused",
                    "OPENAI_BASE_URL": f"{words.url}/v1",
                    "STREAMGAUGE_URL": endpoint,
                },
            )
        processes.append(process)
        # It tells its address before it listens for good, and may do so in two pieces.
        found = until(
            lambda: re.search(r"(http://127\.0\.0\.1:\d+)\s.*Ready", log.read_text(), re.DOTALL),
            within=60,
        )
        until(lambda: answers(found[1], process, log), within=60)
        return Running(found[1])

    yield start
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)  # npm, and the server that it started
        process.wait()


def answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool | None:
    """Tell whether the example answers yet; fail with what it wrote if it has ended."""
    assert process.poll() is None, log.read_text()
    try:
        return httpx.get(url).is_success or None
    except httpx.TransportError:
        return None


@contextmanager
def visit(browser: Browser, running: Running) -> Iterator[Page]:
    """Open the example's page; it may not complain."""
    visits = visiting(browser, running)  # type: ignore[arg-type] - has the address, all it takes
    page = next(visits)("/")
    yield page
    next(visits, None)


def ask(page: Page, question: str) -> str:
    """Ask, and return the answer when it is whole."""
    page.get_by_label("question").fill(question)
    page.get_by_role("button", name="Ask").click()
    output = page.locator("output")
    expect(output).to_have_attribute("data-state", "done")
    return output.inner_text()


def test_the_log_arrives(
    browser: Browser, started: Callable[[str], Running], product: Product
) -> None:
    """One record, of what the browser has shown."""
    question = f"Tell me about {nonce()}"
    with visit(browser, started(product.url)) as page:
        answer = ask(page, question)
    assert len(answer.split()) > 5
    record = product.record_of(question)
    expected = {
        "source": "helicone",
        "outcome": "completed",
        "http_status": 200,
        "streaming": True,
        "model": "gpt-4o-mini",
        "user_id": "alice",
        "properties": {"app": "nextjs"},
        "usage_source": "reported",
        "cost_source": "priced",
        "error_type": None,
    }
    assert {name: record[name] for name in expected} == expected
    assert " ".join(record["response_text"].split()) == " ".join(answer.split())
    assert 0 < record["ttft_ms"] <= record["duration_ms"]


def test_the_answer_does_not_wait_for_the_log(
    browser: Browser, started: Callable[[str], Running]
) -> None:
    """A log server that answers only after the browser has all of it."""
    has_all, logs = threading.Event(), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert has_all.wait(60)
            logs.append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the tests' output to the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        with visit(browser, started(url)) as page:
            assert len(ask(page, "Say hello.").split()) > 5
            assert logs == []
            has_all.set()
            until(lambda: logs or None)
        assert b"Say hello." in logs[0]
    finally:
        has_all.set()
        server.shutdown()
        server.server_close()
        serving.join()
