"""/api/v1/keys: make, list and revoke API keys; /api/v1/session: the page's own key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from msgspec import Struct

from streamgauge.api.bodies import read_json
from streamgauge.api.errors import ErrorAnswer, NotFound, answers, error_response
from streamgauge.api.guard import ADMIN, COOKIE, EVERYBODY, UNKNOWN_KEY, key_of
from streamgauge.api.params import Query
from streamgauge.api.parts import Given
from streamgauge.keys import Key, Scope

MAX_BODY = 10_000

# The key goes to what the page asks, and nowhere else: not with what passes to a provider.
COOKIE_PATHS = ("/api/v1", "/metrics")

FROM_OUTSIDE = (
    "the first key is not made over the network, where everybody could make it: run "
    "`streamgauge keys create --name admin --scope admin` on the server"
)
FIRST_IS_ADMIN = "the first key needs the scope admin; without one nobody could make another here"


class ApiKey(Struct, frozen=True):
    """One key, without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    revoked_at: datetime | None


class NewKey(ApiKey, frozen=True):
    """A key that was just made; ``key`` is its secret, and is told only now."""

    key: str


class ApiKeys(Struct, frozen=True):
    """All keys, the oldest first."""

    keys: list[ApiKey]


class Wish(Struct, forbid_unknown_fields=True):
    """A key that is to be made."""

    name: str
    scopes: list[Scope]


class SignIn(Struct, forbid_unknown_fields=True):
    """A key to go on with."""

    key: str


class Access(Struct, frozen=True):
    """Whether this server has keys, and what the one of this request is good for."""

    has_keys: bool
    id: str | None
    name: str | None
    scopes: list[Scope]


@get(
    "/keys",
    operation_id="listKeys",
    summary="List API keys",
    description="All that were ever made, the oldest first, without their secrets.",
    responses={200: answers(ApiKeys, "The keys")},
    opt=ADMIN,
)
async def list_keys(request: Request[Any, Any, Any], parts: Given) -> ApiKeys:
    """Every key."""
    Query(request).end()
    return ApiKeys([_shown(key) for key in parts.keys.all()])


@post(
    "/keys",
    operation_id="createKey",
    summary="Make an API key",
    description="The body is a `name` and its `scopes`: log, read, admin. The answer has the "
    "secret, once. The first key must be an admin's, and is made on the server's own machine.",
    responses={
        201: answers(NewKey, "The key and its secret"),
        400: answers(ErrorAnswer, "The wish makes no sense"),
        403: answers(ErrorAnswer, "The first key is not made from outside"),
    },
    opt=ADMIN,
)
async def create_key(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """One more key."""
    Query(request).end()
    keys = parts.keys
    if not keys.exist and not parts.is_local:
        return error_response(403, FROM_OUTSIDE)
    wish = await read_json(request, Wish, MAX_BODY)
    if not keys.exist and Scope.ADMIN not in wish.scopes:
        return error_response(400, FIRST_IS_ADMIN, param="scopes")
    key, secret = await run_sync(keys.create, wish.name, wish.scopes)
    made = NewKey(**msgspec.structs.asdict(_shown(key)), key=secret)
    return Response(made, status_code=201, headers={"Cache-Control": "no-store"})


@delete(
    "/keys/{key_id:str}",
    status_code=200,
    operation_id="revokeKey",
    summary="Revoke an API key",
    description="It is of no use from now on, and cannot be had back.",
    responses={
        200: answers(ApiKey, "The key, revoked"),
        404: answers(ErrorAnswer, "There is no such key"),
    },
    opt=ADMIN,
)
async def revoke_key(
    request: Request[Any, Any, Any], parts: Given, key_id: FromPath[str]
) -> ApiKey:
    """End one key."""
    Query(request).end()
    key = await run_sync(parts.keys.revoke, key_id)
    if key is None:
        raise NotFound(f"there is no key {key_id}")
    return _shown(key)


@get(
    "/session",
    operation_id="getSession",
    summary="What the key of this request is good for",
    responses={200: answers(Access, "Whether there are keys, and this one's scopes")},
    opt=EVERYBODY,
)
async def get_session(request: Request[Any, Any, Any], parts: Given) -> Access:
    """For the page: does it need a key, and what may it offer."""
    Query(request).end()
    if not parts.keys.exist:
        return Access(has_keys=False, id=None, name=None, scopes=list(Scope))
    return _access(key_of(request))


@post(
    "/session",
    status_code=200,
    operation_id="signIn",
    summary="Keep a key in this browser",
    description="Sets a cookie that no script can read and that ends with the browser.",
    responses={
        200: answers(Access, "The key is good"),
        401: answers(ErrorAnswer, "It is not"),
    },
    opt=EVERYBODY,
)
async def sign_in(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """Take the page's key."""
    Query(request).end()
    told = await read_json(request, SignIn, MAX_BODY)
    key = parts.keys.find([told.key.strip()])
    if key is None:
        return error_response(401, UNKNOWN_KEY)
    return Response(_access(key), cookies=_cookies(request, told.key.strip(), max_age=None))


@delete(
    "/session",
    status_code=204,
    operation_id="signOut",
    summary="Forget the key of this browser",
    responses={204: ResponseSpec(None, description="Forgotten")},
    opt=EVERYBODY,
)
async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
    """End the page's session."""
    Query(request).end()
    return Response(None, status_code=204, cookies=_cookies(request, "", max_age=0))


HANDLERS = (list_keys, create_key, revoke_key, get_session, sign_in, sign_out)


def _cookies(request: Request[Any, Any, Any], value: str, *, max_age: int | None) -> list[Cookie]:
    is_secure = request.headers.get("x-forwarded-proto", "").lower() == "https"
    return [
        Cookie(
            COOKIE,
            path=path,
            value=value,
            max_age=max_age,
            httponly=True,
            samesite="strict",
            secure=is_secure,
        )
        for path in COOKIE_PATHS
    ]


def _access(key: Key | None) -> Access:
    if key is None:
        return Access(has_keys=True, id=None, name=None, scopes=[])
    scopes = [scope for scope in Scope if key.allows(scope)]
    return Access(has_keys=True, id=key.id, name=key.name, scopes=scopes)


def _shown(key: Key) -> ApiKey:
    return ApiKey(key.id, key.name, list(key.scopes), key.created_at, key.revoked_at)
