"""`streamgauge import helicone`: requests that Helicone has, from an export or from its API.

Each is told to a running server as Helicone's own clients tell of theirs, under its own id, so
that the same import twice is one set of records. What nobody can read is named and counted, and
holds nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from time import sleep
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from streamgauge.cli.exported import CREATED, ID, TIMEOUT_S, Part, Request, parts
from streamgauge.errors import StreamgaugeError

# A server that is starting or busy is asked again, with growing pauses.
TRIES, FIRST_PAUSE_S = 6, 0.25

# So many that are not imported are named; an export of another form would fill the screen.
NAMED = 20
MOST_WHY = 300  # characters of a reason

# The server takes the same request twice and does not say which time it is.
ONCE = "any that were here before are still one record each"

# Names of providers that are others here.
PROVIDERS = {"custom": "", "togetherai": "together", "azure_openai": "azure", "x": "xai"}

# What a request of an unexpected form makes us raise.
UNREADABLE = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)

# These go for the key and not for what is imported.
NO_ACCESS = (401, 403)

_encode = msgspec.json.encode

Say = Callable[[str], None]


def run(source: str, what: str, *, to: str, key: str | None, say: Say, warn: Say) -> int:
    """Import from a file or a URL into the server at *to*; raises `StreamgaugeError`.

    Returns 1 if anything in it could not be imported.
    """
    if source != "helicone":
        raise StreamgaugeError(f"only helicone can be imported from, not {source}")
    headers = {"Authorization": f"Bearer {key or 'import'}"}
    tally = _Tally(warn)
    with httpx.Client(base_url=to, headers=headers, timeout=TIMEOUT_S, trust_env=False) as server:
        try:
            for part in parts(what):
                tally.add(part, _tell(server, part.request) if part.request else part.why)
        finally:
            tally.say(say)
    return 1 if tally.refused else 0


class _Tally:
    """Counts what was imported, and names the first that were not."""

    def __init__(self, warn: Say) -> None:
        self._warn = warn
        self.kept = self.refused = self.bodiless = 0

    def add(self, part: Part, why: str | None) -> None:
        if why is None:
            self.kept += 1
            self.bodiless += not part.has_bodies
            return
        self.refused += 1
        if self.refused <= NAMED:
            name = f" ({str(part.request[ID])[:100]})" if part.request else ""
            self._warn(f"not imported: {part.place}{name}: {' '.join(why.split())[:MOST_WHY]}")

    def say(self, say: Say) -> None:
        if self.refused > NAMED:
            self._warn(f"not imported: {self.refused - NAMED:,} more")
        if self.bodiless:
            self._warn(f"imported without bodies, which could not be fetched: {self.bodiless:,}")
        if self.kept or self.refused:
            refused = f", {self.refused:,} could not be" if self.refused else ""
            say(f"imported {self.kept:,} requests{refused}; {ONCE}")


# -- telling the server ----------------------------------------------------------------------


def _tell(server: httpx.Client, request: Request) -> str | None:
    """Tell the server of a request; returns why not, if it cannot be told or is refused."""
    try:
        log = _encode(log_of(request))
        scores = _scores(request)
    except UNREADABLE as error:
        return f"it cannot be read: {error}"
    why = _posted(server, "/custom/v1/log", log)
    if why is None and scores:
        path = f"/v1/request/{quote(str(request[ID]), safe='')}/score"
        why = _posted(server, path, _encode({"scores": scores}))
    return why


def _posted(server: httpx.Client, path: str, body: bytes) -> str | None:
    """Post *body*; returns what the server has against it, if anything."""
    answer = _answer(server, path, body)
    if answer.status_code in NO_ACCESS:
        raise StreamgaugeError(f"{server.base_url} takes no logs: {answer.text[:MOST_WHY]}")
    return None if answer.is_success else answer.text or f"the answer is {answer.status_code}"


def _answer(server: httpx.Client, path: str, body: bytes) -> httpx.Response:
    pause = FIRST_PAUSE_S
    for attempt in range(1, TRIES + 1):
        try:
            answer = server.post(path, content=body)
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
            "url": _url(str(request.get("request_path") or "")),
            "json": request.get("request_body") or _model(request),
            "meta": _meta(request),
        },
        "providerResponse": {
            "status": request.get("response_status") or 0,
            "headers": {},
            "json": {} if isinstance(body, str) else _with_usage(body, request),
            "textBody": body if isinstance(body, str) else None,
            "cost": _cost(request),
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


def _cost(request: Request) -> float | None:
    """Return what Helicone says that it cost, in dollars; its 0 is what it does not know.

    Its ``cost`` is whole billionths of a dollar, as its database has it, or dollars.
    """
    for name in ("costUSD", "cost_usd", "cost"):
        told = request.get(name)
        if told is None or isinstance(told, bool):
            continue
        with suppress(TypeError, ValueError):  # a cell that is no number
            cost = float(told)  # a cell like 1.2e-05 is still a text
            if 0 < cost < math.inf:
                return cost / 1e9 if name == "cost" and cost.is_integer() else cost
    return None


def _object(request: Request, name: str) -> dict[str, Any]:
    value = request.get(name) or {}
    if not isinstance(value, dict):
        raise TypeError(f"{name} is no object")
    return value


def _scores(request: Request) -> dict[str, int]:
    scores = _object(request, "scores")
    return {name: value for name, value in scores.items() if isinstance(value, int)}


def _meta(request: Request) -> dict[str, str]:
    given = _object(request, "properties") or _object(request, "request_properties")
    meta = {
        name if name.lower().startswith("helicone-") else f"Helicone-Property-{name}": str(value)
        for name, value in given.items()
    }
    meta["Helicone-Request-Id"] = str(request[ID])
    if request.get("request_user_id"):
        meta["Helicone-User-Id"] = str(request["request_user_id"])
    return meta


def _moment(told: Any) -> datetime:
    text = str(told).replace(" ", "T")
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else datetime.fromisoformat(f"{text}+00:00")


def _parts(moment: datetime) -> dict[str, int]:
    return {"seconds": int(moment.timestamp()), "milliseconds": moment.microsecond // 1000}


def _url(path: str) -> str:
    return path if path.startswith(("http://", "https://")) else f"https://helicone.invalid{path}"
