"""What the journal hears of an exchange besides its bytes."""

from __future__ import annotations

from time import time_ns

import msgspec

from streamgauge.gateway.attempts import Failure
from streamgauge.gateway.commands import Finish
from streamgauge.gateway.head import RequestHead, ResponseHead
from streamgauge.gateway.routes import Route
from streamgauge.gateway.targets import Target
from streamgauge.journal.format import Body, End, Head, Mark, Open, Retried
from streamgauge.secrets import redacted

_pack = msgspec.msgpack.Encoder().encode

# The headers of an answer of our own, as far as a record needs them.
OUR_HEADERS = b"content-type: application/json\r\nstreamgauge-error: true"


def opening(
    head: RequestHead,
    route: Route,
    body: bytes,
    *,
    is_whole: bool,
    key_hash: str | None,
    peer: str,
    model: str | None = None,
) -> bytes:
    """Return the payload of OPEN; now is when the request began."""
    return _pack(
        Open(
            started_at_ns=time_ns(),
            provider=route.provider,
            method=head.method.decode("latin-1"),
            path=redacted(route.path).decode("latin-1"),
            upstream=route.url,
            headers=head.kept,
            body=body,
            complete=is_whole,
            key_hash=key_hash,
            client=peer,
            model=model,
        )
    )


def more(body: bytes, *, is_whole: bool) -> bytes:
    """Return the payload of BODY."""
    return _pack(Body(data=body, complete=is_whole))


def retried(failure: Failure, target: Target, begins_ns: int) -> bytes:
    """Return the payload of RETRIED: *target* is asked next."""
    return _pack(
        Retried(
            error_type=failure.type,
            error_message=failure.message,
            status=failure.status,
            provider=target.route.provider,
            upstream=target.route.url,
            path=redacted(target.route.path).decode("latin-1"),
            model=target.model,
            begins_ns=begins_ns,
        )
    )


def answered(head: ResponseHead, connected_ns: int) -> bytes:
    """Return the payload of HEAD for the provider's answer."""
    return _pack(Head(status=head.status, headers=head.kept, connected_ns=connected_ns))


def answered_by_us(status: int, connected_ns: int) -> bytes:
    """Return the payload of HEAD for an answer of our own."""
    return _pack(Head(status=status, headers=OUR_HEADERS, connected_ns=connected_ns))


def mark(name: str, value: int) -> bytes:
    """Return the payload of MARK."""
    return _pack(Mark(name=name, value=value))


def ended(end: Finish, overhead_ns: int) -> bytes:
    """Return the payload of END."""
    return _pack(
        End(
            outcome=end.outcome,
            closed_by=end.closed_by,
            error_type=end.error_type,
            error_message=end.error_message,
            overhead_ns=overhead_ns,
        )
    )
