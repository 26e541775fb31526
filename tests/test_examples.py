"""The examples run on real servers, answer at once, and leave one log."""

from __future__ import annotations

import importlib.util
import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest
import uvicorn

import streamgauge
from streamgauge.sdk.wrap import default_logger
from tests.sdk.server import LogServer
from tests.simulating import until

EXAMPLES = Path(__file__).parents[1] / "examples"

ASKED = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Hi"}],
    "extra_headers": {"Simulate-Tokens": "20", "Simulate-Ttft-Ms": "20", "Simulate-Itl-Ms": "5"},
}

# How slow the log server is, and how soon the first byte is here all the same.
SLOW_S, SOON_S = 6.0, 3.0


@pytest.fixture
def server(simulator, monkeypatch) -> Iterator[LogServer]:
    """A log server; the environment leads the examples to it and to the simulator."""
    running = LogServer()
    monkeypatch.setenv("OPENAI_BASE_URL", f"{simulator.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("STREAMGAUGE_BASE_URL", running.url)
    default_logger.cache_clear()
    yield running
    default_logger.cache_clear()
    running.stop()


def load(name: str) -> Any:
    """Import an example anew."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class ThreadingWsgiServer(socketserver.ThreadingMixIn, WSGIServer):
    """Several clients at a time."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def under_wsgi(app: Any) -> Iterator[str]:
    """Serve a WSGI application."""
    running = make_server("127.0.0.1", 0, app, ThreadingWsgiServer, QuietHandler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


@contextmanager
def under_asgi(app: Any) -> Iterator[str]:
    """Serve an ASGI application."""
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started or None)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)


APPS: dict[str, Callable[[Any], Any]] = {
    "starlette_app": under_asgi,
    "flask_app": under_wsgi,
    "django_app": under_wsgi,
}

# The example's clients live as long as the process; and wsgiref breaks off as it can.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("name", APPS)
def test_a_web_application_answers_at_once_and_logs_afterwards(name, server):
    """The first byte does not wait for a slow log server; then a client leaves early."""
    server.delay_s = SLOW_S
    module = load(name)
    with (
        APPS[name](module.app) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        begin = perf_counter()
        with client.stream("POST", "/chat", json=ASKED) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            pieces = answer.iter_bytes()
            first = next(pieces)
            assert perf_counter() - begin < SOON_S
            text = (first + b"".join(pieces)).decode()
        assert perf_counter() - begin < SLOW_S
        server.delay_s = 0.0
        assert text.startswith("data: {")
        assert text.endswith("data: [DONE]\n\n")
        long = {**ASKED, "extra_headers": {"Simulate-Tokens": "500", "Simulate-Itl-Ms": "5"}}
        with client.stream("POST", "/chat", json=long) as answer:
            next(answer.iter_bytes())
        whole, left = server.wait_for(2, within=20)
    module.logger.delivery.close(10)
    assert whole["outcome"] is None
    assert whole["labels"] == {"user_id": "ann"}
    assert len(whole["response"]["chunks"]) == text.count("data: {")
    assert left["outcome"] == "client_left"
    assert 0 < len(left["response"]["chunks"]) < 500


def test_a_lambda_function_is_frozen_with_nothing_left(server):
    """The log has arrived when the handler returns."""
    module = load("lambda_function")
    told = module.handler({"body": json.dumps(ASKED)}, None)
    assert told["statusCode"] == 200
    assert len(server.logs) == 1
    assert server.one()["response"]["body"]["choices"][0]["message"]["content"] == told["body"]
    default_logger().close()


async def test_async_functions_and_asgi_applications_are_flushed_after(server):
    """The same decorator, whatever kind the handler is."""
    logger = streamgauge.AsyncManualLogger()

    @streamgauge.flush_after
    async def handler(event: str) -> str:
        logger.send_log({}, event)
        return event

    assert await handler("x") == "x"
    assert len(server.logs) == 1
    await logger.close()


def test_wsgi_applications_are_flushed_when_the_server_closes_the_answer(server):
    """And not before."""
    logger = streamgauge.ManualLogger()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        logger.send_log({}, "x")
        return [b"x"]

    answer = streamgauge.flush_after_wsgi(application)({}, lambda *_: None)
    assert list(answer) == [b"x"]
    answer.close()
    assert len(server.logs) == 1
    logger.close()


def test_every_example_is_tried():
    """None stands there untested."""
    names = {one.stem for one in EXAMPLES.glob("*.py")}
    assert names == {*APPS, "lambda_function"}


def test_the_sdk_needs_httpx_only(tmp_path):
    """As installed by `pip install streamgauge`: with no other package in reach."""
    allowed = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna", "sniffio")
    allowed += ("typing_extensions",)
    packages = Path(httpx.__file__).parents[1]
    for one in (*allowed, "typing_extensions.py"):
        if (packages / one).exists():
            (tmp_path / one).symlink_to(packages / one)
    (tmp_path / "streamgauge").symlink_to(Path(streamgauge.__file__).parent)
    server = LogServer()
    code = (
        "from streamgauge import ManualLogger\n"
        f"ManualLogger(base_url={server.url!r}).send_log({{}}, 'x')"
    )
    # -S: no site-packages; what is needed is in the folder.
    run = [sys.executable, "-S", "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    told = subprocess.run(run, check=False, capture_output=True, text=True, env=environment)
    assert told.returncode == 0, told.stderr
    server.one()
    server.stop()
