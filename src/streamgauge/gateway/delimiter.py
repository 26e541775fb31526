"""How the client learns where the body of an answer ends (RFC 9112 §6.3)."""

from __future__ import annotations

from enum import Enum, auto

from streamgauge.gateway.head import ResponseHead


class Delimiter(Enum):
    """What marks the end."""

    NONE = auto()  # there is no body
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()


# A name costs a tenth of what CPython 3.11 takes to find a member in its enum.
NONE, LENGTH, CHUNKED, CLOSE = Delimiter

LAST_CHUNK = b"0\r\n\r\n"


def delimiter_of(
    head: ResponseHead, version: str, *, is_head_request: bool, is_changing: bool
) -> tuple[Delimiter, bytes]:
    """Return the delimiter of an answer with *head*, and the header line that announces it.

    *version* is the client's; *is_changing* if the body will not have the length it came with.
    """
    length = b"" if head.length is None else b"Content-Length: %d" % head.length
    if is_head_request or head.is_bodiless:
        return NONE, length
    if head.length is not None and not is_changing:
        return LENGTH, length
    if version == "1.1":
        return CHUNKED, b"Transfer-Encoding: chunked"
    return CLOSE, b"Connection: close"


def delimited(delimiter: Delimiter, body: bytes) -> bytes:
    """Return *body*, not empty, as it goes to the client."""
    return b"%x\r\n%b\r\n" % (len(body), body) if delimiter is CHUNKED else body
