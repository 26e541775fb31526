"""Any value as JSON.

What a caller hands over is copied at once, as far as it can change (`snapshot`), and turned
into text later, in the background. SDK objects say themselves how they look on the wire.
Nothing that a caller logs may fail here: what has no JSON is written as its `repr`.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

# A nesting that no API has; what lies deeper is a circle.
MAX_DEPTH = 100

# Some 11 days, as to the server: what took longer by somebody's clocks, nobody knows.
LONGEST_MS = 1e9

# What a caller may go on changing. SDK objects are left as they are.
CHANGING = frozenset([dict, list, tuple, bytearray, memoryview])


def snapshot(value: Any) -> Any:
    """Return *value* with its dicts and lists copied: the caller may go on changing them."""
    try:
        return _copied(value)
    except Exception:  # a circle, or a dict that changes meanwhile
        return value


def json_text(value: Any, *, without: frozenset[str] | None = None) -> str:
    """Return *value* as JSON without spaces; *without* are fields of a model to leave out."""
    dump = getattr(type(value), "model_dump_json", None)
    try:
        if dump is not None:
            return str(
                dump(value, by_alias=True, exclude_unset=True, exclude=without, warnings=False)
            )
        return _dumped(value)
    except Exception:  # NaN, a circle, a key that is no string, a model that cannot
        return _dumped(_cleaned(value, 0))


def measured(value: Any, longest: float = LONGEST_MS) -> float | None:
    """Return a time that somebody measured, if it is one: no text, not negative, not endless."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= longest else None


def parsed(value: Any) -> Any:
    """Return bytes of an HTTP body as what they say: JSON, text, or how many there are."""
    if not isinstance(value, bytes):
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:  # audio, an image, a form with a file
        return f"({len(value)} bytes)"
    try:
        return json.loads(text)
    except ValueError:
        return text


def http_answer(value: Any) -> tuple[bytes, int] | None:
    """Return body and status of a response of an HTTP client, or of an SDK's raw one."""
    try:
        response = getattr(value, "http_response", value)
        body, status = response.content, response.status_code
    except Exception:  # it is none, or a stream that nobody has read yet
        return None
    return (body, status) if isinstance(body, bytes) and isinstance(status, int) else None


def _dumped(value: Any) -> str:
    return json.dumps(
        value, default=_stated, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _copied(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _copied(one) for key, one in value.items()}
    if kind is list or kind is tuple:
        return [_copied(one) for one in value]
    if kind is bytearray or kind is memoryview:
        return bytes(value)
    return value


def _stated(value: Any) -> Any:
    """Return a value that is not JSON as one that is."""
    # Looked up on the type: a mock has every attribute, but not as a method of its class.
    kind = type(value)
    if hasattr(kind, "model_dump"):  # pydantic 2
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    for name in ("to_dict", "dict", "_asdict"):
        if callable(getattr(kind, name, None)):
            return getattr(value, name)()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return _bytes_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return list(value)
    return str(value)


def _bytes_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _cleaned(value: Any, depth: int) -> Any:
    """Return *value* with everything that has no JSON as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    try:
        if depth > MAX_DEPTH:
            return "…"
        if isinstance(value, Mapping):
            return {str(key): _cleaned(one, depth + 1) for key, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_cleaned(one, depth + 1) for one in value]
        return _cleaned(_stated(value), depth + 1)
    except Exception:
        return object.__repr__(value)
