"""`streamgauge records` and `streamgauge stats`: questions that the page also asks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamgauge.cli import words
from streamgauge.cli.asking import Pairs, Server

PAGE = 1000
WIDE = 1000  # a file or a pipe has no width

# Columns of the tables: title, field, how it is said, and whether it stands right.
Column = tuple[str, str, Callable[[Any], str], bool]
RECORDS: tuple[Column, ...] = (
    ("time", "started_at", words.clock, False),
    ("id", "id", words.text, False),
    ("provider", "provider", words.text, False),
    ("model", "model", words.text, False),
    ("outcome", "outcome", words.text, False),
    ("TTFT", "ttft_ms", words.time, True),
    ("duration", "duration_ms", words.time, True),
    ("max gap", "max_gap_ms", words.time, True),
    ("tokens", "output_tokens", words.number, True),
    ("tokens/s", "tokens_per_second", words.rate, True),
    ("cost", "cost_usd", words.dollars, True),
)
STATS: tuple[Column, ...] = (
    ("time", "time", lambda moment: words.clock(moment) if moment else words.ABSENT, False),
    ("group", "group", words.text, False),
    ("records", "count", words.number, True),
    ("errors", "errors", words.number, True),
    ("TTFT p50", "ttft_p50_ms", words.time, True),
    ("p95", "ttft_p95_ms", words.time, True),
    ("p99", "ttft_p99_ms", words.time, True),
    ("ITL p50", "itl_p50_ms", words.time, True),
    ("p95", "itl_p95_ms", words.time, True),
    ("tokens in", "input_tokens", words.number, True),
    ("out", "output_tokens", words.number, True),
    ("cost", "cost_usd", words.dollars, True),
)


def records(server: Server, wanted: Pairs, *, sort: str, limit: int, is_json: bool) -> int:
    """Print records that match, one a line."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < limit:
        size = min(limit - len(found), PAGE)
        page: Pairs = [*wanted, ("sort", sort), ("limit", str(size))]
        answer = server.ask("/api/v1/records", page + ([("cursor", cursor)] if cursor else []))
        found += answer["records"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    if is_json:
        _print_json(found)
    else:
        _print(found, RECORDS)
    return 0


def stats(
    server: Server, wanted: Pairs, *, group_by: str | None, bucket: str | None, is_json: bool
) -> int:
    """Print counts, percentiles, tokens and cost of the records that match."""
    more = [("group_by", group_by), ("bucket", bucket)]
    answer = server.ask("/api/v1/stats", wanted + [(k, v) for k, v in more if v])
    rows = answer["buckets"]
    if is_json:
        _print_json(rows)
        return 0
    hidden = {"time"} if not bucket else set()
    hidden |= {"group"} if not group_by else set()
    _print(rows, tuple(column for column in STATS if column[1] not in hidden))
    left = answer["groups_total"] - len({row["group"] for row in rows})
    if left > 0:
        print(f"and {left} smaller groups")
    return 0


def _print_json(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")


def _print(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> None:
    if not rows:
        print("There is nothing that matches.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, _, _, is_right in columns:
        table.add_column(title, justify="right" if is_right else "left", no_wrap=True)
    for row in rows:
        # As text: what a client or a provider named must not be taken for markup.
        table.add_row(*(_cell(row, field, say) for _, field, say, _ in columns))
    width = None if sys.stdout.isatty() else WIDE
    Console(highlight=False, width=width).print(table)


def _cell(row: dict[str, Any], field: str, say: Callable[[Any], str]) -> Text:
    style = words.style_of(row[field]) if field == "outcome" else ""
    return Text(say(row[field]), style=style)
