"""What we add to the head of an answer: that it came through us, and what of it can be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.gateway.head import VIA

if TYPE_CHECKING:
    from streamgauge.gateway.attempts import Attempts
    from streamgauge.gateway.head import ResponseHead


def byline(
    name: bytes,
    *,
    client_name: bytes | None,
    resume_url: bytes | None,
    attempts: Attempts | None,
) -> bytes:
    """Return the lines for the record *name*, which the client may know as *client_name*."""
    lines = b"Via: %b\r\nStreamgauge-Id: %b\r\nHelicone-Id: %b" % (VIA, name, client_name or name)
    if resume_url is not None:
        lines += b"\r\nStreamgauge-Resume-Url: " + resume_url
    if attempts is not None:
        lines += b"\r\nStreamgauge-Attempts: %d\r\nHelicone-Fallback-Index: %d" % (
            attempts.number,
            attempts.index,
        )
    return lines


def recorder_byline(head: ResponseHead) -> bytes:
    """Return the lines for an answer of the recorder, which says itself what is ours."""
    return b"\r\n".join((b"Via: " + VIA, *head.ours))
