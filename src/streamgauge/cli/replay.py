"""`streamgauge replay`: a recorded stream again, at its own pace or another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from streamgauge.cli import words
from streamgauge.cli.asking import Server
from streamgauge.errors import StreamgaugeError
from streamgauge.wire.detect import choose
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.encoding import inflater
from streamgauge.wire.events import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from streamgauge.wire.framing import FRAMINGS

# How each kind of content is shown.
SAID: dict[type, tuple[str, str]] = {
    TextDelta: ("text", ""),
    ReasoningDelta: ("reasoning", "dim italic"),
    RefusalDelta: ("refusal", "red"),
    ToolCallDelta: ("tool_call", "cyan"),
}

STYLES = dict(SAID.values())

Piece = tuple[float, str, str]  # ms, kind, text


def run(server: Server, record_id: str, *, speed: float, is_raw: bool, is_json: bool) -> int:
    """Play the answer of *record_id*; *speed* 0 does not wait. Raises `StreamgaugeError`."""
    path = f"/api/v1/records/{record_id}"
    record = server.ask(path, [("timeline", "true")])
    raw, headers = server.raw(f"{path}/bytes")
    chunks = [(float(ms), int(size)) for ms, size in record["timeline"]["chunks"]]
    if not chunks:
        raise StreamgaugeError(f"record {record_id} has no answer that could be played")
    wait = Clock(speed)
    if is_raw:
        for ms, data in _timed(raw, chunks):
            wait.until(ms)
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        return 0
    pieces = said(raw, chunks, record["path"] or "", dict(headers))
    console = Console(highlight=False, soft_wrap=True)
    for ms, kind, text in pieces:
        wait.until(ms)
        if is_json:
            line = {"ms": ms, "kind": kind, "text": text}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()
        else:
            console.print(Text(text, style=STYLES[kind]), end="")
    wait.until(record["duration_ms"] or 0.0)
    if not is_json:
        console.print()
        console.print(_summary(record))
    return 0


class Clock:
    """Waits for moments of a stream that begins now, *speed* times as fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = monotonic()

    def until(self, ms: float) -> None:
        """Wait until *ms* of the stream have passed."""
        if self._speed:
            sleep(max(self._began + ms / 1000 / self._speed - monotonic(), 0))


def _timed(raw: bytes, chunks: list[tuple[float, int]]) -> Iterator[tuple[float, bytes]]:
    """Yield the chunks of an answer with their times; what has none comes with the last."""
    at = 0
    for number, (ms, size) in enumerate(chunks, 1):
        end = at + size if number < len(chunks) else len(raw)
        yield ms, raw[at:end]
        at = end


def said(
    raw: bytes, chunks: list[tuple[float, int]], path: str, headers: dict[str, str]
) -> Iterator[Piece]:
    """Yield what an answer says, and when: ms, kind and text."""
    choice = choose(path=path, content_type=headers.get("content-type"))
    if choice.framing is None or choice.dialect is None:
        raise StreamgaugeError("this answer is in no dialect that is known; --raw plays its bytes")
    framing, reader = FRAMINGS[choice.framing](), DIALECTS[choice.dialect]()
    inflating = inflater(headers.get("content-encoding"))
    ms = 0.0
    for ms, data in _timed(raw, chunks):
        plain = data if inflating is None else inflating.feed(data)
        for frame in framing.feed(plain):
            yield from _pieces(ms, reader.read(frame))
    for frame in framing.close():
        yield from _pieces(ms, reader.read(frame))


def _pieces(ms: float, events: list[Any]) -> Iterator[Piece]:
    for event in events:
        known = SAID.get(type(event))
        if known is None:
            continue
        text = event.arguments if isinstance(event, ToolCallDelta) else event.text
        if isinstance(event, ToolCallDelta) and event.name:
            text = f"\n{event.name} {text}"
        if text:
            yield ms, known[0], text


def _summary(record: dict[str, Any]) -> Text:
    outcome = record["outcome"]
    return Text.assemble(
        (outcome, words.style_of(outcome)),
        f"  TTFT {words.time(record['ttft_ms'])}, {words.time(record['duration_ms'])}, ",
        f"{words.number(record['output_tokens'])} tokens, {words.dollars(record['cost_usd'])}",
    )
