"""Broken streams through the providers' own SDKs: each raises what it always raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from uuid import uuid4

import anthropic
import cohere
import httpx
import openai
import pytest
from cohere.core.api_error import ApiError
from google import genai
from google.genai import errors as google_errors

from tests.product import PROMPT, Product
from tests.simulating import RunningSimulator, until

Headers = Mapping[str, str]
Words = Iterator[str]

COHERE = "cohere/cohere/astream"
GEMINI = "google/gemini/google_model_iter_stream.2"


class CohereSaidError(Exception):
    """Cohere's SDK raises nothing within a stream: its last event says ERROR."""


def openai_chat(url: str, name: str, headers: Headers) -> Words:
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key="test", max_retries=0) as client:
        for chunk in client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": name}],
            stream=True,
            extra_headers=headers,
        ):
            yield from (choice.delta.content or "" for choice in chunk.choices)


def anthropic_messages(url: str, name: str, headers: Headers) -> Words:
    with (
        anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="test", max_retries=0) as client,
        client.messages.stream(
            model="claude-haiku-4-5",
            max_tokens=500,
            messages=[{"role": "user", "content": name}],
            extra_headers=headers,
        ) as stream,
    ):
        yield from stream.text_stream


def google_generate(url: str, name: str, headers: Headers) -> Words:
    options = genai.types.HttpOptions(
        base_url=f"{url}/google", headers={**headers, "Simulate-Recording": GEMINI}
    )
    client = genai.Client(api_key="test", http_options=options)
    for chunk in client.models.generate_content_stream(model="gemini-2.5-flash", contents=name):
        yield chunk.text or ""


def cohere_chat(url: str, name: str, headers: Headers) -> Words:
    with httpx.Client(timeout=30) as http:
        client = cohere.ClientV2(api_key="test", base_url=f"{url}/cohere", httpx_client=http)
        for event in client.chat_stream(
            model="command-r-08-2024",
            messages=[{"role": "user", "content": name}],
            request_options={
                "additional_headers": {**headers, "Simulate-Recording": COHERE},
                "max_retries": 0,
            },
        ):
            if event.type == "content-delta":
                yield event.delta.message.content.text
            elif event.type == "message-end" and event.delta.finish_reason == "ERROR":
                raise CohereSaidError(event)


class Kit(NamedTuple):
    """One SDK: how to stream with it, and what it raises in a stream and before one."""

    stream: Callable[[str, str, Headers], Words]
    broken: type[Exception]
    unavailable: type[Exception]
    limited: type[Exception]


KITS = {
    "openai": Kit(openai_chat, openai.APIError, openai.InternalServerError, openai.RateLimitError),
    "anthropic": Kit(
        anthropic_messages,
        anthropic.APIStatusError,
        anthropic.InternalServerError,
        anthropic.RateLimitError,
    ),
    "google-genai": Kit(
        google_generate,
        google_errors.ServerError,
        google_errors.ServerError,
        google_errors.ClientError,
    ),
    "cohere": Kit(cohere_chat, CohereSaidError, ApiError, ApiError),
}

PAGE = Path(__file__).parents[2] / "docs" / "endings.md"

IDLE = {"Streamgauge-Timeout-Idle": "0.3"}
FIRST_TOKEN = {"Streamgauge-Timeout-First-Token": "0.3"}


class Break(NamedTuple):
    """One fault, what of the kit it raises, and the record's outcome."""

    fault: str
    raises: str
    outcome: str
    headers: Headers = MappingProxyType({})
    has_text: bool = False


BREAKS = (
    Break("cut; after=request", "unavailable", "truncated"),
    Break("rst; after=request", "unavailable", "truncated"),
    Break("garbage; after=request", "unavailable", "truncated"),
    Break("stall; after=request", "unavailable", "stalled", IDLE),
    Break("stall; after=request", "unavailable", "no_first_token", FIRST_TOKEN),
    Break("status; code=429; retry-after=1", "limited", "http_error"),
    Break("status; code=503", "unavailable", "http_error"),
    Break("cut; after=head", "broken", "truncated"),
    Break("stall; after=head", "broken", "no_first_token", FIRST_TOKEN),
    Break("cut; after=5 events", "broken", "truncated", has_text=True),
    Break("rst; after=5 events", "broken", "truncated", has_text=True),
    Break("end; after=5 events", "broken", "truncated", has_text=True),
    Break("stall; after=5 events", "broken", "stalled", IDLE, has_text=True),
    Break("error; after=5 events", "broken", "fault_in_stream", has_text=True),
)


@pytest.fixture(scope="module")
def product(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """A server whose providers are all at the simulator."""
    providers = dict.fromkeys(("openai", "anthropic", "google", "cohere"), simulator.url)
    running = Product(tmp_path_factory.mktemp("errors"), providers=providers, arguments=PROMPT)
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: f"{one.fault} {one.outcome}")
@pytest.mark.parametrize("kit", KITS.values(), ids=KITS)
def test_an_sdk_raises_its_own_error(product: Product, kit: Kit, one: Break) -> None:
    """Its user's `except` catches it, and the record says why."""
    name = uuid4().hex
    fault = one.fault
    if kit.stream is google_generate:  # each of its events has a lot of text
        fault = fault.replace("5 events", "1 events")
    headers = {
        "Simulate-Fault": fault,
        "Simulate-Tokens": "20",
        "Streamgauge-User-Id": name,
        **one.headers,
    }
    words: list[str] = []

    def consume() -> None:
        for word in kit.stream(product.url, name, headers):
            words.append(word)  # noqa: PERF402 - what came before the error counts

    with pytest.raises(getattr(kit, one.raises)):
        consume()
    assert bool("".join(words)) == one.has_text
    (record,) = until(lambda: product.closed(user_id=name))
    assert record["outcome"] == one.outcome
    assert record["error_message"]
    assert (product.record(record["id"])["response_text"] or "") == "".join(words)


@pytest.mark.parametrize("kit", KITS.values(), ids=KITS)
def test_a_sound_stream_raises_nothing(product: Product, kit: Kit) -> None:
    """The same call without a fault."""
    name = uuid4().hex
    said = "".join(kit.stream(product.url, name, {"Streamgauge-User-Id": name}))
    (record,) = until(lambda: product.closed(user_id=name))
    assert record["outcome"] == "completed"
    assert product.record(record["id"])["response_text"] == said


def test_the_page_names_what_is_raised() -> None:
    """Library by library."""
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \| `(\w+)` \| `(\w+)` \|$", PAGE.read_text(), re.M)
    told = {name: (raised.strip("`"), *rest) for name, raised, *rest in rows}
    names = {
        name: (kit.broken.__name__, kit.unavailable.__name__, kit.limited.__name__)
        for name, kit in KITS.items()
    }
    said = 'none: the last event says `finish_reason="ERROR'
    assert told == names | {"cohere": (said + '"', *names["cohere"][1:])}
