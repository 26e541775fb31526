"""`streamgauge decode`: what a recorded stream says, without a server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from rich.console import Console
from rich.table import Table

from streamgauge.errors import StreamgaugeError
from streamgauge.meter.usage import usage_of
from streamgauge.record import Reply, Usage
from streamgauge.wire import Choice, Decoding, choose, guess
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
    decoding, size = None, 0
    for piece in _pieces(file):
        if decoding is None:
            decoding = Decoding(_choice(piece, path, content_type, dialect, framing))
        decoding.feed(piece)
        size += len(piece)
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
    if is_json:
        said = {
            "dialect": decoding.dialect.name,
            "is_whole": decoding.is_whole,
            "bytes": size,
            "usage": usage,
            "reply": reply,
            "trouble": decoding.trouble,
        }
        print(msgspec.json.encode(said).decode())
    else:
        _show(decoding, reply, usage, size)
    return 0


def _pieces(file: str) -> Iterator[bytes]:
    if file == "-":
        yield from _read(sys.stdin.buffer)
        return
    try:
        with Path(file).open("rb") as opened:
            yield from _read(opened)
    except OSError as error:
        raise StreamgaugeError(f"cannot read {file}: {error.strerror}") from None


def _read(opened: BinaryIO) -> Iterator[bytes]:
    while piece := opened.read(PIECE):
        yield piece


def _choice(
    beginning: bytes, path: str, content_type: str | None, dialect: str | None, framing: str | None
) -> Choice:
    told = choose(path=path, content_type=content_type) if content_type else None
    if told is None or told.framing is None:
        told = Choice(guess(beginning).framing, dialect_of(path))
    return Choice(framing or told.framing, dialect or told.dialect)


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
    console.print("A file has no times; the records of a server have them.", style="dim")


def _tokens(usage: Usage) -> str:
    if usage.input_tokens is None and usage.output_tokens is None:
        return "unknown"
    return f"{usage.input_tokens} in, {usage.output_tokens} out ({usage.usage_source.value})"
