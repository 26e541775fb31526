"""`streamgauge tail`: exchanges as they run, and what became of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import sleep
from typing import Any

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streamgauge.cli import words
from streamgauge.cli.asking import Server
from streamgauge.errors import StreamgaugeError

# So many open ones are shown below what has ended.
SHOWN = 15
WIDTH = 60  # of the text of each

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0

Event = tuple[str, dict[str, Any]]


def run(server: Server, *, model: str | None, provider: str | None, is_json: bool) -> int:
    """Follow until interrupted; a server that goes away is waited for."""
    wanted = {"model": model, "provider": provider}
    console = Console(highlight=False)
    view = _View(console)
    with Live(view, console=console, refresh_per_second=8, transient=True) as live:
        if is_json or not console.is_terminal:
            live.stop()
        for name, data in _followed(server, view):
            if any(word and data.get(field) not in (word, None) for field, word in wanted.items()):
                continue
            if is_json:
                sys.stdout.write(msgspec.json.encode({"event": name, **data}).decode() + "\n")
                sys.stdout.flush()
            else:
                view.take(name, data)
    return 0


def _followed(server: Server, view: _View) -> Iterator[Event]:
    """Yield events for ever; the first connection must succeed."""
    pause_s, has_begun = FIRST_PAUSE_S, False
    while True:
        try:
            with server.lines("/api/v1/live") as lines:
                has_begun, pause_s = True, FIRST_PAUSE_S
                yield from _events(lines)
        except StreamgaugeError:
            if not has_begun:
                raise
        view.open.clear()
        sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    """Yield the server-sent events in *lines*; ours have one line of data each."""
    name = "message"
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, msgspec.json.decode(value)


class _View:
    """The open exchanges; the ended ones scroll away above."""

    def __init__(self, console: Console) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self._console = console

    def take(self, name: str, data: dict[str, Any]) -> None:
        """Take note of an event."""
        if name == "closed":
            self.open.pop(data["id"], None)
            self._console.print(_line(data), soft_wrap=True)
        elif name in ("opened", "progress"):
            self.open.setdefault(data["id"], {}).update(data)

    def __rich__(self) -> Group:
        table = Table(box=None, pad_edge=False, show_header=False)
        for one in list(self.open.values())[-SHOWN:]:
            said = " ".join(str(one.get("text") or "").split())[-WIDTH:]
            table.add_row(
                Text("●", style=words.style_of("open")),
                Text(words.text(one.get("model"))),
                Text(words.time(one.get("elapsed_ms")), justify="right"),
                Text(f"{words.number(one.get('output_tokens'))} tokens", justify="right"),
                Text(said, style="dim"),
            )
        left = len(self.open) - SHOWN
        more = [Text(f"and {left} more are open", style="dim")] if left > 0 else []
        return Group(table, *more)


def _line(record: dict[str, Any]) -> Text:
    """Return what became of one exchange, in a line."""
    outcome = record["outcome"]
    parts = [
        (f"{words.clock(record['started_at'])}  ", "dim"),
        (f"{outcome:<17} ", words.style_of(outcome)),
        (f"{record['provider']}/{words.text(record['model'])}  ", ""),
        (f"TTFT {words.time(record['ttft_ms'])}  ", ""),
        (f"{words.time(record['duration_ms'])}  ", ""),
        (f"{words.number(record['output_tokens'])} tokens  ", ""),
        (f"{words.dollars(record['cost_usd'])}  ", ""),
        (record["id"], "dim"),
    ]
    if record.get("error_type"):
        parts.append((f"  {record['error_type']}", words.BAD))
    return Text.assemble(*parts)
