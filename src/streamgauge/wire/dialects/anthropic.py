"""Anthropic Messages: https://docs.anthropic.com/en/api/messages-streaming.

Content blocks are numbered; text, thinking and tool input come as deltas of a block.
Usage comes twice: input with ``message_start``, output with ``message_delta``; both
together are the usage of the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from streamgauge.wire.dialects.openai_chat import fault_of, text_of
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
    id: str | None = None
    role: str | None = None
    model: str | None = None
    content: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: dict[str, Any] | None = None


class _Delta(Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Event(Struct):
    type: str | None = None
    index: int = 0
    message: _Message | str | None = None
    content_block: dict[str, Any] | None = None
    delta: _Delta | None = None
    usage: dict[str, Any] | None = None
    error: Any = None
    # a whole answer
    id: str | None = None
    role: str | None = None
    model: str | None = None
    content: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


_decode = msgspec.json.Decoder(_Event).decode

TOOL_BLOCKS = ("tool_use", "server_tool_use", "mcp_tool_use")


class Anthropic:
    """Reads the frames of one answer."""

    name = "anthropic"

    # `message_stop` is the only end there is.
    ends_without_terminal = False

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self._tools: dict[int, int] = {}  # block → number of the tool call

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        try:
            event = _decode(frame.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [Unknown(frame.data)]
        events: list[Event] = []
        read = _READ.get(event.type or "")
        if read is not None:
            read(self, event, events)
        elif event.error:
            events.append(fault_of(event.error, frame.data))
        else:
            events.append(Unknown(frame.data))
        return events

    # -- the events of a stream ------------------------------------------------------------

    def _message_start(self, event: _Event, events: list[Event]) -> None:
        message = event.message
        if isinstance(message, _Message):
            events.append(Started(message.id, message.model, message.role))
            self._report(message.usage, events, final=False)

    def _block_start(self, event: _Event, events: list[Event]) -> None:
        if event.content_block is not None:
            self._block(event.index, event.content_block, events, is_whole=False)

    def _block_delta(self, event: _Event, events: list[Event]) -> None:
        delta = event.delta
        if delta is None:
            return
        if delta.text:
            events.append(TextDelta(delta.text))
        if delta.thinking:
            events.append(ReasoningDelta(delta.thinking))
        if delta.partial_json:
            events.append(ToolCallDelta(self._tool(event.index), delta.partial_json))
        if delta.signature:
            events.append(Extra("signatures", [delta.signature]))
        if delta.citation is not None:
            events.append(Extra("citations", [delta.citation]))

    def _message_delta(self, event: _Event, events: list[Event]) -> None:
        self._report(event.usage, events, final=True)
        if event.delta is not None:
            _stop(event.delta.stop_reason, event.delta.stop_sequence, events)

    def _message_stop(self, event: _Event, events: list[Event]) -> None:  # noqa: ARG002
        events.append(Terminal())

    def _error(self, event: _Event, events: list[Event]) -> None:
        events.append(fault_of(event.error, b""))

    def _nothing(self, event: _Event, events: list[Event]) -> None:
        """`ping` and `content_block_stop` say nothing."""

    # -- a whole answer --------------------------------------------------------------------

    def _whole(self, event: _Event, events: list[Event]) -> None:
        events.append(Started(event.id, event.model, event.role))
        blocks = event.content if isinstance(event.content, list) else ()
        for index, block in enumerate(blocks):
            if isinstance(block, dict):
                self._block(index, block, events, is_whole=True)
        self._report(event.usage, events, final=True)
        _stop(event.stop_reason, event.stop_sequence, events)
        events.append(Terminal())

    # -- parts -------------------------------------------------------------------------------

    def _block(
        self, index: int, block: dict[str, Any], events: list[Event], *, is_whole: bool
    ) -> None:
        kind = block.get("type")
        if kind == "text":
            if block.get("text"):
                events.append(TextDelta(str(block["text"])))
            if isinstance(block.get("citations"), list) and block["citations"]:
                events.append(Extra("citations", block["citations"]))
        elif kind == "thinking":
            if block.get("thinking"):
                events.append(ReasoningDelta(str(block["thinking"])))
            if block.get("signature"):
                events.append(Extra("signatures", [block["signature"]]))
        elif kind in TOOL_BLOCKS:
            # The input of a starting block is {} until its deltas have come.
            given = block.get("input")
            is_given = given is not None if is_whole else bool(given)
            arguments = msgspec.json.encode(given).decode() if is_given else ""
            tool, name = text_of(block.get("id")), text_of(block.get("name"))
            events.append(ToolCallDelta(self._tool(index), arguments, tool, name, kind))
        else:
            events.append(Extra("blocks", [block]))

    def _tool(self, block: int) -> int:
        return self._tools.setdefault(block, len(self._tools))

    def _report(self, usage: dict[str, Any] | None, events: list[Event], *, final: bool) -> None:
        if usage:
            given = {name: value for name, value in usage.items() if value is not None}
            self._usage = {**self._usage, **given}
            events.append(UsageReport(self._usage, final))


def _stop(reason: str | None, sequence: str | None, events: list[Event]) -> None:
    if reason:
        events.append(Finish(reason))
    if sequence:
        events.append(Extra("stop_sequence", [sequence]))


_READ: dict[str, Callable[[Anthropic, _Event, list[Event]], None]] = {
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
