"""Bedrock's Converse and ConverseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. The
name of an event is in the headers of its message, and so is that of an exception. SDKs, and
the Nova models on InvokeModel, have it as the one key of an object.
"""

from __future__ import annotations

from collections.abc import Callable
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
    StreamFault,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)

Said = dict[str, Any]

# Of a whole answer or the last event: what is neither the answer nor its usage. ``p`` is
# padding, so that the length of a message does not tell what is in it.
_NO_EXTRAS = {"p", "usage", "output", "stopReason"}


class BedrockConverse:
    """Reads the frames of one answer."""

    name = "bedrock_converse"

    # `metadata` always comes, and is the last.
    ends_without_terminal = False
    are_texts_alike = False

    def __init__(self) -> None:
        self._tools: dict[int, int] = {}  # block → number of the tool call

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        if frame.is_fault:
            return aws_faults(frame)
        said = decoded(frame.data)
        if not isinstance(said, dict):
            return [Unknown(frame.data)]
        name = frame.event
        if name is None:
            name = next((key for key in said if key in _READ), "")
            said = mapping(said[name]) if name else said
        events: list[Event] = []
        read = _READ.get(name)
        if read is not None:
            read(self, said, events)
        elif "output" in said:
            self._whole(said, events)
        elif fault := _error_of(said):
            events.append(fault)
        else:
            events.append(Unknown(frame.data))
        return events

    # -- the events of a stream ------------------------------------------------------------

    def _message_start(self, said: Said, events: list[Event]) -> None:
        events.append(Started(role=text_of(said.get("role"))))

    def _block_start(self, said: Said, events: list[Event]) -> None:
        self._block(_block_of(said), mapping(said.get("start")), events)

    def _block_delta(self, said: Said, events: list[Event]) -> None:
        self._block(_block_of(said), mapping(said.get("delta")), events)

    def _nothing(self, said: Said, events: list[Event]) -> None:
        """`contentBlockStop` says nothing."""

    def _message_stop(self, said: Said, events: list[Event]) -> None:
        if said.get("stopReason"):
            events.append(Finish(str(said["stopReason"])))
        _extras(said, events)

    def _metadata(self, said: Said, events: list[Event]) -> None:
        usage = mapping(said.get("usage"))
        if usage:
            events.append(UsageReport(usage))
        _extras(said, events)
        events.append(Terminal())

    # -- a whole answer --------------------------------------------------------------------

    def _whole(self, said: Said, events: list[Event]) -> None:
        message = mapping(mapping(said["output"]).get("message"))
        events.append(Started(role=text_of(message.get("role"))))
        for index, block in enumerate(mappings(message.get("content"))):
            self._block(index, block, events)
        self._message_stop({"stopReason": said.get("stopReason")}, events)
        self._metadata(said, events)

    # -- parts -------------------------------------------------------------------------------

    def _block(self, index: int, block: Said, events: list[Event]) -> None:
        """Read a block of a whole answer, or the start or a delta of one: they differ little."""
        for kind, value in block.items():
            read = _BLOCKS.get(kind)
            if read is not None:
                read(self, index, value, events)
            else:
                events.append(Extra("blocks", [{kind: value}]))

    def _text(self, index: int, value: Any, events: list[Event]) -> None:  # noqa: ARG002
        if value and isinstance(value, str):
            events.append(TextDelta(value))

    def _tool_use(self, index: int, value: Any, events: list[Event]) -> None:
        tool = mapping(value)
        number = self._tools.setdefault(index, len(self._tools))
        given = tool.get("input")
        arguments = "" if given is None else encoded(given)
        named, kind = text_of(tool.get("name")), text_of(tool.get("type"))
        known = text_of(tool.get("toolUseId"))
        events.append(ToolCallDelta(number, arguments, known, named, kind))

    def _reasoning(self, index: int, value: Any, events: list[Event]) -> None:  # noqa: ARG002
        said = mapping(value)
        # In a whole answer text and signature are one deeper.
        said = said | mapping(said.get("reasoningText"))
        if string(said.get("text")):
            events.append(ReasoningDelta(said["text"]))
        if said.get("signature"):
            events.append(Extra("signatures", [said["signature"]]))
        if said.get("redactedContent"):
            hidden = {"redactedContent": said["redactedContent"]}
            events.append(Extra("blocks", [{"reasoningContent": hidden}]))

    def _citation(self, index: int, value: Any, events: list[Event]) -> None:  # noqa: ARG002
        events.append(Extra("citations", [value]))

    def _cited(self, index: int, value: Any, events: list[Event]) -> None:
        said = mapping(value)
        for part in mappings(said.get("content")):
            self._text(index, part.get("text"), events)
        if isinstance(said.get("citations"), list):
            events.append(Extra("citations", said["citations"]))


def aws_faults(frame: Frame) -> list[Event]:
    """Return the fault of an exception or error message of AWS, and what else it says."""
    said = mapping(decoded(frame.data))
    message = said.get("message") or said.get("Message") or said.get("originalMessage")
    left = {name: value for name, value in rest(said, set()).items() if value != message}
    if message is None:
        message = frame.data[:1000].decode("utf-8", "replace")
    more: list[Event] = [Extra("error", left, -1)] if left else []
    return [StreamFault(frame.event, str(message)), *more]


def _error_of(said: Said) -> StreamFault | None:
    # Its name is in a header of the response, `x-amzn-errortype`; some have it here as well.
    message = said.get("message") or said.get("Message")
    if message:
        return StreamFault(text_of(said.get("__type")), str(message))
    return fault_of(said["error"], b"") if said.get("error") else None


def _block_of(said: Said) -> int:
    index = said.get("contentBlockIndex")
    return index if isinstance(index, int) else 0


def _extras(said: Said, events: list[Event]) -> None:
    for name, value in said.items():
        if name not in _NO_EXTRAS and value is not None:
            events.append(Extra(name, value, -1))


_READ: dict[str, Callable[[BedrockConverse, Said, list[Event]], None]] = {
    "messageStart": BedrockConverse._message_start,
    "contentBlockStart": BedrockConverse._block_start,
    "contentBlockDelta": BedrockConverse._block_delta,
    "contentBlockStop": BedrockConverse._nothing,
    "messageStop": BedrockConverse._message_stop,
    "metadata": BedrockConverse._metadata,
}

_BLOCKS: dict[str, Callable[[BedrockConverse, int, Any, list[Event]], None]] = {
    "text": BedrockConverse._text,
    "toolUse": BedrockConverse._tool_use,
    "reasoningContent": BedrockConverse._reasoning,
    "citation": BedrockConverse._citation,
    "citationsContent": BedrockConverse._cited,
}
