"""JSON values where a type is expected: what is of another type is as good as absent."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import msgspec

from streamgauge.wire.halves import moved

_decode = msgspec.json.Decoder().decode


def decoded(data: bytes) -> Any:
    """Return the JSON value of *data*, None where it is no JSON."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _mended(data)


def _mended(data: bytes) -> Any:
    mended = moved(data)
    try:
        return None if mended == data else _decode(mended)
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


def says(value: Any) -> bool:
    """Whether there is anything in *value* but nulls and empty things."""
    if isinstance(value, dict):
        return any(map(says, value.values()))
    if isinstance(value, list):
        return any(map(says, value))
    return value is not None and value != ""


def rest(value: dict[str, Any], known: Set[str]) -> dict[str, Any]:
    """Return what *value* says beside its *known* fields: those of tomorrow, too."""
    if value.keys() <= known:
        return {}  # nearly always
    return {name: said for name, said in value.items() if name not in known and says(said)}


def unread(value: dict[str, Any], words: Mapping[str, type]) -> dict[str, Any]:
    """Return what *value* says that is none of the *words*, or of another type than the word."""
    return {
        name: said
        for name, said in value.items()
        if not isinstance(said, words.get(name, ())) and says(said)
    }
