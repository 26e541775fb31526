"""Heads of requests and responses: what is passed on, what is ours, what is secret.

One pass over the client's headers makes both the head for the provider and the copy for
the journal; one pass over the provider's makes the head for the client. Hop-by-hop
headers end here (RFC 9110 §7.6.1), ours are taken off, secrets never reach the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streamgauge.secrets import KEY_HEADERS, OURS, is_secret, redacted
from streamgauge.wire.detect import FRAMING_BY_TYPE

Header = tuple[bytes, bytes]
Headers = list[Header]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    }
)

# An answer of these types is a stream, which must not wait in a buffer.
STREAM_TYPES = frozenset(kind.encode() for kind in FRAMING_BY_TYPE)

# Framing and addressing are set anew for each side.
REWRITTEN = HOP_BY_HOP | {b"host", b"content-length"}

VIA = b"1.1 streamgauge"


# What is in every key of Helicone's: sk-helicone-…, pk-helicone-…
HELICONE = b"k-helicone-"


def our_lines(headers: Headers) -> Iterator[bytes]:
    """Yield the lines of *headers* that are ours by their names."""
    for name, value in headers:
        if name.lower().startswith(OURS):
            yield name + b": " + value


class RequestHead:
    """The client's request line and headers, looked through once.

    ``forward`` holds the lines that go to the provider, ``kept`` those that are fit for
    the journal, joined.
    """

    __slots__ = (
        "chunked",
        "connection",
        "encoded",
        "expects_continue",
        "forward",
        "framed",
        "headers",
        "host",
        "hosts",
        "kept",
        "key",
        "length",
        "method",
        "target",
        "upgrade",
        "version",
        "wishes",
    )

    def __init__(self, method: bytes, target: bytes, version: str, headers: Headers) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.host = b"localhost"
        self.hosts = 0
        self.length: int | None = None
        self.chunked = False
        self.expects_continue = False
        self.upgrade: bytes | None = None
        self.connection = b""
        self.key: bytes | None = None
        self.wishes: dict[bytes, bytes] = {}  # ours, by their names without the prefix
        self.encoded = False
        # As `upstream_request` has made it before, for a path, a host, and whether looked into.
        self.framed: dict[tuple[bytes, bytes, bool], tuple[bytes, bytes]] = {}
        forward: list[bytes] = []
        kept: list[bytes] = []
        for name, value in headers:
            facts = KNOWN_NAMES.get(name) or learn_name(name)
            if facts.take is not None:
                facts.take(self, value)
            line = facts.prefix + value
            if facts.is_kept:
                kept.append(line)
            if facts.is_forwarded:
                forward.append(line)
        self.kept = written_down(kept)
        if self.connection not in USUAL_CONNECTION:
            forward = without_named(forward, self.connection)
        self.forward = forward
        if self.key is not None and HELICONE in self.key:
            self._take_apart(self.key)

    def _take_apart(self, key: bytes) -> None:
        """Keep the provider's part of a *key* to which Helicone's is joined with a comma."""
        parts = [part.strip() for part in key.split(b",")]
        theirs = b", ".join(part for part in parts if HELICONE not in part)
        if theirs:
            self.wishes.setdefault(b"auth", next(part for part in parts if HELICONE in part))
            self.key = theirs
            self.forward = [line.replace(b": " + key, b": " + theirs) for line in self.forward]

    def take_key_of_path(self, key: bytes, target: bytes) -> None:
        """Take an API *key* that stood in the path; *target* is the path without it."""
        self.target = target
        self.wishes.setdefault(b"auth", b"Bearer " + key)

    def again(self, length: int, kept: bytes) -> RequestHead:
        """Return the same head with another *length*, and so with other lines *kept*."""
        same = RequestHead.__new__(RequestHead)
        same.length = length
        same.kept = kept
        same.method = self.method
        same.target = self.target
        same.version = self.version
        same.headers = self.headers
        same.host = self.host
        same.hosts = self.hosts
        same.chunked = self.chunked
        same.expects_continue = self.expects_continue
        same.upgrade = self.upgrade
        same.connection = self.connection
        same.key = self.key
        same.wishes = self.wishes
        same.encoded = self.encoded
        same.framed = self.framed
        same.forward = self.forward
        return same

    @property
    def ours(self) -> Iterator[bytes]:
        """The lines that are for us; no provider gets them."""
        return our_lines(self.headers)

    @property
    def is_websocket(self) -> bool:
        """Whether it asks for a tunnel (RFC 9110 §7.8: HTTP/1.0 cannot)."""
        return (
            self.upgrade == b"websocket"
            and b"upgrade" in self.connection
            and self.version == "1.1"
            and self.method == b"GET"
        )


def _take_host(head: RequestHead, value: bytes) -> None:
    head.host = value
    head.hosts += 1


def _take_length(head: RequestHead, value: bytes) -> None:
    head.length = int(value)


def _take_transfer(head: RequestHead, value: bytes) -> None:
    head.chunked = True


def _take_expect(head: RequestHead, value: bytes) -> None:
    head.expects_continue = value.lower() == b"100-continue"


def _take_upgrade(head: RequestHead, value: bytes) -> None:
    head.upgrade = value.lower()


def _take_connection(head: RequestHead, value: bytes) -> None:
    head.connection = head.connection + b"," + value.lower() if head.connection else value.lower()


def _take_key(head: RequestHead, value: bytes) -> None:
    if head.key is None:
        head.key = value


def _take_wish(name: bytes) -> Callable[[RequestHead, bytes], None]:
    """Return what takes a header of ours; ours wins over its Helicone twin."""
    prefix = next(prefix for prefix in OURS if name.startswith(prefix))
    wish = WISHES_BY_OTHER_NAMES.get(name, name[len(prefix) :])
    if prefix == b"streamgauge-":
        return lambda head, value: head.wishes.__setitem__(wish, value)
    return lambda head, value: head.wishes.__setitem__(wish, head.wishes.get(wish, value))


def _take_encoding(head: RequestHead, value: bytes) -> None:
    head.encoded = value.strip().lower() not in (b"", b"identity")


WISHES_BY_OTHER_NAMES = {b"helicone-openai-api-base": b"target-url"}

# llhttp has already checked the syntax of these.
TAKERS: dict[bytes, Callable[[RequestHead, bytes], None]] = {
    b"host": _take_host,
    b"content-length": _take_length,
    b"transfer-encoding": _take_transfer,
    b"expect": _take_expect,
    b"upgrade": _take_upgrade,
    b"connection": _take_connection,
    b"proxy-connection": _take_connection,  # llhttp, too, takes it for the same
    b"content-encoding": _take_encoding,
    **dict.fromkeys(KEY_HEADERS, _take_key),
}


class NameFacts:
    """What we know of a header by its name alone, as one client spells it."""

    __slots__ = ("is_forwarded", "is_kept", "note", "prefix", "take")

    def __init__(self, name: bytes) -> None:
        lower = name.lower()
        self.prefix = name + b": "
        self.take = _take_wish(lower) if lower.startswith(OURS) else TAKERS.get(lower)
        self.note = NOTES.get(lower)
        self.is_kept = not is_secret(lower)
        self.is_forwarded = lower not in REWRITTEN and not lower.startswith(OURS)


# Clients and providers use few names and always the same; looking a name up once and for all
# takes half the time off a small request. Made-up names must not grow the table.
MOST_KNOWN_NAMES = 2048
KNOWN_NAMES: dict[bytes, NameFacts] = {}


def learn_name(name: bytes) -> NameFacts:
    """Return the facts of a name not seen before, and remember them."""
    facts = NameFacts(name)
    if len(KNOWN_NAMES) >= MOST_KNOWN_NAMES:
        KNOWN_NAMES.clear()
    KNOWN_NAMES[name] = facts
    return facts


def written_down(lines: list[bytes]) -> bytes:
    """Return header *lines*, none of them secret by its name, as the journal has them."""
    text = b"\r\n".join(lines)
    return b"\r\n".join(map(redacted, lines)) if b"?" in text else text


# Values of `Connection` that name no further header.
USUAL_CONNECTION = (b"", b"keep-alive", b"close")


def without_named(lines: list[bytes], connection: bytes) -> list[bytes]:
    """Return header *lines* without those that `Connection` lists as hop-by-hop."""
    named = {name.strip() for name in connection.split(b",")}
    return [line for line in lines if line.partition(b":")[0].lower() not in named]


def upstream_request(
    head: RequestHead,
    *,
    path: bytes,
    host: bytes,
    length: int | None = None,
    forward: list[bytes] | None = None,
    is_looked_into: bool = False,
) -> bytes:
    """Return the head for the provider.

    *length* is that of a body which we have whole, *forward* are header lines in place of the
    client's. What comes back *is_looked_into*, so it must not be compressed.
    """
    if forward is not None:
        before, behind = _framed(head, path, host, forward, is_looked_into=is_looked_into)
    else:
        made_for = path, host, is_looked_into
        made = head.framed.get(made_for)
        if made is None:
            made = _framed(head, path, host, head.forward, is_looked_into=is_looked_into)
            head.framed[made_for] = made
        before, behind = made
    if length is None and not head.chunked:
        length = head.length
    if length is not None:
        return b"%bContent-Length: %d\r\n%b" % (before, length, behind)
    return before + (b"Transfer-Encoding: chunked\r\n" if head.chunked else b"") + behind


def _framed(
    head: RequestHead, path: bytes, host: bytes, forward: list[bytes], *, is_looked_into: bool
) -> tuple[bytes, bytes]:
    """Return the head for the provider, as it is before and behind the length of its body."""
    if is_looked_into:
        forward = [*without_named(forward, b"accept-encoding"), b"Accept-Encoding: identity"]
    lines = [head.method + b" " + path + b" HTTP/1.1\r\nHost: " + host, *forward, b""]
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" if head.is_websocket else b""
    return b"\r\n".join(lines), upgrade + b"Via: " + VIA + b"\r\n\r\n"


class ResponseHead:
    """The provider's status line and headers, looked through once.

    ``forward`` holds the lines that go to the client, ``for_caches`` those of them that tell
    proxies what to do with the answer, ``kept`` the lines for the journal.
    """

    __slots__ = (
        "cache_control",
        "chunked",
        "connection",
        "content_type",
        "encoded",
        "for_caches",
        "forward",
        "headers",
        "kept",
        "length",
        "reason",
        "status",
        "streamed",
    )

    def __init__(self, status: int, reason: bytes, headers: Headers) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.length: int | None = None
        self.chunked = False
        self.connection = b""
        self.streamed = False
        self.encoded = False
        self.content_type: str | None = None
        self.cache_control = b""
        self.for_caches: list[bytes] = []
        forward: list[bytes] = []
        kept: list[bytes] = []
        for name, value in headers:
            facts = KNOWN_NAMES.get(name) or learn_name(name)
            line = facts.prefix + value
            if facts.note is not None:
                facts.note(self, value, line)
            if facts.is_kept:
                kept.append(line)
            if facts.is_forwarded:
                forward.append(line)
        self.kept = written_down(kept)
        if self.connection not in USUAL_CONNECTION:
            forward = without_named(forward, self.connection)
        self.forward = forward

    @property
    def ours(self) -> Iterator[bytes]:
        """The lines that only we may say; no provider's reach the client."""
        return our_lines(self.headers)

    @property
    def is_bodiless(self) -> bool:
        """Whether the status alone rules out a body (RFC 9112 §6.3)."""
        return self.status in (204, 304) or self.status < 200


