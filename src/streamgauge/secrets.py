"""Secrets: what must never be written down, and how a key is named without telling it."""

from __future__ import annotations

import re
from hashlib import blake2b
from hmac import compare_digest

# Where a client's key may stand, the most telling first.
KEY_HEADERS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")

# Headers of ours that hold or may hold a key; the others (`Streamgauge-Property-My-Key`) are
# labels and are kept, whatever their names end with.
OUR_SECRETS = frozenset(
    prefix + name
    for prefix in (b"streamgauge-", b"helicone-")
    for name in (
        b"auth",
        b"jwt",
        b"openai-api-key",
        b"posthog-key",
        b"lytix-key",
        b"fallbacks",  # a list of targets with their headers
        b"target-url",  # where it went is on record; what else it holds is nobody's business
        b"openai-api-base",
    )
)
OURS = (b"streamgauge-", b"helicone-")

# A browser that cannot set headers puts its key among the WebSocket subprotocols.
SECRET = OUR_SECRETS | {b"cookie", b"set-cookie", b"cookie2", b"sec-websocket-protocol"}

# Whatever the provider: this is how headers with a secret in them are called.
SECRET_NAME = re.compile(
    rb"(?:^|[-_.])(?:api-?)?"
    rb"(?:auth|authorization|credentials?|jwt|key|passwd|password|secret|signature|token)$"
)
NOT_SECRET = frozenset({b"idempotency-key"})

# The same in a query; `sig` is Azure's.
SECRET_QUERY = re.compile(
    rb"(?i)([?&;](?:[\w.-]*[-_.])?"
    rb"(?:api-?key|auth|authorization|credentials?|jwt|key|passwd|password|secret|sig|signature"
    rb"|token)=)[^&;#\s]*"
)


def is_secret(name: bytes) -> bool:
    """Return whether a header of that name, in lower case, must not be written down."""
    if name in SECRET:
        return True
    if name.startswith(OURS) or name in NOT_SECRET:
        return False
    return SECRET_NAME.search(name) is not None


def redacted(text: bytes) -> bytes:
    """Return a path, a URL or a header line with the keys and signatures in queries replaced."""
    return SECRET_QUERY.sub(rb"\1REDACTED", text) if b"?" in text else text


class KeyHasher:
    """Names a key without telling it: a short keyed hash, the same for the same key."""

    # Enough for every key that one gateway sees; a flood of made-up keys must not grow it.
    MOST = 4096

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: dict[bytes, str] = {}

    def __call__(self, key: bytes | None) -> str | None:
        """Return 16 hex digits for *key*, None for none."""
        if key is None:
            return None
        known = self._known.get(key)
        if known is None:
            bare = key[7:] if key[:7].lower() == b"bearer " else key
            known = blake2b(bare.strip(), key=self._secret, digest_size=8).hexdigest()
            if len(self._known) >= self.MOST:
                self._known.clear()
            self._known[key] = known
        return known


class Signer:
    """Signs a record's id, so that a URL alone may give access to its answer for a while."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, record_id: str, expires: int) -> str:
        """Return 32 hex digits; *expires* is in seconds since 1970."""
        said = f"resume {record_id} {expires}".encode()
        return blake2b(said, key=self._secret, digest_size=16).hexdigest()

    def is_good(self, record_id: str, expires: int, signature: str, *, now: float) -> bool:
        """Whether *signature* is ours, and not too old."""
        own = self.sign(record_id, expires)
        return compare_digest(own.encode(), signature.encode()) and now < expires
