"""Helicone's manual log calls: its paths, its checks in their order, its answers.

``providerRequest`` and ``providerResponse`` become a `Log` and go the way of our own: into the
journal first, then 200 with ``ok`` and ``helicone-id``. Its clients tell an answer in one piece,
so there are no times in it but those that they measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from time import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType

from streamgauge.api.bodies import BadBody, read_body
from streamgauge.api.guard import LOG, Refused
from streamgauge.api.ids import id_at
from streamgauge.api.log import (
    FUTURE,
    NOT_KEPT,
    Log,
    LoggedError,
    LoggedLabels,
    LoggedResponse,
    entries_of,
)
from streamgauge.api.parts import Given
from streamgauge.api.told import joined, split_error, type_of
from streamgauge.record import ClosedBy, Outcome, Source
from streamgauge.recorder.labels import labels_of
from streamgauge.secrets import OURS

MAX_LOG = 10 * 1024 * 1024

# Each client counts its two times by two clocks and rounds; a call of less than a millisecond
# may end before it begins.
CLOCKS_DIFFER_MS = 2.0

# The provider that a path names; on the others the body may name one.
PROVIDERS = {"oai": "openai", "anthropic": "anthropic", "googleapis": "google"}

# What Helicone writes for ends that HTTP has no number for.
ENDS = {
    -1: (Outcome.STALLED, ClosedBy.CLIENT),
    -2: (Outcome.STALLED, ClosedBy.CLIENT),
    -3: (Outcome.CLIENT_LEFT, ClosedBy.CLIENT),
    -4: (Outcome.REFUSED, ClosedBy.GATEWAY),
}
OTHER_END = (Outcome.TRUNCATED, ClosedBy.UPSTREAM)

# What its builders write for every error that has no status.
ERROR_STATUS = 500

# Dollars; what is more is a mistake, or in another unit.
MAX_COST = 1e6

EVENTS = ("tool", "vector_db", "data")
NO_TYPE = "unknown"  # where a request is none of these

# Whoever has none of these is not known.
KEYS = ("authorization", "x-api-key", "api-key", "helicone-auth")

NUMBER = (int, float)
OBJECT = (dict, list, type(None))  # as JavaScript's typeof has it

# Field, what it must be, and the complaint, in the order in which Helicone looks.
CHECKS: tuple[tuple[str, Any, str], ...] = (
    ("providerRequest.url", str, "Invalid providerRequest: 'url' should be a string"),
    ("providerRequest.meta", OBJECT, "Invalid providerRequest: 'meta' should be an object"),
    ("providerResponse.status", NUMBER, "Invalid providerResponse: 'status' should be a number"),
    ("providerResponse.headers", OBJECT, "Invalid providerResponse: 'headers' should be an object"),
)
TIME_CHECKS = tuple(
    (f"timing.{moment}.{unit}", f"Invalid timing: '{moment}.{unit}' should be a number")
    for moment in ("startTime", "endTime")
    for unit in ("seconds", "milliseconds")
)
NO_PARTS = "One of the required fields is missing, providerRequest or providerResponse"
NO_TIME = "Invalid timing structure or value type"
BACKWARDS = "startTime cannot be greater than endTime"
NEGATIVE = "startTime and endTime cannot be negative"
NOT_YET = "startTime cannot be in the future"

# Numbers in a text are seconds below this (the year 2100), milliseconds above.
LAST_SECOND = 4_102_444_800
LAST_MS = 253_402_300_799_000  # the year 9999

_ABSENT = object()
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.encode


class Invalid(Exception):  # noqa: N818 - an answer more than an error
    """A log that Helicone would refuse; *field* is the one at fault."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


# -- calls -----------------------------------------------------------------------------------


def _named(operation: str) -> Any:
    """Return the operation's name for OpenAPI, told apart by the path's own word."""

    def name(_: Any, __: Any, path: list[Any]) -> str:
        words = [str(part).removeprefix("v1") for part in path]
        return operation + "".join(word.capitalize() for word in words if word != "log")

    return name


class LogOperation(Operation):
    """POST of a log: what it answers."""

    def __post_init__(self) -> None:
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        self.responses = {
            "200": OpenAPIResponse("`ok`: the journal has it", content={"text/plain": text}),
            "400": OpenAPIResponse("It is no log, or longer than 10 MB; says why"),
            "401": OpenAPIResponse("There is no key"),
            "503": OpenAPIResponse("The journal's disk does not take it"),
        }


