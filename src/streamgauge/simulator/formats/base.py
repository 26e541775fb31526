"""What every format can do, and the pieces that a stream is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from streamgauge.simulator.answer import Answer

DONE = b"data: [DONE]\n\n"

_encoder = msgspec.json.Encoder()


class Piece(NamedTuple):
    """One event of a stream; a piece with content waits for its turn, others follow at once."""

    data: bytes
    is_content: bool = False


class Format(Protocol):
    """One dialect: an answer as a stream, and the same answer as one JSON body."""

    content_type: str

    def stream(self, answer: Answer) -> Iterator[Piece]:
        """Yield the events of *answer*, made one at a time."""
        ...

    def body(self, answer: Answer) -> dict[str, Any]:
        """Return *answer* as the plain JSON body."""
        ...


def to_json(value: Any) -> bytes:
    """Encode *value* as providers do: compact, UTF-8."""
    return _encoder.encode(value)


def sse(value: Any, event: str | None = None) -> bytes:
    """Write *value* as one server-sent event, with its name where the dialect uses names."""
    name = b"event: %b\n" % event.encode() if event else b""
    return b"%bdata: %b\n\n" % (name, to_json(value))
