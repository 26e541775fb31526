"""A stream is logged once however it ends, with what came of it and who ended it."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from time import sleep
from typing import Any, get_args, get_type_hints

import httpx
import pytest

from streamgauge.api.helicone import logs
from streamgauge.api.log import LoggedResponse
from streamgauge.helicone import HeliconeManualLogger
from streamgauge.sdk import faults

REQUEST = {"model": "m", "stream": True}


class BrokenError(Exception):
    """An error of the consumer."""


def endless():
    """Yield words without end."""
    while True:
        yield "word"


async def endless_async():
    """The same, async."""
    while True:
        yield "word"
        await asyncio.sleep(0)


def breaking(error: BaseException):
    """Yield a word, and break."""
    yield "word"
    raise error


def end_of(server) -> dict[str, Any]:
    """Return what the one log says about its end."""
    told = server.one()
    error = told["error"] or {}
    return {
        "outcome": told["outcome"],
        "closed_by": told["closed_by"],
        "status": told["response"]["status"],
        "error": error.get("type"),
        "text": "".join(text for _, text in told["response"].get("chunks", [])),
    }


def left(text: str = "word", error: str | None = None, status: int | None = 200) -> dict[str, Any]:
    """Return the end of a stream that its reader left."""
    return {
        "outcome": "client_left",
        "closed_by": "client",
        "status": status,
        "error": error,
        "text": text,
    }


# -- the reader leaves -----------------------------------------------------------------------


def test_break(logger, server):
    """Nobody holds the stream after it."""
    with logger.log_builder(REQUEST) as log:
        for _ in log.to_readable_stream(endless()):
            break
    assert end_of(server) == left()


def test_break_without_a_block(logger, server):
    """Nothing else is needed."""
    for _ in logger.log_single_stream(REQUEST, endless()):
        break
    assert end_of(server) == left()


def test_an_exception_in_the_reader(logger, server):
    """It passes, and the log names it."""

    def read():
        with logger.log_builder(REQUEST) as log:
            stream = log.to_readable_stream(endless())
            next(stream)
            raise BrokenError

    with pytest.raises(BrokenError):
        read()
    assert end_of(server) == left(error="BrokenError")


def test_close(logger, server):
    """The source is closed too."""
    source = endless()
    stream = logger.log_single_stream(REQUEST, source)
    next(stream)
    stream.close()
    assert source.gi_frame is None
    assert end_of(server) == left()


def test_close_before_the_first_item(logger, server):
    """There is no status, because nothing came."""
    logger.log_single_stream(REQUEST, endless()).close()
    assert end_of(server) == left("", status=None)


def test_a_stream_as_a_block(logger, server):
    """Its own `with` closes it."""
    with logger.log_single_stream(REQUEST, endless()) as stream:
        next(stream)
    assert end_of(server) == left()


def test_the_bytes_of_a_web_response(logger, server):
    """A WSGI server calls `close` when its client has gone."""
    answer = logger.log_builder(REQUEST).to_readable_stream(endless()).bytes()
    assert next(answer) == b"data: word\n\n"
    answer.close()
    assert end_of(server) == left()


def test_garbage_collection(logger, server):
    """Also of a circle."""
    holder: dict[str, Any] = {}
    holder["self"] = holder
    holder["stream"] = logger.log_single_stream(REQUEST, endless())
    next(holder["stream"])
    del holder
    gc.collect()
    assert end_of(server) == left()


async def test_a_cancelled_task(async_logger, server):
    """While it waits for the next item, or does something else."""

    async def stuck():
        yield "word"
        await asyncio.sleep(60)

    async def read():
        async with async_logger.log_builder(REQUEST) as log:
            async for _ in log.to_readable_stream(stuck()):
                pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert end_of(server) == left(error="CancelledError")


async def test_async_break_and_aclose(async_logger, server):
    """As in sync code."""
    stream = async_logger.log_single_stream(REQUEST, endless_async())
    async for _ in stream:
        break
    await stream.aclose()
    assert end_of(server) == left()


def test_cancel(logger, server):
    """By hand."""
    log = logger.log_builder(REQUEST)
    log.add_chunk("word")
    log.cancel()
    log.send_log()
    assert end_of(server) == left()


# -- the source ends -------------------------------------------------------------------------

ENDS = [
    (httpx.ReadError("reset"), "truncated", "upstream"),
    (httpx.RemoteProtocolError("peer closed"), "truncated", "upstream"),
    (httpx.ReadTimeout("silence"), "stalled", "client"),
    (ValueError("?"), "fault_in_stream", "upstream"),
    (KeyboardInterrupt(), "client_left", "client"),
]


@pytest.mark.parametrize(
    ("error", "outcome", "closed_by"), ENDS, ids=lambda one: type(one).__name__
)
def test_an_error_of_the_source(logger, server, error, outcome, closed_by):
    """It reaches the reader as it is; what came before it is kept."""
    with pytest.raises(type(error)) as raised, logger.log_builder(REQUEST) as log:
        list(log.to_readable_stream(breaking(error)))
    assert raised.value is error
    assert end_of(server) == {
        "outcome": outcome,
        "closed_by": closed_by,
        "status": 200,
        "error": type(error).__name__,
        "text": "word",
    }


class RateLimitError(Exception):
    """As SDKs have it."""

    status_code = 429


@pytest.mark.parametrize("builder", ["ours", "helicone"])
@pytest.mark.parametrize(
    ("error", "outcome", "closed_by"),
    [*ENDS, (RateLimitError("slow down"), "fault_in_stream", "upstream"),
     ("it failed", "fault_in_stream", "upstream")],
    ids=str,
)  # fmt: skip
def test_an_error_after_chunks_means_the_same_to_every_builder(
    logger, server, builder, error, outcome, closed_by
):
    """And the same as from a stream that is passed on."""
    theirs = HeliconeManualLogger(logging_endpoint=server.url)
    log = logger.log_builder(REQUEST) if builder == "ours" else theirs.log_builder(REQUEST)
    log.add_chunk("word")
    log.set_error(error)
    del log  # sends it
    told = end_of(server)
    theirs._logger.close()
    assert (told["outcome"], told["closed_by"]) == (outcome, closed_by)
    assert (told["status"], told["text"]) == (200, "word")


FAILURES = [
    (RateLimitError("slow down"), None, "http_error", 429),
    (httpx.ConnectError("refused"), None, "connect_failed", None),
    (httpx.ReadTimeout("silence"), None, "no_first_token", None),
    ("it failed", None, "http_error", 500),
    (ValueError("?"), 503, "http_error", 503),
]


@pytest.mark.parametrize(
    ("error", "status", "outcome", "expected"), FAILURES, ids=lambda one: str(one)
)
def test_the_status_of_an_error_is_sent(logger, server, error, status, outcome, expected):
    """Helicone's Python package says 200 whatever happened."""
    log = logger.log_builder(REQUEST)
    log.set_error(error, status)
    log.send_log()
    told = end_of(server)
    assert (told["outcome"], told["status"]) == (outcome, expected)


