"""Helicone's REST interface, as far as its users build on it: the same paths and shapes.

Every answer is ``{"data": …, "error": null}``, or the other way round. What is said about a
request later (feedback, scores, properties) goes through the journal like everything else.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from anyio.to_thread import run_sync
from litestar import MediaType, Request, Response, get, post, put
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath
from msgspec import Struct, field

from streamgauge.api.guard import LOG, READ, Refused
from streamgauge.api.ids import id_at
from streamgauge.api.log import NOT_KEPT
from streamgauge.api.parts import Given, Parts
from streamgauge.errors import QueryError
from streamgauge.journal.format import Kind
from streamgauge.record import Amended, Amendment
from streamgauge.store import helicone

T = TypeVar("T")

# Under this name a rating is kept among the scores.
FEEDBACK = "helicone-score-feedback"

MAX_BODY = 1_000_000

_pack = msgspec.msgpack.Encoder().encode


# -- what is asked ---------------------------------------------------------------------------


class TimeFilter(Struct, rename="camel"):
    """From and to, in the unit of its call."""

    start_time_unix_ms: float | None = None
    end_time_unix_ms: float | None = None
    start_time_unix_seconds: float | None = None
    end_time_unix_seconds: float | None = None

    @property
    def span(self) -> tuple[float, float] | None:
        """In milliseconds, if there is one."""
        if self.start_time_unix_ms is not None and self.end_time_unix_ms is not None:
            return self.start_time_unix_ms, self.end_time_unix_ms
        if self.start_time_unix_seconds is not None and self.end_time_unix_seconds is not None:
            return self.start_time_unix_seconds * 1000, self.end_time_unix_seconds * 1000
        return None


class Question(Struct, rename="camel"):
    """The body of all questions; what one does not need, it may have all the same."""

    filter: Any = "all"
    offset: int = 0
    limit: int = 10
    sort: Any = None
    search: str | None = None
    name_equals: str | None = None
    time_filter: TimeFilter = field(default_factory=TimeFilter)


class Rating(Struct):
    """Feedback: good or not."""

    rating: bool
    helicone_id: str | None = field(default=None, name="helicone-id")


class Scores(Struct):
    """Whole numbers or booleans, by name."""

    scores: dict[str, int | bool]


class Property(Struct):
    """One property."""

    key: str
    value: str


# -- what is answered ------------------------------------------------------------------------


class RestOperation(Operation):
    """An answer in Helicone's envelope."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.OBJECT)
        envelope = {"application/json": OpenAPIMediaType(schema=schema)}
        self.responses = {
            "200": OpenAPIResponse("`data`; 201 where Helicone says that", content=envelope),
            "400": OpenAPIResponse("`error` says what makes no sense", content=envelope),
        }


def _enveloped(data: Any = None, error: str | None = None, *, status: int) -> Response[Any]:
    body = {"data": data, "error": error}
    return Response(body, status_code=status, media_type=MediaType.JSON)


def on_refused(_: Request[Any, Any, Any], refused: Refused) -> Response[Any]:
    """Refuse, in Helicone's envelope."""
    return _enveloped(error=str(refused), status=refused.status)


