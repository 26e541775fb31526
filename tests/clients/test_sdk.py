"""Our SDK beside the gateway: each way of logging a call leaves the record of a proxied one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import anthropic
import httpx
import openai
import pytest
import together

import streamgauge
from streamgauge import AsyncManualLogger, ManualLogger
from tests.clients.callers import CLAUDE, GPT, LLAMA
from tests.product import Product
from tests.simulating import RunningSimulator

WISHES = {"Simulate-Tokens": "12", "Simulate-Ttft-Ms": "60", "Simulate-Itl-Ms": "2"}
# A timer may be a millisecond early.
TTFT_MS = 58.0
LABELS = {
    "Streamgauge-User-Id": "zoe",
    "Streamgauge-Session-Id": "s1",
    "Helicone-Session-Path": "/chat",
    "Helicone-Property-Feature": "search",
}
LABELLED = {
    "source": "sdk",
    "user_id": "zoe",
    "session_id": "s1",
    "session_path": "/chat",
    "properties": {"feature": "search"},
    "http_status": 200,
    "error_type": None,
}

# An SDK says when a model's days are counted; that shall not break our build.
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")


class Call:
    """One call of a provider through its SDK or by hand, to be logged."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.text = f"Tell me about {uuid4().hex}"

    def request(self, model: str, **more: Any) -> dict[str, Any]:
        asked = {"model": model, "messages": [{"role": "user", "content": self.text}]}
        return asked | {"stream": True} | more


Logged = Iterator[Any]


def _openai(call: Call) -> Any:
    return openai.OpenAI(base_url=f"{call.url}/v1", api_key="k", default_headers=WISHES)


def _anthropic(call: Call) -> Any:
    return anthropic.Anthropic(base_url=call.url, api_key="k", default_headers=WISHES)


def openai_chunks(call: Call, logger: ManualLogger) -> str:
    """The SDK's objects, in the log builder."""
    request = call.request(GPT, stream_options={"include_usage": True})
    with (
        _openai(call) as client,
        logger.log_builder(request, LABELS, "openai") as log,
    ):
        chunks = list(log.to_readable_stream(client.chat.completions.create(**request)))
    return "".join(one.delta.content or "" for chunk in chunks for one in chunk.choices)


def openai_helper(call: Call, logger: ManualLogger) -> str:
    """Events of its streaming helper."""
    request = call.request(GPT, stream_options={"include_usage": True})
    del request["stream"]
    with (
        _openai(call) as client,
        logger.log_builder({**request, "stream": True}, LABELS, "openai") as log,
        client.chat.completions.stream(**request) as stream,
    ):
        events = list(log.to_readable_stream(stream))
    return "".join(event.delta for event in events if event.type == "content.delta")


def together_chunks(call: Call, logger: ManualLogger) -> str:
    """An operation that returns its stream."""
    request = call.request(LLAMA)
    with together.Together(
        base_url=f"{call.url}/together", api_key="k", default_headers=WISHES
    ) as client:
        stream = logger.log_stream(
            request, lambda _: client.chat.completions.create(**request), LABELS, "together"
        )
        return "".join(one.delta.content or "" for chunk in stream for one in chunk.choices)


def anthropic_events(call: Call, logger: ManualLogger) -> str:
    """A stream that is there already."""
    request = call.request(CLAUDE, max_tokens=500)
    with _anthropic(call) as client:
        stream = client.messages.create(**request)
        events = list(logger.log_single_stream(request, stream, LABELS, "anthropic"))
    return "".join(one.delta.text for one in events if one.type == "content_block_delta")


def _by_hand(call: Call, logger: ManualLogger, read: Callable[[httpx.Response], Any]) -> str:
    request = call.request(CLAUDE, max_tokens=500)
    url = f"{call.url}/v1/messages"
    with (
        httpx.Client(timeout=30) as client,
        # The clock of the log runs before the provider's does.
        logger.log_builder(request, LABELS, "anthropic") as log,
        client.stream("POST", url, json=request, headers=WISHES) as answer,
    ):
        for _ in log.to_readable_stream(read(answer)):
            pass
    return ""


def raw_bytes(call: Call, logger: ManualLogger) -> str:
    """Bytes as the network cut them."""
    return _by_hand(call, logger, httpx.Response.iter_bytes)


def ragged_bytes(call: Call, logger: ManualLogger) -> str:
    """Bytes cut anywhere, also within a character."""
    return _by_hand(call, logger, lambda answer: answer.iter_bytes(7))


def lines(call: Call, logger: ManualLogger) -> str:
    """Lines without their ends."""
    return _by_hand(call, logger, httpx.Response.iter_lines)


def wrapped(call: Call, logger: ManualLogger) -> str:
    """A client of one line."""
    with _anthropic(call) as client:
        streamgauge.wrap(client, logger, LABELS)
        with client.messages.stream(**_without_stream(call)) as stream:
            return stream.get_final_text()


def _without_stream(call: Call) -> dict[str, Any]:
    request = call.request(CLAUDE, max_tokens=500)
    del request["stream"]
    return request


