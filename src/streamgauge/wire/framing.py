"""The framings: how a byte stream falls into frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streamgauge.wire.events import Frame
from streamgauge.wire.eventstream import EventStreamDecoder
from streamgauge.wire.jsonarray import JsonArrayDecoder
from streamgauge.wire.ndjson import NdjsonDecoder
from streamgauge.wire.plain import PlainDecoder
from streamgauge.wire.sse import SseDecoder


class Framing(Protocol):
    """Turns chunks into frames; linear in the bytes, and bounded."""

    dropped: int  # frames over the limit
    failed: bool  # where frames begin is lost for good; nothing more will come

    @property
    def is_at_rest(self) -> bool:
        """Whether frames are lines, and nothing of one has come that is not whole yet."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take in *chunk* and return the frames it completed."""

    def close(self) -> list[Frame]:
        """The stream has ended; return what is left."""


FRAMINGS: dict[str, Callable[[], Framing]] = {
    "sse": SseDecoder,
    "ndjson": NdjsonDecoder,
    "jsonarray": JsonArrayDecoder,
    "eventstream": EventStreamDecoder,
    "plain": PlainDecoder,
}
