"""Bodies of requests: read whole, unpacked, and not too long."""

from __future__ import annotations

import zlib
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE

T = TypeVar("T")


class BadBody(Exception):  # noqa: N818 - an answer more than an error
    """A body that nobody can read; *status* is that of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: Request[Any, Any, Any], limit: int) -> bytes:
    """Return the body without its gzip; raises `BadBody`.

    The handler's own ``request_max_body_size`` is *limit* too, and bounds what is read.
    """
    try:
        body = await request.body()
    except HTTPException as error:
        if error.status_code != HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            raise
        raise _too_long(limit) from None
    if request.headers.get("content-encoding", "").lower() == "gzip":
        body = _gunzip(body, limit)
    if len(body) > limit:
        raise _too_long(limit)
    return body


async def read_json(request: Request[Any, Any, Any], kind: type[T], limit: int) -> T:
    """Return the body as a *kind*; raises `BadBody`.

    It must say that it is JSON: a page of another origin cannot, without asking first.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadBody(415, "the body must be JSON, and Content-Type: application/json")
    try:
        return msgspec.json.decode(await read_body(request, limit), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(400, str(error)) from None


def _gunzip(body: bytes, limit: int) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        return unpacking.decompress(body, limit + 1)
    except zlib.error:
        raise BadBody(400, "the body is not gzip, as its Content-Encoding says") from None


def _too_long(limit: int) -> BadBody:
    return BadBody(413, f"a body may have {limit:,} bytes, also unpacked")
