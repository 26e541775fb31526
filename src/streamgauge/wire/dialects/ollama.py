"""Ollama, chat and generate: https://docs.ollama.com/api.

NDJSON. A chat has its text in ``message``, a generation in ``response``; the last line says
``done`` and has the counts. A whole answer is that last line with all of the text.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from streamgauge.wire.dialects.openai_chat import fault_of, text_of
from streamgauge.wire.dialects.values import encoded, mapping, mappings
from streamgauge.wire.events import (
    Event,
    Extra,
    Finish,
    Frame,
    ReasoningDelta,
    Started,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)


class _Message(Struct):
    role: str | None = None
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    images: Any = None


class _Line(Struct):
    model: str | None = None
    message: _Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    image: Any = None
    logprobs: Any = None
    context: Any = None
    done: bool = False
    done_reason: str | None = None
    error: Any = None
    # the counts
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_duration: int | None = None
    eval_duration: int | None = None


_decode = msgspec.json.Decoder(_Line).decode

_COUNTS = (
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)


class Ollama:
    """Reads the frames of one answer."""

    name = "ollama"

    # `done` is the only end there is.
    ends_without_terminal = False

    def __init__(self) -> None:
        self._model: str | None = None
        self._role: str | None = None
        self._calls = 0

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        try:
            line = _decode(frame.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [Unknown(frame.data)]
        events: list[Event] = []
        message = line.message or _Message(
            content=line.response, thinking=line.thinking, tool_calls=line.tool_calls
        )
        if line.model != self._model or message.role != self._role:
            self._model, self._role = line.model, message.role
            events.append(Started(None, line.model, message.role))
        self._message(message, events)
        if line.logprobs:
            events.append(Extra("logprobs", line.logprobs))
        if line.image or message.images:
            events.append(Extra("images", [line.image or message.images]))
        if line.error:
            events.append(fault_of(line.error, b""))
        if line.done:
            _end(line, events)
        return events if events else [Unknown(frame.data)]

    def _message(self, message: _Message, events: list[Event]) -> None:
        if message.thinking:
            events.append(ReasoningDelta(message.thinking))
        if message.content:
            events.append(TextDelta(message.content))
        for call in mappings(message.tool_calls):
            # Each comes whole.
            function = mapping(call.get("function"))
            arguments = encoded(function.get("arguments") or {})
            tool, name = text_of(call.get("id")), text_of(function.get("name"))
            events.append(ToolCallDelta(self._calls, arguments, tool, name, "function"))
            self._calls += 1


def _end(line: _Line, events: list[Event]) -> None:
    if line.context:
        events.append(Extra("context", line.context, -1))
    counts = {name: getattr(line, name) for name in _COUNTS}
    counts = {name: value for name, value in counts.items() if value is not None}
    if counts:
        events.append(UsageReport(counts))
    if line.done_reason:
        events.append(Finish(line.done_reason))
    events.append(Terminal())
