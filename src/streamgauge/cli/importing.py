"""`streamgauge import helicone`: requests that Helicone has, from an export or from its API.

Each is told to a running server as Helicone's own clients tell of theirs, under its own id, so
that the same import twice is one set of records. What nobody could read is counted, not fatal.
"""

from __future__ import annotations

import ast
import csv
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import msgspec

from streamgauge.errors import StreamgaugeError

# Helicone answers no more at once.
PAGE = 100

# A server that is starting or busy is asked again, with growing pauses.
TRIES, FIRST_PAUSE_S = 6, 0.25

TIMEOUT_S = 60.0

QUERY = "/v1/request/query-clickhouse"

# Names of providers that are others here.
PROVIDERS = {"custom": "", "togetherai": "together", "azure_openai": "azure", "x": "xai"}

_decode = msgspec.json.decode
_encode = msgspec.json.encode
# The column that every export has.
CREATED = "request_created_at"

# A body in a table is one cell.
MAX_CELL = 64 * 1024 * 1024
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
# As the page writes it; quotes doubled twice, as ``@helicone/export`` does; as pandas prints it.
CELL_READERS: tuple[Callable[[str], Any], ...] = (
    json.loads,
    lambda text: json.loads(text.replace('""', '"')),
    ast.literal_eval,
)

Say = Callable[[str], None]
Request = dict[str, Any]


def run(source: str, what: str, *, to: str, key: str | None, say: Say) -> int:
    """Import from a file or a URL into the server at *to*; raises `StreamgaugeError`."""
    if source != "helicone":
        raise StreamgaugeError(f"only helicone can be imported from, not {source}")
    requests = _from_api(what) if what.startswith(("http://", "https://")) else _from_file(what)
    headers = {"Authorization": f"Bearer {key or 'import'}"}
    kept = refused = 0
    with httpx.Client(base_url=to, headers=headers, timeout=TIMEOUT_S, trust_env=False) as server:
        for request in requests:
            why = _tell(server, request)
            kept += why is None
            refused += why is not None
            if why is not None:
                say(f"not imported: {request.get('request_id')}: {why}")
    say(f"imported {kept:,} requests" + (f", {refused:,} could not be read" if refused else ""))
    return 1 if refused and not kept else 0


# -- where they come from --------------------------------------------------------------------


def _from_file(name: str) -> Iterator[Request]:
    """Yield the requests of a file: CSV, a JSON array, an answer of the API, or a line each."""
    try:
        text = Path(name).read_bytes()
    except OSError as error:
        raise StreamgaugeError(f"cannot read {name}: {error.strerror}") from None
    if CREATED.encode() in text.partition(b"\n")[0].split(b"{")[0]:
        try:
            yield from _requests([*_from_csv(text.decode(errors="replace"))])
        except csv.Error as error:  # a cell beyond the limit, for one
            raise StreamgaugeError(f"{name} is no export of requests in CSV: {error}") from None
        return
    try:
        if text.lstrip()[:1] == b"[" or b"\n" not in text.strip():
            yield from _requests(_decode(text))
            return
        for line in text.splitlines():
            if line.strip():
                yield from _requests(_decode(line))
    except msgspec.DecodeError as error:
        raise StreamgaugeError(f"{name} is no export of requests in JSON: {error}") from None


def _from_csv(text: str) -> Iterator[Request]:
    """Yield the rows of a table: of the page's export, of ``@helicone/export``, or of pandas."""
    csv.field_size_limit(MAX_CELL)
    for row in csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline="")):
        cells = {name: _cell(cell or "") for name, cell in row.items() if name}
        yield cells | {"request_id": cells.get("request_id") or cells.get("response_id")}


def _cell(text: str) -> Any:
    """Return what a cell has: nothing, a number, an object as somebody wrote it, or text."""
    if text.startswith(("{", "[")):
        for read in CELL_READERS:
            with suppress(ValueError, SyntaxError, RecursionError):
                return read(text)
    if NUMBER.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() else number  # pandas writes 12.0 for 12
    return text or None


def _requests(told: Any) -> list[Request]:
    data = told["data"] if isinstance(told, dict) and "data" in told else told
    listed = data if isinstance(data, list) else [data]
    wrong = next((one for one in listed if not _is_request(one)), None)
    if wrong is not None:
        raise StreamgaugeError("there is something that is no request of Helicone's in it")
    return listed


def _is_request(one: Any) -> bool:
    return isinstance(one, dict) and bool(one.get("request_id")) and CREATED in one


