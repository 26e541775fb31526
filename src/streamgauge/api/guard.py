"""Who may do what: every handler says the scope that it takes, and one guard looks.

A handler that says nothing is for admins.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from streamgauge.api.errors import error_response
from streamgauge.api.parts import Parts
from streamgauge.errors import KeysError
from streamgauge.keys import Key, Scope, bare
from streamgauge.pages import is_foreign, is_near

# Where a key may stand. The page has it in a cookie that no script can read.
HEADERS = ("authorization", "streamgauge-auth", "helicone-auth", "x-api-key", "api-key")
COOKIE = "streamgauge-key"

# What a handler has among its options: a `Scope`, or that everybody may.
SCOPE, OPEN = "scope", "open"
LOG, READ, ADMIN = ({SCOPE: scope} for scope in (Scope.LOG, Scope.READ, Scope.ADMIN))
EVERYBODY = {SCOPE: OPEN}

Connection = ASGIConnection[Any, Any, Any, Any]

SAFE = ("GET", "HEAD", "OPTIONS")

NO_KEY = (
    "this server has API keys: send one as Authorization: Bearer KEY; "
    "`streamgauge keys create` makes one"
)
UNKNOWN_KEY = "this API key is unknown here, or was revoked"
FOREIGN = (
    "a page of another origin may change nothing here; a proxy in front of this server has to pass "
    "on the Host header"
)
OTHER_NAME = (
    "without API keys this server answers to localhost and addresses only, as any page could have "
    "a name lead here: make a key with `streamgauge keys create`, or start it with --allow-remote "
    "if something else guards it"
)


class Refused(Exception):  # noqa: N818 - an answer more than an error
    """401 where there is no key or a wrong one, 403 where it is good for something else."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through to *handler*, or raise `Refused` or `KeysError`."""
    if connection.scope.get("method") not in SAFE and _is_foreign(connection):
        raise Refused(403, FOREIGN)
    scope = handler.opt.get(SCOPE, Scope.ADMIN)
    if scope != OPEN:
        admit(connection, scope)


def admit(connection: Connection, scope: Scope) -> None:
    """Raise `Refused` unless the request may do what takes *scope*, or `KeysError`."""
    parts = _parts(connection)
    if not parts.keys.exist:
        if parts.is_local and not is_near(connection.headers.get("host", "")):
            raise Refused(403, OTHER_NAME)
        return
    key = key_of(connection)
    if key is None:
        raise Refused(401, UNKNOWN_KEY if any(_told(connection)) else NO_KEY)
    if not key.allows(scope):
        raise Refused(403, f"this takes a key with the scope {scope}; {key.name!r} has none")


def admits(connection: Connection, scope: Scope) -> bool:
    """The same, as a yes: an answer that this cuts off must not look whole."""
    admit(connection, scope)
    return True


def is_admitted(connection: Connection, scope: Scope) -> bool:
    """Whether the request may, or may still, do what takes *scope*."""
    try:
        admit(connection, scope)
    except (Refused, KeysError):
        return False
    return True


def key_of(connection: Connection) -> Key | None:
    """Return the key that came with a request; raises `KeysError`."""
    return _parts(connection).keys.find(_told(connection))


def _parts(connection: Connection) -> Parts:
    parts: Parts = connection.app.state.parts
    return parts


def _told(connection: Connection) -> list[str]:
    told = [bare(value) for name in HEADERS for value in connection.headers.getall(name, [])]
    told.append(connection.cookies.get(COOKIE, ""))
    return [one for one in told if one]


def _is_foreign(connection: Connection) -> bool:
    said = connection.headers
    return is_foreign(
        site=said.get("sec-fetch-site"), origin=said.get("origin"), host=said.get("host")
    )


def on_fault(_: Request[Any, Any, Any], fault: KeysError) -> Response[Any]:
    """Nobody can tell who may do what: 503, and nobody may do anything."""
    return error_response(503, str(fault))


def on_refused(_: Request[Any, Any, Any], refused: Refused) -> Response[Any]:
    """Refuse, in the one shape of an error."""
    response = error_response(refused.status, str(refused))
    if refused.status == 401:
        response.set_header("WWW-Authenticate", "Bearer")
    return response
