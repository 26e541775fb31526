"""Logs arrive once, or are kept, or are counted; the caller never waits."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import perf_counter, sleep

import pytest

from streamgauge import AsyncManualLogger, ManualLogger
from streamgauge.errors import ConfigurationError
from streamgauge.sdk import delivery as module
from tests.sdk.server import LogServer
from tests.sdk.test_leaving import run
from tests.simulating import until

NOBODY = "http://127.0.0.1:1"


def test_the_environment_says_where_and_who(server, monkeypatch):
    """Ours before Helicone's."""
    monkeypatch.setenv("STREAMGAUGE_BASE_URL", server.url + "/")
    monkeypatch.setenv("HELICONE_API_KEY", "sk-theirs")
    with ManualLogger() as logger:
        theirs = logger.send_log({}, "x")
    monkeypatch.setenv("STREAMGAUGE_API_KEY", "sk-ours")
    with ManualLogger() as logger:
        ours = logger.send_log({}, "x")
    assert server.headers[theirs]["authorization"] == "Bearer sk-theirs"
    assert server.headers[ours]["authorization"] == "Bearer sk-ours"


def test_an_address_that_is_none_is_said_at_once():
    """The one error that a logger raises."""
    with pytest.raises(ConfigurationError, match="base_url"):
        ManualLogger(base_url="localhost:4284")


def test_the_caller_does_not_wait_for_a_slow_server(logger, server):
    """A thousand logs for a server that takes a second for each."""
    server.delay_s = 1.0
    begin = perf_counter()
    for _ in range(1000):
        logger.send_log({"model": "m"}, "x")
    assert perf_counter() - begin < 60  # the server would take more than two minutes
    server.delay_s = 0.0
    assert logger.flush(30)
    server.wait_for(1000)


@pytest.mark.parametrize("status", [500, 503, 429, 401, 404])
def test_what_may_get_better_is_tried_again(logger, server, status):
    """Under the same id."""
    server.answers = [status, status]
    log_id = logger.send_log({}, "x")
    assert server.one()["id"] == log_id
    assert server.calls == 3


def test_what_the_server_refuses_is_counted_and_said(logger, server, caplog):
    """And does not hold up the others."""
    server.answers = [400]
    logger.send_log({}, "bad")
    until(lambda: server.calls or None)
    logger.send_log({}, "good")
    assert server.one()["response"]["body"] == "good"
    logger.close()
    assert "1 logs are lost (1: the server answered 400" in caplog.text


def test_a_header_that_http_does_not_allow_is_not_tried_for_ever(logger, server, caplog):
    """It is counted, and the others arrive."""
    logger.send_log({}, "bad", headers={"X-Name": "a\nb"})
    logger.send_log({}, "good", headers={"X-Name": "Zoë"})
    assert server.one()["response"]["body"] == "good"
    logger.close()
    assert "1 logs are lost" in caplog.text


def test_long_bodies_are_packed_and_too_long_ones_counted(logger, server, caplog):
    """The server takes 10 MB."""
    logger.send_log({"text": "x" * 100_000}, "x")
    assert len(server.one()["request"]["text"]) == 100_000
    logger.send_log({"text": "x" * 11_000_000}, "x")
    logger.close()
    assert "larger than 10 MB" in caplog.text


def test_a_stream_of_objects_that_is_too_long_is_shortened(logger, server):
    """How long an object is shows only when it is written; half a log is better than none."""
    chunks = [(n, {"n": n, "text": "x" * 100_000}) for n in range(120)]
    logger.send_log({}, chunks=chunks)
    told = server.one()
    assert len(told["response"]["chunks"]) == 60
    assert told["error"] == {"type": "not_kept_whole", "message": "without the last 60 chunks"}
    assert told["outcome"] == "completed"


def test_the_queue_is_bounded(caplog):
    """The loss is said when it begins, and its sum at the end."""
    logger = ManualLogger(base_url=NOBODY, max_queued=10, exit_timeout=0.1)
    for _ in range(50):
        logger.send_log({}, "x")
    logger.close(0.2)
    assert "50 logs are lost" in caplog.text
    assert "the queue was full" in caplog.text
    assert len(caplog.records) <= 4


def test_flush_tells_whether_all_has_arrived(logger, server):
    """Not only whether it was sent."""
    server.answers = [500] * 3
    logger.send_log({}, "x")
    assert not logger.flush(0.01)
    assert logger.flush(10)
    server.wait_for(1)


def test_a_closed_logger_begins_anew(logger, server):
    """With the next log."""
    logger.send_log({}, "x")
    logger.close()
    logger.send_log({}, "x")
    logger.close()
    server.wait_for(2)


def test_a_logger_for_each_request_costs_no_thread(server):
    """As Helicone's examples make them; those to the same server share one."""
    loggers = [ManualLogger(base_url=server.url) for _ in range(20)]
    before = threading.active_count()
    for logger in loggers:
        logger.log_builder({})
    assert threading.active_count() <= before + 1
    loggers[0].close()


