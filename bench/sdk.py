"""What the SDK costs the program that logs, beside Helicone's package if that is installed.

The server is a socket in another process that takes every log and does nothing with it.
Overhead is the difference to the same loop without logging; the best of some rounds counts,
since a busy machine makes a round slower and never faster.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter, sleep
from typing import Any

import httpx
import uvicorn
from openai.types.chat import ChatCompletionChunk
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from streamgauge import ManualLogger

CHUNKS, LOGS, ANSWERS, ROUNDS = 20_000, 1_000, 500, 7

REQUEST = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}] * 10}
RESPONSE = {"id": "x", "choices": [{"message": {"role": "assistant", "content": "Hi" * 100}}]}

# What is promised, in microseconds.
TARGETS = {"a chunk of a wrapped stream": 10.0, "send_log, on the caller": 100.0}


def chunks(count: int) -> list[ChatCompletionChunk]:
    """Return chunks as OpenAI's SDK makes them."""
    return [
        ChatCompletionChunk.construct(
            id="x",
            model="gpt-4o-mini",
            object="chat.completion.chunk",
            choices=[{"index": 0, "delta": {"content": f"word{number}"}, "finish_reason": None}],
        )
        for number in range(count)
    ]


def best(run: Callable[[], float]) -> float:
    """Return the shortest of some rounds."""
    return min(run() for _ in range(ROUNDS))


def time_of(items: Iterator[Any]) -> float:
    """Return the seconds that reading *items* takes."""
    begin = perf_counter()
    for _ in items:
        pass
    return perf_counter() - begin


def wrapped_stream(logger: ManualLogger) -> float:
    """Return what a wrapped stream costs per chunk, in microseconds."""
    items = chunks(CHUNKS)

    def logged() -> float:
        taken = time_of(iter(logger.log_single_stream(REQUEST, iter(items))))
        logger.flush(60)
        return taken

    return (best(logged) - best(lambda: time_of(iter(items)))) / CHUNKS * 1e6


def send_log(send: Callable[[], Any], after: Callable[[], Any], count: int = LOGS) -> float:
    """Return what *send* costs its caller per call, in microseconds."""

    def run() -> float:
        begin = perf_counter()
        for _ in range(count):
            send()
        taken = perf_counter() - begin
        after()
        return taken

    return best(run) / count * 1e6


def helicone(url: str) -> float | None:
    """Return what Helicone's blocking call costs, if their package is here."""
    try:
        from helicone_helpers import HeliconeManualLogger
    except ModuleNotFoundError:
        return None
    logger = HeliconeManualLogger("k", {}, url)
    options = {"start_time": 1.0, "end_time": 2.0, "time_to_first_token_ms": None}
    return send_log(
        lambda: logger.send_log("openai", REQUEST, RESPONSE, options), lambda: None, count=100
    )


def first_byte(logger: ManualLogger) -> float:
    """Return how much later the first byte of a web answer comes with logging, in milliseconds.

    Answers with and without take turns, from one Starlette application on a real server.
    """

    def words() -> Iterator[str]:
        yield "word"
        yield "word"

    async def answer(request: Request) -> StreamingResponse:
        if request.url.path == "/plain":
            return StreamingResponse(words())
        with logger.log_builder(REQUEST) as log:
            return StreamingResponse(log.to_readable_stream(words()))

    app = Starlette(routes=[Route("/{kind}", answer)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    times: dict[str, list[float]] = {"/plain": [], "/logged": []}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for turn in range(ANSWERS):
            for path, found in list(times.items())[:: 1 if turn % 2 else -1]:
                begin = perf_counter()
                with client.stream("GET", path) as told:
                    pieces = told.iter_bytes()
                    next(pieces)
                    found.append(perf_counter() - begin)
                    list(pieces)
    server.should_exit = True
    thread.join()
    return (median(times["/logged"]) - median(times["/plain"])) * 1e3


def imported(then: str) -> float:
    """Return how long `import streamgauge`, and *then*, takes in a new process, in milliseconds."""
    code = (
        "from time import perf_counter as now; at = now(); "
        f"import streamgauge; {then}; print(now() - at)"
    )
    run = [sys.executable, "-c", code]
    told = [subprocess.run(run, check=True, capture_output=True, text=True) for _ in range(ROUNDS)]
    return min(float(one.stdout) for one in told) * 1e3


def serve(listener: socket.socket) -> None:
    """Answer 200 to everything, as fast as Python can."""
    import asyncio

    class Sink(asyncio.Protocol):
        waiting = 0
        held = b""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.held += data
            while b"\r\n\r\n" in self.held:
                head, _, rest = self.held.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                if len(rest) < length:
                    return
                self.held = rest[length:]
                answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
                self.transport.write(answer)  # type: ignore[attr-defined]

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, sock=listener)
        await server.serve_forever()

    asyncio.run(run())


def main() -> None:
    """Measure and print, one figure a line; a missed target is exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = multiprocessing.get_context("fork").Process(
        target=serve, args=(listener,), daemon=True
    )
    server.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    logger = ManualLogger(base_url=url)
    figures: dict[str, float | None] = {
        "a chunk of a wrapped stream": wrapped_stream(logger),
        "send_log, on the caller": send_log(
            lambda: logger.send_log(REQUEST, RESPONSE), lambda: logger.flush(60)
        ),
        "Helicone's send_log, on the caller": helicone(url),
        "first byte of a web answer, later by, ms": first_byte(logger),
        "import, ms": imported("pass"),
        "import and a first logger, which needs httpx, ms": imported("streamgauge.ManualLogger()"),
    }
    logger.close()
    server.terminate()
    if as_json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        unit = "" if name.endswith("ms") else " µs"
        target = f"  (target: under {TARGETS[name]:g} µs)" if name in TARGETS else ""
        told = "not installed" if figure is None else f"{figure:.2f}{unit}"
        print(f"{name}: {told}{target}")
    if any((figures[name] or 0.0) >= most for name, most in TARGETS.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
