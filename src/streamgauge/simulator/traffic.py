"""Lively clients for the demo: real provider SDKs, talking through the gateway for ever.

A handful of visitors come and go. Each visit has a user, a session and a few turns with one
SDK; most turns are streamed, some are not, some meet an error, some are left early, and now
and then a stream stands still, fails or breaks off. The SDKs come with the `dev` extra and are
imported when the traffic starts.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, repeat
from random import Random
from types import ModuleType
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from streamgauge.errors import ConfigurationError

# Few enough for a small machine to do nothing else noticeably: some 200 events a second.
VISITORS = 8

# Between turns, as a person reads and types; between visits, twice that.
PAUSE_S = 1.5

# After a connection failed: the gateway may be restarting.
BACK_OFF_S = 1.0

# What goes wrong within a stream, in turn, so that whoever watches for a minute has seen each; one
# stream in so many. The times and places are those of a provider on a bad day.
MISHAPS = (
    "stall; after=12 events; lasting=3500ms",
    "cut; after=25 events",
    "error; after=18 events",
)
STREAMS_PER_MISHAP = 12

USERS = ("ada", "grace", "linus", "margaret", "dennis", "barbara", "edsger", "radia")

TOPICS = {
    "support": ("Where is my order?", "Can I send it back?", "And how long will that take?"),
    "search": ("Find papers on streaming.", "Only those of this year.", "Which is cited most?"),
    "summary": ("Sum up this page.", "Shorter, please.", "Now in French."),
    "code": ("Write a parser for SSE.", "It fails on CR LF. Why?", "Add a test for that."),
}


class Temper(NamedTuple):
    """How a model behaves: first token and gap in ms, each around this, and answer length."""

    model: str
    ttft_ms: float
    itl_ms: float
    tokens: int


class Turn(NamedTuple):
    """One request: what to say, how it shall go, and when the client leaves, if it does."""

    model: str
    messages: Sequence[dict[str, str]]
    headers: dict[str, str]
    is_streamed: bool
    leaves_after: int | None


Errors = tuple[type[Exception], ...]


class Talk(Protocol):
    """One SDK, used as its manual says."""

    tempers: Sequence[Temper]
    errors: Errors

    async def say(self, turn: Turn) -> str:
        """Send a turn and return the answer's text, or as much as was read."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


async def run_traffic(gateway: str, *, visitors: int = VISITORS, seed: int | None = None) -> None:
    """Send traffic to the gateway at URL *gateway* until cancelled.

    Raises `ConfigurationError` where the SDKs are not installed.
    """
    chance = Random(seed)  # noqa: S311 - traffic, not secrets
    talks = await asyncio.to_thread(_open_talks, gateway.rstrip("/"))
    mishaps = dealt_mishaps()
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(visitors):
                visitor = Visitor(talks, Random(chance.getrandbits(64)), mishaps)  # noqa: S311
                group.create_task(visitor.come_and_go())
    finally:
        for talk in talks:
            await talk.close()


def dealt_mishaps() -> Iterator[str | None]:
    """Say for one stream after the other what goes wrong in it: mostly nothing."""
    for mishap in cycle(MISHAPS):
        yield from repeat(None, STREAMS_PER_MISHAP - 1)
        yield mishap


class Visitor:
    """Someone who uses an application that uses a model."""

    def __init__(
        self, talks: Sequence[Talk], chance: Random, mishaps: Iterator[str | None]
    ) -> None:
        self._talks = talks
        self._chance = chance
        self._mishaps = mishaps

    async def come_and_go(self) -> None:
        """Visit again and again; the first comes soon, for whoever waits to see something."""
        await asyncio.sleep(self._chance.uniform(0, PAUSE_S))
        while True:
            await self.visit()
            await asyncio.sleep(self._chance.expovariate(1 / (2 * PAUSE_S)))

    async def visit(self) -> None:
        """Talk about one topic with one model for a few turns."""
        chance = self._chance
        talk = chance.choices(self._talks, weights=[3, 2, 1][: len(self._talks)])[0]
        temper = chance.choice(talk.tempers)
        feature = chance.choice(list(TOPICS))
        headers = {
            "Streamgauge-User-Id": chance.choice(USERS),
            "Streamgauge-Session-Id": str(UUID(int=chance.getrandbits(128), version=4)),
            "Streamgauge-Session-Name": feature,
            "Streamgauge-Property-Feature": feature,
            "Streamgauge-Property-Environment": chance.choice(["production"] * 4 + ["staging"]),
        }
        messages: list[dict[str, str]] = []
        for number, question in enumerate(TOPICS[feature][: chance.randint(1, 3)], 1):
            messages.append({"role": "user", "content": question})
            headers["Streamgauge-Session-Path"] = f"/{feature}/{number}"
            turn = self._turn(temper, tuple(messages), headers)
            try:
                answer = await talk.say(turn)
            except talk.errors:  # part of the picture, as is a gateway that restarts
                await asyncio.sleep(BACK_OFF_S)
                return
            messages.append({"role": "assistant", "content": answer or "…"})
            await asyncio.sleep(chance.expovariate(1 / PAUSE_S))

    def _turn(
        self, temper: Temper, messages: Sequence[dict[str, str]], headers: dict[str, str]
    ) -> Turn:
        chance = self._chance
        wishes = {
            "Simulate-Ttft-Ms": f"{temper.ttft_ms * chance.lognormvariate(0, 0.35):.0f}",
            "Simulate-Itl-Ms": f"{temper.itl_ms * chance.uniform(0.7, 1.4):.1f}",
            "Simulate-Jitter-Ms": "60%",
            "Simulate-Tokens": str(int(temper.tokens * chance.uniform(0.3, 1.7)) + 1),
        }
        is_streamed = chance.random() < 0.8
        if is_streamed and (mishap := next(self._mishaps)) is not None:
            wishes["Simulate-Fault"] = mishap
            return Turn(temper.model, messages, {**headers, **wishes}, True, None)
        luck = chance.random()
        if luck < 0.05:
            wishes = {"Simulate-Status": chance.choice(["429", "429", "500", "529"])}
        leaves = chance.randint(0, 40) if luck > 0.94 else None
        return Turn(temper.model, messages, {**headers, **wishes}, is_streamed, leaves)


