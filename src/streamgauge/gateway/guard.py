"""Who may have requests passed on, where the settings ask for a key."""

from __future__ import annotations

from streamgauge.errors import KeysError
from streamgauge.gateway.head import RequestHead
from streamgauge.gateway.routes import Refused
from streamgauge.keys import Keys, Scope, bare
from streamgauge.pages import is_foreign, is_near

NO_KEY = (
    "this gateway needs an API key of its own beside the provider's: send it as "
    "Streamgauge-Auth: Bearer KEY; `streamgauge keys create` makes one"
)
UNKNOWN_KEY = "the API key in Streamgauge-Auth is unknown here, or was revoked"

FOREIGN_PAGE = (
    "a page of another origin may not spend the keys of this server; with require_key=true it can, "
    "with an API key in Streamgauge-Auth"
)
OTHER_NAME = (
    "the keys of this server are spent under localhost and addresses only, as any page could have "
    "a name lead here: set require_key=true, or start it with --allow-remote if something else "
    "guards it"
)


class Guard:
    """Looks at the key of a request."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def check(self, head: RequestHead) -> None:
        """Raise `Refused` unless the request has a key that may log."""
        told = head.wishes.get(b"auth")
        if told is None:
            raise Refused(401, "unauthorized", NO_KEY)
        try:
            key = self._keys.find([bare(told.decode("latin-1"))])
        except KeysError as fault:
            raise Refused(503, "unavailable", str(fault)) from None
        if key is None:
            raise Refused(401, "unauthorized", UNKNOWN_KEY)
        if not key.allows(Scope.LOG):
            why = f"this takes a key with the scope {Scope.LOG}; {key.name!r} has none"
            raise Refused(403, "forbidden", why)


def check_page(head: RequestHead, *, is_local: bool) -> None:
    """Raise `Refused` where the page of somebody else may have sent *head*.

    *is_local*: the server is for this machine alone, which has no other name.
    """
    said = {name.lower(): value.decode("latin-1") for name, value in head.headers}
    host = head.host.decode("latin-1")
    if is_foreign(site=said.get(b"sec-fetch-site"), origin=said.get(b"origin"), host=host):
        raise Refused(403, "forbidden", FOREIGN_PAGE)
    if is_local and not is_near(host):
        raise Refused(403, "forbidden", OTHER_NAME)