def async_chunks(call: Call, logger: ManualLogger) -> str:
    """The same in async code."""

    async def ask() -> str:
        request = call.request(GPT, stream_options={"include_usage": True})
        beside = AsyncManualLogger(base_url=logger.delivery.url.removesuffix("/api/v1/log"))
        async with (
            openai.AsyncOpenAI(
                base_url=f"{call.url}/v1", api_key="k", default_headers=WISHES
            ) as client,
            beside.log_builder(request, LABELS, "openai") as log,
        ):
            stream = log.to_readable_stream(await client.chat.completions.create(**request))
            said = [one.delta.content or "" async for chunk in stream for one in chunk.choices]
        return "".join(said)

    return asyncio.run(ask())


WAYS = {
    openai_chunks: ("openai", "openai_chat", GPT),
    openai_helper: ("openai", "openai_chat", GPT),
    async_chunks: ("openai", "openai_chat", GPT),
    together_chunks: ("together", "openai_chat", LLAMA),
    anthropic_events: ("anthropic", "anthropic", CLAUDE),
    raw_bytes: ("anthropic", "anthropic", CLAUDE),
    ragged_bytes: ("anthropic", "anthropic", CLAUDE),
    lines: ("anthropic", "anthropic", CLAUDE),
    wrapped: ("anthropic", "anthropic", CLAUDE),
}


@pytest.fixture(scope="module")
def logger(product: Product) -> Iterator[ManualLogger]:
    with ManualLogger(base_url=product.url) as one:
        yield one


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_logged_stream_leaves_the_record_of_a_proxied_one(
    product: Product, simulator: RunningSimulator, logger: ManualLogger, way: Any
) -> None:
    """Text, tokens, cost, times, outcome and labels."""
    call = Call(simulator.url)
    said = way(call, logger)
    provider, dialect, model = WAYS[way]
    record = product.record_of(call.text)
    expected = {
        **LABELLED,
        "provider": provider,
        "dialect": dialect,
        "model": model,
        "response_model": model,
        "streaming": True,
        "outcome": "completed",
        "closed_by": "upstream",
        "output_tokens": 12,
        "usage_source": "reported",
        "cost_source": "priced",
    }
    assert {name: record[name] for name in expected} == expected
    assert record["response_text"] == (said or record["response_text"])
    assert len(record["response_text"].split()) > 5
    assert "\ufffd" not in record["response_text"]
    # The provider's clock began after ours, but where the stream was there before its log.
    assert record["ttft_ms"] > (0 if way is anthropic_events else TTFT_MS)
    assert record["ttft_ms"] <= record["last_token_ms"] <= record["duration_ms"]


def test_the_words_of_a_stream_are_logged_as_its_text(
    product: Product, simulator: RunningSimulator, logger: ManualLogger
) -> None:
    """As Anthropic's `text_stream` gives them; their tokens are estimated, their times known."""
    call = Call(simulator.url)
    request = _without_stream(call)
    with (
        _anthropic(call) as client,
        logger.log_builder({**request, "stream": True}, LABELS, "anthropic") as log,
        client.messages.stream(**request) as stream,
    ):
        said = "".join(log.to_readable_stream(stream.text_stream))
    record = product.record_of(call.text)
    expected = {
        **LABELLED,
        "dialect": None,
        "streaming": True,
        "outcome": "completed",
        "response_text": said,
        "usage_source": "estimated",
        "cost_source": "estimated",
    }
    assert {name: record[name] for name in expected} == expected
    assert record["output_tokens"] > 5
    assert TTFT_MS <= record["ttft_ms"] <= record["last_token_ms"]


def test_a_reader_that_leaves_is_recorded_with_what_it_had(
    product: Product, simulator: RunningSimulator, logger: ManualLogger
) -> None:
    """By `break`."""
    call = Call(simulator.url)
    request = call.request(GPT)
    said = ""
    with _openai(call) as client, logger.log_builder(request, LABELS, "openai") as log:
        stream = log.to_readable_stream(client.chat.completions.create(**request))
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
            if len(said.split()) > 3:
                break
        stream.close()
    record = product.record_of(call.text)
    expected = {
        **LABELLED,
        "outcome": "client_left",
        "closed_by": "client",
        "response_text": said,
        "usage_source": "estimated",
    }
    assert {name: record[name] for name in expected} == expected


def test_what_is_to_be_left_out_is(
    product: Product, simulator: RunningSimulator, logger: ManualLogger
) -> None:
    """And a price is that of the model that the caller names."""
    headers = {
        "Streamgauge-Omit-Request": "true",
        "Helicone-Omit-Response": "true",
        "Helicone-Model-Override": GPT,
    }
    log_id = logger.send_log(
        {"model": "my-deployment", "messages": []},
        {
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        },
        headers=headers,
        provider="openai",
    )
    record = product.record(log_id)
    assert (record["request_body"], record["response_text"]) == (None, None)
    assert (record["output_tokens"], record["cost_source"]) == (2, "priced")
