"""A copy of what a reader of raw bytes gets, as text: unpacked with what Python brings along."""

from __future__ import annotations

import zlib
from collections.abc import Callable

# zlib's word for "gzip or zlib, look yourself".
EITHER = 47
INFLATED = ("gzip", "x-gzip", "deflate")

# What a piece may become; no log may be larger.
MAX_INFLATED = 10 * 1024 * 1024

Inflate = Callable[[bytes], bytes | None]


def inflater(content_encoding: str | None) -> Inflate:
    """Return what unpacks one piece after another; None for pieces that it cannot read."""
    coding = (content_encoding or "identity").strip().lower()
    if coding == "identity":
        return bytes
    if coding not in INFLATED:
        return lambda _: None
    unpacking = zlib.decompressobj(EITHER)

    def inflate(piece: bytes) -> bytes | None:
        try:
            plain = unpacking.decompress(piece, MAX_INFLATED)
        except zlib.error:
            return None
        return None if unpacking.unconsumed_tail else plain

    return inflate
