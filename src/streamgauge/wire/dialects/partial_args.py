"""Arguments of a function call in pieces: where in the JSON, and what.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling: a piece is
``{"jsonPath": "$.towns[0].name", "stringValue": "Par", "willContinue": true}``. Pieces of a text
come one after the other; the rest comes in one piece.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

# So many values of one call are put together, so many characters, and so deep; a model says
# less.
MAX_VALUES = 10_000
MAX_TEXT = 16 * 1024 * 1024
MAX_DEPTH = 100

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,9})\]|\['([^']*)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")


class PartialArgs:
    """Puts the pieces of one call together."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._others: dict[str, Any] = {}
        self._room = MAX_TEXT

    def add(self, piece: dict[str, Any]) -> None:
        """Take in one piece; what is too much is left out."""
        path = str(piece.get("jsonPath", "$"))
        name = next((name for name in _VALUES if name in piece), None)
        is_new = path not in self._texts and path not in self._others
        if name is None or (is_new and len(self._texts) + len(self._others) >= MAX_VALUES):
            return
        value = None if name == "nullValue" else piece[name]
        if not isinstance(value, str):
            self._others[path] = value
        elif len(value) <= self._room:
            self._room -= len(value)
            self._texts.setdefault(path, []).append(value)

    def json(self) -> str:
        """Return the arguments so far as JSON text."""
        tree: dict[str | int, Any] = {}
        texts = {path: "".join(pieces) for path, pieces in self._texts.items()}
        for path, value in (texts | self._others).items():
            *steps, last = _steps(path)
            inner = tree
            for step in steps:
                within = inner.setdefault(step, {})
                # Where there is a value already, nothing else fits.
                inner = within if isinstance(within, dict) else {}
            inner[last] = value
        return msgspec.json.encode(_plain(tree.get("$", {}))).decode()


def _steps(path: str) -> list[str | int]:
    found = list(_STEP.finditer(path))[:MAX_DEPTH]
    return ["$", *(int(step[2]) if step[2] else step[1] or step[3] or "" for step in found)]


def _plain(tree: Any) -> Any:
    """Return *tree* with lists where its keys are numbers."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(isinstance(key, int) for key in tree):
        return [_plain(tree[key]) for key in sorted(tree)]
    return {str(key): _plain(value) for key, value in tree.items()}
