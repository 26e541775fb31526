"""`streamgauge decode`: what a stream says, without a server.

A file has no times. A stream that comes through a pipe, as from curl, has those at which its
pieces came here, counted from the start of the process. Python takes some tenths of a second before
it can read: what has come by then is here, but nobody knows since when.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from streamgauge.cli.began import began_ns
from streamgauge.errors import StreamgaugeError
from streamgauge.meter.timeline import Timeline
from streamgauge.meter.usage import usage_of
from streamgauge.record import Reply, Timing, Usage
from streamgauge.wire import Choice, Decoding, choose, guess
from streamgauge.wire.decoding import EVENT, REASONING, TEXT
from streamgauge.wire.detect import dialect_of
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.framing import FRAMINGS

# So much is read at once, whatever the length of the file.
PIECE = 64 * 1024

# How much of a text is shown; --json has all of it.
SHOWN = 4000


def run(
    file: str,
    *,
    path: str,
    content_type: str | None,
    dialect: str | None,
    framing: str | None,
    is_json: bool,
) -> int:
    """Print what *file* (``-`` is the standard input) says; raises `StreamgaugeError`."""
    for name, known, what in ((dialect, DIALECTS, "dialect"), (framing, FRAMINGS, "framing")):
        if name is not None and name not in known:
            raise StreamgaugeError(f"--{what} is one of {', '.join(sorted(known))}, not {name!r}")
    decoding, size, clock = None, 0, _Clock()
    for piece, at in _pieces(file, clock):
        if decoding is None:
            decoding = Decoding(_choice(piece, path, content_type, dialect, framing))
        heard = decoding.feed(piece)
        size += len(piece)
        if at is not None:
            _note(clock.timeline, at, len(piece), heard)
    if decoding is None:
        raise StreamgaugeError(f"{file} is empty")
    decoding.close()
    if decoding.dialect is None:
        raise StreamgaugeError(
            f"{file} is in no dialect that is known; name it with --dialect "
            f"({', '.join(sorted(DIALECTS))}), or the request's --path"
        )
    reply = decoding.reply.reply()
    usage = usage_of(
        reply.usage, dialect=decoding.dialect.name, final=decoding.reply.is_usage_final
    )
    timing = clock.timing(usage)
    if is_json:
        said = {
            "dialect": decoding.dialect.name,
            "is_whole": decoding.is_whole,
            "bytes": size,
            "usage": usage,
            "timing": timing,
            "readable_ms": clock.readable_ms if timing else None,
            "reply": reply,
            "trouble": decoding.trouble,
        }
        print(msgspec.json.encode(said).decode())
    else:
        _show(decoding, reply, usage, size)
        _show_times(timing, clock)
    return 0


def _pieces(file: str, clock: _Clock) -> Iterator[tuple[bytes, int | None]]:
    """Yield what *file* brings, and when, if that means anything."""
    if file == "-":
        yield from _read(cast("io.BufferedReader", sys.stdin.buffer), clock)
        return
    try:
        with Path(file).open("rb") as opened:
            yield from _read(opened, clock)
    except OSError as error:
        raise StreamgaugeError(f"cannot read {file}: {error.strerror}") from None


def _read(opened: io.BufferedReader, clock: _Clock) -> Iterator[tuple[bytes, int | None]]:
    is_live = _is_live(opened)
    if is_live:
        clock.look(opened)
    while piece := opened.read1(PIECE):
        yield piece, time.monotonic_ns() if is_live else None


def _is_live(opened: io.BufferedReader) -> bool:
    try:
        return not stat.S_ISREG(os.fstat(opened.fileno()).st_mode)
    except OSError:
        return False  # no file at all


# -- times -----------------------------------------------------------------------------------------


# What is counted from the start of the process, as opposed to between two pieces.
_SINCE_START = (
    "first_byte_ms",
    "first_event_ms",
    "first_reasoning_ms",
    "ttft_ms",
    "last_token_ms",
    "duration_ms",
)


class _Clock:
    """The times of a stream, and what cannot be known of them."""

    def __init__(self) -> None:
        began, self._now = began_ns(), time.monotonic_ns()
        self._is_known = began is not None
        self.timeline = Timeline(self._now if began is None else began)
        self.was_late = False  # there was something to read before the first look

    def look(self, opened: io.BufferedReader) -> None:
        """See whether anything is there already."""
        self.was_late = bool(select.select([opened], [], [], 0)[0])

    @property
    def readable_ms(self) -> float | None:
        """From the start of the process until it could read; None if that start is unknown."""
        return (self._now - self.timeline.t0) / 1e6 if self._is_known else None

    def timing(self, usage: Usage) -> Timing | None:
        """Return what is known; None of a file."""
        if not self.timeline.chunk_bytes:
            return None
        self.timeline.end(time.monotonic_ns())
        timing = self.timeline.timing(
            output_tokens=usage.output_tokens, reasoning_tokens=usage.reasoning_tokens
        )
        untimed = [name for name in _SINCE_START if self._is_untimed(timing, name)]
        if "ttft_ms" in untimed and self.was_late:
            untimed.append("tokens_per_second")  # since a first token that came who knows when
        return replace(timing, **dict.fromkeys(untimed))

    def _is_untimed(self, timing: Timing, name: str) -> bool:
        if not self._is_known:
            return True
        value = getattr(timing, name)
        return self.was_late and value is not None and value == timing.first_byte_ms


def _note(timeline: Timeline, at: int, size: int, heard: int) -> None:
    timeline.chunk(at, size)
    for sign, note in ((EVENT, timeline.event), (REASONING, timeline.reasoning)):
        if heard & sign:
            note(at)
    if heard & TEXT:
        timeline.content(at)


def _choice(
    beginning: bytes, path: str, content_type: str | None, dialect: str | None, framing: str | None
) -> Choice:
    told = choose(path=path, content_type=content_type) if content_type else None
    if told is None or told.framing is None:
        told = Choice(guess(beginning).framing, dialect_of(path))
    return Choice(framing or told.framing, dialect or told.dialect)


# -- show ------------------------------------------------------------------------------------------

# What of the times is shown, in this order; --json has all of them.
_MARKS = (
    ("first byte", "first_byte_ms"),
    ("first event", "first_event_ms"),
    ("first reasoning", "first_reasoning_ms"),
    ("first token", "ttft_ms"),
    ("last token", "last_token_ms"),
    ("end", "duration_ms"),
    ("gap p50", "itl_p50_ms"),
    ("gap p99", "itl_p99_ms"),
    ("longest gap", "max_gap_ms"),
)
_ALWAYS = ("first_byte_ms", "ttft_ms")  # said to be unknown where they are


def _show(decoding: Decoding, reply: Reply, usage: Usage, size: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    facts = Table(show_header=False, box=None, pad_edge=False)
    facts.add_row("dialect", decoding.dialect.name if decoding.dialect else "unknown")
    facts.add_row("model", reply.model or "unknown")
    facts.add_row("id", reply.id or "unknown")
    facts.add_row("bytes", f"{size:,}")
    facts.add_row("whole", "yes" if decoding.is_whole else "no: its last word is missing")
    facts.add_row("tokens", _tokens(usage))
    if decoding.trouble:
        facts.add_row("trouble", decoding.trouble)
    console.print(facts)
    for choice in reply.choices:
        title = f"choice {choice.index}"
        console.rule(f"{title} ({choice.finish_reason})" if choice.finish_reason else title)
        for name in ("reasoning", "refusal", "text"):
            text = getattr(choice, name)
            if text:
                console.print(name, style="bold")
                console.print(text[:SHOWN], markup=False)
        for call in choice.tool_calls:
            console.print(f"{call.name}({call.arguments})"[:SHOWN], markup=False)
    for fault in reply.faults:
        console.print(f"{fault.type or 'error'}: {fault.message}", style="red", markup=False)


def _show_times(timing: Timing | None, clock: _Clock) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if timing is None:
        console.print("A file has no times: pipe a stream in to see them.", style="dim")
        return
    console.rule("times, in ms from the start of this command")
    times = Table(show_header=False, box=None, pad_edge=False)
    times.add_column()
    times.add_column(justify="right")
    for name, field in _MARKS:
        value = getattr(timing, field)
        if value is not None:
            times.add_row(name, f"{value:,.1f}")
        elif field in _ALWAYS:
            times.add_row(name, "unknown")
    if timing.tokens_per_second is not None:
        times.add_row("tokens per second", f"{timing.tokens_per_second:,.1f}")
    console.print(times)
    if clock.readable_ms is None:
        console.print("Unknown: this system does not tell when the command began.", style="dim")
    elif clock.was_late:
        console.print(
            "Unknown: it was here before this command could read, "
            f"{clock.readable_ms:,.0f} ms after its start.",
            style="dim",
        )


def _tokens(usage: Usage) -> str:
    counts = (usage.input_tokens, usage.output_tokens)
    if counts == (None, None):
        return "unknown"
    asked, said = ("unknown" if count is None else f"{count:,}" for count in counts)
    return f"{asked} in, {said} out ({usage.usage_source.value})"