def _from_api(url: str) -> Iterator[Request]:
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
            page = _requests(_answer(helicone, url.rstrip("/") + QUERY, asked))
            for request in page:
                _fetch_bodies(request)
                yield request
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


def _fetch_bodies(request: Request) -> None:
    """Fetch the bodies that are kept elsewhere; its address needs no key, and must get none."""
    url = request.get("signed_body_url")
    if not url:
        return
    try:
        bodies = httpx.get(url, timeout=TIMEOUT_S).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return  # it expires after a while; the rest of the request is worth keeping
    if isinstance(bodies, dict):
        request["request_body"] = bodies.get("request", request.get("request_body"))
        request["response_body"] = bodies.get("response", request.get("response_body"))


# -- where they go ---------------------------------------------------------------------------


def _tell(server: httpx.Client, request: Request) -> str | None:
    """Tell the server of a request; returns why not, if it refuses."""
    try:
        log = log_of(request)
    except (ValueError, TypeError) as error:
        return f"it cannot be read: {error}"
    answer = _posted(server, "/custom/v1/log", log)
    if answer.status_code != 200:
        return answer.text[:200]
    scores = {
        name: value
        for name, value in (request.get("scores") or {}).items()
        if isinstance(value, int)
    }
    if scores:
        _posted(server, f"/v1/request/{request['request_id']}/score", {"scores": scores})
    return None


def _posted(server: httpx.Client, path: str, body: Any) -> httpx.Response:
    pause = FIRST_PAUSE_S
    for attempt in range(1, TRIES + 1):
        try:
            answer = server.post(path, content=_encode(body))
        except httpx.TransportError as error:
            if attempt == TRIES:
                raise StreamgaugeError(
                    f"no server answers at {server.base_url}: {error}; start one, or say --url"
                ) from None
        else:
            if answer.status_code < 500 or attempt == TRIES:
                return answer
        sleep(pause)
        pause *= 2
    raise AssertionError  # the last attempt has returned or raised


def log_of(request: Request) -> dict[str, Any]:
    """Return a request of Helicone's API as the log that its clients would have sent."""
    started = _moment(request[CREATED])
    ended = started + timedelta(milliseconds=request.get("delay_ms") or 0)
    if not request.get("delay_ms") and request.get("response_created_at"):
        ended = max(started, _moment(request["response_created_at"]))
    provider = str(request.get("provider") or "").lower()
    body = request.get("response_body")
    return {
        "providerRequest": {
            "url": _url(request.get("request_path") or ""),
            "json": request.get("request_body") or _model(request),
            "meta": _meta(request),
        },
        "providerResponse": {
            "status": request.get("response_status") or 0,
            "headers": {},
            "json": {} if isinstance(body, str) else _with_usage(body, request),
            "textBody": body if isinstance(body, str) else None,
        },
        "timing": {
            "startTime": _parts(started),
            "endTime": _parts(ended),
            "timeToFirstToken": request.get("time_to_first_token"),
        },
        "provider": PROVIDERS.get(provider, provider) or None,
    }


def _model(request: Request) -> dict[str, Any]:
    """Return what is known of a request whose body was not exported."""
    name = request.get("model") or request.get("request_model")
    return {"model": name} if name else {}


def _with_usage(body: Any, request: Request) -> Any:
    """Return an answer with the tokens that Helicone had counted, where it does not tell them.

    The chunks of a stream that it keeps beside what they add up to are left out.
    """
    if not isinstance(body or {}, dict):
        return body
    body = body or {}
    body = {name: value for name, value in body.items() if name != "streamed_data"} or body
    counts = {name: request.get(name) for name in ("prompt_tokens", "completion_tokens")}
    if not body.get("usage") and all(isinstance(one, int) and one > 0 for one in counts.values()):
        body = {**body, "usage": counts}
    return body


def _meta(request: Request) -> dict[str, str]:
    given = request.get("properties") or request.get("request_properties") or {}
    meta = {
        name if name.lower().startswith("helicone-") else f"Helicone-Property-{name}": str(value)
        for name, value in given.items()
    }
    meta["Helicone-Request-Id"] = str(request["request_id"])
    if request.get("request_user_id"):
        meta["Helicone-User-Id"] = str(request["request_user_id"])
    return meta


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace(" ", "T"))
    return moment if moment.tzinfo else datetime.fromisoformat(f"{text.replace(' ', 'T')}+00:00")


def _parts(moment: datetime) -> dict[str, int]:
    return {"seconds": int(moment.timestamp()), "milliseconds": moment.microsecond // 1000}


def _url(path: str) -> str:
    return path if path.startswith(("http://", "https://")) else f"https://helicone.invalid{path}"
