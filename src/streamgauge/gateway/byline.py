"""What we add to the head of an answer: that it came through us, and what of it can be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.gateway.head import VIA, RequestHead
from streamgauge.gateway.ident import text

if TYPE_CHECKING:
    from streamgauge.gateway.relay import Relay

VIA_LINE = b"Via: " + VIA


def signature(exchange: bytes, head: RequestHead) -> bytes:
    """Return the lines that every answer to a recorded request has; *head* is the request's."""
    name = text(exchange).encode()
    client_name = head.wishes.get(b"request-id")
    return b"%b\r\nStreamgauge-Id: %b\r\nHelicone-Id: %b" % (VIA_LINE, name, client_name or name)


def byline(relay: Relay) -> bytes:
    """Return the lines for the answer of *relay*, joined."""
    if relay.journal is None and relay.response_head is not None:
        # The recorder says itself what this is, and whose error.
        return b"\r\n".join((VIA_LINE, *relay.response_head.ours))
    lines = signature(relay.id, relay.upload.head)
    if relay.policy.is_resumable and relay.journal is not None:
        where = relay.gateway.resume_url(text(relay.id), is_numbering=relay.policy.is_numbering)
        lines += b"\r\nStreamgauge-Resume-Url: " + where
    attempts = relay.attempts
    if attempts is None:
        return lines
    return lines + b"\r\nStreamgauge-Attempts: %d\r\nHelicone-Fallback-Index: %d" % (
        attempts.number,
        attempts.index,
    )
