"""What a stream says, whatever its provider: frames in, events out.

A frame is one complete unit of a framing. A dialect reads a frame and answers with
events; events add up to a reply (`accumulate`).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Frame(Struct, frozen=True, gc=False):
    """One SSE event, NDJSON line, array element, eventstream message or plain body."""

    data: bytes
    event: str | None = None
    id: str | None = None
    is_fault: bool = False  # the framing itself says so, as eventstream does


class TextDelta(Struct, frozen=True, gc=False):
    """More visible text of choice ``index``."""

    text: str
    index: int = 0


class ReasoningDelta(Struct, frozen=True, gc=False):
    """More of the model's thinking."""

    text: str
    index: int = 0


class RefusalDelta(Struct, frozen=True, gc=False):
    """More of a refusal."""

    text: str
    index: int = 0


class ToolCallDelta(Struct, frozen=True, gc=False):
    """More of tool call ``tool`` of choice ``index``; ``arguments`` is a piece of JSON text."""

    tool: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None
    type: str | None = None
    index: int = 0


class Started(Struct, frozen=True, gc=False):
    """The provider's own id and model name, and the role of a choice, wherever they come."""

    id: str | None = None
    model: str | None = None
    role: str | None = None
    index: int = 0


class UsageReport(Struct, frozen=True):
    """Usage as the provider sent it; ``final`` unless more is sure to follow."""

    raw: dict[str, Any]
    final: bool = True


class Finish(Struct, frozen=True, gc=False):
    """A choice has ended, and why."""

    reason: str
    index: int = 0


class Extra(Struct, frozen=True):
    """Something worth keeping that has no word of its own (citations, logprobs, signatures)."""

    name: str
    value: Any
    index: int = 0


class Again(Struct, frozen=True, gc=False):
    """All that choice ``index`` said comes again, from its beginning: a snapshot that says more."""

    index: int = 0


class StreamFault(Struct, frozen=True, gc=False):
    """The provider put an error into the stream."""

    type: str | None
    message: str | None


class Unknown(Struct, frozen=True, gc=False):
    """A frame that the dialect does not understand; the rest of the stream goes on."""

    data: bytes


class Terminal(Struct, frozen=True, gc=False):
    """The dialect's last word: ``[DONE]``, ``message_stop``. What ends without it was cut."""


Event = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallDelta
    | Started
    | UsageReport
    | Finish
    | Extra
    | Again
    | StreamFault
    | Unknown
    | Terminal
)

# What counts as content for the time to first token.
CONTENT = (TextDelta, RefusalDelta, ToolCallDelta)
