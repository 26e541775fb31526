"""The events of an SDK's streaming helpers, as they were on the wire.

OpenAI's ``chat.completions.stream()`` and Anthropic's ``messages.stream()`` give events of their
own beside the provider's or around them, many with the whole answer so far in each: a long one
would be told a thousand times. They are known by where their classes stand, so that no SDK has
to be imported.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from streamgauge.sdk.plain import json_text

# In the path of the modules that define them.
HELPERS = ".lib.streaming."


def wire_text(event: Any) -> str | None:
    """Return an item of a stream as JSON; None if it only repeats what others say."""
    kind: Any = type(event)
    return _writer(kind)(event)


@cache
def _writer(kind: Any) -> Callable[[Any], str | None]:
    if not _is_helpers(kind):
        return json_text
    fields = _fields(kind)
    if "chunk" in fields:
        return lambda event: json_text(event.chunk)
    own = next((one for one in kind.__mro__ if not _is_helpers(one) and _fields(one)), None)
    if own is None:
        return lambda _: None
    added = fields - _fields(own)
    return lambda event: json_text(event, without=added)


def _is_helpers(kind: type) -> bool:
    return HELPERS in f"{kind.__module__}."


def _fields(kind: type) -> frozenset[str]:
    return frozenset(getattr(kind, "model_fields", ()))