async def _body(request: Request[Any, Any, Any], kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise QueryError(str(error)) from None


async def _asked(
    request: Request[Any, Any, Any],
    ask: Callable[[Question], Any],
    *,
    status: int = 200,
) -> Response[Any]:
    try:
        question = await _body(request, Question)
        if not 0 <= question.limit <= helicone.MAX_LIMIT or question.offset < 0:
            raise QueryError(f"limit is at most {helicone.MAX_LIMIT:,}, offset at least 0")  # noqa: TRY301
        return _enveloped(await run_sync(ask, question), status=status)
    except QueryError as error:
        return _enveloped(error=str(error), status=400)


def _request_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record as Helicone's request."""
    sessions = {name: row[column] for name, column in SESSION_PROPERTIES.items() if row[column]}
    properties = sessions | row["properties"]
    total = [row[name] for name in ("input_tokens", "output_tokens") if row[name] is not None]
    feedback = row["scores"].get(FEEDBACK)
    return {
        "request_id": row["client_request_id"] or row["id"],
        "response_id": row["id"],
        "request_created_at": row["started_at"],
        "response_created_at": row["ended_at"],
        "response_status": row["status"],
        "request_body": _parsed(row["request_body"]),
        "response_body": _response_body(row),
        "request_model": row["model"],
        "response_model": row["response_model"],
        "model": row["model"] or row["response_model"],
        "model_override": None,
        "request_path": row["path"],
        "target_url": row["path"],
        "provider": row["provider"].upper(),
        "request_user_id": row["user_id"],
        "request_properties": properties,
        "properties": properties,
        "delay_ms": row["duration_ms"],
        "time_to_first_token": row["ttft_ms"],
        "total_tokens": sum(total) if total else None,
        "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "prompt_cache_write_tokens": row["cache_write_tokens"],
        "prompt_cache_read_tokens": row["cached_input_tokens"],
        "prompt_audio_tokens": row["audio_input_tokens"],
        "completion_audio_tokens": row["audio_output_tokens"],
        "reasoning_tokens": row["reasoning_tokens"],
        "cost": row["cost_usd"],
        "costUSD": row["cost_usd"],
        "scores": row["scores"],
        "feedback_rating": None if feedback is None else bool(feedback),
        "signed_body_url": None,
        "cache_reference_id": None,
        "cache_enabled": False,
        "storage_location": "streamgauge",
        "country_code": None,
        "request_referrer": None,
        "assets": [],
    }


SESSION_PROPERTIES = {
    "Helicone-Session-Id": "session_id",
    "Helicone-Session-Path": "session_path",
    "Helicone-Session-Name": "session_name",
}


def _parsed(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError):
        return text


def _response_body(row: dict[str, Any]) -> Any:
    """Return what was answered as a chat completion, whatever the provider's form."""
    reply = row["reply"]
    if reply is None:
        return row["response_text"]
    choices = [
        {
            "index": one.get("index", 0),
            "message": {
                "role": one.get("role") or "assistant",
                "content": one.get("text", ""),
                **({"tool_calls": one["tool_calls"]} if one.get("tool_calls") else {}),
                **({"reasoning": one["reasoning"]} if one.get("reasoning") else {}),
            },
            "finish_reason": one.get("finish_reason"),
        }
        for one in reply.get("choices", ())
    ]
    known = {name: reply.get(name) for name in ("id", "model", "usage")}
    body: dict[str, Any] = {**known, "object": "chat.completion", "choices": choices}
    if row["error_message"]:
        body["error"] = {"type": row["error_type"], "message": row["error_message"]}
    return body


# -- questions -------------------------------------------------------------------------------


def _named(operation: str) -> Any:
    def name(_: Any, __: Any, path: list[Any]) -> str:
        return operation + "".join(word.title() for word in str(path[-1]).split("-"))

    return name


@post(
    ["/v1/request/query", "/v1/request/query-clickhouse"],
    status_code=201,
    operation_id=_named("heliconeRequests"),
    operation_class=RestOperation,
    summary="Requests, by Helicone's filter tree",
    request_max_body_size=MAX_BODY,
    opt=READ,
)
async def query_requests(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """A page of requests."""
    return await _asked(
        request,
        lambda one: [
            _request_of(row)
            for row in helicone.requests(
                parts.store, one.filter, sort=one.sort, offset=one.offset, limit=one.limit
            )
        ],
        status=201,
    )


@post(
    "/v1/request/count/query",
    status_code=201,
    operation_id="heliconeRequestCount",
    operation_class=RestOperation,
    summary="How many requests match Helicone's filter tree",
    request_max_body_size=MAX_BODY,
    opt=READ,
)
async def count_requests(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """A number."""
    return await _asked(request, lambda one: helicone.count(parts.store, one.filter), status=201)


@get(
    "/v1/request/{request_id:str}",
    operation_id="heliconeRequest",
    operation_class=RestOperation,
    summary="One request, by its id or the caller's own",
    opt=READ,
)
async def one_request(parts: Given, request_id: FromPath[str]) -> Response[Any]:
    """A request with its bodies."""
    row = await run_sync(helicone.request, parts.store, request_id)
    if row is None:
        return _enveloped(error="Request not found", status=404)
    return _enveloped(_request_of(row), status=200)


@post(
    "/v1/session/query",
    status_code=200,
    operation_id="heliconeSessions",
    operation_class=RestOperation,
    summary="Sessions with their totals",
    request_max_body_size=MAX_BODY,
    opt=READ,
)
async def query_sessions(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """A page of sessions."""
    return await _asked(
        request,
        lambda one: helicone.sessions(
            parts.store,
            one.filter,
            search=one.search or "",
            name=one.name_equals,
            span=one.time_filter.span,
            offset=one.offset,
            limit=one.limit,
        ),
    )


@post(
    "/v1/user/metrics/query",
    status_code=200,
    operation_id="heliconeUserMetrics",
    operation_class=RestOperation,
    summary="Users with their totals",
    request_max_body_size=MAX_BODY,
    opt=READ,
)
async def query_users(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """A page of users, and how many there are."""

    def ask(one: Question) -> dict[str, Any]:
        span = one.time_filter.span
        found = helicone.users(
            parts.store, one.filter, span=span, offset=one.offset, limit=one.limit
        )
        number = helicone.user_count(parts.store, one.filter, span=span)
        return {"users": [_user_of(row) for row in found], "count": number, "hasUsers": number > 0}

    return await _asked(request, ask)


def _user_of(row: dict[str, Any]) -> dict[str, Any]:
    requests = row["total_requests"]
    return {
        "user_id": row["user_id"],
        "active_for": row["active_for"],
        "first_active": row["created_at"],
        "last_active": row["latest_request_created_at"],
        "total_requests": requests,
        "average_requests_per_day_active": requests / row["active_for"],
        "average_tokens_per_request": row["total_tokens"] / requests,
        "total_completion_tokens": row["completion_tokens"],
        "total_prompt_tokens": row["prompt_tokens"],
        "cost": row["total_cost"],
    }


@post(
    "/v1/property/query",
    status_code=200,
    operation_id="heliconeProperties",
    operation_class=RestOperation,
    summary="The names of properties",
    request_max_body_size=MAX_BODY,
    opt=READ,
)
async def query_properties(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """All names."""
    return await _asked(
        request, lambda _: [{"property": name} for name in helicone.properties(parts.store)]
    )


# -- said later ------------------------------------------------------------------------------


@post(
    "/v1/request/{request_id:str}/feedback",
    status_code=201,
    operation_id="heliconeFeedback",
    operation_class=RestOperation,
    summary="Rate a request",
    request_max_body_size=MAX_BODY,
    opt=LOG,
)
async def rate(
    request: Request[Any, Any, Any], parts: Given, request_id: FromPath[str]
) -> Response[Any]:
    """Keep a rating as a score."""
    return await _told(request, parts, Rating, lambda one: _rating(request_id, one))


@post(
    "/v1/feedback",
    status_code=201,
    operation_id="heliconeProxyFeedback",
    operation_class=RestOperation,
    summary="Rate the request that the body names",
    request_max_body_size=MAX_BODY,
    opt=LOG,
)
async def rate_named(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """Keep a rating as a score."""
    return await _told(request, parts, Rating, lambda one: _rating(one.helicone_id or "", one))


@post(
    "/v1/request/{request_id:str}/score",
    status_code=201,
    operation_id="heliconeScores",
    operation_class=RestOperation,
    summary="Score a request",
    request_max_body_size=MAX_BODY,
    opt=LOG,
)
async def score(
    request: Request[Any, Any, Any], parts: Given, request_id: FromPath[str]
) -> Response[Any]:
    """Keep scores, whole numbers and booleans."""
    return await _told(
        request,
        parts,
        Scores,
        lambda one: [
            _amendment(request_id, Amended.SCORE, name, str(int(value)))
            for name, value in one.scores.items()
        ],
    )


@put(
    "/v1/request/{request_id:str}/property",
    status_code=201,
    operation_id="heliconeProperty",
    operation_class=RestOperation,
    summary="Set a property of a request",
    request_max_body_size=MAX_BODY,
    opt=LOG,
)
async def set_property(
    request: Request[Any, Any, Any], parts: Given, request_id: FromPath[str]
) -> Response[Any]:
    """Keep a property; it wins over the one that the request had."""
    return await _told(
        request,
        parts,
        Property,
        lambda one: [_amendment(request_id, Amended.PROPERTY, one.key.lower(), one.value)],
    )


def _rating(name: str, rating: Rating) -> list[Amendment]:
    return [_amendment(name, Amended.SCORE, FEEDBACK, str(int(rating.rating)))]


def _amendment(name: str, kind: Amended, key: str, value: str) -> Amendment:
    try:
        record_id = str(UUID(name))
    except ValueError:
        raise QueryError("a request is named by a UUID") from None
    return Amendment(record_id=record_id, kind=kind, name=key, value=value, at=datetime.now(UTC))


async def _told(
    request: Request[Any, Any, Any],
    parts: Parts,
    kind: type[T],
    read: Callable[[T], list[Amendment]],
) -> Response[Any]:
    """Journal what was said; the request itself may still be on its way to the store."""
    try:
        amendments = read(await _body(request, kind))
    except QueryError as error:
        return _enveloped(error=str(error), status=400)
    entries = [
        (int(Kind.AMEND), id_at(one.at, os.urandom(10)).bytes, 0, _pack(one)) for one in amendments
    ]
    if not parts.keep(entries):
        return _enveloped(error=NOT_KEPT, status=503)
    return _enveloped(status=201)


HANDLERS = [
    query_requests,
    count_requests,
    one_request,
    query_sessions,
    query_users,
    query_properties,
    rate,
    rate_named,
    score,
    set_property,
]
