"""What decoding a stream costs, beside the accumulators of the providers' own SDKs.

All read the same recordings from memory, in the same process, in turn; the best of some
rounds counts. Chunks are one event each, as providers write them, and all do the same: from
bytes to the reply so far. Beside that: whether costs grow linearly, and what streams cost
that come in turns instead of one after the other.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import anthropic
import httpx_sse
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from streamgauge.wire.decoding import Decoding
from streamgauge.wire.detect import choose

RECORDINGS = Path(__file__).parents[1] / "tests" / "recordings"
ROUNDS = 5
STREAM = "text/event-stream"

# What is promised: so many times faster than the SDKs' accumulators, and costs that grow with
# the stream and not faster.
TIMES_FASTER = 10.0
LINEAR = 1.3

SHORT, LONG, STREAMS = 10_000, 100_000, 1_000

Chunks = list[bytes]
Run = Callable[[Chunks], object]


class Task(NamedTuple):
    """Recordings of one dialect, each in chunks, and who else can read them."""

    name: str
    path: str
    recordings: list[Chunks]
    others: dict[str, Run]


def events_of(raw: bytes) -> Chunks:
    """Return the events of a recording, one chunk each."""
    whole = raw.replace(b"\r\n", b"\n").split(b"\n\n")
    return [one + b"\n\n" for one in whole if one.strip()]


def recordings_of(dialect: str, providers: tuple[str, ...]) -> list[Chunks]:
    """Return the whole streams of a dialect."""
    found = []
    for line in (RECORDINGS / "manifest.jsonl").read_text().splitlines():
        one = json.loads(line)
        is_wanted = one["dialect"] == dialect and one["provider"] in providers
        if is_wanted and one["framing"] == "sse" and one["http_status"] == 200:
            found.append(events_of((RECORDINGS / one["file"]).read_bytes()))
    return found


# -- the contenders ------------------------------------------------------------------------------


def ours(path: str) -> Run:
    """Return our decoding, as the recorder does it."""
    choice = choose(path=path, content_type=STREAM)

    def run(chunks: Chunks) -> object:
        decoding = Decoding(choice)
        for chunk in chunks:
            decoding.feed(chunk)
        decoding.close()
        return decoding.reply.reply()

    return run


def served(sdk: Any, chunks: Chunks) -> Any:
    """Return an HTTP client of the library that *sdk* uses; it answers from memory."""
    library = next(c for c in sdk.DefaultHttpxClient.__mro__ if c.__name__ == "Client").__module__
    http: Any = importlib.import_module(library.partition(".")[0])
    headers = {"content-type": STREAM}

    def answer(_: object) -> object:
        return http.Response(200, headers=headers, content=iter(chunks))

    return http.Client(transport=http.MockTransport(answer))


def by_openai(chunks: Chunks) -> object:
    """OpenAI's client and its own helper for the state of a stream."""
    client = openai.OpenAI(api_key="x", http_client=served(openai, chunks))
    state: Any = ChatCompletionStreamState()
    for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def by_anthropic(chunks: Chunks) -> object:
    """Anthropic's client and its accumulator."""
    client: Any = anthropic.Anthropic(api_key="x", http_client=served(anthropic, chunks))
    with client.messages.stream(model="m", max_tokens=1, messages=[]) as stream:
        for _ in stream:
            pass
        return stream.get_final_message()


def by_httpx_sse(chunks: Chunks) -> object:
    """httpx-sse and json, and a list of what came: no reply at all."""
    http: Any = importlib.import_module("httpx")
    headers = {"content-type": STREAM}
    source = httpx_sse.EventSource(http.Response(200, headers=headers, content=iter(chunks)))
    return [json.loads(one.data) for one in source.iter_sse() if one.data != "[DONE]"]


def tasks() -> list[Task]:
    """Return what is measured."""
    chat, claude = "/v1/chat/completions", "/v1/messages"
    return [
        Task(
            "OpenAI chat",
            chat,
            recordings_of("openai_chat", ("openai",)),
            {"openai's state helper": by_openai, "httpx-sse + json": by_httpx_sse},
        ),
        Task(
            "Anthropic Messages",
            claude,
            recordings_of("anthropic", ("anthropic",)),
            {"anthropic's accumulator": by_anthropic, "httpx-sse + json": by_httpx_sse},
        ),
    ]


# -- measuring -----------------------------------------------------------------------------------


def best_in_turn(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the shortest of some rounds of each; they take turns, so noise hits all alike."""
    times = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = perf_counter()
            run()
            times[name] = min(times[name], perf_counter() - began)
    return times


def made(count: int) -> Chunks:
    """Return a chat stream of *count* chunks."""
    head = b'{"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini",'
    tail = b'"choices":[{"index":0,"delta":{"content":" word%d"},"finish_reason":null}]}'
    return [b"data: " + head + tail % number + b"\n\n" for number in range(count)]


def compare(task: Task) -> list[tuple[str, float, float]]:
    """Return microseconds a chunk of each contender, and how many times ours that is."""
    count = sum(map(len, task.recordings))
    contenders = {"streamgauge": ours(task.path), **task.others}

    def reading(run: Run) -> Callable[[], object]:
        return lambda: [run(chunks) for chunks in task.recordings]

    times = best_in_turn({name: reading(run) for name, run in contenders.items()})
    own = times["streamgauge"]
    return [(name, taken / count * 1e6, taken / own) for name, taken in times.items()]


def growth() -> tuple[float, float]:
    """Return how a long stream and many at once compare with what one would expect (1.0)."""
    run = ours("/v1/chat/completions")
    short, long, many = made(SHORT), made(LONG), made(SHORT // STREAMS)

    def in_turns() -> None:
        choice = choose(path="/v1/chat/completions", content_type=STREAM)
        all_of_them = [Decoding(choice) for _ in range(STREAMS)]
        for chunk in many:
            for decoding in all_of_them:
                decoding.feed(chunk)
        for decoding in all_of_them:
            decoding.close()
            decoding.reply.reply()

    times = best_in_turn(
        {
            "short": lambda: run(short),
            "long": lambda: run(long),
            "after": lambda: [run(many) for _ in range(STREAMS)],
            "turns": in_turns,
        }
    )
    expected = times["short"] * LONG / SHORT
    return times["long"] / expected, times["turns"] / times["after"]


def main() -> int:
    """Print the tables; with ``--strict`` fail where less is reached than promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit with 1 below the targets")
    strict = parser.parse_args().strict
    is_good = True
    for task in tasks():
        print(f"\n{task.name}: {sum(map(len, task.recordings))} chunks of "
              f"{len(task.recordings)} recordings")  # fmt: skip
        for name, micros, times in compare(task):
            is_sdk = name not in ("streamgauge", "httpx-sse + json")
            is_good = is_good and (not is_sdk or times >= TIMES_FASTER)
            print(f"  {name:26} {micros:8.2f} µs a chunk {times:7.1f} x")
    long, turns = growth()
    is_good = is_good and long <= LINEAR and turns <= LINEAR
    print(f"\n{LONG:,} chunks cost {long:.2f} of {LONG // SHORT} x {SHORT:,} chunks")
    print(f"{STREAMS:,} streams in turns cost {turns:.2f} of one after the other")
    return int(strict and not is_good)


if __name__ == "__main__":
    sys.exit(main())
