"""Looks at the beginning of an answer before the client gets any of it.

Stands between a connection and its relay for exchanges that have more than one attempt:
an answer of failure goes to the attempts instead of the client. Where a plan asks for it,
a stream is held back until its first content, since as long as nothing was passed on a
silent or failing target can still be left for the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.gateway.attempts import Attempts, Failure, refusal
from streamgauge.gateway.head import ResponseHead
from streamgauge.wire.detect import choose
from streamgauge.wire.looks.first_content import FirstContent

if TYPE_CHECKING:
    from streamgauge.gateway.relay import Relay
    from streamgauge.gateway.upstream import UpstreamConnection

# A beginning longer than this is passed on, content or not.
MOST_HELD = 256 * 1024


class Trial:
    """The `upstream.Receiver` of one attempt."""

    __slots__ = (
        "_attempts",
        "_connection",
        "_first",
        "_head",
        "_held",
        "_relay",
        "_size",
        "is_head_request",
    )

    def __init__(self, relay: Relay, attempts: Attempts, connection: UpstreamConnection) -> None:
        self._relay = relay
        self._attempts = attempts
        self._connection = connection
        self._first: FirstContent | None = None
        self._head: tuple[int, ResponseHead] | None = None
        self._held: list[tuple[int, bytes]] = []
        self._size = 0
        self.is_head_request = relay.is_head_request

    def response(self, at: int, head: ResponseHead | None, body: bytes, *, is_whole: bool) -> None:
        """Judge an answer by its head."""
        if head is None:
            self._release(at, body, is_whole=is_whole)
            return
        if self._attempts.is_failure(head.status):
            failure = refusal(head, body)
            if self._relay.attempt_failed(at, failure, is_whole=is_whole):
                return
        else:
            is_stream = head.streamed and head.status == 200 and not head.encoded
            if is_stream and self._attempts.plan.is_holding and not is_whole:
                path = self._relay.route.path.decode("latin-1")
                self._first = FirstContent(choose(path=path, content_type=head.content_type))
                self._head = at, head
                if body:
                    self.chunk(at, body, None)
                return
            self._attempts.succeeded()
        self._connection.receiver = self._relay
        self._relay.response(at, head, body, is_whole=is_whole)

    def chunk(self, at: int, body: bytes, framed: bytes | None) -> None:
        """Hold back what comes before the first content."""
        self._held.append((at, body))
        self._size += len(body)
        first = self._first
        if first is not None and not first.feed(body) and self._size < MOST_HELD:
            return
        if first is not None and first.fault is not None:
            failure = Failure(type="fault_in_stream", message=first.fault, status=200)
            if self._relay.attempt_failed(at, failure, is_whole=False):
                return
        else:
            self._attempts.succeeded()
        self._release(at, b"", is_whole=False)

    def _release(self, at: int, body: bytes, *, is_whole: bool) -> None:
        """Let the relay have what was held back, with its times, and all that follows."""
        relay = self._connection.receiver = self._relay
        if self._head is not None:
            head_at, head = self._head
            relay.response(head_at, head, b"", is_whole=False)
        for held_at, held in self._held:
            relay.chunk(held_at, held, None)
        if is_whole:
            relay.response(at, None, body, is_whole=True)

    def tunnelled(self, at: int, data: bytes) -> None:
        """There are no second attempts at a tunnel."""
        self._relay.tunnelled(at, data)

    def upstream_closed(self, why: str) -> None:
        """The connection is gone."""
        self._relay.upstream_closed(why)

    def upstream_broke(self, why: str) -> None:
        """The bytes are not HTTP."""
        self._relay.upstream_broke(why)

    def pause(self) -> None:
        """The provider takes no more of the request for now."""
        self._relay.pause()

    def resume(self) -> None:
        """The provider takes more again."""
        self._relay.resume()
