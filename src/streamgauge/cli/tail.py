"""`streamgauge tail`: exchanges as they run, and what became of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streamgauge.cli import words
from streamgauge.cli.asking import MissingError, Server
from streamgauge.errors import StreamgaugeError
from streamgauge.record import Outcome
from streamgauge.store.columns import SUMMARY_COLUMNS

# So many open ones are shown below what has ended.
SHOWN = 15
WIDTH = 60  # of the text of each

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0

# A server that starts again has a journal to read before it knows what became of a stream.
JOURNAL_S = 10.0

# What is said of the server itself.
NEWS = {"away": "The server is away; waiting for it.", "back": "The server is back."}

Event = tuple[str, dict[str, Any]]


def run(server: Server, *, model: str | None, provider: str | None, is_json: bool) -> int:
    """Follow until interrupted; a server that goes away is waited for."""
    wanted = {"model": model, "provider": provider}
    console = Console(highlight=False)
    view = _View(console)
    with Live(view, console=console, refresh_per_second=8, transient=True) as live:
        if is_json or not console.is_terminal:
            live.stop()
        for name, data in followed(server):
            if any(word and data.get(field) not in (word, None) for field, word in wanted.items()):
                continue
            if is_json:
                sys.stdout.write(msgspec.json.encode({"event": name, **data}).decode() + "\n")
                sys.stdout.flush()
            else:
                view.take(name, data)
    return 0


def followed(server: Server) -> Iterator[Event]:
    """Yield events for ever; the first connection must succeed.

    After one that breaks comes ``away``, then ``back``, and then what became in between of what
    was open: ``closed``, or ``unknown`` where the server does not know it any more.
    """
    open_ids: set[str] = set()
    pause_s, has_begun, is_away = FIRST_PAUSE_S, False, False
    while True:
        try:
            with server.lines("/api/v1/live") as lines:
                has_begun, pause_s = True, FIRST_PAUSE_S
                if is_away:
                    is_away = False
                    yield "back", {}
                missed: set[str] = set()
                for name, data in _missed(server, open_ids):
                    missed.add(data["id"])
                    open_ids.discard(data["id"])
                    yield name, data
                for name, data in _events(lines):
                    if data.get("id") not in missed:  # which has been told already
                        _note(open_ids, name, data)
                        yield name, data
        except StreamgaugeError:
            if not has_begun:
                raise
            if not is_away:
                is_away = True
                yield "away", {}
        sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _note(open_ids: set[str], name: str, data: dict[str, Any]) -> None:
    if name == "opened":
        open_ids.add(data["id"])
    elif name == "closed":
        open_ids.discard(data["id"])


def _missed(server: Server, open_ids: set[str]) -> Iterator[Event]:
    """Yield what became of those that are over. Of the others the live view will tell."""
    waiting, until = sorted(open_ids), monotonic() + JOURNAL_S
    while waiting:
        unknown = []
        for record_id in waiting:
            try:
                record = server.ask(f"/api/v1/records/{record_id}")
            except MissingError:
                unknown.append(record_id)
                continue
            if record["outcome"] != Outcome.OPEN:
                yield "closed", {name: record.get(name) for name in SUMMARY_COLUMNS}
        if unknown and monotonic() >= until:
            yield from (("unknown", {"id": record_id}) for record_id in unknown)
            return
        waiting = unknown
        sleep(FIRST_PAUSE_S if unknown else 0)


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
        elif name == "unknown":
            self.open.pop(data["id"], None)
            self._console.print(f"{data['id']} is not known to the server any more", style="dim")
        elif name in NEWS:
            self._console.print(NEWS[name], style="dim")
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
        (f"{words.text(record['provider'])}/{words.text(record['model'])}  ", ""),
        (f"TTFT {words.time(record['ttft_ms'])}  ", ""),
        (f"{words.time(record['duration_ms'])}  ", ""),
        (f"{words.number(record['output_tokens'])} tokens  ", ""),
        (f"{words.dollars(record['cost_usd'])}  ", ""),
        (record["id"], "dim"),
    ]
    if record.get("error_type"):
        parts.append((f"  {record['error_type']}", words.BAD))
    return Text.assemble(*parts)
