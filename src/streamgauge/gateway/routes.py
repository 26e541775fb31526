"""Where a request goes: a provider, or the recorder, which answers for all that is ours.

/{provider}/…       that provider's base URL
/{route}/…          the targets of a route in the settings, in their order
/v1/…               the default provider, or the origin in `Streamgauge-Target-Url`
/v1/gateway/oai/…   Helicone's self-host paths
/{key}/…            any of these with an API key of ours or Helicone's in the path
/custom/v1/log, …   Helicone's log calls and questions: the recorder
anything else       the recorder: API, dashboard, health
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from streamgauge.errors import StreamgaugeError
from streamgauge.gateway.head import RequestHead
from streamgauge.settings import ASKED_FOR_USAGE, PLACEHOLDERS, Provider, Settings

# What may fill a placeholder of a provider's URL. No dots: nobody gets to choose the domain.
PLACEHOLDER_VALUE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]{0,62}")

# The credential scope of a SigV4 signature: AKID/date/region/service/aws4_request.
SIGV4_REGION = re.compile(rb"Credential=[^/,\s]+/\d{8}/([a-z0-9-]+)/")

# Helicone's log calls, and its questions. They are ours under names that a provider may have
# too, but these paths only. One of slashes may be several: Helicone's clients put a call behind
# whatever base they are given, and a base that ends with the call has it twice.
_LOG = re.compile(rb"(?:/+(?:custom|oai|anthropic|googleapis)/+v1/+log)+/*(?:\?.*)?")
_V1 = re.compile(
    rb"/v1/+(?:traces|trace/.+|feedback|request/.+|(?:session|property|user/metrics)/query)"
    rb"/*(?:\?.*)?"
)
HELICONE_LOGS = frozenset({b"custom", b"oai", b"anthropic", b"googleapis"})
OURS = {**dict.fromkeys(HELICONE_LOGS, _LOG), b"v1": _V1}

HELICONE_GATEWAYS = {b"oai": "openai", b"anthropic": "anthropic"}

# Where providers have put OpenAI's paths; a path that is to fit all targets does without.
PREFIXES = {"groq": b"/openai", "openrouter": b"/api", "fireworks": b"/inference"}

# Helicone takes its key in the path as well, for clients that can set nothing but a base URL.
KEY_IN_PATH = re.compile(
    # Ours are of one length: a resource of Azure's may well begin with sg-, too.
    rb"/(?P<provider>(?:[A-Za-z0-9_.-]+/)?)"
    rb"(?P<key>[sp]k-helicone-[\w-]{8,}|sg-[\w-]{43})/(?P<rest>.*)"
)

DEFAULT_REGION = b"us-east-1"

TARGET_URL = "Streamgauge-Target-Url"

# Clients call few targets and always the same ones. Made-up ones must not fill the memory.
MOST_KNOWN_TARGETS = 1024
LONGEST_KNOWN_TARGET = 256


class Origin(NamedTuple):
    """One place to connect to. A Unix socket has its path as *host* and port 0."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of an http or https URL."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname or "", port)

    @property
    def authority(self) -> str:
        """The value of a Host header."""
        if self.scheme == "unix":
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == (443 if self.scheme == "https" else 80)
        return host if is_usual else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The origin as a URL."""
        return f"{self.scheme}://{self.authority}"


class Route(Struct, frozen=True):
    """Where one request goes; ``provider`` is empty for what is ours."""

    provider: str
    origin: Origin
    url: str  # of the origin
    host: bytes  # the Host header; empty where it stays the client's
    path: bytes
    name: str = ""  # the provider's, or that of the route in the settings
    rest: bytes = b""  # of the path, after the name

    @property
    def is_recorded(self) -> bool:
        """Whether this is a provider's traffic."""
        return bool(self.provider)


class Refused(StreamgaugeError):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """A request that we do not pass on; the client is told *status*, *type* and why.

    *param*: the header at fault, where it is one.
    """

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 - the name of the field on the wire
        message: str,
        *,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.param = param


class _Base(NamedTuple):
    """A provider's base URL, taken apart once."""

    name: str
    template: str
    origin: Origin
    url: str
    host: bytes
    path: bytes
    placeholder: str | None


