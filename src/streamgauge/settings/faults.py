"""What is wrong with a name or a URL, in words."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from streamgauge.settings.providers import PLACEHOLDERS

# First segments of paths that are ours; a provider of that name could not be reached.
RESERVED = frozenset(
    [
        "api",
        "v1",
        "healthz",
        "readyz",
        "metrics",
        "assets",
        "records",
        "custom",
        "oai",
        "googleapis",
        "favicon.svg",
    ]
)
PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def name_fault(name: str) -> str | None:
    """Return what keeps *name* from being a provider's or a route's; None if nothing does."""
    if not PROVIDER_NAME.fullmatch(name):
        return "a name has lower-case letters, digits and hyphens"
    return f"/{name} is a path of Streamgauge itself" if name in RESERVED else None


def url_fault(url: str) -> str | None:
    """Return what keeps *url* from being a base URL, in words; None if nothing does."""
    fault = _url_fault(url)
    # Without what stands before an @: it may be a password.
    return f"{url.rpartition('@')[2]!r} {fault}" if fault else None


def _url_fault(url: str) -> str | None:
    if not url.isascii() or any(ord(character) <= 32 for character in url):
        return "has characters that no URL has"
    placeholders = re.findall(r"\{(.*?)\}", url)
    if len(placeholders) > 1 or not set(placeholders) <= set(PLACEHOLDERS):
        return "may have one placeholder, {resource} or {region}"
    try:
        parts = urlsplit(re.sub(r"\{.*?\}", "x", url))
        port = parts.port
    except ValueError as error:
        return f"is not a URL: {error}"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    faults = {
        "has no host": not parts.hostname,
        "has a port that no one can listen on": port == 0,
        "must not hold credentials; clients send their own": parts.username is not None,
        "must not have a query or fragment": "?" in url or "#" in url,
        "has a brace too many": "{" in parts.geturl() or "}" in parts.geturl(),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)