def said_with_the_error(logger, status):
    log = logger.log_builder(REQUEST)
    log.add_chunk("word")
    log.set_error(ValueError("?"), status)
    log.send_log()


def said_with_the_answer(logger, status):
    log = logger.log_builder(REQUEST)
    log.set_response("word", status)
    log.send_log()


def said_afterwards(logger, status):
    logger.send_log(REQUEST, "word", status=status)


@pytest.mark.parametrize("say", [said_with_the_error, said_with_the_answer, said_afterwards])
@pytest.mark.parametrize(
    ("number", "outcome", "closed_by"),
    [
        (-1, "stalled", "client"),
        (-2, "stalled", "client"),
        (-3, "client_left", "client"),
        (-4, "refused", "gateway"),
        (-100, "truncated", "upstream"),
    ],
)
def test_helicones_numbers_are_ends(logger, server, say, number, outcome, closed_by):
    """HTTP has none for them, and the answer had begun."""
    say(logger, number)
    told = end_of(server)
    assert (told["outcome"], told["closed_by"], told["status"]) == (outcome, closed_by, 200)
    assert told["error"] == ("ValueError" if say is said_with_the_error else None)


def test_helicones_numbers_mean_the_same_to_the_server():
    """Which the SDK does not import."""
    assert logs.ENDS == faults.NUMBERED
    assert logs.OTHER_END == faults.OTHER_NUMBER
    statuses = get_args(get_type_hints(LoggedResponse, include_extras=True)["status"])
    bounds = get_args(statuses[0])[1]
    assert range(bounds.ge, bounds.le + 1) == faults.STATUSES


