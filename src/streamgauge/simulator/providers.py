"""Whose path a request came on, and how that provider differs from the others.

Real paths come first (`/openai/v1/chat/completions` is Groq's). Where several providers
share a path, a leading `/{provider}` or the header `Simulate-Provider` tells them apart:
`/together/v1/chat/completions` is answered as Together does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from msgspec import Struct, field

Json = dict[str, Any]


class Target(NamedTuple):
    """Where a request belongs: provider, dialect, and the model where the path names it."""

    provider: str
    dialect: str | None
    path: str
    model: str | None = None


class Endpoint(NamedTuple):
    """One row: a real path, with ``{model}`` where it names one, its owner and dialect."""

    path: str
    provider: str
    dialect: str


ENDPOINTS = (
    Endpoint("/v1/chat/completions", "openai", "openai_chat"),
    Endpoint("/v1/completions", "openai", "openai_completions"),
    Endpoint("/v1/responses", "openai", "openai_responses"),
    Endpoint("/v1/messages", "anthropic", "anthropic"),
    Endpoint("/openai/v1/chat/completions", "groq", "openai_chat"),
    Endpoint("/api/v1/chat/completions", "openrouter", "openai_chat"),
    Endpoint("/inference/v1/chat/completions", "fireworks", "openai_chat"),
    Endpoint("/openai/deployments/{model}/chat/completions", "azure", "openai_chat"),
    Endpoint("/chat/completions", "deepseek", "openai_chat"),
    Endpoint("/beta/chat/completions", "deepseek", "openai_chat"),
    Endpoint("/responses", "deepseek", "openai_responses"),
    Endpoint("/v1/chat", "writer", "openai_chat"),
    Endpoint("/v3/openai/chat/completions", "novita", "openai_chat"),
    Endpoint("/v2/chat", "cohere", "cohere"),
    Endpoint("/v1beta/models/{model}:streamGenerateContent", "google", "gemini"),
    Endpoint("/v1beta/models/{model}:generateContent", "google", "gemini"),
    Endpoint("/v1/models/{model}:streamGenerateContent", "google", "gemini"),
    Endpoint("/v1/models/{model}:generateContent", "google", "gemini"),
    Endpoint("/model/{model}/converse-stream", "bedrock", "bedrock_converse"),
    Endpoint("/model/{model}/converse", "bedrock", "bedrock_converse"),
    Endpoint("/model/{model}/invoke-with-response-stream", "bedrock", "bedrock_invoke"),
    Endpoint("/model/{model}/invoke", "bedrock", "bedrock_invoke"),
    Endpoint("/openai/v1/responses", "bedrock", "openai_responses"),
    Endpoint("/api/chat", "ollama", "ollama"),
    Endpoint("/api/generate", "ollama", "ollama"),
)


class Variant(Struct, frozen=True, kw_only=True):
    """How a provider's chat stream differs from OpenAI's. Data, seen in recordings.

    ``usage``: ``asked`` (a chunk of its own, if ``include_usage``), ``own`` (a chunk of its
    own, always) or ``finish`` (in the chunk with the finish reason, always).
    ``null_usage``: whether the other chunks say ``"usage": null``; ``asked`` as above.
    ``text_too``: the delta's content stands in the choice as ``text`` once more.
    """

    id_prefix: str = "chatcmpl-"
    usage: str = "asked"
    null_usage: str = "never"
    role_chunk: bool = True
    comments: tuple[bytes, ...] = ()
    filter_chunk: bool = False
    obfuscation: bool = False
    chunk: Json = {}
    choice: Json = field(default_factory=lambda: {"logprobs": None})
    first_delta: Json = field(default_factory=lambda: {"role": "assistant", "content": ""})
    delta: Json = {}
    usage_details: Json = {}
    x_groq: bool = False
    cost: bool = False
    text_too: bool = False


SAFE = {"filtered": False, "severity": "safe"}
FILTERS: Json = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)

OPENAI_DETAILS: Json = {
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}

PLAIN = Variant()

VARIANTS: dict[str, Variant] = {
    "openai": Variant(
        null_usage="asked",
        obfuscation=True,
        chunk={"service_tier": "default", "system_fingerprint": "fp_50906f2aac"},
        first_delta={"role": "assistant", "content": "", "refusal": None},
        usage_details=OPENAI_DETAILS,
    ),
    "azure": Variant(
        filter_chunk=True,
        obfuscation=True,
        chunk={"system_fingerprint": "fp_b6f445fc1c"},
        choice={"content_filter_results": FILTERS, "logprobs": None},
        first_delta={"role": "assistant", "content": "", "refusal": None},
        usage_details=OPENAI_DETAILS,
    ),
    "together": Variant(
        id_prefix="",
        usage="finish",
        null_usage="always",
        role_chunk=False,
        choice={"logprobs": None, "seed": None},
        delta={"role": "assistant"},
        usage_details={"cached_tokens": 0},
        text_too=True,
    ),
    "groq": Variant(chunk={"system_fingerprint": "fp_179b0f92c9"}, x_groq=True),
    "openrouter": Variant(
        id_prefix="gen-",
        usage="own",
        role_chunk=False,
        comments=(b": OPENROUTER PROCESSING\n\n",) * 2,
        chunk={"provider": "OpenAI"},
        choice={"native_finish_reason": None},
        delta={"role": "assistant"},
        cost=True,
    ),
    "deepseek": Variant(
        id_prefix="",
        usage="finish",
        null_usage="asked",
        chunk={"system_fingerprint": "fp_393bca965e_prod0623_fp8_kvcache"},
        usage_details={"prompt_tokens_details": {"cached_tokens": 0}},
    ),
    "mistral": Variant(id_prefix="", usage="finish"),
    "fireworks": Variant(id_prefix="", usage="finish"),
    "vllm": Variant(),
}

# Providers whose name may lead a path; those without a variant speak plain OpenAI.
PROVIDERS = frozenset(
    {endpoint.provider for endpoint in ENDPOINTS}
    | VARIANTS.keys()
    | {"xai", "perplexity", "cerebras", "crusoe", "snowflake", "replicate", "watsonx"}
)


def target_of(path: str, provider: str | None = None) -> Target:
    """Find whose *path* (without query) it is; ``dialect`` is None where nobody knows it."""
    found = _match(path)
    if found is None:
        first, _, rest = path[1:].partition("/")
        if first in PROVIDERS:
            found = _match("/" + rest) or Target(first, None, "/" + rest)
            found = found._replace(provider=first)
    found = found or Target("openai", None, path)
    return found._replace(provider=provider) if provider else found


def variant_of(provider: str) -> Variant:
    """Return how *provider* differs from OpenAI."""
    return VARIANTS.get(provider, PLAIN)


def _match(path: str) -> Target | None:
    for pattern, endpoint in _PATTERNS:
        if found := pattern.fullmatch(path):
            model = found.groupdict().get("model")
            return Target(
                endpoint.provider, endpoint.dialect, path, unquote(model) if model else None
            )
    return None


_PATTERNS = [
    (re.compile(re.escape(row.path).replace(r"\{model\}", "(?P<model>[^/]+?)")), row)
    for row in ENDPOINTS
]


# -- errors, in each provider's shape -------------------------------------------------------


class Trouble(NamedTuple):
    """The words that providers use for a status."""

    openai: str
    anthropic: str
    google: str
    message: str
    code: str | None = None


TROUBLES: dict[int, Trouble] = {
    400: Trouble(
        "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", "Bad request."
    ),
    401: Trouble(
        "invalid_request_error", "authentication_error", "UNAUTHENTICATED", "Incorrect API key."
    ),
    403: Trouble("invalid_request_error", "permission_error", "PERMISSION_DENIED", "Not allowed."),
    404: Trouble("invalid_request_error", "not_found_error", "NOT_FOUND", "Not found."),
    413: Trouble(
        "invalid_request_error", "request_too_large", "INVALID_ARGUMENT", "Request too large."
    ),
    429: Trouble(
        "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "Rate limit reached."
    ),
    500: Trouble("server_error", "api_error", "INTERNAL", "The server had an error."),
    503: Trouble("server_error", "overloaded_error", "UNAVAILABLE", "The engine is overloaded."),
    529: Trouble("server_error", "overloaded_error", "UNAVAILABLE", "Overloaded"),
}


def _openai(status: int, trouble: Trouble, message: str) -> Json:
    code = trouble.code or (trouble.openai if status == 429 else None)
    return {"error": {"message": message, "type": trouble.openai, "param": None, "code": code}}


def _anthropic(status: int, trouble: Trouble, message: str) -> Json:
    del status
    return {"type": "error", "error": {"type": trouble.anthropic, "message": message}}


def _google(status: int, trouble: Trouble, message: str) -> Json:
    return {"error": {"code": status, "message": message, "status": trouble.google}}


def _message(status: int, trouble: Trouble, message: str) -> Json:
    del status, trouble
    return {"message": message}


def _bare(status: int, trouble: Trouble, message: str) -> Json:
    del status, trouble
    return {"error": message}


SHAPES: dict[str, Callable[[int, Trouble, str], Json]] = {
    "anthropic": _anthropic,
    "google": _google,
    "cohere": _message,
    "bedrock": _message,
    "ollama": _bare,
}


def error_body(
    provider: str, status: int, message: str | None = None, kind: str | None = None
) -> Json:
    """Return the error body that *provider* sends with *status*, of a *kind* in its own words."""
    nearest = TROUBLES[500] if status >= 500 else TROUBLES[400]
    trouble = TROUBLES.get(status, nearest)
    if kind is not None:
        trouble = trouble._replace(anthropic=kind, google=kind, code=kind)
    return SHAPES.get(provider, _openai)(status, trouble, message or trouble.message)
