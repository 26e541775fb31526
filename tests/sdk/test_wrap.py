"""Every call of a wrapped client is logged as a gateway would have recorded it."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import anthropic
import httpx
import openai
import pytest
import together

import streamgauge
from streamgauge.errors import ConfigurationError

WISHES = {"Simulate-Tokens": "6", "Simulate-Ttft-Ms": "30", "Simulate-Itl-Ms": "1"}
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "extra_headers": WISHES}

# An SDK says when a model's days are counted; that shall not break our build.
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")


@pytest.fixture
def clients(simulator, logger):
    """Make wrapped clients of the simulator, and close them."""
    made = []

    def make(kind: type[Any], path: str = "/v1", **options: Any) -> Any:
        client = kind(base_url=simulator.url + path, api_key="k", max_retries=0, **options)
        made.append(client)
        return streamgauge.wrap(client, logger)

    yield make
    for one in made:
        closed = one.close()
        if closed is not None:
            asyncio.run(closed)


def text_of(told: dict[str, Any]) -> str:
    return "".join(text for _, text in told["response"]["chunks"])


# -- openai ------------------------------------------------------------------------------------


def test_openai(clients, server):
    """A whole answer: request, path and body as on the wire; nothing secret."""
    client = clients(openai.OpenAI)
    answer = client.chat.completions.create(model="gpt-4o-mini", **CHAT)
    told = server.one()
    assert told["path"] == "/v1/chat/completions"
    assert told["request"] == {"model": "gpt-4o-mini", "messages": CHAT["messages"]}
    assert told["response"]["status"] == 200
    assert told["response"]["body"]["id"] == answer.id
    assert "Bearer" not in json.dumps(told)


def test_openai_stream(clients, server):
    """Raw, with times, to the last word."""
    client = clients(openai.OpenAI)
    stream = client.chat.completions.create(model="gpt-4o-mini", stream=True, **CHAT)
    assert isinstance(stream, openai.Stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    told = server.one()
    assert said
    assert text_of(told).startswith("data: ")
    assert text_of(told).endswith("data: [DONE]\n\n")
    assert told["response"]["content_type"].startswith("text/event-stream")
    assert told["outcome"] is None
    times = [ms for ms, _ in told["response"]["chunks"]]
    assert times == sorted(times)
    assert times[-1] >= 30


def test_openai_stream_left_early(clients, server):
    """With `break`, and nothing closed: as soon as Python collects the SDK's own circle."""

    def read():
        stream = clients(openai.OpenAI).chat.completions.create(model="m", stream=True, **CHAT)
        for _ in stream:
            break

    read()
    gc.collect()
    told = server.one()
    assert told["outcome"] == "client_left"
    assert "[DONE]" not in text_of(told)


def test_openai_helpers(clients, server):
    """`stream()`, `parse()` and raw responses pass the same place."""
    client = clients(openai.OpenAI)
    with client.chat.completions.stream(model="m", **CHAT) as stream:
        stream.get_final_completion()
    raw = client.chat.completions.with_raw_response.create(model="m", stream=True, **CHAT)
    list(raw.parse())
    again = client.with_options(timeout=30).chat.completions.with_streaming_response
    with again.create(model="m", stream=True, **CHAT) as response:
        list(response.iter_lines())
    told = server.wait_for(3)
    assert all(text_of(one).endswith("[DONE]\n\n") for one in told)


def test_an_error_of_the_provider(clients, server):
    """Its status and its body; the SDK raises as ever."""
    client = clients(openai.OpenAI, default_headers={"Simulate-Status": "429"})
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="m", messages=CHAT["messages"], stream=True)
    told = server.one()
    assert told["response"]["status"] == 429
    assert "error" in text_of(told)


def test_no_connection(server, logger):
    """There is a record of that too."""
    client = openai.OpenAI(base_url="http://127.0.0.1:1/v1", api_key="k", max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        streamgauge.wrap(client, logger).chat.completions.create(model="m", **CHAT)
    told = server.one()
    assert (told["outcome"], told["error"]["type"]) == ("connect_failed", "ConnectError")
    client.close()


def test_a_connection_that_breaks_before_the_first_byte(clients, server):
    """The answer had begun with its head, so it was no failure to connect."""
    cut = {"Simulate-Fault": "cut; after=0 events", "Simulate-Tokens": "9"}
    client = clients(openai.OpenAI, default_headers=cut)
    with pytest.raises(openai.APIConnectionError):
        list(client.chat.completions.create(model="m", messages=CHAT["messages"], stream=True))
    told = server.one()
    assert told["response"]["status"] == 200
    assert (told["outcome"], told["closed_by"]) == ("truncated", "upstream")


def test_labels_stay_here(clients, server, simulator):
    """They are on the log and do not reach the provider."""
    headers = {**WISHES, "Streamgauge-User-Id": "ann", "Helicone-Property-Env": "dev"}
    clients(openai.OpenAI).chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "labels stay here"}],
        extra_headers=headers,
    )
    assert server.one()["labels"] == {"user_id": "ann", "properties": {"env": "dev"}}
    reached = simulator.request("labels stay here")["headers"]
    assert [name for name in reached if name.startswith(("streamgauge", "helicone"))] == []


async def test_async_openai(simulator, logger, server):
    """Whole, streamed, and left early."""
    async with openai.AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="k") as client:
        assert streamgauge.wrap(client, logger) is client
        await client.chat.completions.create(model="m", **CHAT)
        assert server.one()["response"]["body"]["object"] == "chat.completion"
        async for _ in await client.chat.completions.create(model="m", stream=True, **CHAT):
            pass
        assert text_of(server.wait_for(2)[1]).endswith("[DONE]\n\n")
        stream = await client.chat.completions.create(model="m", stream=True, **CHAT)
        async for _ in stream:
            break
        await stream.close()
        del stream
        assert server.wait_for(3)[2]["outcome"] == "client_left"


