"""What can be asked: requests, sessions, users and properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Struct, field

from streamgauge.api.guard import READ
from streamgauge.api.helicone_rest.envelope import MAX_BODY, RestOperation, enveloped, read
from streamgauge.api.helicone_rest.request import request_of
from streamgauge.api.parts import Given
from streamgauge.errors import QueryError
from streamgauge.store import helicone


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


async def _asked(
    request: Request[Any, Any, Any],
    ask: Callable[[Question], Any],
    *,
    status: int = 200,
) -> Response[Any]:
    try:
        question = await read(request, Question)
        if not 0 <= question.limit <= helicone.MAX_LIMIT or question.offset < 0:
            raise QueryError(f"limit is at most {helicone.MAX_LIMIT:,}, offset at least 0")  # noqa: TRY301
        return enveloped(await run_sync(ask, question), status=status)
    except QueryError as error:
        return enveloped(error=str(error), status=400)


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
            request_of(row)
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
        return enveloped(error="Request not found", status=404)
    return enveloped(request_of(row), status=200)


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


HANDLERS = [
    query_requests,
    count_requests,
    one_request,
    query_sessions,
    query_users,
    query_properties,
]
