"""What the SDKs of the providers see in a stream: text, thoughts, and calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import botocore.session
import cohere
import httpx
import httpx2
import ollama
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser
from google import genai
from google.genai import types
from mistralai.client import Mistral

from streamgauge.record import Choice, Reply
from tests.wire.accumulators import loads

SSE = {"content-type": "text/event-stream"}


class Seen(NamedTuple):
    """Of the first choice; calls as ``(name, arguments)``."""

    text: str
    reasoning: str
    calls: list[tuple[str | None, Any]]


def by_google(raw: bytes) -> Seen:
    answer = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=SSE, content=raw))
    options = types.HttpOptions(httpx_client=httpx2.Client(transport=answer))
    text, thoughts, calls = "", "", []
    client = genai.Client(api_key="x", http_options=options)
    for chunk in client.models.generate_content_stream(model="m", contents="x"):
        first = next((one for one in chunk.candidates or () if not one.index), None)
        for part in (first and first.content and first.content.parts) or ():
            if part.thought:
                thoughts += part.text or ""
            else:
                text += part.text or ""
            if part.function_call:
                calls.append((part.function_call.name, json.dumps(part.function_call.args)))
    return Seen(text, thoughts, calls)


def by_cohere(raw: bytes) -> Seen:
    """The events of version 2; the plan of its calls is a thought too."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=SSE, content=raw))
    client = cohere.ClientV2(api_key="x", httpx_client=httpx.Client(transport=answer))
    text, thoughts = "", ""
    calls: dict[int, tuple[str | None, str]] = {}
    for event in client.chat_stream(model="m", messages=[]):
        match event.type:
            case "content-start" | "content-delta":
                said = event.delta.message.content
                text += said.text or ""
                thoughts += said.thinking or ""
            case "tool-plan-delta":
                thoughts += event.delta.message.tool_plan
            case "tool-call-start":
                made = event.delta.message.tool_calls.function
                calls[event.index] = (made.name, made.arguments)
            case "tool-call-delta":
                name, arguments = calls[event.index]
                more = event.delta.message.tool_calls.function.arguments
                calls[event.index] = (name, arguments + more)
    return Seen(text, thoughts, list(calls.values()))


def by_mistral(raw: bytes) -> Seen:
    """Content is a text, or parts of which some are thoughts."""
    answer = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=SSE, content=raw))
    client = Mistral(api_key="x", client=httpx2.Client(transport=answer))
    text, thoughts = "", ""
    calls: list[tuple[str | None, Any]] = []
    for event in client.chat.stream(model="m", messages=[{"role": "user", "content": "x"}]):
        delta = event.data.choices[0].delta
        parts = delta.content or ()
        text += parts if isinstance(parts, str) else ""
        for part in () if isinstance(parts, str) else parts:
            text += part.text if part.type == "text" else ""
            if part.type == "thinking":
                thoughts += "".join(one.text for one in part.thinking)
        made = [call.function for call in delta.tool_calls or ()]
        calls += [(function.name, function.arguments) for function in made]
    return Seen(text, thoughts, calls)


def _parsed(raw: bytes, operation: str, member: str) -> Iterator[dict[str, Any]]:
    class Body:
        def stream(self) -> Iterator[bytes]:
            yield raw

    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    shape = service.operation_model(operation).output_shape.members[member]
    yield from EventStream(Body(), shape, EventStreamJSONParser(), operation)


def by_botocore(raw: bytes) -> Seen:
    """The events of a Converse stream."""
    text, thoughts, calls = "", "", {}
    for event in _parsed(raw, "ConverseStream", "stream"):
        for said in event.values():
            block = said.get("contentBlockIndex")
            if tool := said.get("start", {}).get("toolUse"):
                calls[block] = (tool["name"], "")
            delta = said.get("delta", {})
            text += delta.get("text", "")
            thoughts += delta.get("reasoningContent", {}).get("text", "")
            if tool := delta.get("toolUse"):
                name, arguments = calls[block]
                calls[block] = (name, arguments + tool["input"])
    return Seen(text, thoughts, list(calls.values()))


def by_botocore_unpacked(raw: bytes) -> Seen:
    """The chunks of InvokeModel, which hold what the model's own API says."""
    text, thoughts = "", ""
    for event in _parsed(raw, "InvokeModelWithResponseStream", "body"):
        said = json.loads(event["chunk"]["bytes"])
        delta = said.get("delta") or said.get("contentBlockDelta", {}).get("delta", {})
        text += said.get("outputText", "") + said.get("generation", "") + delta.get("text", "")
        thoughts += delta.get("thinking", "")
    return Seen(text, thoughts, [])


def by_ollama(raw: bytes) -> Seen:
    """Messages of a chat, or pieces of a generation."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=raw))
    client = ollama.Client(transport=answer)
    text, thoughts, calls = "", "", []
    if b'"message"' not in raw:
        for piece in client.generate(model="m", prompt="x", stream=True):
            text += piece.response
            thoughts += piece.thinking or ""
        return Seen(text, thoughts, calls)
    for piece in client.chat(model="m", messages=[], stream=True):
        text += piece.message.content or ""
        thoughts += piece.message.thinking or ""
        made = [call.function for call in piece.message.tool_calls or ()]
        calls += [(call.name, json.dumps(dict(call.arguments))) for call in made]
    return Seen(text, thoughts, calls)


JUDGES: dict[str, Callable[[bytes], Seen]] = {
    "cohere": by_cohere,
    "gemini": by_google,
    "bedrock_converse": by_botocore,
    "bedrock_invoke": by_botocore_unpacked,
    "ollama": by_ollama,
}

# What the SDKs read as a stream; SSE where nothing is said.
FRAMINGS = {
    "bedrock_converse": ("eventstream",),
    "bedrock_invoke": ("eventstream",),
    "ollama": ("ndjson",),
}


def judge_of(case: dict[str, Any]) -> Callable[[bytes], Seen] | None:
    """Return who judges the stream *case*; Mistral's has parts that OpenAI's dialect has not."""
    if case["framing"] not in FRAMINGS.get(case["dialect"], ("sse",)):
        return None
    return by_mistral if case["provider"] == "mistral" else JUDGES.get(case["dialect"])


def as_seen(reply: Reply) -> Seen:
    """Return what we made of a stream, in the words of the judges."""
    first = reply.choices[0] if reply.choices else Choice()
    calls = [(call.name, call.arguments) for call in first.tool_calls]
    return Seen(first.text, first.reasoning, calls)


def with_values(seen: Seen) -> Seen:
    """Return *seen* with the arguments as values: how they are spaced is nobody's word."""
    return seen._replace(calls=[(name, loads(arguments)) for name, arguments in seen.calls])
