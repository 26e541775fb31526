"""Anthropic Messages: https://docs.anthropic.com/en/api/messages-streaming.

Content blocks are numbered; text, thinking and tool input come as deltas of a block.
Usage comes twice: input with ``message_start``, output with ``message_delta``; both
together are the usage of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streamgauge.wire.dialects.openai_chat import fault_of, faults_of, text_of
from streamgauge.wire.dialects.values import (
    decoded,
    encoded,
    mapping,
    mappings,
    says,
    string,
    unread,
)
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

# The fields that have words of ours, and the type of the word; all others keep their names.
_STOP = dict.fromkeys(("stop_reason", "stop_sequence"), object)
_MESSAGE = {**dict.fromkeys(("type", "id", "role", "model"), object), "usage": dict}
_WHOLE = {**_MESSAGE, **_STOP, "content": list}
_END = {"type": object, "delta": dict, "usage": dict}
_ERROR = {"type": object, "error": object}
_DELTA = {"type": object, "text": str, "thinking": str, "partial_json": str}
_DELTA |= {"signature": object, "citation": object}
_TEXT = {"type": object, "text": str, "citations": list}
_THINKING = {"type": object, "thinking": str, "signature": object}
_TOOL = dict.fromkeys(("type", "id", "name", "input"), object)

# What the events of a stream are about.
_ABOUT = {
    "message_start": "message",
    "content_block_start": "content_block",
    "content_block_delta": "delta",
}

TOOL_BLOCKS = ("tool_use", "server_tool_use", "mcp_tool_use")


class Anthropic:
    """Reads the frames of one answer."""

    name = "anthropic"

    # `message_stop` is the only end there is.
    ends_without_terminal = False
    are_texts_alike = True

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self._tools: dict[int, int] = {}  # block → number of the tool call

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        said = decoded(frame.data)
        if not isinstance(said, dict):
            return [fault_of(None, frame.data) if frame.event == "error" else Unknown(frame.data)]
        events: list[Event] = []
        kind = string(said.get("type"))
        read = _READ.get(kind)
        about = said.get(_ABOUT.get(kind))
        if not isinstance(about, dict) and says(about):
            events.append(Unknown(frame.data))
        elif read is not None:
            read(self, said, events)
        elif said.get("error"):
            self._error(said, events)
        elif kind:
            # "We may add new event types, and your code should handle unknown event types
            # gracefully" (https://docs.anthropic.com/en/api/versioning); Vertex AI has its own.
            events.append(Extra("events", [said]))
        else:
            events.append(Unknown(frame.data))
        return events

    # -- the events of a stream ------------------------------------------------------------

    def _message_start(self, said: Said, events: list[Event]) -> None:
        message = mapping(said.get("message"))
        self._start(message, events)
        _rest(message, _MESSAGE, events)
        self._report(message, events, final=False)

    def _block_start(self, said: Said, events: list[Event]) -> None:
        self._block(said.get("index"), mapping(said.get("content_block")), events, is_whole=False)

    def _block_delta(self, said: Said, events: list[Event]) -> None:
        delta = mapping(said.get("delta"))
        if len(delta) == 2 and delta.get("type") == "text_delta" and string(delta.get("text")):
            events.append(TextDelta(delta["text"]))  # nearly all of them
            return
        if string(delta.get("text")):
            events.append(TextDelta(delta["text"]))
        if string(delta.get("thinking")):
            events.append(ReasoningDelta(delta["thinking"]))
        if string(delta.get("partial_json")):
            events.append(ToolCallDelta(self._tool(said.get("index")), delta["partial_json"]))
        if delta.get("signature"):
            events.append(Extra("signatures", [delta["signature"]]))
        if delta.get("citation") is not None:
            events.append(Extra("citations", [delta["citation"]]))
        for name, value in unread(delta, _DELTA).items():
            # Kinds of tomorrow: a text is a piece of a longer one.
            events.append(Extra(name, value if isinstance(value, str) else [value]))

    def _message_delta(self, said: Said, events: list[Event]) -> None:
        self._report(said, events, final=True)
        delta = mapping(said.get("delta"))
        _stop(delta, events)
        _rest(delta, _STOP, events)
        _rest(said, _END, events)

    def _message_stop(self, said: Said, events: list[Event]) -> None:  # noqa: ARG002
        events.append(Terminal())

    def _error(self, said: Said, events: list[Event]) -> None:
        events += faults_of(said.get("error"), b"")
        _rest(said, _ERROR, events)

    def _nothing(self, said: Said, events: list[Event]) -> None:
        """`ping` and `content_block_stop` say nothing."""

    # -- a whole answer --------------------------------------------------------------------

    def _whole(self, said: Said, events: list[Event]) -> None:
        self._start(said, events)
        for index, block in enumerate(mappings(said.get("content"))):
            self._block(index, block, events, is_whole=True)
        _rest(said, _WHOLE, events)
        self._report(said, events, final=True)
        _stop(said, events)
        events.append(Terminal())

    # -- parts -------------------------------------------------------------------------------

    def _start(self, message: Said, events: list[Event]) -> None:
        answer, model, role = (text_of(message.get(name)) for name in ("id", "model", "role"))
        if answer or model or role:
            events.append(Started(answer, model, role))

    def _block(self, index: Any, block: Said, events: list[Event], *, is_whole: bool) -> None:
        kind = block.get("type")
        if kind == "text":
            if string(block.get("text")):
                events.append(TextDelta(block["text"]))
            if isinstance(block.get("citations"), list) and block["citations"]:
                events.append(Extra("citations", block["citations"]))
            left = unread(block, _TEXT)
        elif kind == "thinking":
            if string(block.get("thinking")):
                events.append(ReasoningDelta(block["thinking"]))
            if block.get("signature"):
                events.append(Extra("signatures", [block["signature"]]))
            left = unread(block, _THINKING)
        elif kind in TOOL_BLOCKS:
            self._call(index, block, events, is_whole=is_whole)
            return
        else:
            left = block
        if left:
            events.append(Extra("blocks", [{"type": kind, **left}]))

    def _call(self, index: Any, block: Said, events: list[Event], *, is_whole: bool) -> None:
        # The input of a starting block is {} until its deltas have come.
        given = block.get("input")
        is_given = given is not None if is_whole else bool(given)
        number, kind = self._tool(index), text_of(block.get("type"))
        tool, name = text_of(block.get("id")), text_of(block.get("name"))
        arguments = encoded(given) if is_given else ""
        events.append(ToolCallDelta(number, arguments, tool, name, kind))
        left = unread(block, _TOOL)
        if left:
            events.append(Extra("tool_calls", [{"index": number, **left}]))

    def _tool(self, block: Any) -> int:
        place = block if isinstance(block, int) else 0
        return self._tools.setdefault(place, len(self._tools))

    def _report(self, said: Said, events: list[Event], *, final: bool) -> None:
        usage = mapping(said.get("usage"))
        if usage:
            given = {name: value for name, value in usage.items() if value is not None}
            self._usage = {**self._usage, **given}
            events.append(UsageReport(self._usage, final))


def _stop(said: Said, events: list[Event]) -> None:
    if said.get("stop_reason"):
        events.append(Finish(str(said["stop_reason"])))
    if said.get("stop_sequence"):
        events.append(Extra("stop_sequence", [said["stop_sequence"]]))


def _rest(said: Said, words: Mapping[str, type], events: list[Event]) -> None:
    events += [Extra(name, value, -1) for name, value in unread(said, words).items()]


_READ: dict[str, Callable[[Anthropic, Said, list[Event]], None]] = {
    "message_start": Anthropic._message_start,
    "content_block_start": Anthropic._block_start,
    "content_block_delta": Anthropic._block_delta,
    "content_block_stop": Anthropic._nothing,
    "message_delta": Anthropic._message_delta,
    "message_stop": Anthropic._message_stop,
    "ping": Anthropic._nothing,
    "error": Anthropic._error,
    "message": Anthropic._whole,
}
