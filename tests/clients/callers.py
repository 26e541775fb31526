"""Every way in which an unmodified client asks: one table, one signature.

Only the base URL is changed. Wishes for the simulator go along as extra headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import anthropic
import openai
import together
from msgspec import Struct

from tests.clients.running import run_python


class Ask(Struct, frozen=True):
    """What to send, and where: *url* is the gateway's."""

    url: str
    model: str
    text: str
    headers: dict[str, str]
    usage: bool = True

    @property
    def chat(self) -> dict[str, Any]:
        """The arguments that all chat SDKs share."""
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": self.text}],
            "extra_headers": self.headers,
        }

    @property
    def with_usage(self) -> dict[str, Any]:
        """And what asks for usage in a stream."""
        return {"stream_options": {"include_usage": True}} if self.usage else {}


# -- openai ------------------------------------------------------------------------------


def _openai(ask: Ask) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{ask.url}/openai/v1", api_key="test", max_retries=0)


def _async_openai(ask: Ask) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{ask.url}/openai/v1", api_key="test", max_retries=0)


def _words(chunk: Any) -> str:
    return "".join(choice.delta.content or "" for choice in chunk.choices)


def openai_plain(ask: Ask) -> str:
    with _openai(ask) as client:
        return client.chat.completions.create(**ask.chat).choices[0].message.content


def openai_stream(ask: Ask) -> str:
    with _openai(ask) as client:
        stream = client.chat.completions.create(**ask.chat, stream=True, **ask.with_usage)
        return "".join(_words(chunk) for chunk in stream)


def openai_stream_helper(ask: Ask) -> str:
    with _openai(ask) as client, client.chat.completions.stream(
        **ask.chat, **ask.with_usage
    ) as stream:  # fmt: skip
        return stream.get_final_completion().choices[0].message.content


def openai_default_path(ask: Ask) -> str:
    """`/v1` is the default provider: not even the path changes."""
    with openai.OpenAI(base_url=f"{ask.url}/v1", api_key="test", max_retries=0) as client:
        stream = client.chat.completions.create(**ask.chat, stream=True, **ask.with_usage)
        return "".join(_words(chunk) for chunk in stream)


async def async_openai_plain(ask: Ask) -> str:
    async with _async_openai(ask) as client:
        return (await client.chat.completions.create(**ask.chat)).choices[0].message.content


async def async_openai_stream(ask: Ask) -> str:
    async with _async_openai(ask) as client:
        stream = await client.chat.completions.create(**ask.chat, stream=True, **ask.with_usage)
        return "".join([_words(chunk) async for chunk in stream])


async def async_openai_stream_helper(ask: Ask) -> str:
    async with _async_openai(ask) as client, client.chat.completions.stream(
        **ask.chat, **ask.with_usage
    ) as stream:  # fmt: skip
        return (await stream.get_final_completion()).choices[0].message.content


# -- anthropic ---------------------------------------------------------------------------


def _anthropic(ask: Ask) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"{ask.url}/anthropic", api_key="test", max_retries=0)


def _async_anthropic(ask: Ask) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=f"{ask.url}/anthropic", api_key="test", max_retries=0)


def _delta(event: Any) -> str:
    return event.delta.text if event.type == "content_block_delta" else ""


def anthropic_plain(ask: Ask) -> str:
    with _anthropic(ask) as client:
        return client.messages.create(**ask.chat, max_tokens=500).content[0].text


def anthropic_create_stream(ask: Ask) -> str:
    with _anthropic(ask) as client:
        stream = client.messages.create(**ask.chat, max_tokens=500, stream=True)
        return "".join(_delta(event) for event in stream)


def anthropic_messages_stream(ask: Ask) -> str:
    with _anthropic(ask) as client, client.messages.stream(**ask.chat, max_tokens=500) as stream:
        return stream.get_final_message().content[0].text


async def async_anthropic_plain(ask: Ask) -> str:
    async with _async_anthropic(ask) as client:
        return (await client.messages.create(**ask.chat, max_tokens=500)).content[0].text


