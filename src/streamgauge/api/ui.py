"""The web page: static files under a strict policy."""

from __future__ import annotations

import re
from pathlib import Path

from anyio.to_thread import run_sync
from litestar import Response, get
from litestar.params import FromPath

from streamgauge.api.errors import MESSAGES, NotFound
from streamgauge.api.guard import EVERYBODY
from streamgauge.api.parts import Given, Parts

# The page loads nothing from elsewhere and runs only its own scripts; model output is text to it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# A file whose name holds its hash never changes; everything else is asked for again.
HASHED = re.compile(r".+-[\w-]{8,}\.\w+")
FOREVER, FRESH = "public, max-age=31536000, immutable", "no-cache"

# Own table: what the machine's mime.types says would differ from one to the next.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}

NOT_BUILT = """\
Streamgauge is running, but its page has not been built.

In a checkout, run `make ui` and load this page again; an installed package brings it along.
The same is there as JSON: /api/v1/records, /api/v1/stats, /api/v1/live
"""


# The first words of the addresses that the page draws; each may have more behind it.
VIEWS = ("records", "live", "overview", "sessions", "users", "models", "health", "keys", "compare")


@get(["/", *(f"/{view}" for view in VIEWS)], include_in_schema=False, opt=EVERYBODY)
async def page(parts: Given) -> Response[bytes]:
    """The page; which view it shows is its own affair."""
    return await run_sync(_page, parts)


@get([f"/{view}/{{rest:path}}" for view in VIEWS], include_in_schema=False, opt=EVERYBODY)
async def page_of_view(parts: Given, rest: FromPath[Path]) -> Response[bytes]:  # noqa: ARG001 - the page reads it
    """The page again: it finds its view in the address."""
    return await run_sync(_page, parts)


@get("/assets/{file:path}", include_in_schema=False, opt=EVERYBODY)
async def asset(parts: Given, file: FromPath[Path]) -> Response[bytes]:
    """One file that the build named; with a hash in its name it never changes."""
    cache = FOREVER if HASHED.fullmatch(file.name) else FRESH
    return await run_sync(_file, parts, f"assets/{str(file).lstrip('/')}", cache)


@get("/{name:str}", include_in_schema=False, opt=EVERYBODY)
async def top_level(parts: Given, name: FromPath[str]) -> Response[bytes]:
    """A file beside the page, such as its icon."""
    return await run_sync(_file, parts, name, FRESH)


def _page(parts: Parts) -> Response[bytes]:
    index = _inside(parts.ui_dir, "index.html")
    if index is None:
        return _answer(NOT_BUILT.encode(), ".txt", cache="no-store", status=503)
    return _answer(index.read_bytes(), ".html", cache=FRESH)


def _file(parts: Parts, relative: str, cache: str) -> Response[bytes]:
    file = _inside(parts.ui_dir, relative)
    if file is None:
        raise NotFound(MESSAGES[404])
    return _answer(file.read_bytes(), file.suffix, cache=cache)


def _inside(root: Path | None, relative: str) -> Path | None:
    """The file, when there is one and it lies inside *root* with all links followed."""
    if root is None or "\0" in relative:
        return None
    try:
        file = (root / relative).resolve()
        return file if file.is_relative_to(root.resolve()) and file.is_file() else None
    except OSError:  # a name that is too long, or a loop of links
        return None


def _answer(body: bytes, suffix: str, *, cache: str, status: int = 200) -> Response[bytes]:
    media_type = MEDIA_TYPES.get(suffix.lower(), "application/octet-stream")
    headers = HEADERS | {"Content-Type": media_type, "Cache-Control": cache}
    return Response(body, status_code=status, headers=headers)
