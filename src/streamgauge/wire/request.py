"""What a request body says about the call, whatever its dialect."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class RequestFacts(Struct, frozen=True):
    """The fields of a request that a record needs."""

    model: str | None = None
    streaming: bool = False
    user: str | None = None


class _Request(Struct):
    model: object = None
    stream: object = None
    user: object = None
    safety_identifier: object = None  # what OpenAI calls `user` since 2025
    metadata: object = None


_decode = msgspec.json.Decoder(_Request).decode


def read_request(body: bytes) -> RequestFacts:
    """Return the facts of a JSON request *body*; what is not there, or not JSON, is absent."""
    try:
        request = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return RequestFacts()
    user = request.safety_identifier if request.user is None else request.user
    if user is None and isinstance(request.metadata, dict):
        # Anthropic's place for it.
        user = request.metadata.get("user_id")
    return RequestFacts(
        model=request.model if isinstance(request.model, str) else None,
        streaming=request.stream is True,
        user=user if isinstance(user, str) else None,
    )
