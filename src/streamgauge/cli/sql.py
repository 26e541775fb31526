"""`streamgauge sql`: a question in SQL over the stored records."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamgauge.cli import words
from streamgauge.cli.asking import Server
from streamgauge.cli.records import WIDE

STDIN = "-"


def run(server: Server, query: str, *, limit: int, is_json: bool) -> int:
    """Print what *query* finds; ``-`` reads it from standard input."""
    asked = sys.stdin.read() if query == STDIN else query
    answer = server.tell("/api/v1/sql", {"query": asked, "limit": limit})
    if is_json:
        for row in answer["rows"]:
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
    else:
        _print(answer)
    if answer["truncated"]:
        print(f"There is more than these {limit:,} rows: see --limit.", file=sys.stderr)
    return 0


def _print(answer: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in answer["columns"]:
        is_number = any(word in column["type"] for word in ("Int", "Float", "Decimal"))
        table.add_column(
            Text(column["name"]), justify="right" if is_number else "left", no_wrap=True
        )
    for row in answer["rows"]:
        # As text: what a client or a provider named must not be taken for markup.
        table.add_row(*(Text(_said(value)) for value in row.values()))
    Console(highlight=False, width=None if sys.stdout.isatty() else WIDE).print(table)


def _said(value: Any) -> str:
    if value is None:
        return words.ABSENT
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
