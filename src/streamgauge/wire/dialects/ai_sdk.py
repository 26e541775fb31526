"""The Vercel AI SDK's streams between a server and its page.

https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. The UI message stream (version 5 and later)
is SSE with typed parts and ``[DONE]``. The data stream before it
(https://v4.ai-sdk.dev/docs/ai-sdk-ui/stream-protocol) is lines of a letter, a colon and JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamgauge.wire.dialects.openai_chat import DONE, text_of
from streamgauge.wire.dialects.values import decoded, encoded, mapping, rest, string
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

# The fields of a call that have words of ours; of the rest those that say more than that.
_CALL = {"type", "toolCallId", "toolName", "inputTextDelta", "input", "errorText"}
_CALL |= {"args", "argsTextDelta", "providerMetadata"}

_NOTHINGS = (
    "start-step",
    "finish-step",
    "text-start",
    "text-end",
    "reasoning-start",
    "reasoning-end",
)


class AiSdk:
    """Reads the frames of one answer."""

    name = "ai_sdk"

    # `[DONE]`, or the finish of the data stream.
    ends_without_terminal = False
    are_texts_alike = False

    def __init__(self) -> None:
        self._tools: dict[str, int] = {}  # id → number of the tool call
        self._about: Said = {}  # the message's metadata so far
        self._in_pieces: set[str] = set()  # calls whose input has come bit by bit

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        data = frame.data
        if data.strip() == DONE:
            return [Terminal()]
        if data[1:2] == b":":
            return self._line(data)
        said = decoded(data)
        events: list[Event] = []
        if isinstance(said, dict):
            self._part(said, events)
        return events if events or _says_nothing(said) else [Unknown(data)]

    def _part(self, said: Said, events: list[Event]) -> None:
        kind = string(said.get("type"))
        read = _READ.get(kind)
        if read is not None:
            read(self, said, events)
        elif kind.startswith(("data-", "source-", "tool-")) or kind in ("file", "custom"):
            events.append(Extra("parts", [said]))
        if said.get("messageMetadata") is not None:
            events.append(Extra("messageMetadata", self._added(said["messageMetadata"]), -1))
        if said.get("providerMetadata") is not None:
            # Of the part: signatures, the ids of items.
            events.append(Extra("providerMetadata", [said["providerMetadata"]]))

    # -- the UI message stream -------------------------------------------------------------

    def _start(self, said: Said, events: list[Event]) -> None:
        events.append(Started(text_of(said.get("messageId"))))

    def _text(self, said: Said, events: list[Event]) -> None:
        if string(said.get("delta")):
            events.append(TextDelta(said["delta"]))

    def _reasoning(self, said: Said, events: list[Event]) -> None:
        if string(said.get("delta")):
            events.append(ReasoningDelta(said["delta"]))

    def _input_start(self, said: Said, events: list[Event]) -> None:
        self._call(said, "", events)

    def _input_delta(self, said: Said, events: list[Event]) -> None:
        self._in_pieces.add(str(said.get("toolCallId")))
        self._call(said, string(said.get("inputTextDelta")), events)

    def _input(self, said: Said, events: list[Event]) -> None:
        # It comes once more as a whole.
        is_told = str(said.get("toolCallId")) in self._in_pieces
        self._call(said, "" if is_told else encoded(said.get("input")), events)
        if said.get("errorText"):
            events.append(Extra("parts", [said]))

    def _call(self, said: Said, arguments: str, events: list[Event]) -> None:
        tool = str(said.get("toolCallId"))
        number = self._tools.setdefault(tool, len(self._tools))
        name = text_of(said.get("toolName"))
        events.append(ToolCallDelta(number, arguments, tool, name, "function"))
        left = rest(said, _CALL)
        if left:
            events.append(Extra("tool_calls", [{"index": number, **left}]))

    def _metadata(self, said: Said, events: list[Event]) -> None:
        """Its metadata is read with that of every part."""

    def _added(self, metadata: Any) -> Any:
        # "Deep-merged with the metadata before it", as the page's own reader has it; its first
        # level is enough for what servers put there.
        if isinstance(metadata, dict):
            self._about = {**self._about, **metadata}
            return self._about
        return metadata

    def _error(self, said: Said, events: list[Event]) -> None:
        events.append(StreamFault(None, str(said.get("errorText"))))

    def _abort(self, said: Said, events: list[Event]) -> None:
        events.append(StreamFault("abort", text_of(said.get("reason"))))

    def _finish(self, said: Said, events: list[Event]) -> None:
        metadata = mapping(said.get("messageMetadata"))
        usage = mapping(metadata.get("totalUsage") or metadata.get("usage"))
        if usage:
            # Where the server was told to put it there; the protocol has no place of its own.
            events.append(UsageReport(usage))
        reason = said.get("finishReason") or metadata.get("finishReason")
        if reason:
            events.append(Finish(str(reason)))

    # -- the data stream ---------------------------------------------------------------------

    def _line(self, data: bytes) -> list[Event]:
        letter, said = data[:1].decode("latin-1"), decoded(data[2:])
        name = _LINES.get(letter)
        if name is None or (said is None and data[2:].strip() != b"null"):
            return [Unknown(data)]
        events: list[Event] = []
        if letter in _LINE_READ:
            _LINE_READ[letter](self, said, events)
        else:
            events.append(Extra(name, said if isinstance(said, list) else [said]))
        return events

    def _line_text(self, said: Any, events: list[Event]) -> None:
        if string(said):
            events.append(TextDelta(said))

    def _line_reasoning(self, said: Any, events: list[Event]) -> None:
        if string(said):
            events.append(ReasoningDelta(said))

    def _line_error(self, said: Any, events: list[Event]) -> None:
        events.append(StreamFault(None, encoded(said)))

    def _line_started(self, said: Any, events: list[Event]) -> None:
        events.append(Started(text_of(mapping(said).get("messageId"))))

    def _line_call(self, said: Any, events: list[Event]) -> None:
        call = mapping(said)
        self._input(call | {"input": call.get("args")}, events)

    def _line_call_start(self, said: Any, events: list[Event]) -> None:
        self._call(mapping(said), "", events)

    def _line_call_delta(self, said: Any, events: list[Event]) -> None:
        call = mapping(said)
        self._input_delta(call | {"inputTextDelta": call.get("argsTextDelta")}, events)

    def _line_step(self, said: Any, events: list[Event]) -> None:
        usage = mapping(mapping(said).get("usage"))
        if usage:
            events.append(UsageReport(usage, final=False))

    def _line_finish(self, said: Any, events: list[Event]) -> None:
        told = mapping(said)
        usage = mapping(told.get("usage"))
        if usage:
            events.append(UsageReport(usage))
        if told.get("finishReason"):
            events.append(Finish(str(told["finishReason"])))
        events.append(Terminal())


def _says_nothing(said: Any) -> bool:
    kind = string(mapping(said).get("type"))
    return kind in _NOTHINGS or kind in _READ


_READ: dict[str, Callable[[AiSdk, Said, list[Event]], None]] = {
    "start": AiSdk._start,
    "text-delta": AiSdk._text,
    "reasoning-delta": AiSdk._reasoning,
    "tool-input-start": AiSdk._input_start,
    "tool-input-delta": AiSdk._input_delta,
    "tool-input-available": AiSdk._input,
    "tool-input-error": AiSdk._input,
    "message-metadata": AiSdk._metadata,
    "error": AiSdk._error,
    "abort": AiSdk._abort,
    "finish": AiSdk._finish,
}

_LINES = {
    "0": "text",
    "2": "data",
    "3": "error",
    "8": "annotations",
    "9": "call",
    "a": "results",
    "b": "call start",
    "c": "call delta",
    "d": "finish",
    "e": "step",
    "f": "started",
    "g": "reasoning",
    "h": "sources",
    "i": "redacted_reasoning",
    "j": "signatures",
    "k": "files",
}

_LINE_READ: dict[str, Callable[[AiSdk, Any, list[Event]], None]] = {
    "0": AiSdk._line_text,
    "3": AiSdk._line_error,
    "9": AiSdk._line_call,
    "b": AiSdk._line_call_start,
    "c": AiSdk._line_call_delta,
    "d": AiSdk._line_finish,
    "e": AiSdk._line_step,
    "f": AiSdk._line_started,
    "g": AiSdk._line_reasoning,
}
