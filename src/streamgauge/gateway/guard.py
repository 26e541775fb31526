"""Who may have requests passed on, where the settings ask for a key."""

from __future__ import annotations

from streamgauge.errors import KeysError
from streamgauge.gateway.head import RequestHead
from streamgauge.gateway.routes import Refused
from streamgauge.keys import Keys, Scope, bare

NO_KEY = (
    "this gateway needs an API key of its own beside the provider's: send it as "
    "Streamgauge-Auth: Bearer KEY; `streamgauge keys create` makes one"
)
UNKNOWN_KEY = "the API key in Streamgauge-Auth is unknown here, or was revoked"


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
