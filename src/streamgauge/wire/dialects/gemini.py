"""Gemini, on Google AI and on Vertex AI: https://ai.google.dev/api/generate-content.

Every chunk of a stream has the shape of a whole answer: candidates with parts, and the
usage so far. There is no last word. A candidate has ended when its finish reason has come,
the answer when all of its candidates have, or when the prompt was blocked.

Fields come and go with the models and all are worth keeping, so nothing is typed here: what
has no word of ours keeps its name.
"""

from __future__ import annotations

from typing import Any

from streamgauge.wire.dialects.openai_chat import fault_of, text_of
from streamgauge.wire.dialects.partial_args import PartialArgs
from streamgauge.wire.dialects.values import decoded, encoded, mapping, mappings, rest, string
from streamgauge.wire.events import (
    Event,
    Extra,
    Finish,
    Frame,
    ReasoningDelta,
    Started,
    StreamFault,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)

# Gemini gives 8 at most.
MAX_CANDIDATES = 1024

# So many extras are looked out for, should they be repeated.
MAX_SAID = 10_000

# The fields that have words of ours.
_TOLD = {"candidates", "usageMetadata", "modelVersion", "responseId", "error"}
_CHUNK = _TOLD | {"promptFeedback"}
_CANDIDATE = {"content", "finishReason", "index"}
_PART = {"text", "thought", "thoughtSignature", "functionCall"}
_CALL = {"id", "name", "args", "willContinue"}


class Gemini:
    """Reads the frames of one answer."""

    name = "gemini"

    # The end is known from the finish reasons, see `_end`.
    ends_without_terminal = False
    are_texts_alike = False

    def __init__(self) -> None:
        self._started: tuple[Any, Any] = (None, None)
        self._open: set[int] = set()  # candidates that have begun
        self._finished: set[int] = set()
        self._has_ended = False
        self._calls: dict[int, int] = {}  # of each candidate, how many
        self._partial: dict[int, PartialArgs] = {}  # of the call a candidate is in the middle of
        self._said: dict[tuple[int, str], Any] = {}  # extras, which are repeated a lot

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        said = decoded(frame.data)
        chunks = mappings(said) if isinstance(said, list) else mappings([said])
        events: list[Event] = []
        for outer in chunks:
            # The Gemini CLI's own service puts the answer into an object, beside a trace id.
            inner = mapping(outer.get("response"))
            chunk = {**outer, "response": None, **inner} if "candidates" in inner else outer
            if not chunk.keys().isdisjoint(_CHUNK):
                self._chunk(chunk, events)
            elif chunk.get("message"):
                # Of somebody in between.
                events.append(fault_of(chunk, b""))
        return events if events else [Unknown(frame.data)]

    def _chunk(self, chunk: dict[str, Any], events: list[Event]) -> None:
        started = chunk.get("responseId"), chunk.get("modelVersion")
        if started != self._started:
            self._started = started
            events.append(Started(text_of(started[0]), text_of(started[1])))
        for position, candidate in enumerate(mappings(chunk.get("candidates"))):
            self._candidate(position, candidate, events)
        for name, value in chunk.items():
            if name not in _TOLD and value is not None:
                events.append(Extra(name, value, -1))
        blocked = mapping(chunk.get("promptFeedback")).get("blockReason")
        if blocked:
            events.append(Finish(str(blocked)))
        self._end(chunk, events, is_blocked=bool(blocked))
        if chunk.get("error"):
            events += _faults(chunk["error"])

    def _end(self, chunk: dict[str, Any], events: list[Event], *, is_blocked: bool) -> None:
        has_finished = any(type(event) is Finish for event in events)
        is_end = (has_finished and not self._open) or is_blocked
        usage = mapping(chunk.get("usageMetadata"))
        if usage:
            # It comes with every chunk; what counts is told with the last one.
            events.append(UsageReport(usage, is_end or self._has_ended))
        if is_end and not self._has_ended:
            self._has_ended = True
            events.append(Terminal())

    # -- parts of a chunk ----------------------------------------------------------------------

    def _candidate(self, position: int, candidate: dict[str, Any], events: list[Event]) -> None:
        given = candidate.get("index")
        index = position
        if isinstance(given, int) and 0 <= given < MAX_CANDIDATES:
            index = given
        if index not in self._finished:
            self._open.add(index)
        content = mapping(candidate.get("content"))
        role = ("role", content.get("role"))
        if role[1] and self._said.get((index, "role")) != role[1]:
            self._said[index, "role"] = role[1]
            events.append(Started(role=str(role[1]), index=index))
        for part in mappings(content.get("parts")):
            self._part(index, part, events)
        for name, value in candidate.items():
            if name not in _CANDIDATE:
                self._extra(index, name, value, events)
        reason = candidate.get("finishReason")
        if reason:
            self._open.discard(index)
            self._finished.add(index)
            events.append(Finish(str(reason), index))

    def _part(self, index: int, part: dict[str, Any], events: list[Event]) -> None:
        text = string(part.get("text"))
        if text:
            delta = ReasoningDelta if part.get("thought") else TextDelta
            events.append(delta(text, index))
        if isinstance(part.get("functionCall"), dict):
            self._call(index, part["functionCall"], events)
        if part.get("thoughtSignature"):
            events.append(Extra("thoughtSignatures", [part["thoughtSignature"]], index))
        left = {name: value for name, value in part.items() if name not in _PART}
        if left:
            # Code and its result, images, calls of Google's own tools.
            events.append(Extra("parts", [left], index))

    def _call(self, index: int, call: dict[str, Any], events: list[Event]) -> None:
        number = self._calls.get(index, 0)
        name, tool = text_of(call.get("name")), text_of(call.get("id"))
        arguments = self._arguments(index, call)
        events.append(ToolCallDelta(number, arguments, tool, name, "function", index))
        left = {name: value for name, value in call.items() if name not in _CALL}
        if left:
            events.append(Extra("functionCalls", [left], index))
        if not call.get("willContinue"):
            self._calls[index] = number + 1

    def _arguments(self, index: int, call: dict[str, Any]) -> str:
        """Return the arguments of a call; those in pieces are kept too, should it be cut."""
        given = call.get("args")
        if given is not None:
            return encoded(given)
        pieces = mappings(call.get("partialArgs"))
        if pieces or call.get("willContinue"):
            partial = self._partial.setdefault(index, PartialArgs())
            for piece in pieces:
                partial.add(piece)
        if call.get("willContinue") or index not in self._partial:
            return ""
        return self._partial.pop(index).json()

    def _extra(self, index: int, name: str, value: Any, events: list[Event]) -> None:
        if value in (None, {}, []) or self._said.get((index, name)) == value:
            return
        if len(self._said) < MAX_SAID:
            self._said[index, name] = value
        is_one = isinstance(value, dict | str)
        events.append(Extra(name, [value] if is_one else value, index))


def _faults(error: Any) -> list[Event]:
    # https://cloud.google.com/apis/design/errors#http_mapping: the status is the name of the code.
    told = mapping(error)
    kind = told.get("status") or told.get("code")
    message = told.get("message")
    left = rest(told, {"status", "message"})
    more: list[Event] = [Extra("error", left, -1)] if left else []
    return [StreamFault(text_of(kind), str(message) if message else encoded(error)), *more]
