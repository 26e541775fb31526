"""The leaves of what a provider sent, and what becomes of a reply when one of them changes.

A path names the kind of frame, then the keys: ``response.completed:response.output[].id``.
Whatever has a ``type`` is told apart by it: ``item(message).id`` is not ``item(reasoning).id``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from streamgauge.wire.accumulate import Accumulator
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import Frame
from tests.wire.cuts import whole
from tests.wire.goldens import FOLDER
from tests.wire.reading import frames

Keys = tuple[str | int, ...]


class Recording:
    """The frames of a recording, and where in them each path is found."""

    def __init__(self, line: dict[str, Any]) -> None:
        self._dialect = line["dialect"]
        raw = (FOLDER / line["file"]).read_bytes()
        self._frames = frames(line["framing"], raw, whole)
        self._said = _result(self._dialect, self._frames)
        self._places: dict[str, list[tuple[int, Keys]]] = {}
        for number, frame in enumerate(self._frames):
            for path, keys in _leaves(_json(frame), _kind(frame)):
                # The first and the last place of a path stand for all of them.
                held = self._places.setdefault(path, [])
                held[1:] = [(number, keys)]

    @property
    def paths(self) -> list[str]:
        return list(self._places)

    def is_used(self, path: str) -> bool:
        """Whether the reply would be another one if the leaf were."""
        return any(
            _result(self._dialect, self._with_another(*place)) != self._said
            for place in self._places[path]
        )

    def is_used_meanwhile(self, path: str) -> bool:
        """Whether a stream that broke off behind the leaf would have another reply."""
        return any(
            _result(self._dialect, self._with_another(number, keys)[: number + 1])
            != _result(self._dialect, self._frames[: number + 1])
            for number, keys in self._places[path]
        )

    def _with_another(self, number: int, keys: Keys) -> list[Frame]:
        frame = self._frames[number]
        said = inner = _json(frame)
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = _other(inner[keys[-1]])
        changed = msgspec.structs.replace(frame, data=_dumped(said))
        return [*self._frames[:number], changed, *self._frames[number + 1 :]]


def _result(dialect: str, read: list[Frame]) -> Any:
    reader, reply = DIALECTS[dialect](), Accumulator()
    for frame in read:
        for event in reader.read(frame):
            reply.add(event)
    end = reply.has_terminal, reply.has_finish, reply.is_usage_final
    return msgspec.to_builtins(reply.reply()), end


def _json(frame: Frame) -> Any:
    try:
        said = json.loads(frame.data)
    except ValueError:
        return None  # [DONE], or plain text
    if isinstance(said, dict) and "bytes" in said:
        # Bedrock's InvokeModel puts the model's own JSON into base64.
        said["bytes"] = json.loads(base64.b64decode(said["bytes"]))
    return said


def _dumped(said: Any) -> bytes:
    if isinstance(said, dict) and "bytes" in said:
        said = said | {"bytes": base64.b64encode(json.dumps(said["bytes"]).encode()).decode()}
    return json.dumps(said).encode()


def _kind(frame: Frame) -> str:
    said = _json(frame)
    named = said.get("type") if isinstance(said, dict) else None
    return f"{named or frame.event or ''}:"


def _leaves(value: Any, path: str, keys: Keys = ()) -> Iterator[tuple[str, Keys]]:
    """Yield path and keys of each text, number and truth; what is empty says nothing."""
    if isinstance(value, dict):
        kind = value.get("type")
        if keys and isinstance(kind, str):
            path += f"({kind})"
        for key, inner in value.items():
            dot = "." if keys else ""
            yield from _leaves(inner, f"{path}{dot}{key}", (*keys, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[]", (*keys, place))
    elif value is not None and value != "":
        yield path, keys


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + "~" if isinstance(value, str) else value + 977
