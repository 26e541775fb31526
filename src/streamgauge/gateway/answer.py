"""Answers in our own name: one shape of error, and what we say while the recorder is away."""

from __future__ import annotations

import msgspec

from streamgauge.wire.looks import native_error

# Of every status that is ours.
REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    410: b"Gone",
    413: b"Content Too Large",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}

# What these say all the same while there is no recorder.
HEALTHY: dict[bytes, dict[str, str | bool]] = {
    b"/healthz": {"status": "degraded"},
    b"/readyz": {"ready": True},
}


def answer(
    status: int,
    type: str,  # noqa: A002 - the name of the field on the wire
    message: str,
    *,
    param: str | None = None,
    extra: bytes = b"",
    dialect: str | None = None,
    is_keeping: bool = False,
    is_head: bool = False,
) -> bytes:
    """Return a whole response with our error, and what *dialect* adds.

    ``{"error": {"type", "message", "param"?}}``: *param* is the header at fault.
    """
    said = native_error.body(dialect, status=status, kind=type, message=message)
    if param is not None:
        said["error"]["param"] = param
    body = msgspec.json.encode(said)
    lines = [b"Streamgauge-Error: true"]
    if extra:
        lines.append(extra)
    return _response(status, body, lines=lines, is_keeping=is_keeping, is_head=is_head)


def unavailable(path: bytes, why: str, *, is_keeping: bool, is_head: bool) -> bytes:
    """Return the answer for a path of the recorder while there is no recorder.

    The gateway goes on without it, so it is still healthy enough to be asked for streams.
    """
    bare = path.partition(b"?")[0]
    message = f"the recorder does not answer ({why}); streams go on and the journal keeps them"
    if bare in HEALTHY:
        body = msgspec.json.encode(HEALTHY[bare] | {"reason": message})
        return _response(200, body, lines=[], is_keeping=is_keeping, is_head=is_head)
    return answer(503, "recorder_unavailable", message, is_keeping=is_keeping, is_head=is_head)


def _response(
    status: int, body: bytes, *, lines: list[bytes], is_keeping: bool, is_head: bool
) -> bytes:
    head = [
        b"HTTP/1.1 %d %b" % (status, REASONS[status]),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        *lines,
    ]
    if not is_keeping:
        head.append(b"Connection: close")
    return b"\r\n".join(head) + b"\r\n\r\n" + (b"" if is_head else body)
