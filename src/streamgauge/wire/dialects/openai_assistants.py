"""OpenAI Assistants: https://platform.openai.com/docs/api-reference/assistants-streaming.

A run makes steps, and steps make messages and calls. Messages and steps come in deltas; run,
step and message come whole at each of their stages, and what the deltas said is not said twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamgauge.wire.dialects.openai_chat import DONE, faults_of, text_of
from streamgauge.wire.dialects.said import Said
from streamgauge.wire.dialects.values import (
    decoded,
    encoded,
    mapping,
    mappings,
    rest,
    says,
    string,
    unread,
)
from streamgauge.wire.events import (
    Event,
    Extra,
    Finish,
    Frame,
    Started,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)

# Statuses with which a run ends; after `requires_action` another request goes on with it.
ENDS = ("completed", "incomplete", "failed", "cancelled", "expired", "requires_action")

# What each kind of tool is called with.
_GIVEN = {"function": "arguments", "code_interpreter": "input"}

_RUN = {**dict.fromkeys(("object", "id", "model", "last_error"), object), "usage": dict}
_PART = {"index": object, "type": object, "text": dict}
_TEXT = {"value": str, "annotations": list}

# Tools of OpenAI's own have no other name.
_HOSTED = ("code_interpreter", "file_search")


class OpenAIAssistants:
    """Reads the frames of one run."""

    name = "openai_assistants"

    # `done` is the only end there is.
    ends_without_terminal = False
    are_texts_alike = False

    def __init__(self) -> None:
        self._sizes: dict[Any, int] = {}  # how much was said of a text or of a list
        self._calls: dict[Any, int] = {}  # place in a step → number of the call
        self._slots: dict[str | None, Any] = {}  # id of a call → its place
        self._said = Said()

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        if frame.data.strip() == DONE:
            return [Terminal()]
        said = decoded(frame.data)
        if not isinstance(said, dict):
            return [Unknown(frame.data)]
        events: list[Event] = []
        read = _READ.get(string(said.get("object")))
        if frame.event == "error" or says(said.get("error")):
            events += faults_of(said.get("error") or said, frame.data)
        elif read is not None:
            read(self, said, events)
        else:
            # Threads, lists of messages, and kinds of tomorrow.
            events += [Extra(name, value, -1) for name, value in rest(said, {"object"}).items()]
        return events

    # -- messages ----------------------------------------------------------------------------

    def _message_delta(self, said: dict[str, Any], events: list[Event]) -> None:
        delta = mapping(said.get("delta"))
        for place, part in enumerate(mappings(delta.get("content"))):
            slot = text_of(said.get("id")), text_of(part.get("index", place))
            self._part(slot, part, events, is_piece=True)
        self._more("messages", said, unread(delta, {"content": list}), events)

    def _message(self, said: dict[str, Any], events: list[Event]) -> None:
        if said.get("role") and self._said.is_new("role", said["role"]):
            events.append(Started(role=str(said["role"])))
        for place, part in enumerate(mappings(said.get("content"))):
            self._part((text_of(said.get("id")), str(place)), part, events, is_piece=False)
        self._more("messages", said, unread(said, {"object": object, "content": list}), events)

    def _part(
        self, slot: tuple[Any, Any], part: dict[str, Any], events: list[Event], *, is_piece: bool
    ) -> None:
        told = mapping(part.get("text"))
        text = self._fresh(slot, string(told.get("value")), is_piece=is_piece)
        if text:
            events.append(TextDelta(text))
        notes = told.get("annotations")
        fresh = self._fresh((slot, "annotations"), notes or [], is_piece=is_piece)
        if fresh:
            events.append(Extra("annotations", fresh))
        left = unread(part, _PART) | unread(told, _TEXT)
        if left and self._said.is_new((slot, "part"), left):
            # Images and files.
            events.append(Extra("content", [{"type": part.get("type"), **left}]))

    # -- steps -------------------------------------------------------------------------------

    def _step_delta(self, said: dict[str, Any], events: list[Event]) -> None:
        delta = mapping(said.get("delta"))
        details = mapping(delta.get("step_details"))
        self._tools(text_of(said.get("id")), details, events, is_piece=True)
        self._more("steps", said, unread(delta, {"step_details": dict}), events)

    def _step(self, said: dict[str, Any], events: list[Event]) -> None:
        details = mapping(said.get("step_details"))
        self._tools(text_of(said.get("id")), details, events, is_piece=False)
        left = unread(said, {"object": object, "step_details": dict}) | rest(
            details, {"type", "tool_calls"}
        )
        self._more("steps", said, left, events)

    def _tools(
        self, step: Any, details: dict[str, Any], events: list[Event], *, is_piece: bool
    ) -> None:
        for place, call in enumerate(mappings(details.get("tool_calls"))):
            slot = step, text_of(call.get("index", place))
            self._call(slot, call, events, is_piece=is_piece)

    def _call(
        self, slot: Any, call: dict[str, Any], events: list[Event], *, is_piece: bool
    ) -> None:
        number = self._calls.setdefault(slot, len(self._calls))
        if call.get("id"):
            self._slots.setdefault(text_of(call["id"]), slot)
        kind = string(call.get("type"))
        tool = mapping(call.get(kind))
        field = _GIVEN.get(kind, "input")
        given = "" if tool.get(field) is None else encoded(tool[field])
        text = self._fresh(("call", number), given, is_piece=is_piece)
        name = text_of(tool.get("name")) or (kind if kind in _HOSTED else None)
        began = text_of(call.get("id")), name
        if text or (any(began) and self._said.is_new(("call", number), began)):
            events.append(ToolCallDelta(number, text, began[0], name, kind or None))
        outputs = tool.get("outputs")
        fresh = self._fresh((slot, "outputs"), outputs or [], is_piece=is_piece)
        if fresh:
            events.append(Extra("outputs", fresh))
        left = rest(tool, {"name", field, "outputs"}) | rest(call, {"index", "id", "type", kind})
        if left and self._said.is_new((slot, "left"), left):
            events.append(Extra("tool_calls", [{"index": number, **left}]))

    # -- runs --------------------------------------------------------------------------------

    def _run(self, said: dict[str, Any], events: list[Event]) -> None:
        began = text_of(said.get("id")), text_of(said.get("model"))
        if any(began) and self._said.is_new("began", began):
            events.append(Started(*began))
        awaited = mapping(mapping(said.get("required_action")).get("submit_tool_outputs"))
        for call in mappings(awaited.get("tool_calls")):
            # The steps have told them, most likely.
            tool = text_of(call.get("id"))
            self._call(self._slots.get(tool, tool), call, events, is_piece=False)
        for name, value in unread(said, _RUN).items():
            if self._said.is_new(name, value):
                events.append(Extra(name, value, -1))
        status = said.get("status")
        usage = mapping(said.get("usage"))
        if usage:
            events.append(UsageReport(usage, status in ENDS))
        if says(said.get("last_error")):
            events += faults_of(said["last_error"], b"")
        if status in ENDS:
            reason = mapping(said.get("incomplete_details")).get("reason")
            events.append(Finish(str(reason or status)))

    # -- what was said already ---------------------------------------------------------------

    def _fresh(self, slot: Any, given: Any, *, is_piece: bool) -> Any:
        """Return what of *given*, a text or a list, was not said of *slot*."""
        if not isinstance(given, str | list):
            return None
        known = self._sizes.get(slot, 0)
        fresh = given if is_piece else given[known:]
        if fresh:
            self._sizes[slot] = known + len(fresh)
        return fresh

    def _more(
        self, name: str, said: dict[str, Any], left: dict[str, Any], events: list[Event]
    ) -> None:
        key = str(said.get("id"))
        if left and self._said.is_new((name, key), left):
            events.append(Extra(name, {key: left}))


_READ: dict[str, Callable[[OpenAIAssistants, dict[str, Any], list[Event]], None]] = {
    "thread.message.delta": OpenAIAssistants._message_delta,
    "thread.message": OpenAIAssistants._message,
    "thread.run.step.delta": OpenAIAssistants._step_delta,
    "thread.run.step": OpenAIAssistants._step,
    "thread.run": OpenAIAssistants._run,
}
