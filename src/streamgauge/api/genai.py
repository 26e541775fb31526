"""A span of a model call as a log of ours.

Three ways of saying the same are read: the current semantic conventions (``gen_ai.input.messages``
and the like, https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/), their older
events, and the numbered names of OpenLLMetry (``gen_ai.prompt.0.content``). What was asked and
answered is written as a chat completion, whatever the provider's own form was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from streamgauge.api.ids import id_at
from streamgauge.api.log import Log, LoggedError, LoggedLabels, LoggedResponse
from streamgauge.api.spans import Attributes, Span
from streamgauge.record import ClosedBy, Outcome
from streamgauge.recorder.labels import PREFIXES, labels_of

MODEL = ("gen_ai.request.model", "gen_ai.response.model")
# Around model calls, and so not calls themselves.
NOT_CALLS = ("invoke_agent", "create_agent", "execute_tool")

# The conventions' names of providers, and OpenLLMetry's, where ours are others.
PROVIDERS = {
    "az.ai.openai": "azure", "azure.ai.openai": "azure", "azure.ai.inference": "azure",
    "aws.bedrock": "bedrock", "aws_bedrock": "bedrock", "aws": "bedrock",
    "gcp.gemini": "google", "gcp.gen_ai": "google", "gemini": "google",
    "google_generativeai": "google", "gcp.vertex_ai": "google",
    "mistral_ai": "mistral", "mistralai": "mistral", "x_ai": "xai",
    "together_ai": "together", "togetherai": "together", "fireworks_ai": "fireworks",
}  # fmt: skip

# Fields of a request, and the names that they have had.
REQUEST = {
    "temperature": ("gen_ai.request.temperature", "llm.temperature"),
    "top_p": ("gen_ai.request.top_p", "llm.top_p"),
    "top_k": ("gen_ai.request.top_k", "llm.top_k"),
    "max_tokens": ("gen_ai.request.max_tokens", "llm.request.max_tokens"),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", "llm.frequency_penalty"),
    "presence_penalty": ("gen_ai.request.presence_penalty", "llm.presence_penalty"),
    "stop": ("gen_ai.request.stop_sequences",),
    "seed": ("gen_ai.request.seed",),
    "n": ("gen_ai.request.choice.count",),
}
USAGE = {
    "prompt_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "completion_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "total_tokens": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    "cached_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
    ),
    "cache_creation_input_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
    ),
}
STREAMING = ("gen_ai.request.stream", "gen_ai.request.is_stream", "llm.is_streaming")

# Who measures the first token has one of these: the name, and what makes it milliseconds.
TTFT = (
    ("gen_ai.response.time_to_first_chunk", 1000),
    ("gen_ai.server.time_to_first_token", 1000),
    ("ai.response.msToFirstChunk", 1),
)
# Who has an event per chunk tells it by the first.
CHUNK_EVENTS = ("llm.content.completion.chunk", "gen_ai.content.completion.chunk")

LABELS = {
    "user-id": ("user.id", "enduser.id", "gen_ai.request.user", "llm.user"),
    "session-id": ("session.id", "gen_ai.conversation.id"),
}
ASSOCIATED = "traceloop.association.properties."
# Names that people give what Helicone calls User-Id and Session-Id.
ASSOCIATED_LABELS = {"user_id": "user-id", "session_id": "session-id"}

NUMBERED = re.compile(r"gen_ai\.(prompt|completion)\.(\d{1,4})\.(.+)")
_TOOL_CALL = re.compile(r"tool_calls\.(\d{1,4})\.(id|name|arguments)")

_encode = msgspec.json.encode
_decode = msgspec.json.decode


def is_call(span: Span) -> bool:
    """Whether a span is that of a model call."""
    said = span.attributes
    operation = said.get("gen_ai.operation.name")
    return operation not in NOT_CALLS and _first(said, MODEL) is not None


def log_of(span: Span) -> Log:
    """Return a span of a model call as a log; the same span has the same id every time."""
    said = _with_events(span)
    started = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=span.started_ns // 1000)
    ttft_ms = _ttft_ms(span)
    is_streaming = ttft_ms is not None or any(said.get(name) is True for name in STREAMING)
    name = blake2b(span.trace_id + span.span_id, digest_size=10).digest()
    log = Log(
        id=id_at(started, name),
        started_at=started,
        request=_request(said, is_streaming=is_streaming),
        provider=_provider(said),
        ended_ms=max(span.ended_ns - span.started_ns, 0) / 1e6,
        labels=_labels(span),
    )
    body = _answer(said)
    log.response = LoggedResponse(status=200 if body else None, body=body, ttft_ms=ttft_ms)
    if span.is_error:
        _fail(log, span, has_begun=body is not None)
    return log


def _with_events(span: Span) -> Attributes:
    """Return the attributes, with those that the conventions had moved to events for a while."""
    said = dict(span.attributes)
    for event in span.events:
        said |= {name: one for name, one in event.attributes.items() if name.startswith("gen_ai.")}
    return said


# -- what was asked and answered -------------------------------------------------------------


def _request(said: Attributes, *, is_streaming: bool) -> dict[str, Any]:
    request: dict[str, Any] = {"model": _first(said, MODEL)}
    messages = [_message(one) for one in _listed(said.get("gen_ai.input.messages"))]
    instructions = _listed(said.get("gen_ai.system_instructions"))
    if instructions:
        messages.insert(0, _message({"role": "system", "parts": instructions}))
    request["messages"] = messages or list(_numbered(said, "prompt"))
    request |= {
        name: value for name, names in REQUEST.items() if (value := _first(said, names)) is not None
    }
    return request | ({"stream": True} if is_streaming else {})


def _answer(said: Attributes) -> dict[str, Any] | None:
    messages = [
        (_message(one), one.get("finish_reason"))
        for one in _listed(said.get("gen_ai.output.messages"))
    ]
    if not messages:
        numbered = _numbered(said, "completion")
        messages = [(one, one.pop("finish_reason", None)) for one in numbered]
    usage = _usage(said)
    if not messages and usage is None:
        return None
    reasons = _listed(said.get("gen_ai.response.finish_reasons"), of=str)
    answer = {
        "id": said.get("gen_ai.response.id"),
        "object": "chat.completion",
        "model": said.get("gen_ai.response.model"),
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", **message},
                "finish_reason": reason or (reasons[index] if index < len(reasons) else None),
            }
            for index, (message, reason) in enumerate(messages)
        ],
        "usage": usage,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _usage(said: Attributes) -> dict[str, Any] | None:
    counts = {
        name: value for name, names in USAGE.items() if (value := _first(said, names)) is not None
    }
    return counts or None


def _message(told: Any) -> dict[str, Any]:
    """Return a message of the current conventions, which has parts, as one of a chat."""
    if not isinstance(told, dict):
        return {"role": "user", "content": str(told)}
    parts = [one for one in _listed(told.get("parts")) if isinstance(one, dict)]
    text = "".join(str(one.get("content", "")) for one in parts if one.get("type") == "text")
    message = {"role": told.get("role", "user"), "content": text or told.get("content")}
    calls = [
        _tool_call(index, one.get("id"), one.get("name"), one.get("arguments"))
        for index, one in enumerate(one for one in parts if one.get("type") == "tool_call")
    ]
    results = [one for one in parts if one.get("type") == "tool_call_response"]
    if results:
        message |= {"tool_call_id": results[0].get("id"), "content": results[0].get("response")}
    reasoning = [str(one.get("content", "")) for one in parts if one.get("type") == "reasoning"]
    if reasoning:
        message["reasoning_content"] = "".join(reasoning)
    return message | ({"tool_calls": calls} if calls else {})


def _numbered(said: Attributes, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the messages of OpenLLMetry, whose parts are attributes of their own."""
    messages: dict[int, dict[str, Any]] = {}
    for name, value in said.items():
        found = NUMBERED.fullmatch(name)
        if found is not None and found[1] == kind:
            messages.setdefault(int(found[2]), {})[found[3]] = value
    for _, fields in sorted(messages.items()):
        message = {name: one for name, one in fields.items() if "." not in name}
        calls: dict[int, dict[str, Any]] = {}
        for name, value in fields.items():
            found = _TOOL_CALL.fullmatch(name)
            if found is not None:
                calls.setdefault(int(found[1]), {})[found[2]] = value
        if calls:
            message["tool_calls"] = [
                _tool_call(index, one.get("id"), one.get("name"), one.get("arguments"))
                for index, one in sorted(calls.items())
            ]
        yield message


