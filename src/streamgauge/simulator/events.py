"""Events that are not part of an answer: errors, pings, garbage, giants."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from zlib import crc32

from streamgauge.simulator.formats.base import sse, to_json
from streamgauge.simulator.providers import Json, error_body

UNREADABLE = b'{"this is not JSON'

# Where blanks may be put into an event: after the brace that opens its JSON.
OPENING_BRACE = {"sse": re.compile(rb"^data: ?\{", re.MULTILINE), "ndjson": re.compile(rb"^\{")}


class Voice(NamedTuple):
    """How a stream speaks: whose it is, in which dialect and framing."""

    provider: str
    dialect: str | None
    framing: str


def error(voice: Voice, status: int, kind: str | None) -> bytes:
    """Return the event with which the provider tells of an error within a stream."""
    body = error_body(voice.provider, status, kind=kind)
    if voice.framing == "eventstream":
        return _message({":message-type": "exception", ":exception-type": _exception(kind)}, body)
    if voice.framing == "ndjson":
        return to_json(body) + b"\n"
    make = _ERRORS.get(voice.dialect or "")
    return sse(body) if make is None else make(body)


def garbage(voice: Voice) -> bytes:
    """Return an event whose frame is whole, and whose data cannot be read."""
    return _GARBAGE[voice.framing]


def ping(voice: Voice) -> bytes:
    """Return a heartbeat: Anthropic has an event for it, the others send a comment."""
    return sse({"type": "ping"}, "ping") if voice.dialect == "anthropic" else b": ping\n\n"


def padded(voice: Voice, event: bytes, size: int) -> bytes:
    """Return *event*, grown to *size* bytes by blanks in its JSON, which mean nothing."""
    found = OPENING_BRACE[voice.framing].search(event)
    if found is None:
        return event
    blanks = b" " * max(size - len(event), 0)
    return event[: found.end()] + blanks + event[found.end() :]


# -- dialects -----------------------------------------------------------------------------


def _responses(body: Json) -> bytes:
    said = body["error"]
    return sse({"type": "error", "code": said["type"], "message": said["message"]}, "error")


def _cohere(body: Json) -> bytes:
    delta = {"finish_reason": "ERROR", "error": body["message"]}
    return sse({"type": "message-end", "delta": delta}, "message-end")


_ERRORS: dict[str, Callable[[Json], bytes]] = {
    "anthropic": lambda body: sse(body, "error"),
    "openai_responses": _responses,
    "openai_assistants": lambda body: sse(body["error"], "error"),
    "cohere": _cohere,
    "ai_sdk": lambda body: sse({"type": "error", "errorText": body["error"]["message"]}),
}


# -- AWS eventstream: lengths, headers, payload, and a checksum over each ----------------------


def _exception(kind: str | None) -> str:
    return kind or "internalServerException"


def _message(headers: Mapping[str, str], body: Json, payload: bytes | None = None) -> bytes:
    data = to_json(body) if payload is None else payload
    named = b"".join(
        # Type 7 is a string of up to 64 KiB.
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + len(value).to_bytes(2, "big")
        + value.encode()
        for name, value in {**headers, ":content-type": "application/json"}.items()
    )
    prelude = (len(named) + len(data) + 16).to_bytes(4, "big") + len(named).to_bytes(4, "big")
    prelude += crc32(prelude).to_bytes(4, "big")
    message = prelude + named + data
    return message + crc32(message).to_bytes(4, "big")


_GARBAGE = {
    "sse": b"data: " + UNREADABLE + b"\n\n",
    "ndjson": UNREADABLE + b"\n",
    "eventstream": _message(
        {":message-type": "event", ":event-type": "chunk"}, {}, payload=UNREADABLE
    ),
}
