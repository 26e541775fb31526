"""Where one request may be sent, in order: from a route's settings, or from the client's headers.

``Streamgauge-Fallbacks`` lists what comes after the provider that the path names::

    [{"provider": "together", "model": "…", "key": "…"}, …]

``Helicone-Fallbacks`` lists all of them, the first one too::

    [{"target-url": "https://…", "headers": {…}, "onCodes": [429, {"from": 500, "to": 599}],
      "bodyKeyOverride": {"model": "…"}}, …]
"""

from __future__ import annotations

import os
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from streamgauge.gateway.guard import check_page
from streamgauge.gateway.head import RequestHead, without_named
from streamgauge.gateway.routes import PREFIXES, Refused, Route, Routes
from streamgauge.secrets import KEY_HEADERS
from streamgauge.settings import Own, RouteSettings, Settings
from streamgauge.settings import Target as TargetSettings

# What may pass by itself: too busy, too early, broken just now.
PASSING = frozenset({408, 409, 425, 429, *range(500, 600)}) - {501, 505}

# How a key is shown to those who do not take a bearer token.
KEY_STYLES = {"anthropic": b"x-api-key: ", "google": b"x-goog-api-key: ", "azure": b"api-key: "}
BEARER = b"Authorization: Bearer "

MAX_TARGETS = 20
MAX_RETRIES = 10

MS = 1_000_000


class Backoff(Struct, frozen=True):
    """How long to wait before the same target is asked again: doubling, from first to most."""

    first_ns: int = 500 * MS
    factor: float = 2.0
    most_ns: int = 10_000 * MS


class Target(Struct, frozen=True):
    """One place to send a request to, and what is different there."""

    route: Route
    members: dict[str, Any]  # of the body, instead of the client's
    forward: list[bytes]  # header lines
    codes: frozenset[int] = PASSING

    @property
    def model(self) -> str | None:
        """The model that it is asked for, None for the client's own."""
        model = self.members.get("model")
        return model if isinstance(model, str) else None

    def is_plain(self, head: RequestHead) -> bool:
        """Whether it gets the request as the client has sent it."""
        return not self.members and self.forward is head.forward

    @property
    def name(self) -> str:
        """What a breaker knows it by."""
        return f"{self.route.url} {self.model or ''}"


class Plan(Struct, frozen=True):
    """What may be tried for one request."""

    targets: list[Target]
    retries: int = 0
    backoff: Backoff = Backoff()
    is_holding: bool = False
    is_rescuing: bool = False


class _Range(Struct):
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")


class _Fallback(Struct, forbid_unknown_fields=True):
    """One entry of the header, in either form."""

    provider: str | None = None
    model: str | None = None
    key: str | None = None
    target_url: str | None = msgspec.field(name="target-url", default=None)
    headers: dict[str, str] | None = None
    on_codes: list[int | _Range] | None = msgspec.field(name="onCodes", default=None)
    members: dict[str, Any] | None = msgspec.field(name="bodyKeyOverride", default=None)


_fallbacks = msgspec.json.Decoder(
    Annotated[list[_Fallback], Meta(min_length=1, max_length=MAX_TARGETS)]
).decode


class Plans:
    """The plans that the settings make, and those that a request asks for."""

    def __init__(self, settings: Settings, routes: Routes) -> None:
        self._routes = routes
        self._is_local = settings.is_local
        self._is_open = not settings.require_key
        self._settings: dict[str, Own] = {
            name: own
            for name, own in (*settings.providers.items(), *settings.routes.items())
            if own.retries or isinstance(own, RouteSettings)
        }

    def of(self, route: Route, head: RequestHead) -> Plan | None:
        """Return what may be tried for a request; None if there is one try and no more.

        Raises `Refused` for a wish that makes no sense.
        """
        own = self._settings.get(route.name)
        wishes = head.wishes
        if own is None and (not wishes or not WISHES & wishes.keys()):
            return None
        if head.is_websocket or not route.is_recorded:
            return None
        retries = _retries(wishes)
        if retries is None:
            retries = own.retries if own is not None else 0
        settings = own if isinstance(own, RouteSettings) else None
        targets = self._targets(route, head, settings)
        is_holding = settings is not None and settings.hold
        if b"hold" in wishes:
            is_holding = _is_true(wishes[b"hold"])
        is_rescuing = settings is not None and settings.on_interruption == "retry"
        if b"on-interruption" in wishes:
            is_rescuing = _is_retry(wishes[b"on-interruption"])
        if len(targets) == 1 and not retries and not is_rescuing and targets[0].is_plain(head):
            return None
        return Plan(
            targets=targets,
            retries=retries,
            backoff=_backoff(wishes),
            is_holding=is_holding,
            is_rescuing=is_rescuing,
        )

    def _targets(
        self, route: Route, head: RequestHead, settings: RouteSettings | None
    ) -> list[Target]:
        if b"fallbacks" in head.wishes:
            wanted = _read(head.wishes[b"fallbacks"])
            found = [self._wanted(one, route, head) for one in wanted]
            is_all = wanted[0].target_url is not None
            return found if is_all else [Target(route, {}, head.forward), *found]
        if settings is None:
            return [Target(route, {}, head.forward)]
        return [self._configured(one, route, head) for one in settings.targets]

    def _configured(self, one: TargetSettings, route: Route, head: RequestHead) -> Target:
        key = os.environ.get(one.key_env, "") if one.key_env else ""
        if key and self._is_open:
            check_page(head, is_local=self._is_local)
        return self._at(one.provider, route, head, key=key, model=one.model)

    def _at(self, name: str, route: Route, head: RequestHead, *, key: str, model: str) -> Target:
        own = self._routes.at(name, _path_for(name, route))
        is_same = own.url == route.url
        forward = head.forward if is_same and not key else _with_key(head.forward, name, key)
        return Target(own, {"model": model} if model else {}, forward)

    def _wanted(self, one: _Fallback, route: Route, head: RequestHead) -> Target:
        if one.provider is not None:
            return self._at(one.provider, route, head, key=one.key or "", model=one.model or "")
        if one.target_url is None:
            raise _refusal("each entry names a provider or a target-url")
        own = self._routes.to_target(one.target_url.encode(), route.rest)
        forward = head.forward
        if one.headers is not None:
            forward = _lines(one.headers)
        elif own.url != route.url:
            forward = _with_key(forward, "", "")
        return Target(own, one.members or {}, forward, _codes(one.on_codes))


