"""Exchange ids: UUIDv7 (RFC 9562 §5.7), so that ids sort by time."""

from __future__ import annotations

import os
import time

# Asking the kernel for randomness costs as much as a small write, so it is asked rarely.
NOISE_BYTES = 10
NOISE_AT_ONCE = 256

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_FREE_BITS = ~(0xF << 76 | 0x3 << 62)


class Ids:
    """Makes ids. One per process: a copy after a fork would repeat itself."""

    def __init__(self) -> None:
        self._noise: list[int] = []  # version and variant are in it already

    def __call__(self) -> bytes:
        """Return a fresh UUIDv7 as its 16 bytes."""
        noise = self._noise or self._more()
        milliseconds = time.time_ns() // 1_000_000
        return (milliseconds << 80 | noise.pop()).to_bytes(16, "big")

    def _more(self) -> list[int]:
        raw = os.urandom(NOISE_BYTES * NOISE_AT_ONCE)
        self._noise = [
            int.from_bytes(raw[at : at + NOISE_BYTES], "big") & _FREE_BITS | _VERSION_7 | _VARIANT
            for at in range(0, len(raw), NOISE_BYTES)
        ]
        return self._noise


def text(exchange: bytes) -> str:
    """Return the usual 8-4-4-4-12 form of an id."""
    h = exchange.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