# -- the SDKs -------------------------------------------------------------------------------


class ChatTalk:
    """OpenAI's SDK, and Together's, which has the same shape."""

    def __init__(self, client: Any, errors: Errors, tempers: Sequence[Temper]) -> None:
        self._client = client
        self.errors = errors
        self.tempers = tempers

    async def say(self, turn: Turn) -> str:
        """Use `chat.completions.create`."""
        create = self._client.chat.completions.create
        asked = {
            "model": turn.model,
            "messages": list(turn.messages),
            "extra_headers": turn.headers,
        }
        if not turn.is_streamed:
            answer = await create(**asked)
            return str(answer.choices[0].message.content)
        usage = {"stream_options": {"include_usage": True}}
        stream = await create(**asked, stream=True, extra_body=usage)
        said: list[str] = []
        async for chunk in stream:
            said += [choice.delta.content or "" for choice in chunk.choices]
            if turn.leaves_after is not None and len(said) > turn.leaves_after:
                break
        await stream.close()
        return "".join(said)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class MessagesTalk:
    """Anthropic's SDK."""

    def __init__(self, client: Any, errors: Errors, tempers: Sequence[Temper]) -> None:
        self._client = client
        self.errors = errors
        self.tempers = tempers

    async def say(self, turn: Turn) -> str:
        """Use `messages.create` and `messages.stream`."""
        asked = {
            "model": turn.model,
            "messages": list(turn.messages),
            "max_tokens": 1024,
            "extra_headers": turn.headers,
        }
        if not turn.is_streamed:
            answer = await self._client.messages.create(**asked)
            return str(answer.content[0].text)
        said: list[str] = []
        async with self._client.messages.stream(**asked) as stream:
            async for text in stream.text_stream:
                said.append(text)
                if turn.leaves_after is not None and len(said) > turn.leaves_after:
                    break
        return "".join(said)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


OPENAI = (
    Temper("gpt-4o-mini", 280, 14, 140),
    Temper("gpt-4.1", 520, 22, 180),
    Temper("gpt-4o", 430, 18, 160),
)
ANTHROPIC = (
    Temper("claude-haiku-4-5", 390, 16, 130),
    Temper("claude-sonnet-5", 820, 24, 200),
)
TOGETHER = (
    Temper("meta-llama/Llama-3.3-70B-Instruct-Turbo", 220, 9, 150),
    Temper("openai/gpt-oss-120b", 640, 28, 170),
)


def _open_talks(gateway: str) -> tuple[Talk, ...]:
    """Import the SDKs, which takes seconds, and make their clients; no key is a real one."""
    try:
        import anthropic
        import openai
        import together
    except ImportError as error:
        raise ConfigurationError(
            f"the demo's clients need {error.name}; install streamgauge[dev]"
        ) from None
    usual: dict[str, Any] = {"api_key": "demo", "max_retries": 0}
    return (
        ChatTalk(
            openai.AsyncOpenAI(base_url=f"{gateway}/openai/v1", **usual),
            (openai.OpenAIError, _http_error(openai)),
            OPENAI,
        ),
        MessagesTalk(
            anthropic.AsyncAnthropic(base_url=f"{gateway}/anthropic", **usual),
            (anthropic.AnthropicError, _http_error(anthropic)),
            ANTHROPIC,
        ),
        ChatTalk(
            together.AsyncTogether(base_url=f"{gateway}/together", **usual),
            (together.TogetherError, _http_error(together)),
            TOGETHER,
        ),
    )


def _http_error(sdk: ModuleType) -> type[Exception]:
    """Return the error of the HTTP library under *sdk*: a stream that breaks off may show as that.

    Which one it is, httpx or httpx2, depends on the SDK and its version.
    """
    (library,) = sdk.DefaultAsyncHttpxClient.__bases__
    error: type[Exception] = sys.modules[library.__module__.partition(".")[0]].HTTPError
    return error