@pytest.mark.parametrize("say", [said_with_the_answer, said_afterwards])
@pytest.mark.parametrize(
    ("status", "expected"),
    [("404", 404), (404.0, 404), (0, 200), (99, 200), (1000, 200), (True, 200), ("OK", 200),
     (math.nan, 200), (math.inf, 200), ([], 200)],
)  # fmt: skip
def test_what_is_no_status_is_left_out(logger, server, say, status, expected):
    """The server would refuse the log for it."""
    say(logger, status)
    assert end_of(server)["status"] == expected


def test_an_operation_that_fails_is_logged(logger, server):
    """Helicone's packages log nothing then."""

    def operation(log):
        raise RateLimitError("slow down")

    with pytest.raises(RateLimitError):
        logger.log_request(REQUEST, operation)
    told = end_of(server)
    assert (told["outcome"], told["status"], told["error"]) == ("http_error", 429, "RateLimitError")


def test_what_happens_after_a_whole_answer_is_another_matter(logger, server):
    """The call went well."""

    def use():
        with logger.log_builder(REQUEST) as log:
            list(log.to_readable_stream(iter(["word"])))
            raise BrokenError

    with pytest.raises(BrokenError):
        use()
    assert end_of(server)["outcome"] is None


@pytest.mark.parametrize("last", ["data: [DONE]\n\n", b'data: {"error": {"message": "no"}}\n\n'])
def test_who_leaves_after_the_last_word_has_not_left(logger, server, last):
    """SDKs close a stream at `[DONE]` and at an error; the server judges what was said."""
    stream = logger.log_single_stream(REQUEST, iter([last, "more"]))
    next(stream)
    stream.close()
    assert end_of(server)["outcome"] is None


# -- send_log before the end -------------------------------------------------------------------


def test_finally_send_log_neither_blocks_nor_loses(logger, server):
    """`finally: send_log()`, as Helicone documents it, deadlocks with their package."""

    def route():
        log = logger.log_builder(REQUEST)
        try:
            return log.to_readable_stream(iter(["a", "b"])).bytes()
        finally:
            log.send_log()

    answer = route()
    sleep(0.05)
    assert server.calls == 0
    assert b"".join(answer) == b"data: a\n\ndata: b\n\n"
    assert end_of(server)["text"] == "ab"


def test_a_stream_may_outlive_its_block(logger, server):
    """As it does in a web framework, which reads it after the function has returned."""

    def route():
        with logger.log_builder(REQUEST) as log:
            return log.to_readable_stream(iter(["a", "b"]))

    assert list(route()) == ["a", "b"]
    assert end_of(server)["text"] == "ab"


# -- the program ends -------------------------------------------------------------------------

PRELUDE = """
import os, signal, sys, threading, time
from streamgauge import ManualLogger
logger = ManualLogger(base_url={url!r}, exit_timeout=3)
def words():
    while True:
        yield "word"
stream = logger.log_single_stream({{"model": "m"}}, words())
next(stream)
"""

# Python itself has either, by version and by how the program was started.
INTERRUPTED = [1, -signal.SIGINT]

EXITS = {
    "the end of the script": ("", [0]),
    "sys.exit": ("sys.exit(3)", [3]),
    "an exception": ("raise ValueError", [1]),
    # A program in the background of a shell is born deaf to SIGINT.
    "KeyboardInterrupt": (
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
        INTERRUPTED,
    ),
    "within the stream": ("for _ in stream: raise KeyboardInterrupt", INTERRUPTED),
}


