"""GET /api/v1/records/{id}/bytes: the answer as it came, whole or from any byte on.

With ``offset`` or ``follow`` it is how a client that lost its connection reads on. That takes
the key that made the request, or the signature that the gateway put into the answer's
``Streamgauge-Resume-Url``, which is what a browser has.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from streamgauge.api.errors import ErrorAnswer, NotFound, answers, error_response
from streamgauge.api.guard import EVERYBODY, admit, admits
from streamgauge.api.live import EventStream, while_allowed
from streamgauge.api.params import BytesOperation, Query
from streamgauge.api.parts import Answer, Given, Parts
from streamgauge.api.records import BAD_QUESTION, NOT_FOUND, is_open, stored
from streamgauge.keys import Scope
from streamgauge.secrets import KEY_HEADERS
from streamgauge.store import queries

# What a provider sent is shown by a browser as if it came from us: it may neither run nor load
# anything, nor be taken for another type than it says.
SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Cache-Control": "no-store",
}
ENCODINGS = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd"})
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+[\x20-\x7e]*", re.ASCII)

# The beginning of an answer is on its way to the recorder; ask again.
NOT_YET = "there is no answer to record {} (yet); it may be on its way"

NOT_KEPT = "the bytes of the answer to record {} were left out, or are no longer kept"

NOT_SHOWN = "the answer to record {} is for its client alone: it is not to be kept as it is"

YOUNG = timedelta(seconds=5)

LAST_EVENT_ID = re.compile(r"[0-9]{1,15}")
STREAMED = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
FROM_ANYWHERE = {"Access-Control-Allow-Origin": "*"}


@get(
    "/records/{record_id:str}/bytes",
    operation_id="getBytes",
    summary="The response as it arrived",
    description="The raw bytes of the response with the content type and content encoding that "
    "the provider gave them. With `offset` they begin at that byte; with `follow=true` they go on "
    "until the answer has ended, and end as it did. Both need the key that made the request, or "
    "the `expires` and `signature` of its `Streamgauge-Resume-Url`. `event_ids=true` puts an id "
    "into every server-sent event; `Last-Event-ID` then says where to go on.",
    operation_class=BytesOperation,
    responses={
        200: answers(bytes, "The bytes"),
        204: ResponseSpec(None, description="There is nothing after `Last-Event-ID`"),
        400: BAD_QUESTION,
        403: answers(ErrorAnswer, "Neither the key nor a good signature"),
        404: NOT_FOUND,
        416: answers(ErrorAnswer, "The answer is shorter than `offset`"),
    },
    opt=EVERYBODY,
)
async def one_response(
    request: Request[Any, Any, Any], parts: Given, record_id: FromPath[str]
) -> ASGIResponse:
    """The raw response of one record."""
    query = Query(request)
    wanted = _wanted(query, request)
    query.end()
    answer: Response[Any] | ASGIResponse
    if wanted is None:
        admit(request, Scope.READ)
        answer = await _stored(parts, record_id)
    else:
        answer = await _resumed(request, parts, record_id, wanted)
    if isinstance(answer, ASGIResponse):
        return answer
    return answer.to_asgi_response(app=None, request=request)


async def _stored(parts: Parts, record_id: str) -> Response[bytes]:
    known = parts.live.get(record_id)
    if known is not None and is_open(known):
        return await _so_far(parts, record_id)
    found = await stored(parts, record_id, queries.transcript)
    # Nothing is also what an empty answer has.
    if not found.raw and await run_sync(queries.has_unkept_bytes, parts.store, record_id):
        raise NotFound(NOT_KEPT.format(record_id))
    media_type, encoding = content_of(found.response_headers)
    # As a header, the type stays as it was; as media_type it would be given a charset.
    headers = SANDBOX | {"Content-Type": media_type}
    if encoding and found.raw:
        headers["Content-Encoding"] = encoding
    return Response(found.raw, headers=headers)


async def _so_far(parts: Parts, record_id: str) -> Response[bytes]:
    """What has come by now of an answer that still runs."""
    found = await parts.answers.find(record_id)
    if found is None:
        raise NotFound(f"record {record_id} is still open, and nothing of its answer has come yet")
    if not found.is_shown:
        raise NotFound(NOT_SHOWN.format(record_id))
    media_type, encoding = content_of(found.response_headers)
    headers = SANDBOX | {"Content-Type": media_type}
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(found.piece(0, found.size), headers=headers)


class Wanted(Struct, frozen=True):
    """From where on, and by what right."""

    offset: int
    is_following: bool
    is_numbering: bool
    expires: int
    signature: str | None
    is_reconnecting: bool  # a browser that says which event it had last


def _wanted(query: Query, request: Request[Any, Any, Any]) -> Wanted | None:
    """Return what of an answer is asked for, None for all of it as it is stored."""
    offset, expires = query.number("offset", -1), query.number("expires", 0)
    signature = query.take("signature")
    last = request.headers.get("last-event-id", "")
    # Who names an event by its id was given ids, and wants them from here on, too.
    is_reconnecting = bool(LAST_EVENT_ID.fullmatch(last))
    is_following = query.flag("follow")
    is_numbering = query.flag("event_ids") or is_reconnecting
    if offset < 0 and not is_following and not is_numbering:
        return None
    return Wanted(
        offset=int(last) if is_reconnecting else max(offset, 0),
        is_following=is_following,
        is_numbering=is_numbering,
        expires=expires,
        signature=signature,
        is_reconnecting=is_reconnecting,
    )


async def _resumed(
    request: Request[Any, Any, Any], parts: Parts, record_id: str, wanted: Wanted
) -> Response[Any] | ASGIResponse:
    found = await parts.answers.find(record_id)
    while found is None and wanted.is_following and is_young(record_id):
        await asyncio.sleep(0.05)  # the recorder has yet to hear of it
        found = await parts.answers.find(record_id)
    if found is None:
        raise NotFound(NOT_YET.format(record_id))
    is_signed = _is_signed(parts, record_id, wanted)
    is_nobodys = not is_signed and found.key_hash is None and found.is_shown
    if is_nobodys:
        admit(request, Scope.READ)
    elif not is_signed and not _is_owner(request, parts, found):
        why = (
            "an answer is for the key that made the request: send that key, or use the URL in "
            "the Streamgauge-Resume-Url of the answer, which is good for a day"
        )
        return error_response(403, why)
    origin = FROM_ANYWHERE if wanted.signature is not None else {}
    if found.ending is not None or not wanted.is_following:
        if wanted.is_reconnecting and wanted.offset >= found.size:
            # A browser reconnects after every end, until it is told that there is no more.
            return Response(None, status_code=204, headers=origin)
        if wanted.offset > found.size:
            why = f"the answer has {found.size} bytes, none at {wanted.offset}"
            return error_response(416, why, param="offset")
    while wanted.is_following and not found.response_headers and found.ending is None:
        await found.news()
    found.resume()
    media_type, encoding = content_of(found.response_headers)
    headers = SANDBOX | STREAMED | origin | {"Content-Type": media_type}
    if encoding and not wanted.offset:
        headers["Content-Encoding"] = encoding
    pieces = parts.answers.read(
        found,
        wanted.offset,
        is_following=wanted.is_following,
        is_numbering=wanted.is_numbering,
    )
    if is_nobodys:
        pieces = while_allowed(pieces, lambda: admits(request, Scope.READ))
    return EventStream(
        iterator=pieces,
        status_code=200,
        media_type=media_type,
        headers=headers,
    )


def is_young(record_id: str) -> bool:
    """Whether its exchange began so lately that the recorder may not know it yet."""
    began = queries.id_time(record_id)
    return began is not None and datetime.now(UTC) - began < YOUNG


def _is_signed(parts: Parts, record_id: str, wanted: Wanted) -> bool:
    said = wanted.signature
    return said is not None and parts.signer.is_good(record_id, wanted.expires, said, now=time())


def _is_owner(request: Request[Any, Any, Any], parts: Parts, found: Answer) -> bool:
    """Whether it comes with the provider's key that made the request."""
    keys = [request.headers.get(name.decode()) for name in KEY_HEADERS]
    return any(parts.hash_key(key.encode()) == found.key_hash for key in keys if key)


def content_of(headers: dict[str, str]) -> tuple[str, str | None]:
    """Content type and content encoding of an answer, as far as they may be passed on."""
    said = {name.lower(): value for name, value in headers.items()}
    media_type = said.get("content-type", "")
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "application/octet-stream"
    encoding = said.get("content-encoding", "").strip().lower()
    named = {part.strip() for part in encoding.split(",")}
    return media_type, encoding if named <= ENCODINGS else None
