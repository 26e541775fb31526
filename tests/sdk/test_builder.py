"""A call is logged once, with its times, labels and status; nothing of it reaches the caller."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import tee
from time import perf_counter
from unittest.mock import Mock

import pytest
from openai.types.chat import ChatCompletionChunk

REQUEST = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def chunk(text: str) -> ChatCompletionChunk:
    """Return a chunk as OpenAI's SDK makes it from what the wire says."""
    return ChatCompletionChunk.construct(
        id="chatcmpl-1",
        object="chat.completion.chunk",
        created=1,
        model="gpt-4o-mini",
        choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    )


def test_a_stream_is_passed_on_and_logged(logger, server):
    """The very same objects come out; what is sent is their JSON, and when they came."""
    items = [chunk("Hel"), chunk("lo")]
    before = datetime.now(UTC)
    with logger.log_builder(REQUEST, {"Helicone-User-Id": "ann"}, "openai") as log:
        passed = list(log.to_readable_stream(items))
    assert [id(one) for one in passed] == [id(one) for one in items]
    told = server.one()
    started = datetime.fromisoformat(told["started_at"])
    assert before - timedelta(seconds=1) < started <= datetime.now(UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", told["started_at"])
    times = [ms for ms, _ in told["response"]["chunks"]]
    assert times == sorted(times)
    assert times[-1] <= told["ended_ms"]
    assert [json.loads(text) for _, text in told["response"]["chunks"]] == [
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
        }
        for text in ("Hel", "lo")
    ]
    expected = {
        "id": log.id,
        "request": REQUEST,
        "provider": "openai",
        "outcome": None,
        "closed_by": None,
        "error": None,
        "labels": {"user_id": "ann"},
        "event": None,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["response"]["status"] == 200


async def test_an_async_stream_is_passed_on_and_logged(async_logger, server):
    """In the same words."""
    items = [chunk("Hel"), chunk("lo")]

    async def stream():
        for one in items:
            yield one

    async with async_logger.log_builder(REQUEST) as log:
        assert [one async for one in log.to_readable_stream(stream())] == items
    assert len(server.one()["response"]["chunks"]) == 2


class Both:
    """A stream that can be read in both ways, as LiteLLM's can."""

    def __init__(self) -> None:
        self._items = iter("ab")

    def __iter__(self):
        return self

    __aiter__ = __iter__

    def __next__(self):
        return next(self._items)

    async def __anext__(self):
        for item in self._items:
            return item
        raise StopAsyncIteration


async def test_a_stream_of_both_kinds_stays_one(logger, server):
    """Whoever reads it decides."""
    assert list(logger.log_single_stream(REQUEST, Both())) == ["a", "b"]
    assert [one async for one in logger.log_single_stream(REQUEST, Both())] == ["a", "b"]
    raw = logger.log_single_stream(REQUEST, Both()).bytes
    assert list(raw("ndjson")) == [b'"a"\n', b'"b"\n']
    raw = logger.log_single_stream(REQUEST, Both()).bytes
    assert [one async for one in raw("ndjson")] == [b'"a"\n', b'"b"\n']
    with logger.log_single_stream(REQUEST, Both()) as stream:
        next(stream)
    async with logger.log_single_stream(REQUEST, Both()) as stream:
        await anext(stream)
    texts = ["".join(text for _, text in one["response"]["chunks"]) for one in server.wait_for(6)]
    assert sorted(texts) == ["a", "a", "ab", "ab", "ab", "ab"]


def test_ids_are_uuids_that_sort_by_time(logger):
    """RFC 9562, version 7."""
    ids = [logger.log_builder({}).id for _ in range(3)]
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab].*", one) for one in ids)
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)