def _note_length(head: ResponseHead, value: bytes, line: bytes) -> None:
    head.length = int(value)


def _note_transfer(head: ResponseHead, value: bytes, line: bytes) -> None:
    head.chunked = True


def _note_type(head: ResponseHead, value: bytes, line: bytes) -> None:
    head.content_type = value.decode("latin-1")
    kind = value.partition(b";")[0].strip().lower()
    head.streamed = kind in STREAM_TYPES


def _note_connection(head: ResponseHead, value: bytes, line: bytes) -> None:
    head.connection = head.connection + b"," + value.lower() if head.connection else value.lower()


def _note_cache_control(head: ResponseHead, value: bytes, line: bytes) -> None:
    head.cache_control = head.cache_control + b", " + value if head.cache_control else value
    head.for_caches.append(line)


def _note_buffering(head: ResponseHead, value: bytes, line: bytes) -> None:
    head.for_caches.append(line)


def _note_encoding(head: ResponseHead, value: bytes, line: bytes) -> None:
    head.encoded = value.strip().lower() not in (b"", b"identity")


NOTES: dict[bytes, Callable[[ResponseHead, bytes, bytes], None]] = {
    b"content-length": _note_length,
    b"transfer-encoding": _note_transfer,
    b"content-type": _note_type,
    b"content-encoding": _note_encoding,
    b"connection": _note_connection,
    b"cache-control": _note_cache_control,
    b"x-accel-buffering": _note_buffering,
}


# A streamed answer must not wait in a proxy between us and the client.
UNBUFFERED = b"X-Accel-Buffering: no"


def client_response(head: ResponseHead, *, ours: bytes, framing: bytes) -> bytes:
    """Return the head for the client.

    *ours* are header lines that we add, *framing* is the line that delimits the body (or
    ``Connection: close``); both without a line end, *framing* may be empty.
    """
    lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason)]
    if head.streamed:
        said = head.for_caches
        lines += [line for line in head.forward if line not in said] if said else head.forward
        lines.append(UNBUFFERED)
        lines.append(b"Cache-Control: " + no_transform(head.cache_control))
    else:
        lines += head.forward
    if framing:
        lines.append(framing)
    lines.append(ours)
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def no_transform(cache_control: bytes) -> bytes:
    """Return *cache_control* with ``no-transform`` in it: nobody may re-compress a stream."""
    if not cache_control:
        return b"no-transform"
    if b"no-transform" in cache_control.lower():
        return cache_control
    return cache_control + b", no-transform"
