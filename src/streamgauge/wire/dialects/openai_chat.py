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
    error: Any = None


class _Groq(Struct):
    id: str | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


class _Chunk(Struct):
    id: Any = None  # a number with some who imitate the API
    object: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None
    x_groq: _Groq | None = None
    error: Any = None
    system_fingerprint: Any = None
    service_tier: Any = None
    prompt_filter_results: Any = None
    citations: Any = None
    search_results: Any = None
    # an error without an ``error``
    type: Any = None
    code: Any = None
    message: Any = None
    detail: Any = None


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
        self._has_finish = False
        self._running: dict[str, Any] | None = None  # usage that may not be the last word
        self._calls: dict[int, _Calls] = {}  # of each choice

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        data = frame.data
        if data == DONE or data.strip() == DONE:
            return self._done()
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [Unknown(data)]
        events: list[Event] = []
        if chunk.id != self._id or chunk.model != self._model:
            self._started(chunk, events)
        for position, choice in enumerate(chunk.choices or ()):
            self._choice(position, choice, events)
        self._usage(chunk, events)
        self._rest(chunk, frame, events)
        return events

    def _done(self) -> list[Event]:
        if self._running is None:
            return [Terminal()]
        usage, self._running = self._running, None
        return [UsageReport(usage), Terminal()]

    def _usage(self, chunk: _Chunk, events: list[Event]) -> None:
        usage = chunk.usage
        if not usage and chunk.x_groq is not None:
            usage = chunk.x_groq.usage
        if not usage:
            return
        # Some count along in every chunk; what counts is told when the answer has ended.
        is_final = self._has_finish or not chunk.choices
        self._running = None if is_final else usage
        events.append(UsageReport(usage, is_final))

    def _started(self, chunk: _Chunk, events: list[Event]) -> None:
        self._id, self._model = chunk.id, chunk.model
        if chunk.id or chunk.model:
            events.append(Started(text_of(chunk.id), chunk.model))

    def _rest(self, chunk: _Chunk, frame: Frame, events: list[Event]) -> None:
        for name in _CHUNK_EXTRAS:
            value = getattr(chunk, name)
            if value:
                events.append(Extra(name, value, -1))
        error = _error_of(chunk)
        if error or frame.event == "error":
            events.append(fault_of(error, frame.data))
        elif _is_whole(chunk):
            events += self._done()

    def _choice(self, position: int, choice: _Choice, events: list[Event]) -> None:
        index = position if choice.index is None else choice.index
        message = choice.delta or choice.message
        if message is not None:
            _message(index, message, events)
            if message.tool_calls:
                calls = self._calls.setdefault(index, _Calls())
                for place, call in enumerate(message.tool_calls):
                    _tool_call(index, calls.number(place, call), call, events)
        elif choice.text:
            # A legacy completion's. Together has the same text beside its delta.
            events.append(TextDelta(choice.text, index))
        if _says_something(choice.logprobs):
            events.append(Extra("logprobs", [choice.logprobs], index))
        if choice.content_filter_results:
            events.append(Extra("content_filter_results", choice.content_filter_results, index))
        if choice.error:
            events.append(fault_of(choice.error, b""))
        if choice.finish_reason:
            self._has_finish = True
            events.append(Finish(choice.finish_reason, index))


class _Calls:
    """Tells the tool calls of one choice apart.

    By their index, as the API has it. Where none comes, by their id. And where one index
    comes with a second id *and* a name, that is another call: Gemini's calls get index 0
    each from many who translate them. An id alone proves nothing; vLLM has made one up for
    every delta.
    """

    __slots__ = ("_by_id", "_by_index")

    def __init__(self) -> None:
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, tuple[str | None, int]] = {}  # index → id, number

    def number(self, place: int, call: _ToolCall) -> int:
        """Return which call the delta *call*, the one at *place* of its chunk, belongs to."""
        if call.index is None:
            if call.id:
                return self._by_id.setdefault(call.id, len(self._by_id))
            return max(place, len(self._by_id) - 1)
        known, number = self._by_index.get(call.index, (None, call.index))
        if known and call.id and call.id != known and _is_named(call):
            known, number = None, 1 + max(number for _, number in self._by_index.values())
        self._by_index[call.index] = (known or call.id, number)
        return number


def _is_named(call: _ToolCall) -> bool:
    return bool(call.function and call.function.name)


def _is_whole(chunk: _Chunk) -> bool:
    # Perplexity's chunks have the message so far beside the delta; they are no whole answer.
    choices = chunk.choices or ()
    if any(choice.delta is not None for choice in choices):
        return False
    return chunk.object == "chat.completion" or any(c.message is not None for c in choices)


def _error_of(chunk: _Chunk) -> Any:
    error = chunk.error or (chunk.x_groq.error if chunk.x_groq is not None else None)
    if error or chunk.choices is not None:
        return error
    if chunk.object == "error" or chunk.message or chunk.detail:
        kind = chunk.type or chunk.code
        return {"type": kind, "message": chunk.message or chunk.detail}
    return None


def _message(index: int, message: _Message, events: list[Event]) -> None:
    if message.role:
        events.append(Started(role=message.role, index=index))
    reasoning = message.reasoning_content or message.reasoning or _details(message)
    if reasoning and isinstance(reasoning, str):
        events.append(ReasoningDelta(reasoning, index))
    if message.content:
        _content(index, message.content, events)
    if message.refusal:
        events.append(RefusalDelta(message.refusal, index))
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


def _details(message: _Message) -> str:
    """Return the reasoning of those who have it only there, as Snowflake does."""
    details = message.reasoning_details
    if not isinstance(details, list):
        return ""
    parts = [part for part in details if isinstance(part, dict)]
    texts = [part.get("text") or part.get("summary") for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


def _says_something(logprobs: Any) -> bool:
    # Some send `{"content": null, "refusal": null}` with every chunk.
    return any(logprobs.values()) if isinstance(logprobs, dict) else bool(logprobs)


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


def _tool_call(index: int, number: int, call: _ToolCall, events: list[Event]) -> None:
    function = call.function
    if function is not None:
        events.append(
            ToolCallDelta(
                number, _arguments(function.arguments), call.id, function.name, call.type, index
            )
        )
    elif isinstance(call.custom, dict):
        text = str(call.custom.get("input") or "")
        name = text_of(call.custom.get("name"))
        events.append(ToolCallDelta(number, text, call.id, name, call.type, index))
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
    data = audio.get("data")
    if isinstance(data, str) and data:
        events.append(Extra("audio_data", data, index))
    rest = {name: value for name, value in audio.items() if name not in ("transcript", "data")}
    if rest:
        events.append(Extra("audio", rest, index))


def text_of(value: Any) -> str | None:
    """Return *value* where a text belongs, whatever the provider put there."""
    return None if value is None else str(value)


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
