"""OpenAI chat completions, and everyone who speaks them.

https://platform.openai.com/docs/api-reference/chat-streaming. A whole answer and a chunk
of a stream differ only in ``message`` and ``delta``. Providers vary in where they put the
usage (last content chunk, a chunk of its own, ``x_groq``), what they call the reasoning,
and whether ``[DONE]`` comes; none of that needs a variant, only tolerance.

Everybody has fields of his own, so nothing is typed here: what has no word of ours keeps its
name. In a chunk it holds until it is said anew; in a delta a text is a piece of a longer one.
"""

from __future__ import annotations

from typing import Any

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
    Event,
    Extra,
    Finish,
    Frame,
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

DONE = b"[DONE]"
CHUNKS = ("chat.completion.chunk", "text_completion")
# Of Perplexity's concise mode, which has the message so far: what ends there is no answer.
STAGES = ("chat.reasoning", "chat.reasoning.done", "chat.completion.done")

# The fields that have words of ours, or say nothing: `obfuscation` is padding. A chunk of quiet
# fields and a message of plain ones, which is what nearly all are, need no closer look. A field
# of another type than its word has keeps its name, too.
_REPEATED = ("id", "model", "created", "service_tier", "system_fingerprint", "provider")
_QUIET = {*_REPEATED, "object", "choices", "obfuscation"}
_SILENT = _QUIET | {"usage"}
_USUAL = {"index", "delta", "finish_reason", "logprobs"}
_PLAIN = {"role", "content"}
_CHUNK = {**dict.fromkeys(_QUIET | {"error"}, object), "usage": dict, "x_groq": dict}
_CHOICE = {**dict.fromkeys(("finish_reason", "logprobs", "error"), object), "index": int}
_CHOICE |= {"delta": dict, "message": dict, "text": str, "usage": dict}
_MESSAGE = dict.fromkeys(_PLAIN | {"reasoning", "reasoning_content", "refusal", "audio"}, object)
_MESSAGE |= {"tool_calls": list, "function_call": dict}
_TOLD_IN_PIECES = {*_MESSAGE, "reasoning_steps"}
_CALL = {"index": int, "id": object, "type": object, "function": dict, "custom": dict}
_FUNCTION = {"name": object, "arguments": object}
_CUSTOM = {"name": object, "input": object}
_TEXT_PART = {"type": object, "text": str}
_THINKING_PART = {"type": object, "thinking": object}
_AUDIO = {"transcript": str, "data": str}

# Texts that every delta repeats.
_LABELS = {"channel", "name", "phase"}


