"""The one shape of an error: ``{"error": {"type", "message", "param"?}}`` and a header."""

from __future__ import annotations

import logging
from typing import Any

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from msgspec import UNSET, Struct, UnsetType

from streamgauge.api import nowhere
from streamgauge.api.bodies import BadBody
from streamgauge.errors import QueryError, StoreError

log = logging.getLogger(__name__)

ERROR_HEADER = "Streamgauge-Error"
LONGEST_REASON = 500  # characters of a store's complaint that help; the log has the rest

TYPES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_type",
    416: "out_of_range",
    500: "internal_error",
    503: "unavailable",
}
MESSAGES = {
    404: "there is nothing here: a path begins with the name of a provider, as in "
    "/openai/v1/chat/completions (`streamgauge serve --provider NAME=URL` adds one), or is in "
    "/api/v1/openapi.json",
    405: "this address does not take that method; /api/v1/openapi.json lists what it takes",
}


class ErrorBody(Struct, frozen=True):
    """What went wrong. ``param`` names the query parameter at fault, where there is one."""

    type: str
    message: str
    param: str | UnsetType = UNSET


class ErrorAnswer(Struct, frozen=True):
    """The body of every answer that is not the one asked for."""

    error: ErrorBody


class NotFound(Exception):  # noqa: N818 - an answer more than an error
    """There is no such thing; the text says which."""


def answers(container: Any, description: str) -> ResponseSpec:
    """Describe the body of an answer for OpenAPI."""
    return ResponseSpec(container, description=description, generate_examples=False)


def error_response(status: int, message: str, *, param: str | None = None) -> Response[Any]:
    """The answer for an error."""
    body = ErrorBody(TYPES.get(status, "error"), message, UNSET if param is None else param)
    return Response(
        ErrorAnswer(body),
        status_code=status,
        media_type=MediaType.JSON,
        headers={ERROR_HEADER: "true", "Cache-Control": "no-store"},
    )


def on_query_error(_: Request[Any, Any, Any], error: QueryError) -> Response[Any]:
    """A question that makes no sense is the asker's: 400."""
    return error_response(400, str(error), param=error.param)


def on_bad_body(_: Request[Any, Any, Any], bad: BadBody) -> Response[Any]:
    """A body that nobody can read."""
    return error_response(bad.status, str(bad))


def on_not_found(request: Request[Any, Any, Any], error: NotFound) -> Response[Any]:
    """404, in the words of who looked for it."""
    return nowhere.page() if nowhere.is_persons(request) else error_response(404, str(error))


def on_store_error(_: Request[Any, Any, Any], error: StoreError) -> Response[Any]:
    """The store did not answer: 503, since asking again may help."""
    log.warning("a question to the store failed: %s", error)
    return error_response(503, str(error)[:LONGEST_REASON])


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework refused: unknown paths, wrong methods, parameters that do not parse."""
    if error.status_code == 404 and nowhere.is_persons(request):
        return nowhere.page()
    message = MESSAGES.get(error.status_code, error.detail)
    response = error_response(error.status_code, message)
    for name, value in (error.headers or {}).items():
        response.set_header(name, value)
    return response


def on_any_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A fault of ours: 500; the log has the traceback, the answer has none."""
    log.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return error_response(500, "something went wrong on our side; the log says what")


HANDLERS: dict[int | type[Exception], Any] = {
    QueryError: on_query_error,
    BadBody: on_bad_body,
    NotFound: on_not_found,
    StoreError: on_store_error,
    HTTPException: on_http_error,
    Exception: on_any_error,
}
