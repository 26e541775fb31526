"""A stream that broke, continued by a second answer to the same request.

Only if the second answer begins with exactly what the client already has: then what follows
is what it lacks. The client sees one stream, with the ids and the model of the first part;
anything else would be another answer under the same name, and is no continuation.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streamgauge.wire.detect import Choice
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import (
    Event,
    Finish,
    Frame,
    ReasoningDelta,
    RefusalDelta,
    StreamFault,
    Terminal,
    TextDelta,
    ToolCallDelta,
)
from streamgauge.wire.framing import FRAMINGS
from streamgauge.wire.looks.member import replaced

# Streams whose events stand for themselves: no numbers in them that run on, no ids per event.
DIALECTS_OF_PIECES = ("openai_chat", "openai_completions", "anthropic")

# What is the answer's own, and is said again in every event.
IDENTITY = ("id", "object", "created", "model", "system_fingerprint", "service_tier")

# Where a piece of content may stand in an event.
PIECES = frozenset(
    {
        "content",
        "text",
        "reasoning",
        "reasoning_content",
        "refusal",
        "arguments",
        "partial_json",
        "thinking",
    }
)

# Who has said more than this is not continued.
MOST_SPOKEN = 1024 * 1024

Channel = tuple[type, int, int]
Key = tuple[Any, ...]

_decode = msgspec.json.decode
_encode = msgspec.json.encode


def is_continuable(choice: Choice) -> bool:
    """Whether streams in *choice* can be continued at all."""
    return choice.framing == "sse" and choice.dialect in DIALECTS_OF_PIECES


class Differs(Exception):  # noqa: N818 - an answer more than an error
    """The second answer is not the first one."""


class Spoken:
    """What the client has of a stream in *choice*."""

    __slots__ = ("_framing", "_reader", "_size", "choice", "given", "identity", "said")

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._framing = FRAMINGS["sse"]()
        self._reader = DIALECTS[choice.dialect or ""]()
        self._size = 0
        self.said: dict[Channel, list[str]] = {}
        self.given: set[Key] = set()  # what was there besides content
        self.identity: dict[str, Any] = {}

    @property
    def is_short(self) -> bool:
        """Whether it is little enough to be compared."""
        return self._size <= MOST_SPOKEN

    def feed(self, data: bytes) -> None:
        """Take in what goes to the client."""
        if not self.is_short:
            return
        for frame in self._framing.feed(data):
            events = self._reader.read(frame)
            if not self.identity:
                self.identity = _identity(frame)
            if not _contents(events):
                self.given.add(_key(frame, events))
            for channel, text in _contents(events):
                self._size += len(text)
                self.said.setdefault(channel, []).append(text)


class Continuation:
    """Turns a second answer into the rest of what was *spoken*."""

    __slots__ = ("_framing", "_given", "_identity", "_left", "_reader")

    def __init__(self, spoken: Spoken) -> None:
        self._framing = FRAMINGS["sse"]()
        self._reader = DIALECTS[spoken.choice.dialect or ""]()
        self._left = {channel: "".join(texts) for channel, texts in spoken.said.items()}
        self._given = spoken.given
        self._identity = spoken.identity

    def feed(self, data: bytes) -> bytes:
        """Return what of *data* the client lacks; raises `Differs`."""
        return b"".join(self._rest(frame) for frame in self._framing.feed(data))

    def close(self) -> bytes:
        """The second answer has ended; raises `Differs` if it was shorter than the first."""
        rest = b"".join(self._rest(frame) for frame in self._framing.close())
        if any(self._left.values()):
            raise Differs("it ended earlier")
        return rest

    def _rest(self, frame: Frame) -> bytes:
        events = self._reader.read(frame)
        if any(isinstance(event, StreamFault) for event in events):
            raise Differs("it has an error")
        contents = _contents(events)
        if not contents:
            return self._structure(frame, events)
        data = frame.data
        is_new = False
        for channel, text in contents:
            rest = self._unsaid(channel, text)
            is_new = is_new or bool(rest)
            if rest != text:
                data = _with_piece(data, text, rest)
        return self._framed(frame.event, data) if is_new else b""

    def _structure(self, frame: Frame, events: list[Event]) -> bytes:
        """Pass on what has no content, unless the client has had it."""
        key = _key(frame, events)
        is_end = any(isinstance(event, Finish | Terminal) for event in events)
        if any(self._left.values()):
            if is_end:
                raise Differs("it ended earlier")
            return b""
        if key in self._given and not is_end:
            return b""
        return self._framed(frame.event, frame.data)

    def _unsaid(self, channel: Channel, text: str) -> str:
        """Return what of *text* is new; raises `Differs`."""
        left = self._left.get(channel, "")
        if not left:
            _, index, _ = channel
            if any(rest for (_, other, _), rest in self._left.items() if other == index):
                raise Differs("it says more, and earlier")
            return text
        if left.startswith(text):
            self._left[channel] = left[len(text) :]
            return ""
        if not text.startswith(left):
            raise Differs("it says something else")
        self._left[channel] = ""
        return text[len(left) :]

    def _framed(self, event: str | None, data: bytes) -> bytes:
        if self._identity:
            data = replaced(data, self._identity)
        head = b"event: %b\n" % event.encode() if event else b""
        lines = b"".join(b"data: %b\n" % line for line in data.split(b"\n"))
        return head + lines + b"\n"


def _contents(events: list[Event]) -> list[tuple[Channel, str]]:
    """Return the pieces of content in *events*, and where each belongs."""
    found: list[tuple[Channel, str]] = []
    for event in events:
        if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta) and event.text:
            found.append(((type(event), event.index, 0), event.text))
        elif isinstance(event, ToolCallDelta) and event.arguments:
            found.append(((type(event), event.index, event.tool), event.arguments))
    return found


def _identity(frame: Frame) -> dict[str, Any]:
    """Return what of *frame* says whose answer it is, where every event says it."""
    said = _object(frame.data)
    if "choices" not in said:
        return {}
    return {name: said[name] for name in IDENTITY if name in said}


def _key(frame: Frame, events: list[Event]) -> Key:
    """Return what an event without content is, so that it is given once."""
    said = _object(frame.data)
    delta = said.get("delta")
    kind = delta.get("type") if isinstance(delta, dict) else None
    shape = tuple((type(event).__name__, getattr(event, "index", None)) for event in events)
    return frame.event, said.get("type"), said.get("index"), kind, shape


def _object(data: bytes) -> dict[str, Any]:
    try:
        said = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _with_piece(data: bytes, old: str, new: str) -> bytes:
    """Return the event with the content *new* in the place of *old*; raises `Differs`."""
    said = _decode(data)
    if not _replace(said, old, new):
        raise Differs("its content cannot be found")
    return _encode(said)


def _replace(value: Any, old: str, new: str) -> bool:
    if isinstance(value, dict):
        for name, one in value.items():
            if name in PIECES and one == old:
                value[name] = new
                return True
            if _replace(one, old, new):
                return True
        return False
    return isinstance(value, list) and any(_replace(one, old, new) for one in value)