def test_a_whole_answer(logger, server):
    """An object, a status, and labels that come later."""
    log = logger.log_builder({"messages": []})
    log.add_model("gpt-4o-mini")
    log.set_response({"id": "x", "usage": {"prompt_tokens": 1}})
    log.add_additional_headers({"Streamgauge-Property-Env": "dev", "X-Proxy": "7"})
    log.send_log()
    log.send_log()
    told = server.one()
    assert told["request"]["model"] == "gpt-4o-mini"
    assert told["response"] == {
        "status": 200,
        "content_type": None,
        "body": {"id": "x", "usage": {"prompt_tokens": 1}},
    }
    assert told["labels"] == {"properties": {"env": "dev"}}
    assert server.headers[log.id]["x-proxy"] == "7"


async def test_sending_may_be_awaited_or_not(async_logger, server):
    """It only joins a queue."""
    log = async_logger.log_builder(REQUEST)
    assert await log.send_log() == log.id
    assert await async_logger.send_log(REQUEST, "ok")
    server.wait_for(2)


def test_what_the_caller_changes_later_is_not_in_the_log(logger, server):
    """Messages lists grow while a conversation goes on."""
    request = {"messages": [{"role": "user"}]}
    piece = {"text": "a"}
    with logger.log_builder(request) as log:
        log.add_chunk(piece)
        piece["text"] = "b"
        request["messages"].append({"role": "assistant"})
    told = server.one()
    assert told["request"] == {"messages": [{"role": "user"}]}
    assert told["response"]["chunks"][0][1] == '{"text":"a"}'


def test_bytes_may_be_cut_within_a_character(logger, server):
    """Helicone's own package makes two replacement characters of it."""
    raw = "data: é€\n\n".encode()
    with logger.log_builder(REQUEST) as log:
        for number in raw:
            log.add_chunk(bytes([number]))
    texts = [text for _, text in server.one()["response"]["chunks"]]
    assert "".join(texts) == "data: é€\n\n"


def test_labels_say_what_is_left_out_and_whose_prices_count(logger, server):
    """As they do in the gateway."""
    headers = {"Streamgauge-Omit-Request": "true", "Helicone-Model-Override": "gpt-4o"}
    logger.send_log(REQUEST, "ok", headers=headers)
    assert server.one()["labels"] == {"omit_request": True, "priced_as": "gpt-4o"}


CIRCLE: dict[str, object] = {"model": "x"}
CIRCLE["self"] = CIRCLE


@pytest.mark.parametrize(
    "odd",
    [
        CIRCLE,
        {"score": math.nan},
        {("a", "b"): 1},
        {"image": b"\xff\xd8"},
        {"text": "half a pair \ud83d"},
        {"client": Mock()},
        {"lock": threading.Lock()},
        object(),
        None,
        "a prompt",
    ],
    ids=lambda odd: type(odd).__name__,
)
def test_nothing_is_too_odd_to_be_logged(logger, server, odd):
    """What has no JSON is written as text; nothing is raised and nothing lost."""
    with logger.log_builder(odd) as log:
        log.add_chunk(odd)
        log.add_additional_headers({"Streamgauge-User-Id": odd})
    assert server.one()["id"] == log.id


def test_what_may_be_secret_is_left_out(logger, server):
    """Arguments of an SDK's call that are not in its body."""
    logger.send_log({"model": "m", "extra_headers": {"Authorization": "x"}, "api_key": "x"}, "ok")
    assert server.one()["request"] == {"model": "m"}


class Odd:
    """Whose every use is an error."""

    def __str__(self):
        raise ValueError

    __repr__ = __getattr__ = __str__


def test_nothing_is_raised_into_the_caller(logger, server, caplog):
    """A log that lacks something is better than an error in the program."""
    with logger.log_builder(Odd(), ["no", "mapping"]) as log:
        log.add_additional_headers({"Streamgauge-User-Id": Odd()})
        log.add_chunk(Odd())
        log.set_error(Odd())
        log.add_model("m")
    assert server.one()["id"] == log.id
    assert "add_additional_headers failed" in caplog.text


