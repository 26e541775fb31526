"""Ollama, chat and generate: https://docs.ollama.com/api.

NDJSON. A chat has its text in ``message``, a generation in ``response``; the last line says
``done`` and has the counts. A whole answer is that last line with all of the text.
"""

from __future__ import annotations

from typing import Any

from streamgauge.wire.dialects.openai_chat import fault_of, text_of
from streamgauge.wire.dialects.values import decoded, encoded, mapping, mappings, rest, string
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

Said = dict[str, Any]

_COUNTS = (
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)

# The fields that have words of ours; when a line was made is told by the timeline.
_MESSAGE = {"role", "content", "response", "thinking", "tool_calls"}
_FUNCTION = {"index", "name", "arguments"}  # they come in the order of the index
_CALL = {"id", "type", "function"}
_LINE = _MESSAGE | {"model", "message", "created_at", "done", "done_reason", "error", *_COUNTS}


class Ollama:
    """Reads the frames of one answer."""

    name = "ollama"

    # `done` is the only end there is.
    ends_without_terminal = False
    are_texts_alike = False

    def __init__(self) -> None:
        self._started: tuple[Any, Any] = (None, None)
        self._calls = 0

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        line = decoded(frame.data)
        if not isinstance(line, dict) or line.keys().isdisjoint(_LINE):
            return [Unknown(frame.data)]
        events: list[Event] = []
        is_chat = isinstance(line.get("message"), dict)
        message = line["message"] if is_chat else line
        started = line.get("model"), message.get("role")
        if started != self._started:
            self._started = started
            events.append(Started(None, text_of(started[0]), text_of(started[1])))
        self._message(message, events)
        extras = rest(line, _LINE) | (rest(message, _MESSAGE) if is_chat else {})
        events += [Extra(name, _listed(said)) for name, said in extras.items()]
        if line.get("error"):
            events.append(fault_of(line["error"], b""))
        if line.get("done") is True:
            _end(line, events)
        return events

    def _message(self, message: Said, events: list[Event]) -> None:
        if string(message.get("thinking")):
            events.append(ReasoningDelta(message["thinking"]))
        text = string(message.get("content")) or string(message.get("response"))
        if text:
            events.append(TextDelta(text))
        for call in mappings(message.get("tool_calls")):
            # Each comes whole.
            function = mapping(call.get("function"))
            arguments = encoded(function.get("arguments") or {})
            tool, name = text_of(call.get("id")), text_of(function.get("name"))
            events.append(ToolCallDelta(self._calls, arguments, tool, name, "function"))
            left = rest(function, _FUNCTION) | rest(call, _CALL)
            if left:
                events.append(Extra("tool_calls", [{"index": self._calls, **left}]))
            self._calls += 1


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _end(line: Said, events: list[Event]) -> None:
    counts = {name: line[name] for name in _COUNTS if line.get(name) is not None}
    if counts:
        events.append(UsageReport(counts))
    if line.get("done_reason"):
        events.append(Finish(str(line["done_reason"])))
    events.append(Terminal())
