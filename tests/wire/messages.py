"""Eventstream messages as AWS makes them."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any


def text(name: str, value: str) -> bytes:
    """One header whose value is text."""
    raw = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(raw)) + raw


def message(payload: bytes, headers: bytes = b"") -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


def event(name: str, said: Any) -> bytes:
    headers = text(":event-type", name) + text(":content-type", "application/json")
    return message(json.dumps(said).encode(), headers + text(":message-type", "event"))


def exception(name: str, said: Any) -> bytes:
    headers = text(":exception-type", name) + text(":content-type", "application/json")
    return message(json.dumps(said).encode(), headers + text(":message-type", "exception"))


def error(code: str, words: str) -> bytes:
    headers = text(":error-code", code) + text(":error-message", words)
    return message(b"", headers + text(":message-type", "error"))
