"""OpenAI chat completions, and everyone who speaks them.

https://platform.openai.com/docs/api-reference/chat-streaming. A whole answer and a chunk
of a stream differ only in ``message`` and ``delta``. Providers vary in where they put the
usage (last content chunk, a chunk of its own, ``x_groq``), what they call the reasoning,
and whether ``[DONE]`` comes; none of that needs a variant, only tolerance.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from streamgauge.wire.events import (
    Event,
    Extra,
    Finish,
    Frame,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamFault,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)

DONE = b"[DONE]"


class _Function(Struct):
    name: str | None = None
    arguments: Any = None


class _ToolCall(Struct):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: _Function | None = None
    custom: Any = None


class _Message(Struct):
    role: str | None = None
    content: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    annotations: Any = None
    audio: Any = None
    reasoning_details: Any = None


class _Choice(Struct):
    index: int | None = None
    delta: _Message | None = None
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Any = None
    content_filter_results: Any = None


class _Groq(Struct):
    id: str | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


class _Chunk(Struct):
    id: str | None = None
    object: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None
    x_groq: _Groq | None = None
    error: Any = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    prompt_filter_results: Any = None
    citations: Any = None
    search_results: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode

# Fields of a choice or chunk that have no word of ours; kept under their own name.
_CHUNK_EXTRAS = (
    "system_fingerprint",
    "service_tier",
    "prompt_filter_results",
    "citations",
    "search_results",
)
_MESSAGE_EXTRAS = ("annotations", "reasoning_details")


class OpenAIChat:
    """Reads the frames of one answer."""

    name = "openai_chat"

    # Some providers close without [DONE]; what has finished is whole.
    ends_without_terminal = True

    def __init__(self) -> None:
        self._id: str | None = None
        self._model: str | None = None

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        data = frame.data
        if data == DONE or data.strip() == DONE:
            return [Terminal()]
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [Unknown(data)]
        events: list[Event] = []
        if chunk.id != self._id or chunk.model != self._model:
            self._started(chunk, events)
        for position, choice in enumerate(chunk.choices or ()):
            _choice(position, choice, events)
        _usage(chunk, events)
        self._rest(chunk, frame, events)
        return events

    def _started(self, chunk: _Chunk, events: list[Event]) -> None:
        self._id, self._model = chunk.id, chunk.model
        if chunk.id or chunk.model:
            events.append(Started(chunk.id, chunk.model))

    def _rest(self, chunk: _Chunk, frame: Frame, events: list[Event]) -> None:
        for name in _CHUNK_EXTRAS:
            value = getattr(chunk, name)
            if value:
                # The same in every chunk: not to be added up.
                events.append(Extra(name, (value,) if isinstance(value, str) else value, -1))
        error = chunk.error or (chunk.x_groq.error if chunk.x_groq is not None else None)
        if error or frame.event == "error":
            events.append(fault_of(error, frame.data))
        elif chunk.object == "chat.completion" or (
            chunk.choices and chunk.choices[0].message is not None
        ):
            events.append(Terminal())


def _choice(position: int, choice: _Choice, events: list[Event]) -> None:
    index = position if choice.index is None else choice.index
    message = choice.delta or choice.message
    if message is not None:
        _message(index, message, events)
    if choice.text:
        events.append(TextDelta(choice.text, index))
    if choice.logprobs:
        events.append(Extra("logprobs", [choice.logprobs], index))
    if choice.content_filter_results:
        events.append(Extra("content_filter_results", choice.content_filter_results, index))
    if choice.finish_reason:
        events.append(Finish(choice.finish_reason, index))


def _message(index: int, message: _Message, events: list[Event]) -> None:
    if message.role:
        events.append(Started(role=message.role, index=index))
    reasoning = message.reasoning_content or message.reasoning
    if reasoning and isinstance(reasoning, str):
        events.append(ReasoningDelta(reasoning, index))
    if message.content:
        _content(index, message.content, events)
    if message.refusal:
        events.append(RefusalDelta(message.refusal, index))
    for position, call in enumerate(message.tool_calls or ()):
        _tool_call(index, position, call, events)
    if message.function_call is not None:
        legacy = message.function_call
        events.append(
            ToolCallDelta(0, _arguments(legacy.arguments), None, legacy.name, "function", index)
        )
    if message.audio:
        _audio(index, message.audio, events)
    for name in _MESSAGE_EXTRAS:
        value = getattr(message, name)
        if value:
            events.append(Extra(name, value, index))


def _content(index: int, content: Any, events: list[Event]) -> None:
    """Read content as a string, or as the list of parts that Mistral sends."""
    if isinstance(content, str):
        events.append(TextDelta(content, index))
        return
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("text"), str):
            events.append(TextDelta(part["text"], index))
        elif isinstance(part.get("thinking"), list):
            texts = [p.get("text", "") for p in part["thinking"] if isinstance(p, dict)]
            events.append(ReasoningDelta("".join(map(str, texts)), index))
        else:
            events.append(Extra("content_parts", [part], index))


def _tool_call(index: int, position: int, call: _ToolCall, events: list[Event]) -> None:
    number = position if call.index is None else call.index
    function = call.function
    if function is not None:
        events.append(
            ToolCallDelta(
                number, _arguments(function.arguments), call.id, function.name, call.type, index
            )
        )
    elif isinstance(call.custom, dict):
        text = str(call.custom.get("input") or "")
        events.append(
            ToolCallDelta(number, text, call.id, call.custom.get("name"), call.type, index)
        )
    elif call.id:
        events.append(ToolCallDelta(number, "", call.id, None, call.type, index))


def _arguments(arguments: Any) -> str:
    if arguments is None:
        return ""
    # A few providers send an object where the API has JSON text.
    return arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()


def _audio(index: int, audio: Any, events: list[Event]) -> None:
    if not isinstance(audio, dict):
        return
    transcript = audio.get("transcript")
    if isinstance(transcript, str) and transcript:
        events.append(TextDelta(transcript, index))
    rest = {name: value for name, value in audio.items() if name != "transcript"}
    for name, value in rest.items():
        events.append(Extra(f"audio_{name}", value, index))


def _usage(chunk: _Chunk, events: list[Event]) -> None:
    usage = chunk.usage
    if not usage and chunk.x_groq is not None:
        usage = chunk.x_groq.usage
    if usage:
        events.append(UsageReport(usage))


def fault_of(error: Any, data: bytes) -> StreamFault:
    """Return the fault that an ``error`` object, string, or a frame of that name tells of."""
    if isinstance(error, dict):
        kind = error.get("type") or error.get("code") or error.get("status")
        message = error.get("message")
        if message is None:
            message = msgspec.json.encode(error).decode()
        return StreamFault(None if kind is None else str(kind), str(message))
    if error:
        return StreamFault(None, str(error))
    return StreamFault(None, data[:1000].decode("utf-8", "replace"))