@pytest.mark.parametrize("name", EXITS)
def test_the_program_ends(server, name):
    """An open stream is logged, and the program ends as it would have."""
    ending, codes = EXITS[name]
    ended = run(PRELUDE.format(url=server.url) + ending)
    assert ended.returncode in codes, ended.stderr
    assert end_of(server)["outcome"] == "client_left"
    assert set(end_of(server)["text"].split("word")) == {""}


def test_a_forked_child_logs_its_own_and_nothing_twice(server):
    """As workers of gunicorn do: the parent's open stream stays the parent's."""
    ended = run(
        PRELUDE.format(url=server.url)
        + textwrap.dedent(
            """
            logger.send_log({"who": "parent before"}, "x")
            child = os.fork()
            logger.send_log({"who": "child" if child == 0 else "parent"}, "x")
            if child == 0:
                sys.exit(0)
            os.waitpid(child, 0)
            """
        )
    )
    assert ended.returncode == 0, ended.stderr
    told = server.wait_for(4)
    assert sorted(one["request"].get("who", "stream") for one in told) == [
        "child",
        "parent",
        "parent before",
        "stream",
    ]
    assert server.calls == 4


def test_nothing_is_imported_behind_the_back_of_the_program(server, tmp_path):
    """A child forked in the middle of an import would wait for ever for a thread it has not, and
    OpenAI's SDK stumbles over an httpx that is half there."""
    ended = run(
        textwrap.dedent(
            f"""
            import sys
            from streamgauge import ManualLogger
            logger = ManualLogger(base_url={server.url!r}, spool={str(tmp_path)!r})
            before = set(sys.modules)
            logger.send_log({{"model": "m"}}, "x" * 100_000)
            assert logger.flush(20)
            print(*sorted(set(sys.modules) - before))
            """
        )
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr
    server.wait_for(1)


def test_a_fork_waits_until_nothing_is_being_sent(server):
    """Locks of OpenSSL that our thread had meanwhile would never be free again in the child."""
    server.delay_s = 0.3
    ended = run(
        textwrap.dedent(
            f"""
            import os, sys, threading
            from streamgauge import ManualLogger
            from streamgauge.sdk import post, process

            process.FORK_S = 30.0
            busy = threading.Event()
            posted = post.Post.one

            def noted(self, letter):
                busy.set()
                try:
                    return posted(self, letter)
                finally:
                    busy.clear()

            post.Post.one = noted
            logger = ManualLogger(base_url={server.url!r})
            logger.send_log({{"model": "m"}}, "x")
            assert busy.wait(20)
            child = os.fork()
            if child == 0:
                os._exit(busy.is_set())
            assert os.waitpid(child, 0)[1] == 0
            """
        )
    )
    assert ended.returncode == 0, ended.stderr
    server.wait_for(1)


def test_a_forked_child_does_not_end_the_stream_of_its_parent(server):
    """Neither by unwinding the block nor by closing what it has a copy of."""
    ended = run(
        PRELUDE.format(url=server.url)
        + textwrap.dedent(
            """
            with logger.log_builder({"model": "block"}) as log:
                inner = log.to_readable_stream(words())
                next(inner)
                if os.fork() == 0:
                    stream.close()
                    inner.close()
                    sys.exit(0)
                os.wait()
                next(inner)
            next(stream)
            """
        )
    )
    assert ended.returncode == 0, ended.stderr
    told = server.wait_for(2)
    assert ["".join(text for _, text in one["response"]["chunks"]) for one in told] == [
        "wordword",
        "wordword",
    ]
    assert server.calls == 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_multiprocessing_child_logs(server, method, tmp_path):
    """It ends without `atexit` when forked, as the workers of Celery do."""
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing
            from streamgauge import ManualLogger
            def work():
                logger = ManualLogger(base_url={server.url!r}, exit_timeout=3)
                logger.send_log({{"who": "child"}}, "x")
            if __name__ == "__main__":
                child = multiprocessing.get_context({method!r}).Process(target=work)
                child.start()
                child.join()
            """
        )
    )
    ended = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert server.one()["request"] == {"who": "child"}


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
    )