def test_an_endless_stream_is_kept_in_part(logger, server):
    """What is left out is said, and does not count as cut off by the provider."""
    with logger.log_builder(REQUEST) as log:
        for _ in log.to_readable_stream("x" * 1_000_000 for _ in range(20)):
            pass
    told = server.one()
    assert len(told["response"]["chunks"]) == 8
    assert told["outcome"] == "completed"
    assert told["error"] == {"type": "not_kept_whole", "message": "without the last 12 chunks"}


def test_log_single_request_takes_two_arguments(logger, server):
    """As Helicone documents it; their package raises a TypeError."""
    logger.log_single_request(REQUEST, '{"id": "x"}')
    assert server.one()["response"]["body"] == '{"id": "x"}'


def test_a_latency_ends_now(logger, server):
    """Helicone's package puts the end into the future."""
    before = datetime.now(UTC)
    logger.log_single_request(REQUEST, "x", latency_ms=60_000)
    told = server.one()
    started = datetime.fromisoformat(told["started_at"])
    assert before - timedelta(seconds=61) < started < before - timedelta(seconds=58)
    assert told["ended_ms"] == 60_000


@pytest.mark.parametrize(
    "odd",
    [-1, math.nan, math.inf, 2e9, 10**400, "soon", []],
    ids=["negative", "nan", "inf", "beyond reason", "no float", "text", "list"],
)
def test_what_cannot_be_a_time_is_left_out(logger, server, odd):
    """The server would refuse the log for it."""
    times = dict.fromkeys(("duration_ms", "ttft_ms"), odd)
    began = odd if odd != 2e9 else 4e9  # seconds
    logger.send_log(REQUEST, "Hi", chunks=[(odd, "x")], started_at=began, **times)
    told = server.one()
    started = datetime.fromisoformat(told["started_at"])
    assert abs(started - datetime.now(UTC)) < timedelta(minutes=10)
    assert told["response"]["chunks"] == [[0.0, "x"]]
    assert "ttft_ms" not in told["response"]
    assert 0 <= told["ended_ms"] < 600_000


def test_a_stream_may_go_on_longer_than_ten_seconds_after_send_log(logger, server, monkeypatch):
    """Helicone's package gives up then, and logs nothing."""
    log = logger.log_builder(REQUEST)
    stream = log.to_readable_stream(iter(["a", "b"]))
    next(stream)
    log.send_log()
    later = perf_counter() + 11
    for name in ("streams", "builder"):
        monkeypatch.setattr(f"streamgauge.sdk.{name}.perf_counter", lambda: later)
    assert list(stream) == ["b"]
    told = server.one()
    assert told["response"]["chunks"][1][0] > 10_000
    assert told["ended_ms"] > 10_000


async def test_attached_streams_are_read_for_the_log_alone(async_logger, server):
    """An operation keeps one branch of a stream for itself; an error of ours is not its."""

    async def branch():
        yield "a"
        raise ValueError

    async def operation(log):
        await log.attach_stream(branch())
        return "kept"

    assert await async_logger.log_stream(REQUEST, operation) == "kept"
    told = server.one()
    assert [text for _, text in told["response"]["chunks"]] == ["a"]
    assert told["outcome"] == "fault_in_stream"


class Ones:
    """A stream that breaks, and counts how often it was asked."""

    def __init__(self) -> None:
        self._items = iter(["a", "b", ValueError("broken")])
        self.asked = 0

    def _next(self) -> str:
        self.asked += 1
        item = next(self._items)
        if isinstance(item, Exception):
            raise item
        return item


class Synchronous(Ones):
    """Read in sync code."""

    def __iter__(self):
        return self

    def __next__(self):
        return self._next()


class Asynchronous(Ones):
    """Read in async code."""

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        return self._next()


class InBothWays(Asynchronous, Synchronous):
    """As LiteLLM's can be."""


def is_drained(server, source) -> bool:
    """Whether all of a stream is logged, once, and its error with it."""
    told = server.one()
    assert [text for _, text in told["response"]["chunks"]] == ["a", "b"]
    assert (told["outcome"], told["error"]["message"]) == ("fault_in_stream", "broken")
    return source.asked == 3


