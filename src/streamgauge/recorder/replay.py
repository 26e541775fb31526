"""A stream again, from its record: what each chunk said, and when it came."""

from __future__ import annotations

from typing import NamedTuple

from streamgauge.record import Transcript
from streamgauge.wire.accumulate import Accumulator
from streamgauge.wire.decoding import Decoding, decoding_of
from streamgauge.wire.events import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    ToolCallDelta,
)

# Pieces of one answer; what comes later is in the reply, but cannot be played.
MAX_PIECES = 100_000


class Piece(NamedTuple):
    """What one chunk said of one kind: ``[ms, kind, text]``."""

    ms: float
    kind: str
    text: str


class _Listener(Accumulator):
    """An accumulator that tells what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str]] = []

    def say(self, text: str, index: int) -> None:
        super().say(text, index)
        if text:
            self.heard.append(("text", text))

    def add(self, event: Event) -> None:
        super().add(event)
        said = _said(event)
        if said is not None and said[1]:
            self.heard.append(said)

    def take(self) -> dict[str, str]:
        """Return what was heard since, by kind, in the order in which the kinds came."""
        texts: dict[str, str] = {}
        for kind, text in self.heard:
            texts[kind] = texts.get(kind, "") + text
        self.heard.clear()
        return texts


def _said(event: Event) -> tuple[str, str] | None:
    if isinstance(event, ReasoningDelta):
        return "reasoning", event.text
    if isinstance(event, RefusalDelta):
        return "refusal", event.text
    if isinstance(event, ToolCallDelta):
        head = f"{event.name}: " if event.name else ""
        return "tool", head + event.arguments
    return None


def pieces(transcript: Transcript, *, path: str, is_told: bool = False) -> list[Piece]:
    """Return what the chunks of *transcript* said, in the order in which they came.

    *path* is the request's; it helps to tell the dialect. *is_told*: it did not pass the gateway.
    """
    decoding = _decoding(transcript, path, is_told=is_told)
    listener = decoding.reply = _Listener()
    found: list[Piece] = []
    offset, last = 0, 0.0
    for last, size in zip(transcript.chunk_ms, transcript.chunk_bytes, strict=True):
        decoding.feed(transcript.raw[offset : offset + size])
        offset += size
        found += [Piece(last, kind, text) for kind, text in listener.take().items()]
        if len(found) >= MAX_PIECES:
            return found
    decoding.feed(transcript.raw[offset:])
    decoding.close()
    return found + [Piece(last, kind, text) for kind, text in listener.take().items()]


def _decoding(transcript: Transcript, path: str, *, is_told: bool) -> Decoding:
    headers = {name.lower(): value for name, value in transcript.response_headers.items()}
    return decoding_of(
        path=path,
        content_type=headers.get("content-type"),
        content_encoding=headers.get("content-encoding"),
        beginning=transcript.raw,
        is_told=is_told,
    )
