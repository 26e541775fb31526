"""The calls: who may log, and how Helicone answers."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType

from streamgauge.api.bodies import BadBody, read_body
from streamgauge.api.guard import LOG, Refused
from streamgauge.api.helicone.checks import Invalid
from streamgauge.api.helicone.logs import log_of
from streamgauge.api.log import NOT_KEPT, Log, entries_of
from streamgauge.api.parts import Given
from streamgauge.record import Source

MAX_LOG = 10 * 1024 * 1024

# Whoever has none of these is not known.
KEYS = ("authorization", "x-api-key", "api-key", "helicone-auth")

_decode = msgspec.json.Decoder().decode


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


HANDLERS = [log_manually, log_typed]
