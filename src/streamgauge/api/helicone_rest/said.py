"""What is said about a request later: feedback, scores, properties."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post, put
from litestar.params import FromPath
from msgspec import Struct, field

from streamgauge.api.guard import LOG
from streamgauge.api.helicone_rest.envelope import MAX_BODY, RestOperation, T, enveloped, read
from streamgauge.api.helicone_rest.request import FEEDBACK
from streamgauge.api.ids import id_at
from streamgauge.api.log import NOT_KEPT
from streamgauge.api.parts import Given, Parts
from streamgauge.errors import QueryError
from streamgauge.journal.format import Kind
from streamgauge.record import Amended, Amendment

_pack = msgspec.msgpack.Encoder().encode


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
    amendments_of: Callable[[T], list[Amendment]],
) -> Response[Any]:
    """Journal what was said; the request itself may still be on its way to the store."""
    try:
        amendments = amendments_of(await read(request, kind))
    except QueryError as error:
        return enveloped(error=str(error), status=400)
    entries = [
        (int(Kind.AMEND), id_at(one.at, os.urandom(10)).bytes, 0, _pack(one)) for one in amendments
    ]
    if not parts.keep(entries):
        return enveloped(error=NOT_KEPT, status=503)
    return enveloped(status=201)


HANDLERS = [
    rate,
    rate_named,
    score,
    set_property,
]
