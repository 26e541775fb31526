"""Ids of logs: UUIDv7 (RFC 9562 §5.7), made here so that a repeated call makes no second record."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from typing import Any
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_FREE_BITS = ~(0xF << 76 | 0x3 << 62)


class LogId(str):
    """The id of a log. It may be awaited or not: nothing here has to be waited for."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, LogId]:
        return self
        yield


def new_id() -> LogId:
    """Return a fresh id; ids sort by time."""
    noise = int.from_bytes(os.urandom(10), "big")
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | (noise & _FREE_BITS) | _VERSION_7 | _VARIANT
    return LogId(UUID(int=value))
