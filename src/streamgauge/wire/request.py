"""What a request body says about the call, whatever its dialect."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec
from msgspec import Struct


class RequestFacts(Struct, frozen=True):
    """The fields of a request that a record needs."""

    model: str | None = None
    streaming: bool = False
    user: str | None = None


class _Request(Struct):
    model: object = None
    model_id: object = None  # watsonx
    stream: object = None
    user: object = None
    safety_identifier: object = None  # what OpenAI calls `user` since 2025
    metadata: object = None


_decode = msgspec.json.Decoder(_Request).decode


# Gemini (`/models/NAME:streamGenerateContent`), Bedrock (`/model/NAME/converse`), and Replicate
# (`/models/OWNER/NAME/predictions`) have the model in the path.
_MODEL = re.compile(
    r"/models?/(?P<model>[^?]+?)(?::\w+|/predictions|/(?:converse|invoke)[\w-]*)/?(?:\?|$)"
)
# A path that ends so is a stream, whatever the body says.
_STREAM = re.compile(r"(:stream\w+|/converse-stream|/invoke-with-response-stream|_stream)(\?|$)")


def read_request(body: bytes, path: str = "") -> RequestFacts:
    """Return the facts of a JSON request *body* to *path*; what is not there is absent."""
    named = _MODEL.search(path)
    model = unquote(named["model"]) if named else None
    is_stream = _STREAM.search(path) is not None
    try:
        request = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return RequestFacts(model=model, streaming=is_stream)
    user = request.safety_identifier if request.user is None else request.user
    if user is None and isinstance(request.metadata, dict):
        # Anthropic's place for it.
        user = request.metadata.get("user_id")
    return RequestFacts(
        model=_text(request.model) or _text(request.model_id) or model,
        streaming=request.stream is True or is_stream,
        user=user if isinstance(user, str) else None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
