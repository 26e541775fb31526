"""Bedrock's InvokeModel and InvokeModelWithResponseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html.
Every message is a ``chunk`` whose base64 holds what the model's own API says, so it is read
by its content: as Anthropic, OpenAI, Cohere or Converse (Nova), or as one of the plain shapes
of https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html. The last chunk
has Bedrock's own counts beside it.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

from streamgauge.wire.dialects.anthropic import Anthropic
from streamgauge.wire.dialects.bedrock_converse import BedrockConverse, aws_faults
from streamgauge.wire.dialects.cohere import Cohere
from streamgauge.wire.dialects.openai_chat import OpenAIChat, fault_of
from streamgauge.wire.dialects.values import decoded, mapping, mappings, string
from streamgauge.wire.events import (
    Event,
    Extra,
    Finish,
    Frame,
    Terminal,
    TextDelta,
    Unknown,
    UsageReport,
)

Said = dict[str, Any]
Reader = Anthropic | BedrockConverse | Cohere | OpenAIChat

METRICS = "amazon-bedrock-invocationMetrics"
_OWN = "amazon-bedrock-"


class BedrockInvoke:
    """Reads the frames of one answer."""

    name = "bedrock_invoke"

    are_texts_alike = False

    def __init__(self) -> None:
        # As the model's own dialect has it; the plain shapes end with their finish reason.
        self.ends_without_terminal = False
        self._readers: dict[Callable[[], Reader], Reader] = {}
        self._usage: Said = {}

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        if frame.is_fault:
            return aws_faults(frame)
        data = frame.data if frame.event is None else _payload(frame)
        said = decoded(data)
        if not isinstance(said, dict):
            return [Unknown(frame.data)]
        return self._said(said, data, frame)

    def _said(self, said: Said, data: bytes, frame: Frame) -> list[Event]:
        dialect = next((dialect for key, dialect in _DIALECTS if key in said), None)
        read = next((read for key, read in _SHAPES if key in said), None)
        is_end = METRICS in said
        if dialect is not None:
            events = self._reader(dialect).read(Frame(data))
        elif read is not None:
            is_end = is_end or frame.event is None
            events = self._plain(read(said), is_end=is_end)
        elif "message" in said:
            events = [fault_of({"message": said["message"]}, b"")]
        else:
            events = [] if is_end else [Unknown(frame.data)]
        usage = (event.raw for event in events if isinstance(event, UsageReport))
        self._usage = next(usage, self._usage)
        self._own(said, events)
        if is_end and not any(isinstance(event, Terminal) for event in events):
            events.append(Terminal())
        return events

    def _reader(self, dialect: Callable[[], Reader]) -> Reader:
        reader = self._readers.get(dialect)
        if reader is None:
            reader = self._readers[dialect] = dialect()
            self.ends_without_terminal = reader.ends_without_terminal
        return reader

    def _plain(self, events: list[Event], *, is_end: bool) -> list[Event]:
        """Add up the counts of a plain shape, which are spread over its chunks."""
        self.ends_without_terminal = True
        for place, event in enumerate(events):
            if isinstance(event, UsageReport):
                events[place] = UsageReport(self._usage | event.raw, is_end)
        return events

    def _own(self, said: Said, events: list[Event]) -> None:
        """Read what Bedrock itself puts beside the model's words."""
        for name, value in said.items():
            if name == METRICS:
                events.append(UsageReport(self._usage | {METRICS: value}))
            elif name.startswith(_OWN):
                events.append(Extra(name, value, -1))


def _payload(frame: Frame) -> bytes:
    try:
        return binascii.a2b_base64(string(mapping(decoded(frame.data)).get("bytes")))
    except ValueError:
        return b""


# -- plain shapes ----------------------------------------------------------------------------------


def _plain(text: Any, reason: Any, index: int = 0) -> list[Event]:
    events: list[Event] = []
    if text and isinstance(text, str):
        events.append(TextDelta(text, index))
    if reason:
        events.append(Finish(str(reason), index))
    return events


def _counts(said: Said, *names: str) -> list[Event]:
    counts = {name: said[name] for name in names if said.get(name) is not None}
    return [UsageReport(counts)] if counts else []


def _llama(said: Said) -> list[Event]:
    counts = _counts(said, "prompt_token_count", "generation_token_count")
    return _plain(said["generation"], said.get("stop_reason")) + counts


def _titan(said: Said) -> list[Event]:
    counts = _counts(said, "inputTextTokenCount", "totalOutputTextTokenCount")
    return _plain(said["outputText"], said.get("completionReason")) + counts


def _titan_whole(said: Said) -> list[Event]:
    results = mappings(said["results"])
    made = [one["tokenCount"] for one in results if isinstance(one.get("tokenCount"), int | float)]
    counts = said | ({"totalOutputTextTokenCount": sum(made)} if made else {})
    events: list[Event] = []
    for index, result in enumerate(results):
        events += _plain(result.get("outputText"), result.get("completionReason"), index)
    return events + _counts(counts, "inputTextTokenCount", "totalOutputTextTokenCount")


def _mistral(said: Said) -> list[Event]:
    events: list[Event] = []
    for index, output in enumerate(mappings(said["outputs"])):
        events += _plain(output.get("text"), output.get("stop_reason"), index)
    return events


def _claude_2(said: Said) -> list[Event]:
    return _plain(said["completion"], said.get("stop_reason"))


def _command(said: Said) -> list[Event]:
    events: list[Event] = []
    for index, one in enumerate(mappings(said["generations"])):
        events += _plain(one.get("text"), one.get("finish_reason"), index)
    return events


def _command_r(said: Said) -> list[Event]:
    index = said.get("index")
    number = index if isinstance(index, int) else 0
    return _plain(said.get("text"), said.get("finish_reason"), number)


def _jurassic(said: Said) -> list[Event]:
    events: list[Event] = []
    for index, one in enumerate(mappings(said["completions"])):
        reason = mapping(one.get("finishReason")).get("reason")
        events += _plain(mapping(one.get("data")).get("text"), reason, index)
    return events


# What a payload has tells whose words it is; the first that fits.
_DIALECTS: tuple[tuple[str, Callable[[], Reader]], ...] = (
    ("type", Anthropic),
    ("choices", OpenAIChat),
    ("event_type", Cohere),
    ("messageStart", BedrockConverse),
    ("contentBlockStart", BedrockConverse),
    ("contentBlockDelta", BedrockConverse),
    ("contentBlockStop", BedrockConverse),
    ("messageStop", BedrockConverse),
    ("metadata", BedrockConverse),
    ("output", BedrockConverse),
)

_SHAPES: tuple[tuple[str, Callable[[Said], list[Event]]], ...] = (
    ("generation", _llama),
    ("outputText", _titan),
    ("results", _titan_whole),
    ("outputs", _mistral),
    ("completion", _claude_2),
    ("generations", _command),
    ("completions", _jurassic),
    ("text", _command_r),
    ("is_finished", _command_r),
)
