"""What llhttp lets through and we do not: the last look at a request before it has a route."""

from __future__ import annotations

from streamgauge.gateway.head import Headers, RequestHead
from streamgauge.gateway.routes import Refused
from streamgauge.settings import Limits


def check(head: RequestHead, headers: Headers, *, read_bytes: int, limits: Limits) -> None:
    """Raise `Refused` unless the request is one that we pass on.

    *read_bytes* were read so far, head and body.
    """
    if head.version not in ("1.0", "1.1"):
        raise Refused(505, "invalid_request", "this server speaks HTTP/1.1")
    if head.method == b"CONNECT":
        raise Refused(405, "invalid_request", "this is a gateway, not a forward proxy")
    # RFC 9112 §3.2: none or two Host headers are an error, and two a way to smuggle.
    if head.hosts != 1 and (head.version == "1.1" or head.hosts > 1):
        raise Refused(400, "invalid_request", "a request must have exactly one Host header")
    if head.chunked:
        _check_transfer_encoding(head)
    if read_bytes > limits.max_header_bytes:
        # Part of it may be the body; only now does it pay to count.
        size = len(head.target) + sum(len(name) + len(value) + 4 for name, value in headers)
        if size > limits.max_header_bytes:
            raise head_too_large(limits)


def head_too_large(limits: Limits) -> Refused:
    """Return the refusal of a head that does not end."""
    message = f"the request's head is longer than {limits.max_header_bytes} bytes"
    return Refused(431, "head_too_large", message)


def maybe_too_large(head: RequestHead, *, body_bytes: int, limits: Limits) -> Refused | None:
    """Return the refusal of a body that is announced too long, or is it already."""
    size = max(head.length or 0, body_bytes)
    if size <= limits.max_body_bytes:
        return None
    message = f"the request body has {size} bytes, {limits.max_body_bytes} are allowed"
    return Refused(413, "body_too_large", message)


def _check_transfer_encoding(head: RequestHead) -> None:
    values = [v.strip().lower() for n, v in head.headers if n.lower() == b"transfer-encoding"]
    if head.version == "1.0":
        # RFC 9112 §6.1: such a message has a faulty framing.
        raise Refused(400, "invalid_request", "HTTP/1.0 has no Transfer-Encoding")
    if values != [b"chunked"]:
        raise Refused(501, "invalid_request", "the only transfer coding here is chunked")
