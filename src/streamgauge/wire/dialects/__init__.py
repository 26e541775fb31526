"""The dialects: what frames mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streamgauge.wire.dialects.anthropic import Anthropic
from streamgauge.wire.dialects.openai_chat import OpenAIChat
from streamgauge.wire.events import Event, Frame


class Dialect(Protocol):
    """How one provider API speaks. One reader per stream."""

    name: str
    # Whether an answer that gave its finish reason is whole although no last word came.
    ends_without_terminal: bool

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says."""


DIALECTS: dict[str, Callable[[], Dialect]] = {
    OpenAIChat.name: OpenAIChat,
    Anthropic.name: Anthropic,
}
