"""A second answer, passed on from where the first one broke.

Stands between a connection and its relay, as `trial` does. Until the second answer has said
all that the client has, nothing of it is passed on; if it says anything else, it is let go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.gateway.attempts import Attempts, Failure, refusal
from streamgauge.gateway.head import ResponseHead
from streamgauge.wire.detect import choose
from streamgauge.wire.looks.continuation import Continuation, Differs, Spoken

if TYPE_CHECKING:
    from streamgauge.gateway.relay import Relay


class Rescue:
    """The `upstream.Receiver` of an attempt to continue a stream."""

    __slots__ = ("_attempts", "_continuation", "_is_on", "_relay", "_spoken", "is_head_request")

    def __init__(self, relay: Relay, attempts: Attempts, spoken: Spoken) -> None:
        self._relay = relay
        self._attempts = attempts
        self._spoken = spoken
        self._continuation = Continuation(spoken)
        self._is_on = False  # the client has got something of it
        self.is_head_request = relay.is_head_request

    def response(self, at: int, head: ResponseHead | None, body: bytes, *, is_whole: bool) -> None:
        """Judge it by its head; then pass on what the client lacks."""
        if head is not None:
            path = self._relay.route.path.decode("latin-1")
            is_same = (
                head.status == 200
                and not head.encoded
                and (choose(path=path, content_type=head.content_type) == self._spoken.choice)
            )
            if not is_same:
                self._fail(at, refusal(head, body))
                return
            self._attempts.succeeded()
        if not self._take(at, body) or not is_whole:
            return
        try:
            rest = self._continuation.close()
        except Differs as differs:
            self._differs(at, differs)
            return
        if rest or not self._is_on:
            self._pass_on(at, rest)
        self._relay.response(at, None, b"", is_whole=True)

    def chunk(self, at: int, body: bytes, framed: bytes | None) -> None:
        """Pass on what the client lacks."""
        self._take(at, body)

    def _take(self, at: int, body: bytes) -> bool:
        try:
            rest = self._continuation.feed(body) if body else b""
        except Differs as differs:
            self._differs(at, differs)
            return False
        if rest:
            self._pass_on(at, rest)
        return True

    def _pass_on(self, at: int, rest: bytes) -> None:
        if not self._is_on:
            self._is_on = True
            self._relay.rescued(at)
        if rest:
            self._relay.chunk(at, rest, None)

    def _differs(self, at: int, differs: Differs) -> None:
        self._fail(at, Failure(type="another_answer", message=f"no continuation: {differs}"))

    def _fail(self, at: int, failure: Failure) -> None:
        self._relay.rescue_failed(at, failure)

    def tunnelled(self, at: int, data: bytes) -> None:
        """There is no tunnel here."""

    def upstream_closed(self, why: str) -> None:
        """The connection is gone."""
        self._relay.upstream_closed(why)

    def upstream_broke(self, why: str) -> None:
        """The bytes are not HTTP."""
        self._relay.upstream_broke(why)

    def pause(self) -> None:
        """The provider takes no more of the request for now."""

    def resume(self) -> None:
        """The provider takes more again."""
