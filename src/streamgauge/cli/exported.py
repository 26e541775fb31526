"""Requests as Helicone exported them: from a file in any of its forms, or from its API.

What is no request does not hold the others: it is a `Part` among them that says its place and
what is wrong with it.
"""

from __future__ import annotations

import ast
import csv
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import msgspec

from streamgauge.errors import StreamgaugeError

# Helicone answers no more at once.
PAGE = 100

TIMEOUT_S = 60.0

QUERY = "/v1/request/query-clickhouse"

# What every request has; the second is a column of every table, too.
ID, CREATED = "request_id", "request_created_at"

# A body in a table is one cell.
MAX_CELL = 64 * 1024 * 1024
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
# As the page writes it; quotes doubled twice, as ``@helicone/export`` does; as pandas prints it.
CELL_READERS: tuple[Callable[[str], Any], ...] = (
    json.loads,
    lambda text: json.loads(text.replace('""', '"')),
    ast.literal_eval,
)

BOM = "\ufeff"

# How a text that is no JSON shows: malformed, not UTF-8, or too deep.
NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_decode = msgspec.json.decode

Request = dict[str, Any]


class Part(msgspec.Struct, frozen=True):
    """One part of an export, with its place in it: a request, or ``why`` it is none.

    ``has_bodies`` is false of one whose bodies are kept elsewhere and could not be fetched.
    """

    place: str
    request: Request | None = None
    why: str = ""
    has_bodies: bool = True


def parts(what: str) -> Iterator[Part]:
    """Yield what is in a file or behind a URL; raises `StreamgaugeError` if it is no export."""
    return _from_api(what) if what.startswith(("http://", "https://")) else _from_file(what)


def _part(place: str, told: Any) -> Part:
    if not isinstance(told, dict):
        return Part(place, why="it is no request of Helicone's")
    missing = [name for name in (ID, CREATED) if not told.get(name)]
    if missing:
        return Part(place, why=f"it is no request of Helicone's: it has no {missing[0]}")
    return Part(place, told)


def _listed(told: Any, place: str, first: int = 1) -> Iterator[Part]:
    """Yield the requests of a list, of an answer of the API around one, or the one that it is."""
    data = told["data"] if isinstance(told, dict) and "data" in told else told
    if not isinstance(data, list):
        yield _part(place, data)
        return
    for number, one in enumerate(data, first):
        yield _part(f"{place} {number}", one)


# -- a file ----------------------------------------------------------------------------------


def _from_file(name: str) -> Iterator[Part]:
    """Yield what is in a file: CSV, a JSON array, an answer of the API, or a line each."""
    try:
        data = Path(name).read_bytes().removeprefix(BOM.encode())
    except OSError as error:
        raise StreamgaugeError(f"cannot read {name}: {error.strerror}") from None
    if CREATED.encode() in data.partition(b"\n")[0].split(b"{")[0]:
        yield from _from_csv(name, data.decode(errors="replace"))
        return
    try:
        whole = _decode(data)
    except NO_JSON as error:
        if data.lstrip()[:1] == b"[":  # nobody can tell where its next element begins
            raise StreamgaugeError(
                f"{name} is no export of requests in JSON: {error}; write one object a line to "
                "import what can be read"
            ) from None
        yield from _from_lines(data)
    else:
        yield from _listed(whole, "element")


def _from_lines(data: bytes) -> Iterator[Part]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            told = _decode(line)
        except NO_JSON as error:
            yield Part(place, why=f"it is no request in JSON: {error}")
        else:
            yield from _listed(told, f"{place}, element" if isinstance(told, list) else place)


def _from_csv(name: str, text: str) -> Iterator[Part]:
    """Yield the rows of a table: of the page's export, of ``@helicone/export``, or of pandas."""
    csv.field_size_limit(MAX_CELL)
    rows = csv.DictReader(StringIO(text, newline=""))
    try:
        rows.fieldnames  # noqa: B018 - reads the line with the names
    except csv.Error as error:
        raise StreamgaugeError(f"{name} is no export of requests in CSV: {error}") from None
    while True:
        place = f"line {rows.line_num + 1}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:  # a cell beyond the limit, for one; the next line is another row
            yield Part(place, why=f"it is no request in CSV: {error}")
            continue
        cells = {name: _cell(cell or "") for name, cell in row.items() if name}
        yield _part(place, cells | {ID: cells.get(ID) or cells.get("response_id")})


def _cell(text: str) -> Any:
    """Return what a cell has: nothing, a number, an object as somebody wrote it, or text."""
    if text.startswith(("{", "[")):
        for read in CELL_READERS:
            with suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                return read(text)
    if NUMBER.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() else number  # pandas writes 12.0 for 12
    return text or None


# -- the API ---------------------------------------------------------------------------------


def _from_api(url: str) -> Iterator[Part]:
    """Yield all requests that a key of Helicone's gives access to, the oldest first."""
    key = os.environ.get("HELICONE_API_KEY")
    if not key:
        raise StreamgaugeError("say Helicone's key in HELICONE_API_KEY")
    headers = {"Authorization": f"Bearer {key}"}
    offset = 0
    with httpx.Client(headers=headers, timeout=TIMEOUT_S) as helicone:
        while True:
            asked = {
                "filter": "all",
                "sort": {"created_at": "asc"},
                "limit": PAGE,
                "offset": offset,
            }
            told = _answer(helicone, url.rstrip("/") + QUERY, asked)
            page = list(_listed(told, "request", offset + 1))
            for part in page:
                if part.request is None or _fetch_bodies(part.request):
                    yield part
                else:
                    yield Part(part.place, part.request, has_bodies=False)
            if len(page) < PAGE:
                return
            offset += PAGE


def _answer(client: httpx.Client, url: str, body: Any) -> Any:
    try:
        answer = client.post(url, json=body)
        answer.raise_for_status()
        return answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise StreamgaugeError(f"{url} does not answer: {error}") from None


def _fetch_bodies(request: Request) -> bool:
    """Fetch the bodies that are kept elsewhere; its address needs no key, and must get none.

    False if they could not be had.
    """
    url = request.get("signed_body_url")
    if not url:
        return True
    try:
        bodies = httpx.get(str(url), timeout=TIMEOUT_S).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False  # it expires after a while; the rest of the request is worth keeping
    if not isinstance(bodies, dict):
        return False
    request["request_body"] = bodies.get("request", request.get("request_body"))
    request["response_body"] = bodies.get("response", request.get("response_body"))
    return True
