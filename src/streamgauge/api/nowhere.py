"""What a person sees at an address that there is not; programs get the error as JSON."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from litestar import Request, Response

STYLE = """
:root { color-scheme: light dark; }
body { display: grid; min-height: 90vh; margin: 0; place-content: center; gap: 12px;
  padding: 24px; font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 20px; }
p { margin: 0; }
"""
PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nothing here · Streamgauge</title>
<link rel="icon" href="/favicon.svg">
<style>{STYLE}</style>
<main>
<h1>There is nothing at this address</h1>
<p>See the <a href="/">records</a>, or the <a href="/live">streams that run</a>.</p>
</main>
</html>
"""
# The page has one style and runs nothing.
_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Streamgauge-Error": "true",
}


def is_persons(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser has opened this address: it asks for HTML, and not in the API."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not request.scope["path"].startswith("/api/")
    )


def page() -> Response[str]:
    """A way home."""
    return Response(PAGE, status_code=404, headers=HEADERS)