class OpenAIChat:
    """Reads the frames of one answer."""

    name = "openai_chat"

    # Some providers close without [DONE]; what has finished is whole.
    ends_without_terminal = True
    are_texts_alike = True

    def __init__(self) -> None:
        self._repeated: Any = None  # what is the same in every chunk
        self._has_finish = False
        self._running: dict[str, Any] | None = None  # usage that may not be the last word
        self._calls: dict[int, _Calls] = {}  # of each choice
        self._in_pieces: set[int] = set()  # choices that have begun as deltas
        self._said = Said()

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        data = frame.data
        if data == DONE or data.strip() == DONE:
            return self._done()
        chunk = decoded(data)
        if not _is_chunk(chunk):
            return [fault_of(None, data) if frame.event == "error" else Unknown(data)]
        events: list[Event] = []
        repeated = [*map(chunk.get, _REPEATED)]
        if repeated != self._repeated:
            self._repeated = repeated
            self._start(chunk, events)
        for position, choice in enumerate(chunk.get("choices") or ()):
            self._choice(position, choice, events)
        # `usage` is null in every chunk but the last, once it is asked for.
        is_quiet = chunk.get("object") in CHUNKS and chunk.keys() <= _SILENT
        is_quiet = is_quiet and chunk.get("usage") is None
        if not is_quiet or frame.event is not None:
            self._rest(chunk, frame, events)
        return events

    # -- of the whole answer -----------------------------------------------------------------

    def _start(self, chunk: dict[str, Any], events: list[Event]) -> None:
        answer, model = chunk.get("id"), chunk.get("model")
        if answer or model:
            events.append(Started(text_of(answer), text_of(model)))
        for name in _REPEATED[2:]:
            if says(chunk.get(name)):
                self._state(-1, name, chunk[name], events)

    def _rest(self, chunk: dict[str, Any], frame: Frame, events: list[Event]) -> None:
        groq = mapping(chunk.get("x_groq"))
        usage = mapping(chunk.get("usage") or groq.get("usage"))
        if usage:
            self._count(usage, events, is_end=not chunk.get("choices"))
        for name, value in groq.items():
            is_told = value == usage or (name == "error" and not chunk.get("error"))
            if says(value) and not is_told:
                self._state(-1, f"x_groq.{name}", value, events)
        for name, value in unread(chunk, _CHUNK).items():
            self._state(-1, name, value, events)
        error = _error_of(chunk, groq)
        if error or frame.event == "error":
            events += faults_of(error, frame.data)
        elif _is_whole(chunk):
            events += self._done()

    def _count(self, usage: dict[str, Any], events: list[Event], *, is_end: bool) -> None:
        # Some count along in every chunk; what counts is told when the answer has ended.
        is_final = self._has_finish or is_end
        self._running = None if is_final else usage
        events.append(UsageReport(usage, is_final))

    def _done(self) -> list[Event]:
        if self._running is None:
            return [Terminal()]
        usage, self._running = self._running, None
        return [UsageReport(usage), Terminal()]

    def _state(self, index: int, name: str, value: Any, events: list[Event]) -> None:
        """Keep what holds until it is said anew; a list of a choice goes on."""
        if index >= 0 and isinstance(value, list):
            events.append(Extra(name, value, index))
        elif self._said.is_new((index, name), value):
            events.append(Extra(name, value if index < 0 else [value], index))

    # -- of one choice -----------------------------------------------------------------------

    def _choice(self, position: int, choice: dict[str, Any], events: list[Event]) -> None:
        index = _number(choice.get("index"), position)
        delta = choice.get("delta")
        if delta.__class__ is dict and len(delta) == 1 and choice.keys() <= _USUAL:
            # Nearly every chunk: a piece of text, and nulls.
            content = delta.get("content")
            is_bare = not choice.get("finish_reason") and not choice.get("logprobs")
            if is_bare and content.__class__ is str and choice.get("index").__class__ is int:
                self._in_pieces.add(index)
                if content:
                    events.append(TextDelta(content, index))
                return
        message = delta
        if choice.get("message") is not None:
            message = self._told(index, mapping(delta), mapping(choice["message"]))
        elif delta is not None:
            self._in_pieces.add(index)
        if message and isinstance(message, dict):
            self._message(index, message, events)
        elif delta is None and string(choice.get("text")):
            events.append(TextDelta(choice["text"], index))
        logprobs = choice.get("logprobs")
        if logprobs and says(logprobs):
            events.append(Extra("logprobs", [logprobs], index))
        for name, value in unread(choice, _CHOICE).items():
            self._state(index, name, value, events)
        if choice.get("error"):
            events += faults_of(choice["error"], b"")
        if choice.get("finish_reason"):
            self._has_finish = True
            events.append(Finish(str(choice["finish_reason"]), index))
        if choice.get("usage") and isinstance(choice["usage"], dict):
            self._count(choice["usage"], events, is_end=False)  # Moonshot has it here

    def _told(self, index: int, delta: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
        """Return what is new of a choice that has a message, with a delta beside it or not."""
        if says(rest(delta, {"role"})):
            # Perplexity and Writer have what was said so far beside each delta.
            self._in_pieces.add(index)
            return delta
        if index in self._in_pieces:
            # Perplexity says at the end what the deltas have said.
            return delta or rest(message, _TOLD_IN_PIECES)
        return message

    def _message(self, index: int, message: dict[str, Any], events: list[Event]) -> None:
        if message.get("role"):
            events.append(Started(role=str(message["role"]), index=index))
        is_plain = message.keys() <= _PLAIN
        if not is_plain:
            _reasoning(index, message, events)
        content = message.get("content")
        if content:
            _content(index, content, events)
        if not is_plain:
            self._more(index, message, events)

    def _more(self, index: int, message: dict[str, Any], events: list[Event]) -> None:
        if message.get("refusal"):
            events.append(RefusalDelta(str(message["refusal"]), index))
        if message.get("audio"):
            _audio(index, message["audio"], events)
        if isinstance(message.get("function_call"), dict):
            _call(index, 0, {"type": "function", "function": message["function_call"]}, events)
        calls = mappings(message.get("tool_calls"))
        if calls:
            known = self._calls.setdefault(index, _Calls())
            for place, call in enumerate(calls):
                _call(index, known.number(place, call), call, events)
        for name, value in unread(message, _MESSAGE).items():
            if isinstance(value, str) and name not in _LABELS:
                events.append(Extra(name, value, index))
            else:
                self._state(index, name, value, events)


class _Calls:
    """Tells the tool calls of one choice apart.

    By their index, as the API has it. Where none comes, by their id. And where one index
    comes with a second id *and* a name, that is another call: Gemini's calls get index 0
    each from many who translate them. An id alone proves nothing; vLLM has made one up for
    every delta.
    """

    __slots__ = ("_by_id", "_by_index")

    def __init__(self) -> None:
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, tuple[str | None, int]] = {}  # index → id, number

    def number(self, place: int, call: dict[str, Any]) -> int:
        """Return which call the delta *call*, the one at *place* of its chunk, belongs to."""
        tool, index = text_of(call.get("id")), call.get("index")
        if not isinstance(index, int):
            if tool:
                return self._by_id.setdefault(tool, len(self._by_id))
            return max(place, len(self._by_id) - 1)
        known, number = self._by_index.get(index, (None, index))
        is_named = bool(mapping(call.get("function")).get("name"))
        if known and tool and tool != known and is_named:
            known, number = None, 1 + max(number for _, number in self._by_index.values())
        self._by_index[index] = (known or tool, number)
        return number