class Routes:
    """The table of routes, made once from the settings."""

    def __init__(self, settings: Settings) -> None:
        self._bases = {
            name.encode(): _base(name, provider.url)
            for name, provider in settings.providers.items()
        }
        # Routes of the settings begin with their first target.
        self._named = {
            name.encode(): route.targets[0].provider.encode()
            for name, route in settings.routes.items()
        }
        self._known: dict[bytes, Route] = {}
        self._default = settings.default_provider.encode()
        # Who is asked for stream usage.
        self.askable = frozenset(
            name
            for name, provider in settings.providers.items()
            if settings.stream_usage and _is_askable(name, provider)
        )
        self._recorder = Origin("unix", str(settings.api_socket), 0)
        self._allowed = {Origin.of(url) for url in settings.allowed_targets}
        # A target that is a configured provider anyway keeps that provider's name.
        self._by_origin = {base.origin: base for base in self._bases.values()}

    def resolve(self, head: RequestHead) -> Route:
        """Return the route of a request; raises `Refused` where there is none."""
        target = head.target
        known = self._known.get(target)
        if known is not None:
            return known
        if not target.startswith(b"/"):
            raise Refused(
                400,
                "invalid_request",
                "the request target must be a path such as /openai/v1/chat/completions; "
                "this is a gateway, not a forward proxy",
            )
        keyed = KEY_IN_PATH.fullmatch(target)
        if keyed is not None:
            head.take_key_of_path(keyed["key"], b"/" + keyed["provider"] + keyed["rest"])
            return self.resolve(head)
        first, slash, rest = target[1:].partition(b"/")
        ours = OURS.get(first)
        if ours is not None and ours.fullmatch(target):
            return self._to_recorder(target)
        base = self._bases.get(first)
        if base is not None and slash:
            route = self._to_provider(base, rest, head)
            if base.placeholder is None and len(target) <= LONGEST_KNOWN_TARGET:
                self._learn(target, route)
            return route
        if first == b"v1":
            return self._to_default(rest, head)
        if first in self._named and slash:
            return self._by_name(first, b"/" + rest)
        return self._to_recorder(target)

    def _learn(self, target: bytes, route: Route) -> None:
        """Remember a route that nothing but the target decides."""
        if len(self._known) >= MOST_KNOWN_TARGETS:
            self._known.clear()
        self._known[target] = route

    # -- the ways ----------------------------------------------------------------------------

    def _to_recorder(self, target: bytes) -> Route:
        path, mark, query = target.partition(b"?")
        *_, api, version, call = b"", b"", b"", *filter(None, path.split(b"/"))
        if api in HELICONE_LOGS and (version, call) == (b"v1", b"log"):
            target = b"/%b/v1/log%b%b" % (api, mark, query)
        return Route("", self._recorder, "the recorder", b"", target)

    def _to_provider(self, base: _Base, rest: bytes, head: RequestHead) -> Route:
        if base.placeholder is None:
            rest = b"/" + rest
            path = base.path + rest
            return Route(base.name, base.origin, base.url, base.host, path, base.name, rest)
        if base.placeholder == "region":
            value = _signed_region(head)
        else:
            value, _, rest = rest.partition(b"/")
        if not PLACEHOLDER_VALUE.fullmatch(value):
            raise Refused(
                400,
                "invalid_request",
                f"{value.decode('latin-1')!r} cannot be the {base.placeholder} of "
                f"{base.template}; the path is /{base.name}/{base.placeholder.upper()}/…",
            )
        filled = base.template.replace(f"{{{base.placeholder}}}", value.decode("ascii"))
        full = _base(base.name, filled)
        rest = b"/" + rest
        path = full.path + rest
        return Route(base.name, full.origin, full.url, full.host, path, base.name, rest)

    def _to_default(self, rest: bytes, head: RequestHead) -> Route:
        target = head.wishes.get(b"target-url")
        if target is not None:
            return self.to_target(target, b"/v1/" + rest)
        if rest.startswith(b"gateway/"):
            short, _, tail = rest[8:].partition(b"/")
            name = HELICONE_GATEWAYS.get(short)
            if name is None:
                raise Refused(
                    400, "invalid_request", "the gateway paths are /v1/gateway/oai/… and "
                    "/v1/gateway/anthropic/…; other providers are /{provider}/…"
                )  # fmt: skip
            return self._to_provider(self._bases[name.encode()], tail, head)
        if self._default in self._named:
            return self._by_name(self._default, b"/v1/" + rest)
        return self._to_provider(self._bases[self._default], b"v1/" + rest, head)

    def _by_name(self, name: bytes, rest: bytes) -> Route:
        """Return the way to the first target of a route of the settings."""
        base = self._bases[self._named[name]]
        path = base.path + PREFIXES.get(base.name, b"") + rest
        return Route(base.name, base.origin, base.url, base.host, path, name.decode(), rest)

    def at(self, provider: str, rest: bytes) -> Route:
        """Return the route to *provider*'s own path *rest*; raises `Refused` if there is none."""
        base = self._bases.get(provider.encode())
        if base is None or base.placeholder is not None:
            raise Refused(400, "invalid_request", f"{provider!r} is no provider to fall over to")
        path = base.path + rest
        return Route(base.name, base.origin, base.url, base.host, path, base.name, rest)

    def to_target(self, url: bytes, path: bytes) -> Route:
        """Return the route to the origin of *url*; raises `Refused` where that is not allowed."""
        try:
            parts = urlsplit(url.decode("ascii"))
            origin = Origin.of(parts.geturl())
        except (ValueError, UnicodeDecodeError):
            origin = Origin("", "", 0)
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not origin.host:
            raise Refused(
                400,
                "invalid_request",
                "Streamgauge-Target-Url must be an http or https URL",
                param=TARGET_URL,
            )
        if "@" in parts.netloc:
            raise Refused(
                400,
                "invalid_request",
                "Streamgauge-Target-Url must not hold a user name or password; send them as "
                "an Authorization header",
                param=TARGET_URL,
            )
        known = self._by_origin.get(origin)
        if known is None and origin not in self._allowed:
            raise Refused(
                403,
                "target_not_allowed",
                f"{origin.url} is not an allowed target; name it in allowed_targets of the "
                "configuration, or as a provider with --provider NAME=URL",
                param=TARGET_URL,
            )
        name = known.name if known else origin.host
        return Route(name, origin, origin.url, origin.authority.encode(), path, name, path)


def _is_askable(name: str, provider: Provider) -> bool:
    known = name in ASKED_FOR_USAGE
    return known if provider.stream_usage is None else provider.stream_usage


def _base(name: str, url: str) -> _Base:
    """Take a provider's URL apart; one with a placeholder keeps a stand-in origin."""
    placeholder = next((p for p in PLACEHOLDERS if f"{{{p}}}" in url), None)
    origin = Origin.of(url)
    path = urlsplit(url).path.rstrip("/").encode()
    return _Base(name, url, origin, origin.url, origin.authority.encode(), path, placeholder)


def _signed_region(head: RequestHead) -> bytes:
    """Return the region that the client signed for, else the usual one."""
    found = SIGV4_REGION.search(head.key or b"")
    return found.group(1) if found else DEFAULT_REGION