async def async_anthropic_create_stream(ask: Ask) -> str:
    async with _async_anthropic(ask) as client:
        stream = await client.messages.create(**ask.chat, max_tokens=500, stream=True)
        return "".join([_delta(event) async for event in stream])


async def async_anthropic_messages_stream(ask: Ask) -> str:
    async with _async_anthropic(ask) as client, client.messages.stream(
        **ask.chat, max_tokens=500
    ) as stream:  # fmt: skip
        return "".join([text async for text in stream.text_stream])


# -- together ----------------------------------------------------------------------------


def _together(ask: Ask) -> together.Together:
    return together.Together(base_url=f"{ask.url}/together", api_key="test", max_retries=0)


def together_plain(ask: Ask) -> str:
    with _together(ask) as client:
        return client.chat.completions.create(**ask.chat).choices[0].message.content


def together_stream(ask: Ask) -> str:
    with _together(ask) as client:
        stream = client.chat.completions.create(**ask.chat, stream=True)
        return "".join(_words(chunk) for chunk in stream)


async def async_together_stream(ask: Ask) -> str:
    async with together.AsyncTogether(
        base_url=f"{ask.url}/together", api_key="test", max_retries=0
    ) as client:
        stream = await client.chat.completions.create(**ask.chat, stream=True)
        return "".join([_words(chunk) async for chunk in stream])


# -- openai 0.28 -------------------------------------------------------------------------


def _legacy(mode: str) -> Callable[[Ask], str]:
    def call(ask: Ask) -> str:
        given = {
            "mode": mode,
            "base": f"{ask.url}/openai/v1",
            "model": ask.model,
            "text": ask.text,
            "headers": ask.headers,
            "usage": ask.usage,
        }
        return run_python("openai028", "legacy_call.py", given)

    return call


# -- the table ---------------------------------------------------------------------------

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
LLAMA = "meta-llama/Llama-3.3-70B-Instruct-Turbo"


class Caller(NamedTuple):
    """One way to ask: who answers, with which model, streamed or not."""

    provider: str
    model: str
    is_streamed: bool
    call: Callable[[Ask], Any]

    def ask(self, ask: Ask) -> str:
        """Ask, and return the text that the SDK gave."""
        said = self.call(ask)
        return asyncio.run(said) if asyncio.iscoroutine(said) else said


CALLERS: dict[str, Caller] = {
    "openai, plain": Caller("openai", GPT, False, openai_plain),
    "openai, stream": Caller("openai", GPT, True, openai_stream),
    "openai, stream helper": Caller("openai", GPT, True, openai_stream_helper),
    "openai, default path": Caller("openai", GPT, True, openai_default_path),
    "async openai, plain": Caller("openai", GPT, False, async_openai_plain),
    "async openai, stream": Caller("openai", GPT, True, async_openai_stream),
    "async openai, stream helper": Caller("openai", GPT, True, async_openai_stream_helper),
    "anthropic, plain": Caller("anthropic", CLAUDE, False, anthropic_plain),
    "anthropic, create": Caller("anthropic", CLAUDE, True, anthropic_create_stream),
    "anthropic, stream": Caller("anthropic", CLAUDE, True, anthropic_messages_stream),
    "async anthropic, plain": Caller("anthropic", CLAUDE, False, async_anthropic_plain),
    "async anthropic, create": Caller("anthropic", CLAUDE, True, async_anthropic_create_stream),
    "async anthropic, stream": Caller("anthropic", CLAUDE, True, async_anthropic_messages_stream),
    "together, plain": Caller("together", LLAMA, False, together_plain),
    "together, stream": Caller("together", LLAMA, True, together_stream),
    "async together, stream": Caller("together", LLAMA, True, async_together_stream),
    "openai 0.28, plain": Caller("openai", GPT, False, _legacy("plain")),
    "openai 0.28, stream": Caller("openai", GPT, True, _legacy("sync")),
    "openai 0.28, async stream": Caller("openai", GPT, True, _legacy("async")),
}
