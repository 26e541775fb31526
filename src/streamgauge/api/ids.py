"""Ids of records that are told of: UUIDv7s of the moment when the call began."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_FREE_BITS = ~(0xF << 76 | 0x3 << 62)


def id_at(moment: datetime, noise: bytes) -> UUID:
    """Return the UUIDv7 of *moment* and 10 bytes of *noise*; the same gives the same."""
    value = int(moment.timestamp() * 1000) << 80 | int.from_bytes(noise, "big")
    return UUID(int=value & _FREE_BITS | _VERSION_7 | _VARIANT)
