"""Events to a reply."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import msgspec

from streamgauge.record import Choice, Fault, Reply, ToolCall
from streamgauge.wire.events import (
    Again,
    Event,
    Extra,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamFault,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)
from streamgauge.wire.halves import joined

# So many characters of a reply are kept; the raw bytes are there for more.
MAX_REPLY = 64 * 1024 * 1024

# What a choice, a tool call or an extra without a word counts for: their numbers and names are
# the provider's.
OVERHEAD = 1024

# A stream of nothing but rubbish must not become a list of a million faults, nor a few of
# them fill the memory: so many characters say what was wrong.
MAX_FAULTS = 100
MAX_FAULT_TEXT = 4096


class _Tool:
    __slots__ = ("arguments", "id", "name", "type")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.type: str | None = None
        self.arguments: list[str] = []


class _Answer:
    """One choice while it grows: pieces, joined when asked for."""

    __slots__ = ("extra", "finish", "grown", "reasoning", "refusal", "role", "text", "tools")

    def __init__(self) -> None:
        self.role: str | None = None
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.tools: dict[int, _Tool] = {}
        self.finish: str | None = None
        self.extra: dict[str, Any] = {}
        self.grown: dict[str, list[str]] = {}  # extras that are texts in pieces


class Accumulator:
    """Adds up the events of one answer."""

    def __init__(self) -> None:
        self.usage: dict[str, Any] | None = None
        self.is_usage_final = False
        self.has_terminal = False
        self.has_finish = False
        self.is_cut = False  # more was said than is kept
        self.faults: list[Fault] = []
        self.stream_faults = 0
        self.unknown = 0
        self._id: str | None = None
        self._model: str | None = None
        self._answers: dict[int, _Answer] = {}
        self._extra: dict[str, Any] = {}
        self._about_sizes: dict[str, int] = {}  # of the extras of the whole answer
        self._size = 0

    # -- add -------------------------------------------------------------------------------

    def add(self, event: Event) -> None:
        """Add one event."""
        _ADD[type(event)](self, event)

    def _answer(self, index: int) -> _Answer:
        answer = self._answers.get(index)
        if answer is None:
            answer = _Answer()
            if self._fits(OVERHEAD):
                self._answers[index] = answer
        return answer

    def _fits(self, size: int) -> bool:
        self._size += size
        if self._size > MAX_REPLY:
            self.is_cut = True
            return False
        return True

    def say(self, text: str, index: int) -> None:
        """Add a `TextDelta`, which nearly all events are; nobody needs to make one for this."""
        # As with `_fits` and `_answer`, which would cost as much again.
        self._size += len(text)
        if self._size > MAX_REPLY:
            self.is_cut = True
            return
        answer = self._answers.get(index) or self._answer(index)
        answer.text.append(text)

    def _text(self, event: TextDelta) -> None:
        self.say(event.text, event.index)

    def _reasoning(self, event: ReasoningDelta) -> None:
        if self._fits(len(event.text)):
            self._answer(event.index).reasoning.append(event.text)

    def _refusal(self, event: RefusalDelta) -> None:
        if self._fits(len(event.text)):
            self._answer(event.index).refusal.append(event.text)

    def _tool(self, event: ToolCallDelta) -> None:
        tools = self._answer(event.index).tools
        tool = tools.get(event.tool)
        if tool is None:
            tool = _Tool()
            if self._fits(OVERHEAD):
                tools[event.tool] = tool
        tool.id = event.id or tool.id
        tool.name = event.name or tool.name
        tool.type = event.type or tool.type
        if event.arguments and self._fits(len(event.arguments)):
            tool.arguments.append(event.arguments)

    def _started(self, event: Started) -> None:
        self._id = event.id or self._id
        self._model = event.model or self._model
        if event.role:
            self._answer(event.index).role = event.role

    def _usage(self, event: UsageReport) -> None:
        self.usage = event.raw
        self.is_usage_final = event.final

    def _finish(self, event: Finish) -> None:
        self.has_finish = True
        self._answer(event.index).finish = event.reason

    def _add_extra(self, event: Extra) -> None:
        name, value = event.name, event.value
        if event.index < 0:
            self._about_all(name, value)
            return
        answer = self._answer(event.index)
        if isinstance(value, str):
            if self._fits(len(value)):
                answer.grown.setdefault(name, []).append(value)
        elif self._fits(len(msgspec.json.encode(value))):
            held = answer.extra.get(name)
            if isinstance(value, list) and isinstance(held, list):
                held.extend(value)
            elif isinstance(value, dict) and isinstance(held, dict):
                held.update(value)
            else:
                # The first; or the provider has changed its mind about the type, and the last
                # holds. A copy, since it will grow.
                answer.extra[name] = copy(value)

    def _again(self, event: Again) -> None:
        self._answers.pop(event.index, None)

    def _about_all(self, name: str, value: Any) -> None:
        # Of the whole answer. Providers repeat it in every chunk: the last one holds, and only
        # that takes room.
        size = len(msgspec.json.encode(value))
        if self._fits(size - self._about_sizes.get(name, -OVERHEAD)):
            self._about_sizes[name] = size
            self._extra[name] = value

    def _fault(self, event: StreamFault) -> None:
        self.stream_faults += 1
        message = event.message and event.message[:MAX_FAULT_TEXT]
        self._note(Fault(type=event.type and event.type[:MAX_FAULT_TEXT], message=message))

    def _unknown(self, event: Unknown) -> None:
        self.unknown += 1
        text = event.data[:200].decode("utf-8", "replace")
        self._note(Fault(type="unknown_frame", message=text))

    def _note(self, fault: Fault) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)

    def _terminal(self, event: Terminal) -> None:  # noqa: ARG002 - as all of them
        self.has_terminal = True

    # -- inspect -----------------------------------------------------------------------------

    def text(self) -> str:
        """Return what a reader saw: the visible text of all choices, one after the other."""
        shown = (joined(self._answers[i].text) for i in sorted(self._answers))
        return "\n".join(text for text in shown if text)

    def tail(self, count: int) -> str:
        """Return the last *count* characters of the first choice's text, cheaply."""
        answer = self._answers.get(0)
        pieces: list[str] = []
        size = 0
        for piece in reversed(answer.text if answer is not None else []):
            pieces.append(piece)
            size += len(piece)
            if size >= count:
                break
        return joined(reversed(pieces))[-count:]

    @property
    def model(self) -> str | None:
        """The model as the provider named it."""
        return self._model

    @property
    def id(self) -> str | None:
        """The provider's id of the answer."""
        return self._id

    @property
    def about(self) -> dict[str, Any]:
        """What the answer says of itself as a whole: its tier, for one."""
        return self._extra

    def finish_reasons(self) -> tuple[str, ...]:
        """Return why each choice ended, in their order."""
        reasons = (self._answers[i].finish for i in sorted(self._answers))
        return tuple(reason for reason in reasons if reason)

    def tool_names(self) -> tuple[str, ...]:
        """Return the names of the tools that were called, in order."""
        return tuple(
            tool.name
            for i in sorted(self._answers)
            for _, tool in sorted(self._answers[i].tools.items())
            if tool.name
        )

    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Return the calls of all choices, in order."""
        return tuple(call for i in sorted(self._answers) for call in _calls(self._answers[i]))

    def reply(self) -> Reply:
        """Return what the events add up to so far."""
        return Reply(
            id=self._id,
            model=self._model,
            choices=tuple(_frozen(i, self._answers[i]) for i in sorted(self._answers)),
            usage=self.usage,
            faults=tuple(self.faults),
            extra=dict(self._extra),
        )


def _frozen(index: int, answer: _Answer) -> Choice:
    return Choice(
        index=index,
        role=answer.role,
        text=joined(answer.text),
        reasoning=joined(answer.reasoning),
        refusal=joined(answer.refusal),
        tool_calls=_calls(answer),
        finish_reason=answer.finish,
        extra=_extras(answer),
    )


def _calls(answer: _Answer) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(
            index=number,
            id=tool.id,
            type=tool.type,
            name=tool.name,
            arguments=joined(tool.arguments),
        )
        for number, tool in sorted(answer.tools.items())
    )


def _extras(answer: _Answer) -> dict[str, Any]:
    # Copies: the answer may go on growing.
    copied = {name: copy(value) for name, value in answer.extra.items()}
    return copied | {name: joined(pieces) for name, pieces in answer.grown.items()}


_ADD: dict[type[Any], Callable[[Accumulator, Any], None]] = {
    TextDelta: Accumulator._text,
    ReasoningDelta: Accumulator._reasoning,
    RefusalDelta: Accumulator._refusal,
    ToolCallDelta: Accumulator._tool,
    Started: Accumulator._started,
    UsageReport: Accumulator._usage,
    Finish: Accumulator._finish,
    Extra: Accumulator._add_extra,
    Again: Accumulator._again,
    StreamFault: Accumulator._fault,
    Unknown: Accumulator._unknown,
    Terminal: Accumulator._terminal,
}