# -- the others --------------------------------------------------------------------------------


def test_anthropic(clients, server):
    """Its SDK reads to the end."""
    client = clients(anthropic.Anthropic, path="")
    with client.messages.stream(model="claude-3-5-haiku-20241022", max_tokens=9, **CHAT) as stream:
        stream.get_final_message()
    client.messages.create(model="claude-3-5-haiku-20241022", max_tokens=9, **CHAT)
    streamed, whole = server.wait_for(2)
    assert "message_stop" in text_of(streamed)
    assert whole["response"]["body"]["type"] == "message"
    assert {streamed["provider"], whole["provider"]} == {"anthropic"}
    assert streamed["path"] == "/v1/messages"


async def test_async_anthropic(simulator, logger, server):
    """The same."""
    async with anthropic.AsyncAnthropic(base_url=simulator.url, api_key="k") as client:
        streamgauge.wrap(client, logger)
        async with client.messages.stream(model="claude-3-5-haiku", max_tokens=9, **CHAT) as stream:
            await stream.get_final_message()
        assert "message_stop" in text_of(server.one())


def test_together(clients, server):
    """Whose stream ends with `[DONE]`."""
    client = clients(together.Together, path="/together")
    list(client.chat.completions.create(model="m", stream=True, **CHAT))
    client.chat.completions.create(model="m", **CHAT)
    streamed, whole = server.wait_for(2)
    assert text_of(streamed).endswith("[DONE]\n\n")
    assert whole["response"]["body"]["choices"]
    assert {streamed["provider"], whole["provider"]} == {"together"}


def test_any_httpx_client(simulator, logger, server):
    """Also its lines, pieces of a size, and an answer that nobody reads."""
    with streamgauge.wrap(httpx.Client(base_url=simulator.url, timeout=30), logger) as client:
        body = {"model": "m", "messages": CHAT["messages"], "stream": True}
        ask = ("POST", "/v1/chat/completions")
        with client.stream(*ask, json=body, headers=WISHES) as response:
            list(response.iter_lines())
        with client.stream(*ask, json=body, headers=WISHES) as response:
            assert {len(one) for one in list(response.iter_bytes(10))[:-1]} == {10}
        with client.stream(*ask, json=body, headers=WISHES) as response:
            list(response.iter_raw())
        with client.stream(*ask, json=body, headers=WISHES) as response:
            pass
        del response
        client.get("/simulator")
    told = server.wait_for(4)
    assert [text_of(one).endswith("[DONE]\n\n") for one in told[:3]] == [True] * 3
    assert [one["outcome"] for one in told] == [None, None, None, "client_left"]


async def test_any_async_httpx_client(simulator, logger, server):
    """Decoded and raw."""
    async with streamgauge.wrap(
        httpx.AsyncClient(base_url=simulator.url, timeout=30), logger
    ) as client:
        body = {"model": "m", "messages": CHAT["messages"], "stream": True}
        for read in ("aiter_bytes", "aiter_raw"):
            ask = client.stream("POST", "/v1/chat/completions", json=body, headers=WISHES)
            async with ask as response:
                assert [piece async for piece in getattr(response, read)()]
    told = server.wait_for(2)
    assert [text_of(one).endswith("[DONE]\n\n") for one in told] == [True, True]


def test_calls_to_the_gateway_are_recorded_by_the_gateway(server, logger):
    """And not a second time."""
    with streamgauge.wrap(httpx.Client(timeout=30), logger) as client:
        client.post(f"{server.url}/api/v1/log", json={"id": "direct"})
    assert server.one() == {"id": "direct"}


def test_wrapping_twice_logs_once(clients, server, logger):
    """It is the same client."""
    client = clients(openai.OpenAI)
    assert streamgauge.wrap(streamgauge.wrap(client, logger)) is client
    client.chat.completions.create(model="m", **CHAT)
    server.one()


def test_what_has_no_client_in_it(logger):
    """Is said at once."""
    with pytest.raises(ConfigurationError, match="object has no httpx client"):
        streamgauge.wrap(object(), logger)


# -- the decorator -----------------------------------------------------------------------------


async def test_the_decorator(logger, server):
    """Functions of every kind; what they are and give stays the same."""
    decorate = streamgauge.logged(logger=logger, provider="openai")

    @decorate
    def whole(model: str, **options: Any) -> dict[str, str]:
        return {"answer": model}

    @decorate
    def pieces(request: dict[str, Any]):
        yield "a"
        yield "b"

    @decorate
    async def whole_async(model: str) -> str:
        return "text"

    @decorate
    async def pieces_async(model: str):
        yield "a"

    assert whole("m", temperature=0) == {"answer": "m"}
    assert whole.__name__ == "whole"
    assert list(pieces({"model": "m2"})) == ["a", "b"]
    assert await whole_async("m3") == "text"
    assert [one async for one in pieces_async("m4")] == ["a"]
    told = {one["request"]["model"]: one for one in server.wait_for(4)}
    assert told["m"]["request"] == {"model": "m", "temperature": 0}
    assert told["m"]["response"]["body"] == {"answer": "m"}
    assert text_of(told["m2"]) == "ab"
    assert told["m3"]["response"]["body"] == "text"
    assert text_of(told["m4"]) == "a"
    with pytest.raises(TypeError):
        whole()
