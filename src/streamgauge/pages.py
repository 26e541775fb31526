"""What a browser's request tells of the page that sends it.

Two kinds of pages may not use the browser of somebody who may: one of another origin can send
what takes no preflight, and one whose name was made to lead to this machine (DNS rebinding) is
of our origin, to the browser.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

OWN_SITES = ("same-origin", "none")  # of Sec-Fetch-Site


def is_foreign(*, site: str | None, origin: str | None, host: str | None) -> bool:
    """Whether a page of another origin sends it; what is no browser says nothing of that.

    *site*: its `Sec-Fetch-Site`; over plain HTTP a browser says no more than its *origin*.
    """
    if site is not None:
        return site not in OWN_SITES
    return origin is not None and origin.partition("://")[2] != host


def is_near(host: str) -> bool:
    """Whether a Host header is one that nobody can have lead here: an address, or localhost."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
