"""JSON values where a type is expected: what is of another type is as good as absent."""

from __future__ import annotations

from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode


def decoded(data: bytes) -> Any:
    """Return the JSON value of *data*, None where it is no JSON."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def encoded(value: Any) -> str:
    """Return *value* as JSON text; a text is taken for JSON already."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def mapping(value: Any) -> dict[str, Any]:
    """Return *value* if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the objects of *value* if it is a list, else none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def string(value: Any) -> str:
    """Return *value* if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""