# -- the spool -----------------------------------------------------------------------------------


def test_what_cannot_be_delivered_is_kept_and_sent_by_a_later_run(tmp_path, server, caplog):
    """Readable by its owner only, without the key, with the labels for the server."""
    spool = tmp_path / "spool"
    logger = ManualLogger("sk-1", NOBODY, spool=spool)
    sent = [
        logger.send_log({}, "x", headers={"Helicone-Cache-Enabled": "true", "X-User-Id": "a"})
        for _ in range(3)
    ]
    logger.close(2)
    files = sorted(spool.iterdir())
    assert [one.stem for one in files] == sorted(sent)
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    assert "sk-1" not in files[0].read_text()
    assert f"3 logs are kept in {spool}" in caplog.text
    with ManualLogger("sk-2", server.url, spool=spool) as later:
        later.send_log({}, "y")
    assert server.logs.keys() > set(sent)
    assert server.headers[sent[0]]["helicone-cache-enabled"] == "true"
    assert server.headers[sent[0]]["authorization"] == "Bearer sk-2"
    assert list(spool.iterdir()) == []


def test_a_full_or_broken_spool_is_no_error(tmp_path, caplog):
    """The loss is counted then."""
    file = tmp_path / "file"
    file.touch()
    logger = ManualLogger(base_url=NOBODY, spool=file)
    logger.send_log({}, "x")
    logger.close(0.2)
    assert "1 logs are lost (1: the program ended)" in caplog.text


# -- the end of a program ------------------------------------------------------------------------

GONE = """
from streamgauge import ManualLogger
logger = ManualLogger(base_url="http://127.0.0.1:1", exit_timeout=1.0)
for _ in range(100):
    logger.send_log({"model": "m"}, "x")
"""


def test_with_the_server_gone_the_program_ends_and_says_what_is_lost():
    """Within its bound."""
    begin = perf_counter()
    ended = run(GONE)
    assert perf_counter() - begin < 10
    assert ended.returncode == 0
    assert "100 logs are lost (100: the program ended)" in ended.stderr


def test_with_a_spool_it_says_where_they_are_kept(tmp_path):
    """And need not wait."""
    ended = run(GONE, STREAMGAUGE_SPOOL=str(tmp_path))
    assert ended.returncode == 0
    assert f"100 logs are kept in {tmp_path}" in ended.stderr
    assert len(list(tmp_path.iterdir())) == 100


def test_a_server_that_never_answers_does_not_hold_the_program(server):
    """A connection that hangs is given up."""
    server.delay_s = 60.0
    begin = perf_counter()
    ended = run(GONE.replace("http://127.0.0.1:1", server.url))
    assert perf_counter() - begin < 10
    assert "100 logs are lost" in ended.stderr


# -- all at once -----------------------------------------------------------------------------------

LOGS, THREADS, TASKS = 10_000, 8, 1_000


@pytest.mark.long
def test_ten_thousand_logs_arrive_exactly_once_while_the_server_restarts_twice(caplog):
    """From 8 threads and 1,000 tasks."""
    caplog.set_level(logging.ERROR)
    server = LogServer()
    sync_logger = ManualLogger(base_url=server.url)
    async_logger = AsyncManualLogger(base_url=server.url)
    numbers = count()

    def from_thread(share: int) -> None:
        for _ in range(share):
            with sync_logger.log_builder({"n": next(numbers)}) as log:
                list(log.to_readable_stream(iter(["a", "b"])))

    async def from_task(share: int) -> None:
        for _ in range(share):
            async with async_logger.log_builder({"n": next(numbers)}) as log:
                log.add_chunk("a")
                await asyncio.sleep(0)

    async def from_tasks() -> None:
        await asyncio.gather(*(from_task(LOGS // 2 // TASKS) for _ in range(TASKS)))

    tasks = threading.Thread(target=asyncio.run, args=(from_tasks(),))
    with ThreadPoolExecutor(THREADS) as pool:
        tasks.start()
        for _ in range(THREADS):
            pool.submit(from_thread, LOGS // 2 // THREADS)
        for share in (0.2, 0.5):
            until(lambda enough=share * LOGS: len(server.logs) > enough or None, within=40)
            server.stop()
            sleep(0.3)
            server.start()
        tasks.join()
    assert sync_logger.flush(60)
    assert async_logger.delivery.flush(60)
    assert sorted(one["request"]["n"] for one in server.logs.values()) == list(range(LOGS))
    for logger in (sync_logger, async_logger):
        logger.delivery.close(5)
    server.stop()


def test_the_limits_have_room_for_that():
    """Nothing of it was by chance."""
    assert module.MAX_QUEUED >= LOGS // 2
