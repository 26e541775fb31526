"""Code for Helicone's Python package runs with another import, and its faults are gone."""

from __future__ import annotations

import inspect
from time import time

import pytest
from helicone_helpers import manual_logger
from openai.types.chat import ChatCompletionChunk

import streamgauge.helicone
from streamgauge.helicone import (
    HeliconeLogBuilder,
    HeliconeManualLogger,
    HeliconeResultRecorder,
    LoggingOptions,
)


@pytest.mark.parametrize("name", ["HeliconeManualLogger", "HeliconeLogBuilder"])
def test_the_signatures_are_theirs(name):
    """Every public method, with the names of its arguments in their order."""
    methods = {
        one: list(inspect.signature(method).parameters)
        for one, method in vars(getattr(manual_logger, name)).items()
        if callable(method) and not one.startswith(f"_{name}")
    }
    ours = getattr(streamgauge.helicone, name)
    for one, parameters in methods.items():
        assert list(inspect.signature(getattr(ours, one)).parameters)[: len(parameters)] == [
            *parameters
        ]


def test_options_and_recorder_are_theirs():
    """In the module where their documentation does not look for them."""
    assert (
        LoggingOptions.__annotations__.keys() == manual_logger.LoggingOptions.__annotations__.keys()
    )
    theirs = vars(manual_logger.HeliconeResultRecorder)
    assert {one for one in theirs if not one.startswith("__")} <= vars(
        HeliconeResultRecorder
    ).keys()


REQUEST = {"model": "gpt-4o-mini", "messages": []}


@pytest.fixture
def theirs(server):
    """Their logger, made as their documentation does it."""
    made = HeliconeManualLogger(
        api_key="sk-helicone-x",
        headers={"Helicone-Property-Env": "dev"},
        logging_endpoint=f"{server.url}/custom/v1/log",
    )
    yield made
    made._logger.close()


def test_log_request(theirs, server):
    """What the recorder was given is the answer, and the result comes back."""

    def operation(recorder: HeliconeResultRecorder) -> str:
        recorder.append_results({"id": "x"})
        recorder.append_results({"usage": {"prompt_tokens": 1}})
        assert recorder.get_results()["id"] == "x"
        return "result"

    headers = {"Helicone-User-Id": "ann"}
    assert theirs.log_request(REQUEST, operation, headers, "openai") == "result"
    told = server.one()
    assert told["provider"] == "openai"
    assert told["labels"] == {"user_id": "ann", "properties": {"env": "dev"}}
    assert told["response"]["body"] == {"id": "x", "usage": {"prompt_tokens": 1}}
    assert server.headers[told["id"]]["authorization"] == "Bearer sk-helicone-x"


def test_send_log(theirs, server):
    """Positional as with them; the time to first token is told, and no other is made up."""
    start = time() - 2
    options = LoggingOptions(
        start_time=start, end_time=start + 1.5, time_to_first_token_ms=250.5, additional_headers={}
    )
    theirs.send_log("openai", REQUEST, '{"a":1}\n{"b":2}', options)
    told = server.one()
    assert told["response"]["body"] == '{"a":1}\n{"b":2}'
    assert told["response"]["ttft_ms"] == 250.5
    assert told["ended_ms"] == 1500.0


async def test_the_builder(theirs, server):
    """A chunk may be an SDK object: with theirs it is logged as its `repr`."""
    log = theirs.new_builder(REQUEST, additional_headers={"Helicone-Session-Id": "s"})
    assert isinstance(log, HeliconeLogBuilder)
    log.add_model("gpt-4o")
    log.add_chunk(ChatCompletionChunk.construct(id="c", choices=[]))
    log.add_chunk({"id": "d"})
    log.add_chunk("text")
    await log.send_log()
    told = server.one()
    assert told["request"]["model"] == "gpt-4o"
    assert [text for _, text in told["response"]["chunks"]] == [
        '{"id":"c","choices":[]}',
        '{"id":"d"}',
        "text",
    ]
    assert told["labels"]["session_id"] == "s"


@pytest.mark.parametrize("chunks", [0, 2])
async def test_the_status_of_an_error_reaches_the_wire(theirs, server, chunks):
    """With theirs it is 200."""
    log = theirs.log_builder(REQUEST)
    for _ in range(chunks):
        log.add_chunk("text")
    log.set_error(ValueError("no"))
    await log.send_log()
    told = server.one()
    # An answer that had begun was a 200; Helicone's number for its end is the server's to derive.
    outcome, status = ("fault_in_stream", 200) if chunks else ("http_error", 500)
    assert (told["outcome"], told["response"]["status"]) == (outcome, status)
    assert told["error"] == {"type": "ValueError", "message": "no"}
    assert len(told["response"].get("chunks", [])) == chunks


async def test_a_builder_that_was_cancelled(theirs, server):
    """By the attribute that theirs has, and never reads."""
    log = theirs.log_builder(REQUEST)
    log.add_chunk("text")
    log.was_cancelled = True
    await log.send_log()
    assert server.one()["outcome"] == "client_left"


def test_chunks_among_the_results_are_a_stream(theirs, server):
    """As their page on streaming in Python has it; their server understands neither key."""

    def operation(recorder: HeliconeResultRecorder) -> None:
        chunks = [ChatCompletionChunk.construct(id="c", choices=[]), {"id": "d"}]
        recorder.append_results({"chunks": chunks, "time_to_first_token_ms": 33.5})

    theirs.log_request(REQUEST, operation)
    response = server.one()["response"]
    assert response["body"] == '{"id":"c","choices":[]}\n{"id":"d"}'
    assert response["ttft_ms"] == 33.5


async def test_a_response(theirs, server):
    """A dict or text."""
    log = theirs.log_builder(REQUEST)
    log.add_response({"id": "x"})
    await log.send_log()
    assert server.one()["response"]["body"] == {"id": "x"}


@pytest.mark.parametrize("path", ["", "/", "/custom/v1/log", "/oai/v1/log/"])
def test_every_form_of_the_endpoint_works(server, path):
    """Theirs makes `//custom/v1/log` of a slash, and doubles a whole path."""
    theirs = HeliconeManualLogger("k", {}, server.url + path)
    theirs.send_log(None, REQUEST, {"id": "x"}, {})
    assert theirs.flush()
    theirs._logger.close()
    server.one()