def _tool_call(index: int, call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else _encode(arguments).decode()
    function = {"name": name, "arguments": text}
    return {"index": index, "id": call_id, "type": "function", "function": function}


# -- around it -------------------------------------------------------------------------------


def _provider(said: Attributes) -> str | None:
    name = _first(said, ("gen_ai.provider.name", "gen_ai.system"))
    lower = str(name).lower() if name else None
    return PROVIDERS.get(lower, lower) if lower else None


def _ttft_ms(span: Span) -> float | None:
    for name, factor in TTFT:
        value = span.attributes.get(name)
        if isinstance(value, int | float) and value > 0:
            return float(value) * factor
    firsts = [event.at_ns for event in span.events if event.name in CHUNK_EVENTS]
    return max(min(firsts) - span.started_ns, 0) / 1e6 if firsts else None


def _labels(span: Span) -> LoggedLabels:
    """Return who and why; the ids of trace and span are properties."""
    said = span.resource | span.attributes
    pairs = [
        (f"helicone-{label}", value)
        for label, names in LABELS.items()
        if (value := _first(said, names)) is not None
    ]
    for name, value in said.items():
        key = name.removeprefix(ASSOCIATED).lower()
        if key.startswith(PREFIXES):
            pairs.append((key, value))
        elif name.startswith(ASSOCIATED):
            pairs.append((f"helicone-{ASSOCIATED_LABELS.get(key, f'property-{key}')}", value))
    labels = labels_of([(name, _text(value)) for name, value in pairs])
    found = msgspec.convert(labels, LoggedLabels, from_attributes=True)
    ids = {"trace_id": span.trace_id, "span_id": span.span_id, "parent_span_id": span.parent_id}
    found.properties |= {name: one.hex() for name, one in ids.items() if one}
    service = span.resource.get("service.name")
    if service:
        found.properties["service"] = _text(service)
    return found


def _fail(log: Log, span: Span, *, has_begun: bool) -> None:
    raised = next((one.attributes for one in span.events if one.name == "exception"), {})
    kind = raised.get("exception.type") or span.attributes.get("error.type")
    message = raised.get("exception.message") or span.message
    status = span.attributes.get("http.response.status_code")
    log.error = LoggedError(str(kind) if kind else None, str(message) if message else None)
    log.closed_by = ClosedBy.UPSTREAM
    if isinstance(status, int) and 400 <= status <= 999:
        log.response.status = status
    log.outcome = Outcome.FAULT_IN_STREAM if has_begun else Outcome.HTTP_ERROR


def _first(said: Attributes, names: tuple[str, ...]) -> Any:
    return next((said[name] for name in names if said.get(name) is not None), None)


def _listed(value: Any, *, of: type = object) -> list[Any]:
    """Return a list, also where it comes as text in JSON."""
    if isinstance(value, str):
        try:
            value = _decode(value.encode())
        except (msgspec.DecodeError, RecursionError):
            return []
    return [one for one in value if isinstance(one, of)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()
