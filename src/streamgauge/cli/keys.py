"""`streamgauge keys`: API keys of a data folder, whether its server runs or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from streamgauge.cli import words
from streamgauge.errors import StreamgaugeError
from streamgauge.keys import Key, Keys, Scope
from streamgauge.settings import load

WIDE = 1000  # a file or a pipe has no width

COLUMNS: tuple[tuple[str, Callable[[Key], str]], ...] = (
    ("id", lambda key: key.id),
    ("name", lambda key: key.name),
    ("scopes", lambda key: ", ".join(key.scopes)),
    ("created", lambda key: words.day_and_time(key.created_at.isoformat())),
    (
        "revoked",
        lambda key: words.day_and_time(key.revoked_at.isoformat()) if key.revoked_at else "",
    ),
)


def keys_of(data: Path | None, config: Path | None) -> Keys:
    """Return the keys of the data folder that a server with these options would have."""
    overrides = {} if data is None else {"data": str(data)}
    return Keys(load(config, overrides=overrides).data_dir)


def create(keys: Keys, name: str, scopes: list[Scope], *, is_json: bool) -> int:
    """Make a key and print its secret, alone on the standard output."""
    is_first = not keys.exist
    key, secret = keys.create(name, scopes)
    if is_json:
        print(msgspec.json.encode(_public(key) | {"key": secret}).decode())
        return 0
    print(secret, flush=True)
    _note(f"This is the key {key.id} ({', '.join(key.scopes)}). It is shown only now.")
    if is_first:
        _note("From now on the API, the page and the log calls need a key.")
    return 0


def listed(keys: Keys, *, is_json: bool) -> int:
    """Print every key without its secret."""
    if is_json:
        for key in keys.all():
            print(msgspec.json.encode(_public(key)).decode())
        return 0
    if not keys.exist:
        _note("There are no keys: whoever reaches the server may do everything.")
        return 0
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, _ in COLUMNS:
        table.add_column(title)
    for key in keys.all():
        table.add_row(*(say(key) for _, say in COLUMNS), style="dim" if key.revoked_at else "")
    console.print(table)
    return 0


def revoke(keys: Keys, key_id: str) -> int:
    """End a key."""
    key = keys.revoke(key_id)
    if key is None:
        raise StreamgaugeError(f"there is no key {key_id}; `streamgauge keys list` names them")
    _note(f"The key {key.id} ({key.name}) is of no use any more.")
    return 0


def _public(key: Key) -> dict[str, Any]:
    told = msgspec.structs.asdict(key)
    del told["hash"]
    return told


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
