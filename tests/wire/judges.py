"""What the SDKs of the providers see in a stream: text, and the names and arguments of calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import httpx
import httpx2
import ollama
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser
from google import genai
from google.genai import types

Seen = tuple[str, list[tuple[str | None, str]]]


def by_google(raw: bytes) -> Seen:
    """Text without thoughts, and function calls."""
    headers = {"content-type": "text/event-stream"}
    answer = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=raw))
    options = types.HttpOptions(httpx_client=httpx2.Client(transport=answer))
    text, calls = "", []
    client = genai.Client(api_key="x", http_options=options)
    for chunk in client.models.generate_content_stream(model="m", contents="x"):
        for part in chunk.parts or ():
            text += "" if part.thought else part.text or ""
            if part.function_call:
                calls.append((part.function_call.name, json.dumps(part.function_call.args)))
    return text, calls


def _parsed(raw: bytes, operation: str, member: str) -> Iterator[dict[str, Any]]:
    class Body:
        def stream(self) -> Iterator[bytes]:
            yield raw

    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    shape = service.operation_model(operation).output_shape.members[member]
    yield from EventStream(Body(), shape, EventStreamJSONParser(), operation)


def by_botocore(raw: bytes) -> Seen:
    """The events of a Converse stream."""
    text, calls = "", {}
    for event in _parsed(raw, "ConverseStream", "stream"):
        for said in event.values():
            block = said.get("contentBlockIndex")
            if tool := said.get("start", {}).get("toolUse"):
                calls[block] = (tool["name"], "")
            delta = said.get("delta", {})
            text += delta.get("text", "")
            if tool := delta.get("toolUse"):
                name, arguments = calls[block]
                calls[block] = (name, arguments + tool["input"])
    return text, list(calls.values())


def by_botocore_unpacked(raw: bytes) -> Seen:
    """The chunks of InvokeModel, which hold what the model's own API says."""
    text = ""
    for event in _parsed(raw, "InvokeModelWithResponseStream", "body"):
        said = json.loads(event["chunk"]["bytes"])
        text += said.get("outputText", "") + said.get("delta", {}).get("text", "")
    return text, []


def by_ollama(raw: bytes) -> Seen:
    """Messages of a chat, or pieces of a generation."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=raw))
    client = ollama.Client(transport=answer)
    if b'"message"' not in raw:
        pieces = client.generate(model="m", prompt="x", stream=True)
        return "".join(piece.response for piece in pieces), []
    text, calls = "", []
    for piece in client.chat(model="m", messages=[], stream=True):
        text += piece.message.content or ""
        made = [call.function for call in piece.message.tool_calls or ()]
        calls += [(call.name, json.dumps(dict(call.arguments))) for call in made]
    return text, calls


JUDGES: dict[str, Callable[[bytes], Seen]] = {
    "gemini": by_google,
    "bedrock_converse": by_botocore,
    "bedrock_invoke": by_botocore_unpacked,
    "ollama": by_ollama,
}