@pytest.mark.parametrize("kind", [Synchronous, InBothWays])
def test_a_stream_may_be_drained_for_its_log_alone(logger, server, kind):
    """As by Helicone's logSingleStream: of a tee, the other branch does not see the error."""
    with pytest.raises(ValueError, match="broken"):
        logger.log_single_stream(REQUEST, source := kind()).drain()
    assert is_drained(server, source)


@pytest.mark.parametrize("kind", [Asynchronous, InBothWays])
async def test_awaiting_a_stream_drains_it(async_logger, server, kind):
    """As awaiting Helicone's logSingleStream does."""
    with pytest.raises(ValueError, match="broken"):
        await async_logger.log_single_stream(REQUEST, source := kind())
    assert is_drained(server, source)


async def test_an_async_stream_has_drain_as_well(async_logger, server):
    """The same word as in sync code."""
    with pytest.raises(ValueError, match="broken"):
        await async_logger.log_single_stream(REQUEST, source := Asynchronous()).drain()
    assert is_drained(server, source)


async def test_a_stream_is_still_its_callers_to_read(async_logger, server):
    """Also where an operation that is no coroutine returns it: it is not awaited for him."""
    source = Asynchronous()
    stream = await async_logger.log_stream(REQUEST, lambda log: log.to_readable_stream(source))
    assert source.asked == 0
    with pytest.raises(ValueError, match="broken"):
        [item async for item in stream]
    assert is_drained(server, source)


@pytest.mark.parametrize("kind", [Asynchronous, InBothWays])
async def test_an_attached_stream_need_not_be_awaited(async_logger, server, kind):
    """A task reads it, which nobody has to hold; the log waits for it."""
    source = kind()

    async def operation(log):
        log.attach_stream(source)

    await async_logger.log_stream(REQUEST, operation)
    gc.collect()
    assert await asyncio.to_thread(is_drained, server, source)


async def test_who_waits_for_an_attached_stream_may_be_cancelled(async_logger, server):
    """And then it is read no more."""
    reached = asyncio.Event()

    async def stuck():
        yield "a"
        reached.set()
        await asyncio.Event().wait()

    async def operation(log):
        await log.attach_stream(stuck())

    task = asyncio.create_task(async_logger.log_stream(REQUEST, operation))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = server.one()
    assert [text for _, text in told["response"]["chunks"]] == ["a"]
    assert told["outcome"] == "client_left"


@pytest.mark.parametrize("is_awaited", [True, False])
def test_the_end_of_a_loop_ends_what_it_still_reads(async_logger, server, is_awaited):
    """As of any reader that leaves; who waits has all of it."""

    async def its():
        yield "a"
        for _ in range(100):
            await asyncio.sleep(0)
        yield "b"

    async def operation(log):
        reading = log.attach_stream(its())
        await (reading if is_awaited else asyncio.sleep(0))

    asyncio.run(async_logger.log_stream(REQUEST, operation))
    told = server.one()
    texts = [text for _, text in told["response"]["chunks"]]
    if is_awaited:
        assert (texts, told["outcome"]) == (["a", "b"], None)
    else:
        assert (texts, told["outcome"]) == (["a"], "client_left")
        assert told["error"]["type"] == "CancelledError"


def test_a_stream_of_both_kinds_may_be_attached_without_a_loop(logger, server):
    """It is read at once."""
    source = InBothWays()
    logger.log_stream(REQUEST, lambda log: log.attach_stream(source))
    assert is_drained(server, source)


def test_an_async_stream_cannot_be_attached_without_a_loop(logger, server):
    """Python says so, and the log that nobody read it."""
    with pytest.warns(RuntimeWarning, match="never awaited"):
        logger.log_stream(REQUEST, lambda log: log.attach_stream(Asynchronous()))
    assert server.one()["outcome"] == "client_left"


