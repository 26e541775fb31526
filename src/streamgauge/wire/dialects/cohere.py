"""Cohere chat: https://docs.cohere.com/v2/docs/streaming, and the events of v1 before it.

v2 has typed events with numbered contents, tool calls and citations; v1
(https://docs.cohere.com/v1/docs/streaming), which Bedrock still speaks, flat ones.
``[DONE]`` may follow the last event; it adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamgauge.wire.dialects.openai_chat import DONE, fault_of, faults_of, text_of
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

# The fields of the end, or of a whole answer, that have words of ours.
_END = {"id", "message", "logprobs", "usage", "finish_reason", "error"}


class Cohere:
    """Reads the frames of one answer."""

    name = "cohere"

    # `message-end` is the only end there is.
    ends_without_terminal = False
    are_texts_alike = False

    def __init__(self) -> None:
        self._calls = 0  # of v1, which does not number them when they are whole

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        if frame.data.strip() == DONE:
            return [Terminal()]
        said = decoded(frame.data)
        if not isinstance(said, dict):
            return [Unknown(frame.data)]
        events: list[Event] = []
        read = _READ.get(str(said.get("type") or said.get("event_type")))
        if read is not None:
            read(self, said, events)
        elif isinstance(said.get("message"), dict):
            self._whole(said, events)
        elif "message" in said or "error" in said:
            events += faults_of(said.get("error") or said, frame.data)
        else:
            events.append(Unknown(frame.data))
        return events

    # -- the events of a stream ------------------------------------------------------------

    def _message_start(self, said: Said, events: list[Event]) -> None:
        message = _message_of(said)
        events.append(Started(text_of(said.get("id")), None, text_of(message.get("role"))))

    def _content(self, said: Said, events: list[Event]) -> None:
        _content(mapping(_message_of(said).get("content")), events)
        if said.get("logprobs"):
            events.append(Extra("logprobs", [said["logprobs"]]))

    def _tool_plan(self, said: Said, events: list[Event]) -> None:
        _plan(_message_of(said), events)

    def _tool_call(self, said: Said, events: list[Event]) -> None:
        index = said.get("index")
        call = mapping(_message_of(said).get("tool_calls"))
        _call(index if isinstance(index, int) else 0, call, events)

    def _citation(self, said: Said, events: list[Event]) -> None:
        citation = _message_of(said).get("citations")
        if citation:
            events.append(Extra("citations", [citation]))

    def _message_end(self, said: Said, events: list[Event]) -> None:
        self._end(mapping(said.get("delta")), events)

    def _nothing(self, said: Said, events: list[Event]) -> None:
        """`content-end` and its like say nothing."""

    # -- a whole answer --------------------------------------------------------------------

    def _whole(self, said: Said, events: list[Event]) -> None:
        message = said["message"]
        events.append(Started(text_of(said.get("id")), None, text_of(message.get("role"))))
        _plan(message, events)
        for content in mappings(message.get("content")):
            _content(content, events)
        for number, call in enumerate(mappings(message.get("tool_calls"))):
            _call(number, call, events)
        if message.get("citations"):
            events.append(Extra("citations", message["citations"]))
        if said.get("logprobs"):
            events.append(Extra("logprobs", said["logprobs"]))
        self._end(said, events)

    def _end(self, said: Said, events: list[Event]) -> None:
        usage = mapping(said.get("usage"))
        if usage:
            events.append(UsageReport(usage))
        if said.get("finish_reason"):
            events.append(Finish(str(said["finish_reason"])))
        if said.get("error"):
            events.append(fault_of(said["error"], b""))
        events += [Extra(name, value, -1) for name, value in rest(said, _END).items()]
        events.append(Terminal())

    # -- the events of v1 ------------------------------------------------------------------

    def _v1_start(self, said: Said, events: list[Event]) -> None:
        events.append(Started(text_of(said.get("generation_id"))))

    def _v1_text(self, said: Said, events: list[Event]) -> None:
        if string(said.get("text")):
            events.append(TextDelta(said["text"]))

    def _v1_citations(self, said: Said, events: list[Event]) -> None:
        if isinstance(said.get("citations"), list):
            events.append(Extra("citations", said["citations"]))

    def _v1_calls(self, said: Said, events: list[Event]) -> None:
        for call in mappings(said.get("tool_calls")):
            arguments = encoded(call.get("parameters") or {})
            name = text_of(call.get("name"))
            events.append(ToolCallDelta(self._calls, arguments, None, name, "function"))
            self._calls += 1

    def _v1_extra(self, said: Said, events: list[Event]) -> None:
        events.append(Extra("events", [said]))

    def _v1_end(self, said: Said, events: list[Event]) -> None:
        usage = mapping(mapping(said.get("response")).get("meta"))
        if usage:
            events.append(UsageReport(usage))
        reason = said.get("finish_reason")
        if reason:
            events.append(Finish(str(reason)))
        if str(reason).startswith("ERROR"):
            events.append(StreamFault(str(reason), text_of(said.get("error"))))
        events.append(Terminal())


def _message_of(said: Said) -> Said:
    return mapping(mapping(said.get("delta")).get("message"))


def _content(content: Said, events: list[Event]) -> None:
    if string(content.get("text")):
        events.append(TextDelta(content["text"]))
    if string(content.get("thinking")):
        events.append(ReasoningDelta(content["thinking"]))


def _plan(message: Said, events: list[Event]) -> None:
    # "A chain-of-thought style reflection and plan that the model generates when working with
    # Tools": https://docs.cohere.com/v2/reference/chat-stream.
    if string(message.get("tool_plan")):
        events.append(ReasoningDelta(message["tool_plan"]))


def _call(number: int, call: Said, events: list[Event]) -> None:
    function = mapping(call.get("function"))
    given = function.get("arguments")
    arguments = "" if given is None else encoded(given)
    tool, name, kind = (
        text_of(one) for one in (call.get("id"), function.get("name"), call.get("type"))
    )
    events.append(ToolCallDelta(number, arguments, tool, name, kind))


_READ: dict[str, Callable[[Cohere, Said, list[Event]], None]] = {
    "message-start": Cohere._message_start,
    "content-start": Cohere._content,
    "content-delta": Cohere._content,
    "content-end": Cohere._nothing,
    "tool-plan-delta": Cohere._tool_plan,
    "tool-call-start": Cohere._tool_call,
    "tool-call-delta": Cohere._tool_call,
    "tool-call-end": Cohere._nothing,
    "citation-start": Cohere._citation,
    "citation-end": Cohere._nothing,
    "message-end": Cohere._message_end,
    "stream-start": Cohere._v1_start,
    "text-generation": Cohere._v1_text,
    "citation-generation": Cohere._v1_citations,
    "tool-calls-generation": Cohere._v1_calls,
    "tool-calls-chunk": Cohere._nothing,  # the whole calls follow
    "search-queries-generation": Cohere._v1_extra,
    "search-results": Cohere._v1_extra,
    "stream-end": Cohere._v1_end,
}
