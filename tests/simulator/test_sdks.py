"""The providers' own SDKs find nothing odd about the simulator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import anthropic
import openai
import pytest
import together

MESSAGES = [{"role": "user", "content": "Hello"}]
WISHES = {"Simulate-Tokens": "9"}
TOOL = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": TOOL}}
MESSAGES_TOOL = {"name": "weather", "input_schema": TOOL}


@pytest.fixture
def chat(simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{simulator.url}/v1", api_key="k", default_headers=WISHES, max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def async_chat(simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{simulator.url}/v1", api_key="k", default_headers=WISHES, max_retries=0
    ) as client:
        yield client


@pytest.fixture
def claude(simulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=simulator.url, api_key="k", default_headers=WISHES, max_retries=0
    ) as client:
        yield client


def test_openai_streams_and_asks(chat):
    """The streamed text and usage are the plain ones."""
    plain = chat.chat.completions.create(model="m", messages=MESSAGES)
    stream = chat.chat.completions.create(
        model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == plain.choices[0].message.content
    assert chunks[-1].usage == plain.usage
    assert plain.usage.completion_tokens == 9


def test_openais_own_accumulator_agrees(chat):
    """`chat.completions.stream()` adds up to the plain answer, tool call included."""
    asked = {"model": "m", "messages": MESSAGES, "tools": [CHAT_TOOL], "tool_choice": "required"}
    plain = chat.chat.completions.create(**asked)
    with chat.chat.completions.stream(**asked) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert call.function.arguments == plain.choices[0].message.tool_calls[0].function.arguments
    assert json.loads(call.function.arguments)["days"] == 42
    assert final.choices[0].finish_reason == plain.choices[0].finish_reason == "tool_calls"


def test_openai_completions_and_models(chat):
    """The legacy endpoint, and the list of models."""
    plain = chat.completions.create(model="m", prompt="Once")
    streamed = chat.completions.create(model="m", prompt="Once", stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == plain.choices[0].text
    assert "gpt-4o-mini" in {model.id for model in chat.models.list()}


async def test_async_openai_streams(async_chat):
    """With `async for`."""
    plain = await async_chat.chat.completions.create(model="m", messages=MESSAGES)
    stream = await async_chat.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    deltas = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(deltas) == plain.choices[0].message.content


def test_openai_raises_its_own_errors(chat):
    """A status wished for becomes the SDK's error."""
    with pytest.raises(openai.RateLimitError) as caught:
        chat.with_options(default_headers={"Simulate-Status": "429"}).chat.completions.create(
            model="m", messages=MESSAGES
        )
    assert caught.value.code == "rate_limit_exceeded"


def test_anthropic_streams_and_asks(claude):
    """`messages.stream` adds up to the plain answer."""
    asked = {"model": "m", "messages": MESSAGES, "max_tokens": 100}
    plain = claude.messages.create(**asked)
    with claude.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == plain.content[0].text
    assert final.usage.output_tokens == plain.usage.output_tokens == 9
    assert final.usage.input_tokens == plain.usage.input_tokens


def test_anthropic_calls_a_tool(claude):
    """The accumulated input is the plain one."""
    asked = {
        "model": "m",
        "messages": MESSAGES,
        "max_tokens": 100,
        "tools": [MESSAGES_TOOL],
        "tool_choice": {"type": "any"},
    }
    plain = claude.messages.create(**asked)
    with claude.messages.stream(**asked) as stream:
        final = stream.get_final_message()
    assert final.content[0].input == plain.content[0].input
    assert final.stop_reason == "tool_use"


async def test_async_anthropic_streams(simulator):
    """Raw events, with `async for`."""
    async with anthropic.AsyncAnthropic(base_url=simulator.url, api_key="k") as client:
        stream = await client.messages.create(
            model="m", messages=MESSAGES, max_tokens=4, stream=True, extra_headers=WISHES
        )
        events = [event.type async for event in stream]
    assert events.count("content_block_delta") == 4
    assert (events[0], events[-1]) == ("message_start", "message_stop")


def test_anthropic_raises_its_own_errors(claude):
    """An overloaded provider."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude.messages.create(
            model="m", messages=MESSAGES, max_tokens=4, extra_headers={"Simulate-Status": "529"}
        )
    assert caught.value.status_code == 529
    assert caught.value.body["error"]["type"] == "overloaded_error"


def test_together_streams_and_asks(simulator):
    """Its usage comes with the last chunk."""
    client = together.Together(
        base_url=f"{simulator.url}/together", api_key="k", default_headers=WISHES
    )
    plain = client.chat.completions.create(model="m", messages=MESSAGES)
    chunks = list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == plain.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == plain.usage.completion_tokens == 9
    client.close()