def test_an_operation_may_return_its_stream(logger, server):
    """Which is then read by the caller, and logged when it ends."""
    words = logger.log_stream(REQUEST, lambda log: (word for word in "ab"))
    assert list(words) == ["a", "b"]
    assert len(server.one()["response"]["chunks"]) == 2


def upper(log, source):
    """Return a generator over a stream that the log is given at once."""
    return (text.upper() for text in log.to_readable_stream(source))


def upper_lazily(log, source):
    """Give it the stream when the first item is asked for, and say something before."""
    yield "first words of its own"
    for text in log.to_readable_stream(source):
        yield text.upper()


def one_after_the_other(log, source):
    """Give it several streams, of which only one is there at a time."""
    for text in source:
        yield from (word.upper() for word in log.to_readable_stream([text]))


def by_hand(log, source):
    """Give it chunks instead of a stream."""
    for text in source:
        log.add_chunk(text)
        yield text.upper()


def attached(log, source):
    """Keep one branch of a stream for the log."""
    mine, its = tee(source)
    log.attach_stream(its)
    return (text.upper() for text in mine)


def in_bytes(log, source):
    """Return what a web response takes."""
    return log.to_readable_stream(source).bytes("ndjson")


GIVING = [upper, upper_lazily, one_after_the_other, by_hand, attached, in_bytes]


@pytest.mark.parametrize("method", ["log_stream", "log_request"])
@pytest.mark.parametrize("giving", GIVING)
def test_what_an_operation_gives_is_not_logged_again(logger, server, giving, method):
    """A stream that it makes of it and returns is its caller's affair."""
    read = list(getattr(logger, method)(REQUEST, lambda log: giving(log, iter("abc"))))
    assert read[-1] in ("C", b'"c"\n')
    told = server.one()
    assert [text for _, text in told["response"]["chunks"]] == ["a", "b", "c"]
    assert (told["outcome"], told["error"]) == (None, None)


async def test_what_an_async_operation_gives_is_not_logged_again(async_logger, server):
    """The same, async."""

    async def letters():
        for letter in "abc":
            yield letter

    async def upper_async(log):
        async for text in log.to_readable_stream(letters()):
            yield text.upper()

    async def operation(log):
        return upper_async(log)

    stream = await async_logger.log_stream(REQUEST, operation)
    assert [text async for text in stream] == ["A", "B", "C"]
    assert [text for _, text in server.one()["response"]["chunks"]] == ["a", "b", "c"]


@pytest.mark.parametrize("giving", [upper, upper_lazily, by_hand])
def test_who_leaves_a_returned_stream_leaves_the_given_one(logger, server, giving):
    """However it is made of it."""
    with logger.log_stream(REQUEST, lambda log: giving(log, iter("abc"))) as stream:
        for text in stream:
            if text == "A":
                break
    told = server.one()
    assert [text for _, text in told["response"]["chunks"]] == ["a"]
    assert told["outcome"] == "client_left"


def test_an_error_in_what_is_made_of_a_given_stream_is_the_readers(logger, server):
    """The provider had no part in it."""

    def numbers(log):
        return (int(text) for text in log.to_readable_stream(iter(["1", "two", "3"])))

    with pytest.raises(ValueError, match="two"):
        list(logger.log_stream(REQUEST, numbers))
    told = server.one()
    assert (told["outcome"], told["error"]["type"]) == ("client_left", "ValueError")


def test_a_custom_event(logger, server):
    """Tools, vector databases and other data, as in Helicone."""
    event = {"_type": "tool", "toolName": "weather", "input": {"city": "Bern"}}
    logger.log_request(event, lambda log: {"degrees": 20})
    told = server.one()
    assert told["event"] == event
    assert told["response"]["body"] == {"degrees": 20}


def test_the_import_is_light():
    """Nothing but the standard library until a logger is made, and httpx then."""
    code = (
        "import sys, time; at = time.perf_counter(); import streamgauge; streamgauge.ManualLogger;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    names = set(told.stdout.split())
    assert not names & {"httpx", "msgspec", "pydantic", "openai"}, names
