"""Heads that have been here before.

A client says the same head with every request, but for the length of the body. What llhttp and
our checks have let through once, byte for byte, need not be parsed, looked through and routed
again: that is a quarter of what a small request costs.
"""

from __future__ import annotations

import re

from streamgauge.gateway.head import RequestHead
from streamgauge.gateway.policy import Policy
from streamgauge.gateway.routes import Route

# As HTTP libraries spell it; who spells it otherwise is parsed every time.
LENGTHS = (b"\r\nContent-Length: ", b"\r\ncontent-length: ")
LENGTH = b"content-length"
LENGTH_LINE = re.compile(rb"(?i)^content-length: (\d+)", re.MULTILINE)
END = b"\r\n\r\n"
FOLDED = re.compile(rb"\r\n[ \t]").match
ZERO = 0x30

# The digits of a length that is taken without the parser.
MOST_DIGITS = 9

# Heads that differ every time, by a trace id say, must not grow the table.
MOST_KNOWN = 512
LONGEST_KNOWN = 4096

# A wish that makes every head another one.
ONCE_ONLY = b"request-id"


class KnownHead:
    """What follows from a head alone."""

    __slots__ = ("_head", "_kept", "policy", "route")

    def __init__(
        self, head: RequestHead, kept: tuple[bytes, bytes], route: Route, policy: Policy
    ) -> None:
        """*kept*: the lines for the journal, before and behind the length."""
        self._head = head
        self._kept = kept
        self.route = route
        self.policy = policy

    def with_length(self, length: int) -> RequestHead:
        """Return the head of a request whose body has this *length*."""
        before, behind = self._kept
        return self._head.again(length, b"%b%d%b" % (before, length, behind))


class KnownHeads:
    """Heads by their bytes without the length of the body; the oldest makes room for the next."""

    def __init__(self) -> None:
        self._known: dict[bytes, KnownHead] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, data: bytes) -> tuple[KnownHead, int, int] | None:
        """Return what is known of the head at the beginning of *data*.

        With it the length of the body, and where in *data* that begins.
        """
        place = _place(data)
        if place is None:
            return None
        at, stop, end = place
        known = self._known.get(data[:at] + data[stop:end])
        if known is None:
            return None
        digits = data[at:stop]
        if len(digits) > MOST_DIGITS or not digits.isdigit() or digits[0] == ZERO:
            return None
        return known, int(digits), end + len(END)

    def learn(self, data: bytes, head: RequestHead, route: Route, policy: Policy) -> None:
        """Remember *head*, which has just been parsed from the beginning of *data*.

        Only where nothing but its bytes decides what it means: the body has a plain length, and
        the connection stays as it is.
        """
        is_plain = head.version == "1.1" and not head.chunked and head.upgrade is None
        is_staying = head.connection in (b"", b"keep-alive") and not head.expects_continue
        place = _place(data)
        if not (is_plain and is_staying) or place is None or ONCE_ONLY in head.wishes:
            return
        at, stop, end = place
        before, behind = data[:at], data[stop:end]
        # A second length, or a line that goes on in the next one, is no plain length.
        if LENGTH in (before[: -len(LENGTHS[0])] + behind).lower() or FOLDED(behind):
            return
        line, key = LENGTH_LINE.search(head.kept), before + behind
        if line is None or key in self._known:
            return
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        start, end = line.span(1)
        kept = head.kept[:start], head.kept[end:]
        self._known[key] = KnownHead(head, kept, route, policy)


def _place(data: bytes) -> tuple[int, int, int] | None:
    """Return where in *data* the length of the body begins and ends, and where its head ends."""
    end = data.find(END, 0, LONGEST_KNOWN)
    if end < 0:
        return None
    at = data.find(LENGTHS[0], 0, end)
    if at < 0:
        at = data.find(LENGTHS[1], 0, end)
        if at < 0:
            return None
    at += len(LENGTHS[0])
    return at, data.find(b"\r\n", at, end + 2), end
