"""Our errors in the words of each dialect, so that its SDK raises what it always raises.

In a stream: one more event. Instead of an answer: a JSON body. Our own shape,
``{"error": {"type", "message"}}``, is always in there; some dialects want more around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

_encode = msgspec.json.encode

# Google's names for the statuses we answer with (google.rpc.Code).
GOOGLE_STATUS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    408: "DEADLINE_EXCEEDED",
    410: "CANCELLED",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

# Who looks for the message beside the error.
MESSAGE_BESIDE = ("bedrock_converse", "bedrock_invoke", "cohere")

# What a stream that broke would have been answered with, had it not begun.
BROKEN = 502


def body(dialect: str | None, *, status: int, kind: str, message: str) -> dict[str, Any]:
    """Return the JSON of an error answer."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if dialect == "gemini":
        return _google(error, status)
    if dialect == "anthropic":
        return _anthropic(error)
    beside = {"message": message} if dialect in MESSAGE_BESIDE else {}
    return {**beside, "error": error}


def event(framing: str | None, dialect: str | None, *, kind: str, message: str) -> bytes:
    """Return the event that ends a broken stream; empty where the dialect has none for it."""
    error: dict[str, Any] = {"type": kind, "message": message}
    make = _EVENTS.get((framing or "", dialect or ""))
    return make(error) if make is not None else b""


def _anthropic(error: dict[str, Any]) -> dict[str, Any]:
    return {"type": "error", "error": error}


def _google(error: dict[str, Any], status: int) -> dict[str, Any]:
    return {"error": {**error, "code": status, "status": GOOGLE_STATUS.get(status, "UNKNOWN")}}


def _sse(data: dict[str, Any], name: str | None = None) -> bytes:
    head = b"event: %b\n" % name.encode() if name else b""
    return head + b"data: " + _encode(data) + b"\n\n"


def _openai(error: dict[str, Any]) -> bytes:
    return _sse({"error": {**error, "param": None, "code": error["type"]}})


def _responses(error: dict[str, Any]) -> bytes:
    said = {"code": error["type"], "message": error["message"], "param": None}
    return _sse({"type": "error", **said}, "error")


_EVENTS: dict[tuple[str, str], Callable[[dict[str, Any]], bytes]] = {
    ("sse", "openai_chat"): _openai,
    ("sse", "openai_completions"): _openai,
    ("sse", "openai_responses"): _responses,
    ("sse", "openai_assistants"): lambda error: _sse({**error, "code": error["type"]}, "error"),
    ("sse", "anthropic"): lambda error: _sse(_anthropic(error), "error"),
    ("sse", "gemini"): lambda error: _sse(_google(error, BROKEN)),
    ("sse", "cohere"): lambda error: _sse(
        {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": error["message"]}},
        "message-end",
    ),
    ("sse", "ai_sdk"): lambda error: _sse({"type": "error", "errorText": error["message"]}),
    ("ndjson", "ollama"): lambda error: _encode({"error": error["message"]}) + b"\n",
}
