"""The request on its way up: as the provider gets it, and kept for a second try.

As a rule it goes up as it comes. Only where we ask for stream usage on the client's behalf,
or where there may be more than one attempt, must the body be whole before its head can go.
"""

from __future__ import annotations

from collections.abc import Container

from streamgauge.gateway.head import RequestHead, upstream_request
from streamgauge.gateway.routes import Route
from streamgauge.gateway.targets import Target
from streamgauge.wire.looks import stream_usage
from streamgauge.wire.looks.member import replaced

# So much of a request is kept to send it again when a kept-alive connection turns out to be
# dead; it is also what may wait for a connection before the client is paused.
REPLAY_LIMIT = 1024 * 1024

# The paths whose requests know `stream_options`.
USAGE_PATHS = (b"/chat/completions", b"/completions")

# A longer body is not waited for, and goes up as it is.
MAX_ASKING = 8 * 1024 * 1024


class Upload:
    """One request, framed for the provider."""

    __slots__ = (
        "_askable",
        "_body",
        "_held",
        "_is_asking",
        "_is_chunked",
        "_is_looked_into",
        "_kept",
        "_route",
        "_target",
        "_wish",
        "has_asked",
        "head",
        "is_replayable",
        "is_whole",
        "size",
    )

    def __init__(
        self,
        head: RequestHead,
        route: Route,
        *,
        askable: Container[str],
        is_looked_into: bool = False,
        target: Target | None = None,
    ) -> None:
        """*target*: the first of several, for which all of the body is kept.

        *askable*: the providers that may be asked for stream usage; *is_looked_into*: the answer
        must come uncompressed.
        """
        self._is_looked_into = is_looked_into
        self.head = head
        self._route = route
        self._target = target
        self._askable = askable
        self._wish = head.wishes.get(b"stream-usage", b"").lower()
        self._is_asking = is_asking = self._may_ask()
        self._body: bytes | None = None  # as the client sent it, where it is kept whole
        self._is_chunked = head.chunked
        self._kept: list[bytes] = []
        is_waiting = is_asking or target is not None
        self._held: list[bytes] | None = [] if is_waiting else None
        self.size = 0  # of what is framed, without the head
        self.is_whole = False  # all of it is here
        self.is_replayable = True  # all of it is still kept
        self.has_asked = False  # for stream usage, on the client's behalf
        if not is_waiting:
            self._kept.append(self._begun())

    @property
    def is_ready(self) -> bool:
        """Whether it can begin to go up."""
        return self._held is None

    @property
    def is_usage_hidden(self) -> bool:
        """Whether the answer says its usage only because of us, and the client is not to see."""
        return self.has_asked and self._wish != b"true"

    def add(self, body: bytes, *, is_whole: bool) -> bytes:
        """Take more of the body; return it framed, empty while it must wait."""
        self.is_whole = is_whole
        held = self._held
        if held is None:
            return self._keep(self._framed(body, is_whole=is_whole))
        if held or not is_whole:
            held.append(body)
            self.size += len(body)
        if is_whole:
            whole = b"".join(held) if held else body
            if self._target is not None:
                self._body = whole
                self._frame(self._target, whole)
            else:
                self._ask(whole)
        elif self.size > MAX_ASKING:
            self._go(b"".join(held))
        return b""

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be aimed at another target."""
        return self._target is not None and (self._body is not None or self._held is not None)

    def aim(self, target: Target) -> None:
        """Frame the request anew, for *target*, as soon as all of it is here."""
        self._target = target
        self._route = target.route
        self._is_asking = self._may_ask()
        if self._body is not None:
            self._kept.clear()
            self._frame(target, self._body)

    def _frame(self, target: Target, body: bytes) -> None:
        """Keep the whole request as *target* is to get it."""
        self._held = None
        changed = replaced(body, target.members) if target.members else body
        asking = stream_usage.ask(changed) if self._is_asking else None
        self.has_asked = asking is not None
        is_bodiless = not body and self.head.length is None and not self.head.chunked
        head = upstream_request(
            self.head,
            path=self._route.path,
            host=self._route.host,
            length=None if is_bodiless else len(asking or changed),
            forward=target.forward,
            is_looked_into=self.has_asked or self._is_looked_into,
        )
        self._kept.append(head + (asking or changed))
        self.size = len(asking or changed)

    def whole(self) -> bytes:
        """Return all that is framed so far, with the head in front."""
        kept = self._kept
        return kept[0] if len(kept) == 1 else b"".join(kept)

    def forget(self) -> None:
        """Let go of what is kept: there will be no second try."""
        self.is_replayable = False
        self._body = None
        self._kept.clear()

    def _may_ask(self) -> bool:
        """Whether we ask for stream usage, if the body turns out to be for a stream."""
        head, route, wish = self.head, self._route, self._wish
        if wish == b"false" or not (wish == b"true" or route.provider in self._askable):
            return False
        if head.method != b"POST" or head.encoded:
            return False
        path = route.path
        return path.partition(b"?")[0].endswith(USAGE_PATHS)

    def _ask(self, body: bytes) -> None:
        asking = stream_usage.ask(body)
        if asking is None:
            self._go(body, is_whole=True)
            return
        self._held = None
        self.has_asked = True
        head = upstream_request(
            self.head,
            path=self._route.path,
            host=self._route.host,
            length=len(asking),
            is_looked_into=True,
        )
        self._kept.append(head + asking)
        self.size = len(asking)

    def _go(self, body: bytes, *, is_whole: bool = False) -> None:
        self._held = None
        self.size = 0
        self._kept.append(self._begun())
        self._keep(self._framed(body, is_whole=is_whole))

    def _begun(self) -> bytes:
        """Return the head for whom it goes to; the recorder hears what is ours, too."""
        forward = self._target.forward if self._target is not None else None
        if not self._route.is_recorded:
            forward = [*self.head.forward, *self.head.ours]
        return upstream_request(
            self.head,
            path=self._route.path,
            host=self._route.host or self.head.host,  # the recorder judges where a page is from
            forward=forward,
            is_looked_into=self._is_looked_into,
        )

    def _framed(self, body: bytes, *, is_whole: bool) -> bytes:
        if not self._is_chunked:
            return body
        framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return framed + b"0\r\n\r\n" if is_whole else framed

    def _keep(self, framed: bytes) -> bytes:
        if framed and self.is_replayable:
            self._kept.append(framed)
            self.size += len(framed)
        return framed