# The wishes that ask for more than one try.
WISHES = frozenset([b"fallbacks", b"retries", b"retry-enabled", b"on-interruption"])


def _path_for(name: str, route: Route) -> bytes:
    """Return the path at the provider *name*, which may keep OpenAI's paths elsewhere."""
    rest = route.rest.removeprefix(PREFIXES.get(route.provider, b""))
    return PREFIXES.get(name, b"") + rest


def _with_key(forward: list[bytes], provider: str, key: str) -> list[bytes]:
    """Return header lines with *key* for *provider*; the client's own goes nowhere else."""
    lines = without_named(forward, b",".join(KEY_HEADERS))
    if key:
        lines.append(KEY_STYLES.get(provider, BEARER) + _clean(key))
    return lines


def _lines(headers: dict[str, str]) -> list[bytes]:
    named = {name.lower() for name in headers}
    lines = [_clean(name) + b": " + _clean(value) for name, value in headers.items()]
    return lines if "content-type" in named else [*lines, b"Content-Type: application/json"]


def _clean(text: str) -> bytes:
    if not text.isprintable() or not text.isascii():
        raise _refusal("keys and headers are printable ASCII")
    return text.encode()


def _codes(said: list[int | _Range] | None) -> frozenset[int]:
    if said is None:
        return PASSING
    codes: set[int] = set()
    for one in said:
        if isinstance(one, int):
            codes.add(one)
        else:
            codes.update(range(max(one.first, 100), min(one.last, 999) + 1))
    return frozenset(codes)


def _read(said: bytes) -> list[_Fallback]:
    try:
        fallbacks: list[_Fallback] = _fallbacks(said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(f"{error}") from None
    return fallbacks


def _refusal(why: str) -> Refused:
    return Refused(
        400,
        "invalid_request",
        f"Streamgauge-Fallbacks is a JSON list of at most {MAX_TARGETS} targets such as "
        f'{{"provider": "NAME", "model": "…", "key": "…"}}: {why}',
        param="Streamgauge-Fallbacks",
    )


def _retries(wishes: dict[bytes, bytes]) -> int | None:
    """Return how many retries the headers ask for, None where they do not."""
    if b"retries" in wishes:
        return int(_number(wishes[b"retries"], "Streamgauge-Retries", MAX_RETRIES))
    if b"retry-enabled" not in wishes:
        return None
    if not _is_true(wishes[b"retry-enabled"]):
        return 0
    return int(_number(wishes.get(b"retry-num", b"5"), "Helicone-Retry-Num", MAX_RETRIES))


def _backoff(wishes: dict[bytes, bytes]) -> Backoff:
    usual = Backoff()
    if b"retry-enabled" not in wishes:
        return usual
    first = _number(wishes.get(b"retry-min-timeout", b"1000"), "Helicone-Retry-Min-Timeout", 60_000)
    most = _number(wishes.get(b"retry-max-timeout", b"10000"), "Helicone-Retry-Max-Timeout", 60_000)
    factor = _number(wishes.get(b"retry-factor", b"2"), "Helicone-Retry-Factor", 10)
    return Backoff(int(first * MS), factor, int(most * MS))


def _number(said: bytes, header: str, most: float) -> float:
    try:
        number = float(said)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise Refused(
            400,
            "invalid_request",
            f"{header} is a number from 0 to {most:g}, not {said[:40].decode('latin-1')!r}",
            param=header,
        )
    return number


def _is_retry(said: bytes) -> bool:
    wish = said.strip().lower()
    if wish not in (b"retry", b"error"):
        raise Refused(
            400,
            "invalid_request",
            f"Streamgauge-On-Interruption is retry or error, not {said[:40].decode('latin-1')!r}",
            param="Streamgauge-On-Interruption",
        )
    return wish == b"retry"


def _is_true(said: bytes) -> bool:
    return said.strip().lower() == b"true"