# -- the parts of a message ------------------------------------------------------------------


def _reasoning(index: int, message: dict[str, Any], events: list[Event]) -> None:
    said = [one for one in map(message.get, ("reasoning_content", "reasoning")) if one]
    text = next((one for one in said if isinstance(one, str)), "") or _details(message)
    if text:
        events.append(ReasoningDelta(text, index))
    # Most of those who have both say the same twice.
    events += [Extra("reasoning", [one], index) for one in said if one != text]


def _details(message: dict[str, Any]) -> str:
    """Return the reasoning of those who have it only there, as Snowflake does."""
    parts = mappings(message.get("reasoning_details"))
    return "".join(string(part.get("text") or part.get("summary")) for part in parts)


def _content(index: int, content: Any, events: list[Event]) -> None:
    """Read content as a text, or as the list of parts that Mistral sends."""
    if isinstance(content, str):
        events.append(TextDelta(content, index))
        return
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            events.append(TextDelta(part, index))
            continue
        said = mapping(part)
        if string(said.get("text")):
            events.append(TextDelta(said["text"], index))
            left: Any = unread(said, _TEXT_PART)
        elif said.get("thinking"):
            _thinking(index, said["thinking"], events)
            left = unread(said, _THINKING_PART)
        else:
            left = part
        if says(left):
            events.append(Extra("content_parts", [left], index))


def _thinking(index: int, thinking: Any, events: list[Event]) -> None:
    for part in thinking if isinstance(thinking, list) else [thinking]:
        text = part if isinstance(part, str) else string(mapping(part).get("text"))
        if text:
            events.append(ReasoningDelta(text, index))
        else:
            events.append(Extra("content_parts", [part], index))


def _audio(index: int, audio: Any, events: list[Event]) -> None:
    said = mapping(audio)
    if string(said.get("transcript")):
        events.append(TextDelta(said["transcript"], index))
    if string(said.get("data")):
        events.append(Extra("audio_data", said["data"], index))
    left = unread(said, _AUDIO) if said else audio
    if left:
        events.append(Extra("audio", left, index))


def _call(index: int, number: int, call: dict[str, Any], events: list[Event]) -> None:
    function, custom = mapping(call.get("function")), mapping(call.get("custom"))
    # A few providers send an object where the API has JSON text.
    given = function.get("arguments") if function else custom.get("input")
    tool, kind = text_of(call.get("id")), text_of(call.get("type"))
    name = text_of(function.get("name") or custom.get("name"))
    events.append(
        ToolCallDelta(number, "" if given is None else encoded(given), tool, name, kind, index)
    )
    # Gemini's thought signatures are such.
    left = unread(call, _CALL) | unread(function, _FUNCTION)
    left |= unread(custom, _CUSTOM)
    if left:
        events.append(Extra("tool_calls", [{"index": number, **left}], index))


# -- what kind of chunk it is ----------------------------------------------------------------


def _is_chunk(chunk: Any) -> bool:
    if not isinstance(chunk, dict):
        return False
    choices = chunk.get("choices")
    if choices is None:
        return True
    return isinstance(choices, list) and all(isinstance(choice, dict) for choice in choices)


def _is_whole(chunk: dict[str, Any]) -> bool:
    if chunk.get("object") in CHUNKS or chunk.get("object") in STAGES:
        return False
    choices = chunk.get("choices") or ()
    if any(choice.get("delta") is not None for choice in choices):
        return False
    is_called_so = chunk.get("object") == "chat.completion"
    return is_called_so or any(choice.get("message") is not None for choice in choices)


def _error_of(chunk: dict[str, Any], groq: dict[str, Any]) -> Any:
    error = chunk.get("error") or groq.get("error")
    if error or chunk.get("choices") is not None:
        return error
    message = chunk.get("message") or chunk.get("detail")
    if chunk.get("object") == "error" or message:
        kind = chunk.get("type") or chunk.get("code")
        return {"type": kind, "message": None if message is None else encoded(message)}
    return None


def _number(given: Any, position: int) -> int:
    return given if isinstance(given, int) and given >= 0 else position


# -- what other dialects need, too -----------------------------------------------------------


def text_of(value: Any) -> str | None:
    """Return *value* where a text belongs, whatever the provider put there."""
    return None if value is None else str(value)


def fault_of(error: Any, data: bytes) -> StreamFault:
    """Return the fault that an ``error`` object, string, or a frame of that name tells of."""
    if isinstance(error, dict):
        kind = error.get("type") or error.get("code") or error.get("status")
        message = error.get("message")
        if message is None:
            message = encoded(error)
        return StreamFault(None if kind is None else str(kind), str(message))
    if error:
        return StreamFault(None, str(error))
    return StreamFault(None, data[:1000].decode("utf-8", "replace"))


def faults_of(error: Any, data: bytes) -> list[Event]:
    """Return the fault of `fault_of`, and what else an ``error`` object says."""
    left = rest(mapping(error), {"type", "message"})
    more: list[Event] = [Extra("error", left, -1)] if left else []
    return [fault_of(error, data), *more]
