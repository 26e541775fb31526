"""OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming.

An answer is a list of items: messages, reasoning, calls. Everything is said up to four times:
in deltas, in the `done` of the piece, in the `done` of its item, and in the snapshot of the
response at the end. So each text has a slot that counts what was said of it, and a repetition
adds nothing but what the slot does not have.

A stream that is picked up in the middle (``starting_after``) brings the ends of texts, and its
last snapshot the whole of them. When that says more than the pieces did, it is read `Again`
from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    Again,
    Event,
    Extra,
    Finish,
    Frame,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)

# Which output item, which list in it, which part of that.
Slot = tuple[Any, str, int]

# An event of these kinds ends with `.delta` or `.done`. Where its piece belongs, and the field
# of the `done` that has all of it. The last few names are of older versions and of audio.
_PIECES = {
    "response.output_text": ("content", "text"),
    "response.refusal": ("refusal", "refusal"),
    "response.reasoning_text": ("reasoning", "text"),
    "response.reasoning_summary_text": ("summary", "text"),
    "response.function_call_arguments": ("call", "arguments"),
    "response.custom_tool_call_input": ("call", "input"),
    "response.mcp_call_arguments": ("call", "arguments"),
    "response.code_interpreter_call_code": ("call", "code"),
    "response.mcp_call.arguments": ("call", "arguments"),
    "response.code_interpreter_call.code": ("call", "code"),
    "response.audio.transcript": ("content", "transcript"),
    "response.output_audio_transcript": ("content", "transcript"),
}
_DELTAS: dict[str, Callable[[str], Event]] = {
    "content": TextDelta,
    "refusal": RefusalDelta,
    "reasoning": ReasoningDelta,
    "summary": ReasoningDelta,
}

# The text of a part of an item: where it belongs, and its field.
_PARTS = {
    "output_text": ("content", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning", "text"),
    "summary_text": ("summary", "text"),
    "output_audio": ("content", "transcript"),
}
_PART_LISTS = ("annotations", "logprobs")

# Items that are calls, and what they call with. Other calls have an ``action``.
_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "mcp_call": "arguments",
    "mcp_approval_request": "arguments",
    "tool_search_call": "arguments",
    "code_interpreter_call": "code",
    "file_search_call": "queries",
    "apply_patch_call": "operation",
}

# The fields that have words of ours, and those that only say where the rest belongs.
_RESPONSE = dict.fromkeys(("object", "id", "model", "error"), object)
_RESPONSE |= {"output": list, "usage": dict}
_PLACE = {"type", "item_id", "output_index", "content_index", "summary_index", "annotation_index"}
_PLACE |= {"sequence_number", "obfuscation", "response_id"}
_PIECE = _PLACE | {"delta", "logprobs", "name"} | {field for _, field in _PIECES.values()}

ITEMS = ("response.output_item.added", "response.output_item.done")
ENDS = ("completed", "incomplete", "failed", "cancelled")


class OpenAIResponses:
    """Reads the frames of one answer."""

    name = "openai_responses"

    # A response says how it ended, with all that was said.
    ends_without_terminal = False
    are_texts_alike = False

    def __init__(self) -> None:
        self._slots: dict[Slot, int] = {}  # how much was said
        self._calls: dict[Any, int] = {}  # output item → number of the call
        self._given: dict[Any, Any] = {}  # output item → what it was called with, if no text
        self._outputs: dict[Any, Any] = {}  # id of an item → its place
        self._said = Said()

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        if frame.data.strip() == DONE:
            return [Terminal()]
        said = decoded(frame.data)
        if not isinstance(said, dict):
            return [Unknown(frame.data)]
        events: list[Event] = []
        kind = string(said.get("type"))
        name, _, step = kind.rpartition(".")
        if name in _PIECES and isinstance(said.get("delta", ""), str):
            self._piece(name, step, said, events)
        elif kind in ITEMS and isinstance(said.get("item"), dict):
            self._item(self._output(said), said["item"], events)
        elif isinstance(said.get("part"), dict):
            self._part(self._output(said), _number(said), said["part"], events)
        elif isinstance(said.get("response"), dict):
            self._response(said["response"], events, step)
        elif kind == "response.output_text.annotation.added":
            slot = self._output(said), "annotations", _number(said)
            self._grow(slot, [said.get("annotation")], events)
        elif kind == "error" or frame.event == "error" or says(said.get("error")):
            events += faults_of(said.get("error") or rest(said, _PLACE), frame.data)
        elif kind:
            _other(kind.removeprefix("response."), rest(said, _PLACE), events)
        else:
            self._response(said, events)
        return events

    # -- pieces ------------------------------------------------------------------------------

    def _piece(self, name: str, step: str, said: dict[str, Any], events: list[Event]) -> None:
        place, field = _PIECES[name]
        slot = self._output(said), place, _number(said)
        odds = slot[0], "logprobs", slot[2]
        if step == "delta":
            text = string(said.get("delta"))
            self._slots[slot] = self._slots.get(slot, 0) + len(text)
            self._say(slot, text, events)
            self._grow(odds, said.get("logprobs"), events)
        else:
            self._whole(slot, string(said.get(field)), events)
            self._rest_of(odds, said.get("logprobs"), events)
        _other(f"{name}.{step}".removeprefix("response."), rest(said, _PIECE), events)

    def _whole(self, slot: Slot, text: str, events: list[Event]) -> None:
        if text and not self._slots.get(slot):
            self._slots[slot] = len(text)
            self._say(slot, text, events)

    def _say(self, slot: Slot, text: str, events: list[Event]) -> None:
        if not text:
            return
        output, place, _ = slot
        if place == "call":
            events.append(ToolCallDelta(self._call_number(output), text))
        else:
            events.append(_DELTAS[place](text))

    def _grow(self, slot: Slot, fresh: Any, events: list[Event]) -> None:
        if fresh and isinstance(fresh, list):
            self._slots[slot] = self._slots.get(slot, 0) + len(fresh)
            events.append(Extra(slot[1], fresh))

    def _rest_of(self, slot: Slot, whole: Any, events: list[Event]) -> None:
        if isinstance(whole, list):
            self._grow(slot, whole[self._slots.get(slot, 0) :], events)

    # -- items -------------------------------------------------------------------------------

    def _item(self, output: Any, item: dict[str, Any], events: list[Event]) -> None:
        kind = string(item.get("type"))
        if item.get("id") and isinstance(item["id"], str):
            self._outputs[item["id"]] = output
        if item.get("role") and self._said.is_new("role", item["role"]):
            events.append(Started(role=str(item["role"])))
        left = {name: value for name, value in item.items() if says(value)}
        for name in ("content", "summary"):
            if isinstance(item.get(name), list):
                left.pop(name, None)
                parts = [
                    self._part(output, number, mapping(part), events)
                    for number, part in enumerate(item[name])
                ]
                if any(parts):
                    left[name] = parts
        if kind in _CALLS or kind.endswith("_call"):
            self._call(output, kind, item, left, events)
        if self._said.is_new(("item", output), left):
            events.append(Extra("output", {str(output): left}))

    def _call(
        self,
        output: Any,
        kind: str,
        item: dict[str, Any],
        left: dict[str, Any],
        events: list[Event],
    ) -> None:
        number = self._call_number(output)
        tool = text_of(left.pop("call_id", None) or item.get("id"))
        name = text_of(left.pop("name", None)) or kind.removesuffix("_call")
        if self._said.is_new(("call", output), (tool, name)):
            events.append(ToolCallDelta(number, "", tool, name, kind))
        field = _CALLS.get(kind, "action")
        given = left.get(field)  # not there while it says nothing
        if isinstance(given, str):
            self._whole((output, "call", 0), left.pop(field), events)
        elif given is not None:
            first = self._given.setdefault(output, given)
            if first is given:
                self._slots[output, "call", 0] = 1
                events.append(ToolCallDelta(number, encoded(given)))
            if first == given:
                del left[field]  # else it has grown: an action that tells its sources at the end

    def _part(
        self, output: Any, number: int, part: dict[str, Any], events: list[Event]
    ) -> dict[str, Any]:
        """Say what was not said of a *part* of an item, and return what has no word of ours."""
        place, field = _PARTS.get(string(part.get("type")), ("content", "text"))
        self._whole((output, place, number), string(part.get(field)), events)
        for name in _PART_LISTS:
            self._rest_of((output, name, number), part.get(name), events)
        return unread(part, {"type": object, field: str} | dict.fromkeys(_PART_LISTS, list))

    # -- the response ------------------------------------------------------------------------

    def _response(self, response: dict[str, Any], events: list[Event], step: str = "") -> None:
        """Read a snapshot; it may be the whole answer. *step* is what the event calls it."""
        status = response.get("status") or step
        is_end = status in ENDS
        began = text_of(response.get("id")), text_of(response.get("model"))
        if any(began) and self._said.is_new("began", began):
            events.append(Started(*began))
        items = mappings(response.get("output"))
        if self._lacks(items):
            self._slots.clear()
            self._calls.clear()
            self._given.clear()
            self._said = Said()
            events.append(Again())
        for output, item in enumerate(items):
            self._item(output, item, events)
        for name, value in unread(response, _RESPONSE).items():
            if self._said.is_new(name, value):
                events.append(Extra(name, value, -1))
        usage = mapping(response.get("usage"))
        if usage:
            events.append(UsageReport(usage, is_end))
        if says(response.get("error")):
            events += faults_of(response["error"], b"")
        if is_end:
            reason = mapping(response.get("incomplete_details")).get("reason")
            events += [Finish(str(reason or status)), Terminal()]

    def _lacks(self, items: list[dict[str, Any]]) -> bool:
        """Whether *items* say more than the pieces did, of which there were some."""
        told = {slot: size for slot, size in self._slots.items() if slot[1] not in _PART_LISTS}
        whole = dict(_sizes(items))
        is_more = any(size > told.get(slot, 0) for slot, size in whole.items())
        return bool(told) and is_more and sum(whole.values()) >= sum(told.values())

    # -- places ------------------------------------------------------------------------------

    def _output(self, said: dict[str, Any]) -> Any:
        given = said.get("output_index")
        if isinstance(given, int):
            return given
        named = text_of(said.get("item_id"))
        return self._outputs.get(named, named)

    def _call_number(self, output: Any) -> int:
        return self._calls.setdefault(output, len(self._calls))


def _number(said: dict[str, Any]) -> int:
    given = said.get("content_index", said.get("summary_index"))
    return given if isinstance(given, int) else 0


def _sizes(items: list[dict[str, Any]]) -> Iterator[tuple[Slot, int]]:
    for output, item in enumerate(items):
        for name in ("content", "summary"):
            for number, part in enumerate(mappings(item.get(name))):
                place, field = _PARTS.get(string(part.get("type")), ("content", "text"))
                yield (output, place, number), len(string(part.get(field)))
        kind = string(item.get("type"))
        given = item.get(_CALLS.get(kind, "action"))
        if says(given) and (kind in _CALLS or kind.endswith("_call")):
            yield (output, "call", 0), len(given) if isinstance(given, str) else 1


def _other(name: str, left: dict[str, Any], events: list[Event]) -> None:
    """Keep what an event of a kind of its own says: partial images, and those of tomorrow."""
    if not left:
        return  # a stage of a call, which its item tells too
    is_piece = isinstance(left.get("delta"), str) and len(left) == 1
    events.append(Extra(name, left["delta"] if is_piece else [left]))