@post(
    [
        "/custom/v1/log",
        "/oai/v1/log",
        "/anthropic/v1/log",
        "/googleapis/v1/log",
        "/v1/trace/custom/log",
    ],
    status_code=200,
    operation_id=_named("heliconeLog"),
    summary="Log a call as Helicone's clients do",
    description="The body is Helicone's `providerRequest`, `providerResponse` and `timing`.",
    operation_class=LogOperation,
    request_max_body_size=MAX_LOG,
    opt=LOG,
)
async def log_manually(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """Journal one call; its record follows within about a second."""
    try:
        return _kept(parts, *_read(request, await _body(request)))
    except BadBody:
        return _text("Payload too large", 400)
    except PermissionError:
        return _text("Unauthorized", 401)
    except Invalid as invalid:
        return Response({"error": str(invalid)}, status_code=400, media_type=MediaType.JSON)


@post(
    "/v1/trace/custom/log/typed",
    status_code=200,
    operation_id="heliconeLogTyped",
    summary="Log a call as Helicone's clients do, checked more strictly",
    description="The same body; an answer must be there, and a refusal names the field.",
    operation_class=LogOperation,
    request_max_body_size=MAX_LOG,
    opt=LOG,
)
async def log_typed(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """Journal one call."""
    try:
        told = await _body(request)
        answer = told.get("providerResponse")
        if isinstance(answer, dict) and not (answer.get("json") or answer.get("textBody")):
            raise Invalid("json or textBody is required", "providerResponse")  # noqa: TRY301
        return _kept(parts, *_read(request, told))
    except BadBody:
        return _text("Payload too large", 400)
    except PermissionError:
        return _text("Unauthorized", 401)
    except Invalid as invalid:
        errors = [{"field": invalid.field, "message": str(invalid)}]
        return Response({"isValid": False, "errors": errors}, status_code=400)


def on_refused(_: Request[Any, Any, Any], refused: Refused) -> Response[Any]:
    """Refuse, as Helicone does."""
    return _text("Unauthorized" if refused.status == 401 else str(refused), refused.status)


async def _body(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return the log, empty where it is none; raises `BadBody` and `PermissionError`."""
    body = await read_body(request, MAX_LOG)
    if not any(request.headers.get(name) for name in KEYS):
        raise PermissionError
    try:
        told = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _read(request: Request[Any, Any, Any], told: dict[str, Any]) -> tuple[Log, str]:
    return log_of(told, api=request.scope["path"].split("/")[1], headers=request.headers.items())


def _kept(parts: Given, log: Log, name: str) -> Response[Any]:
    if not parts.keep(entries_of(log, Source.HELICONE)):
        return _text(NOT_KEPT, 503)
    return _text("ok", 200, {"helicone-id": name})


def _text(words: str, status: int, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(words, status_code=status, headers=headers, media_type=MediaType.TEXT)


# -- its checks ------------------------------------------------------------------------------


def check(told: dict[str, Any]) -> None:
    """Raise `Invalid` for what Helicone would refuse, except what its own clients leave out."""
    for part in ("providerRequest", "providerResponse"):
        if not isinstance(told.get(part), dict):
            raise Invalid(NO_PARTS, part)
    for field, kinds, complaint in CHECKS:
        value = _at(told, field)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise Invalid(complaint, field)


def times_of(timing: Any) -> tuple[datetime, float | None]:
    """Return when it began, and after how many ms it ended; that is None where nobody says."""
    if timing is None:
        return datetime.now(UTC), None
    started, ended = (_ms(timing, name) for name in ("startTime", "endTime"))
    if started - ended > CLOCKS_DIFFER_MS:
        raise Invalid(BACKWARDS, "timing.startTime")
    if started < 0 or ended < 0:
        raise Invalid(NEGATIVE, "timing.startTime")
    if started > (time() + FUTURE.total_seconds()) * 1000:
        raise Invalid(NOT_YET, "timing.startTime")
    began = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=started)
    return began, max(ended - started, 0.0)


def _ms(timing: Any, name: str) -> float:
    """Return one of the times in ms since 1970: an object, or a text of digits or ISO 8601."""
    value = timing.get(name) if isinstance(timing, dict) else None
    if isinstance(value, str):
        return _in(_ms_of_text(value), name)
    for field, complaint in TIME_CHECKS:
        number = _at({"timing": timing}, field)
        if name in field and (not isinstance(number, NUMBER) or isinstance(number, bool)):
            raise Invalid(complaint, field)
    return _in(value["seconds"] * 1000 + value["milliseconds"], name)  # type: ignore[index]


def _ms_of_text(text: str) -> float:
    if text.isascii() and text.isdigit() and len(text) < 16:
        number = int(text)
        return number * 1000.0 if number < LAST_SECOND else float(number)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _in(ms: float, name: str) -> float:
    if not -LAST_MS < ms < LAST_MS:  # also false for what is no number
        raise Invalid(NO_TIME, f"timing.{name}")
    return float(ms)


def _at(value: Any, field: str) -> Any:
    for name in field.split("."):
        value = value.get(name, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


# -- as a log of ours ------------------------------------------------------------------------


def log_of(
    told: dict[str, Any], *, api: str, headers: Iterable[tuple[str, str]]
) -> tuple[Log, str]:
    """Return *told* as a `Log`, and the id that the caller gets; raises `Invalid`.

    *api*: the first part of the path. *headers*: of the HTTP request; they win over ``meta``.
    """
    check(told)
    asked, answered = told["providerRequest"], told["providerResponse"]
    started_at, ended_ms = times_of(told.get("timing"))
    request = asked.get("json")
    fields = request if isinstance(request, dict) else {}
    labels = labels_of([*_texts(asked["meta"]), *headers])
    log = Log(
        id=id_at(started_at, _noise(labels.client_request_id)),
        started_at=started_at,
        request=request,
        provider=_provider(api, told.get("provider")),
        path=_path(asked["url"]),
        ended_ms=ended_ms,
        labels=msgspec.convert(labels, LoggedLabels, from_attributes=True),
        event=fields if fields.get("_type") in EVENTS else None,
    )
    _answer(log, answered)
    log.response.ttft_ms = _ttft(told, answered)
    return log, _own_id(labels.client_request_id) or str(log.id)


def _answer(log: Log, answered: dict[str, Any]) -> None:
    """Fill in what was answered, and how it ended."""
    status = answered["status"]
    body, kind, trouble = _said(log, answered, failed=status >= 400)
    has_begun = body is not None
    if trouble is not None:
        log.error = trouble
        status = _status_of_error(status, has_begun=has_begun)
        log.outcome = Outcome.FAULT_IN_STREAM if has_begun else Outcome.HTTP_ERROR
        log.closed_by = ClosedBy.UPSTREAM
    elif status >= 400:
        log.error = _error_of(body)
    elif status < 0:
        log.outcome, log.closed_by = ENDS.get(int(status), OTHER_END)
        status = 200 if has_begun else 0
    log.response = LoggedResponse(
        status=int(status) if 100 <= status <= 999 else None,
        content_type=kind,
        headers=_headers(answered["headers"]),
        body=body,
        cost_usd=_cost(answered.get("cost")),
    )


def _cost(told: Any) -> float | None:
    is_number = isinstance(told, NUMBER) and not isinstance(told, bool)
    return float(told) if is_number and 0 < told < MAX_COST else None


def _error_of(body: Any) -> LoggedError | None:
    """Return the error in an answer that is none, if its words are where they use to be."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        kind, message = error.get("type"), error.get("message")
        return LoggedError(*(one if isinstance(one, str) else None for one in (kind, message)))
    return LoggedError(None, error) if isinstance(error, str) else None


def _status_of_error(status: float, *, has_begun: bool) -> float:
    """Return the provider's own status behind an error that a builder was given.

    Its 500 stands for any error, and Python's client says 200 all the same: an answer that had
    begun was a 200.
    """
    if status in (200, ERROR_STATUS):
        return 200 if has_begun else ERROR_STATUS
    return status


def _said(
    log: Log, answered: dict[str, Any], *, failed: bool
) -> tuple[Any, str | None, LoggedError | None]:
    """Return the answer, its content type, and the error that was told with it."""
    text = answered.get("textBody")
    if isinstance(text, str) and text:
        trouble, rest = split_error(text, failed=failed)
        error = LoggedError(trouble.type, trouble.message) if trouble else None
        if not rest.strip():
            return None, None, error
        is_stream = isinstance(log.request, dict) and log.request.get("stream") is True
        return rest, type_of(rest, is_stream=is_stream), error
    said = answered.get("json")
    if isinstance(said, dict):
        said = {k: v for k, v in said.items() if (k, v) not in _NOTHING_SAID}
        chunks = next((said[k] for k in CHUNKS if isinstance(said.get(k), list)), None)
        if chunks and log.event is None:
            return *joined(chunks), None
    return said or None, None, None


# Where a stream may be in an answer, as a list.
CHUNKS = ("streamed_data", "chunks")
_NOTHING_SAID = (("_type", NO_TYPE), ("toolName", NO_TYPE))  # as its Python client writes


def _ttft(told: dict[str, Any], answered: dict[str, Any]) -> float | None:
    """Return the time to the first token; 0 is what is written where nobody measured it."""
    said = answered.get("json")
    beside = said.get("time_to_first_token_ms") if isinstance(said, dict) else None
    measured = (told.get("timing") or {}).get("timeToFirstToken")
    for value in (measured, beside):
        if isinstance(value, NUMBER) and not isinstance(value, bool) and 0 < value < 1e9:
            return float(value)
    return None


def _provider(api: str, named: Any) -> str | None:
    return PROVIDERS.get(api) or (named.lower() if isinstance(named, str) else None)


def _path(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None  # its clients write a word of their own
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _texts(meta: Any) -> list[tuple[str, str]]:
    """Return Helicone's options in *meta*, which may hold anything beside them."""
    given = meta.items() if isinstance(meta, Mapping) else ()
    return [
        (name, value if isinstance(value, str) else _encode(value).decode())
        for name, value in given
        if value is not None
    ]


def _headers(headers: Any) -> dict[str, str]:
    """Return the provider's headers, without those of the client that stand among them."""
    ours = tuple(prefix.decode() for prefix in OURS)
    return {name: value for name, value in _texts(headers) if not name.lower().startswith(ours)}


def _noise(own: str | None) -> bytes:
    """Return what tells the log's id from others; the same call told again has the same."""
    return blake2b(own.encode(), digest_size=10).digest() if own else os.urandom(10)


def _own_id(given: str | None) -> str | None:
    try:
        return str(UUID(given)) if given else None
    except ValueError:
        return None
