"""The envelope of all answers: ``{"data": …, "error": null}``, or the other way round."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType

from streamgauge.api.guard import Refused
from streamgauge.errors import QueryError

T = TypeVar("T")

MAX_BODY = 1_000_000


class RestOperation(Operation):
    """An answer in Helicone's envelope."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.OBJECT)
        envelope = {"application/json": OpenAPIMediaType(schema=schema)}
        self.responses = {
            "200": OpenAPIResponse("`data`; 201 where Helicone says that", content=envelope),
            "400": OpenAPIResponse("`error` says what makes no sense", content=envelope),
        }


def enveloped(data: Any = None, error: str | None = None, *, status: int) -> Response[Any]:
    """Answer *data*, or *error*."""
    body = {"data": data, "error": error}
    return Response(body, status_code=status, media_type=MediaType.JSON)


def on_refused(_: Request[Any, Any, Any], refused: Refused) -> Response[Any]:
    """Refuse, in Helicone's envelope."""
    return enveloped(error=str(refused), status=refused.status)


async def read(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """Return the body as *kind*; raises `QueryError` where it is none."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise QueryError(str(error)) from None
