"""An answer that is told after its end, whole or in pieces: what it is, and the error in front.

Helicone's log builders join what came with line ends, and put an error's stack trace and an
empty line before it. Ours sends the pieces that a program got: events of an SDK, bytes or lines
as they were on the wire, or words. Nothing says which of these a text has, so the text itself
must.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from streamgauge.wire.detect import guess

SSE, NDJSON, JSON, TEXT = (
    "text/event-stream",
    "application/x-ndjson",
    "application/json",
    "text/plain",
)
TYPE_BY_FRAMING = {"sse": SSE, "ndjson": NDJSON}

# V8's stack: the error, its frames, an empty line.
_NODE = re.compile(r"(?P<error>[^\n]+(?:\n(?! {4}at )[^\n]+)*)\n(?P<frames>(?: {4}at [^\n]+\n)+)\n")
# Python's traceback ends with a line end of its own, so two empty lines follow. Those between
# chained exceptions are single ones. What was never raised has its last line only.
_PYTHON = re.compile(
    r"(?:Traceback \(most recent call last\):\n"
    r"|[\w.]*(?:Error|Exception|Interrupt|Exit|Timeout|Cancelled)\w*(?:: [^\n]*)?\n\n\n)"
)
_PYTHON_END = "\n\n\n"
# How an error names itself: `openai.APIError: upstream died`.
_NAMED = re.compile(r"(?P<type>[A-Za-z_$][\w.$]*)(?:: (?P<message>.*))?", re.DOTALL)

# Where an answer in nobody's dialect has its tokens, as Helicone reads them: the object, and
# the fields for input and output in it.
_COUNTS = (
    ("usage", "prompt_tokens", "completion_tokens"),
    ("usage", "input_tokens", "output_tokens"),
    ("usageMetadata", "promptTokenCount", "candidatesTokenCount"),
    (None, "prompt_token_count", "generation_token_count"),
)
# More are no tokens, and would not fit into the journal.
_MAX_COUNT = 10**12

# How an answer may begin, as far as an error in front of it cannot.
_ANSWERS = ("{", "[", "data:", "event:", ":", "<")
_BEHIND = re.compile(r"\n\n(?=\{|data:|event:)|\n\n\Z")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.encode


class Trouble(Struct, frozen=True):
    """An error as it was told: its type, its message, and the frames behind it."""

    type: str | None
    message: str


def split_error(text: str, *, failed: bool) -> tuple[Trouble | None, str]:
    """Return the error in front of an answer, and the answer.

    A stack trace is known by its looks. With *failed* any text in front of data is an error.
    """
    node = _NODE.match(text)
    if node is not None:
        return _named(node["error"], node["frames"]), text[node.end() :]
    if _PYTHON.match(text):
        trace, _, rest = text.partition(_PYTHON_END)
        lines = trace.rstrip("\n").split("\n")
        last = max(i for i, line in enumerate(lines) if line and not line.startswith((" ", "\t")))
        return _named("\n".join(lines[last:]), "\n".join(lines[:last])), rest
    behind = _BEHIND.search(text) if failed and not text.startswith(_ANSWERS) else None
    if behind is None:
        return None, text
    return Trouble(None, text[: behind.start()]), text[behind.end() :]


def _named(error: str, frames: str) -> Trouble:
    named = _NAMED.fullmatch(error)
    kind, message = (named["type"], named["message"] or "") if named else (None, error)
    return Trouble(kind, "\n".join(filter(None, (message, frames.strip("\n")))))


def type_of(text: str, *, is_stream: bool) -> str:
    """Return the content type of an answer's *text*."""
    framing = guess(text.encode(errors="replace")).framing
    if framing in TYPE_BY_FRAMING:
        return TYPE_BY_FRAMING[framing]
    is_object = text.lstrip().startswith("{")
    if is_object and is_stream:
        return NDJSON  # one chunk, perhaps a part of one
    return JSON if is_object or _is_json(text) else TEXT


def _is_json(text: str) -> bool:
    try:
        return isinstance(_decode(text.encode(errors="replace")), dict | list)
    except (msgspec.DecodeError, RecursionError):
        return False


def joined(chunks: list[Any]) -> tuple[str, str]:
    """Return the chunks of a stream, objects or text, as one text with its content type."""
    texts = [one if isinstance(one, str) else _encode(one).decode() for one in chunks]
    is_data = any(not isinstance(one, str) or one.lstrip().startswith("{") for one in chunks)
    if is_data:
        return "\n".join(texts), NDJSON
    text = "".join(texts)
    return text, type_of(text, is_stream=True)


def counts_of(answer: Any) -> tuple[int | None, int | None]:
    """Return the tokens that a whole answer, JSON or a text of it, says that it took."""
    if isinstance(answer, str) and answer.lstrip().startswith("{"):
        with suppress(msgspec.DecodeError, RecursionError):
            answer = _decode(answer.encode(errors="replace"))
    for part, *names in _COUNTS:
        fields = answer.get(part) if part and isinstance(answer, dict) else answer
        if isinstance(fields, dict) and any(map(fields.get, names)):
            asked, said = (_count(fields.get(name)) for name in names)
            return asked, said
    return None, None


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT
    return value if is_count else None


# Server-sent events have data in JSON, or a name; prose may begin with a word and a colon, too.
_EVENTS = re.compile(
    r"\s*(?:data: ?[\[{]|event:.*?data:|(?:data|id|retry)?:.*?data: ?[\[{])", re.DOTALL
)
_LAST_WORD = "[DONE]"


def stream_of(texts: list[str]) -> tuple[str, list[str]]:
    """Return the content type of a stream that was told in pieces, and the pieces as it has them.

    They are bytes or lines as on the wire, one event each, or words.
    """
    whole = "".join(texts)
    if _EVENTS.match(whole):
        ends = "" if "\n" in whole else "\n"  # who reads line by line has taken them off
        return SSE, [text + ends for text in texts]
    if guess(whole.encode(errors="replace")).framing == "ndjson":
        return NDJSON, texts
    first = next((text for text in texts if text.strip()), _LAST_WORD)
    if first.strip() == _LAST_WORD or _is_json(first):
        return SSE, list(map(_event, texts))
    return TEXT, texts


def _event(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join(f"data: {line}\n" for line in lines) + "\n"
