"""The schema's history: numbered SQL files, each applied once and written down."""

from __future__ import annotations

import re
from importlib.resources import files

import msgspec
from msgspec import Struct

from streamgauge.errors import StoreError
from streamgauge.store.clickhouse import Engine

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_COMMENT = re.compile(r"^--.*$", re.MULTILINE)

_LEDGER = """
CREATE TABLE IF NOT EXISTS migrations
(
    number     UInt16,
    name       String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


class Migration(Struct, frozen=True):
    """One step of the schema. Statements are separated by a line that ends with ``;``."""

    number: int
    name: str
    sql: str

    def statements(self) -> list[str]:
        """The statements without comment lines, in order."""
        parts = re.split(r";[ \t]*(?:\n|$)", _COMMENT.sub("", self.sql))
        return [part.strip() for part in parts if part.strip()]


def shipped() -> list[Migration]:
    """The migrations that come with this version, in order of their numbers."""
    entries = files("streamgauge.store").joinpath("schema").iterdir()
    found = [
        Migration(int(match[1]), match[2], entry.read_text("utf-8"))
        for entry in entries
        if (match := _FILE.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate(engine: Engine, migrations: list[Migration] | None = None) -> list[int]:
    """Apply what is missing and return its numbers.

    A step that was cut off runs again, so statements must bear being repeated
    (``IF NOT EXISTS``). Raises `StoreError` when the store is newer than this version.
    """
    wanted = shipped() if migrations is None else migrations
    engine.command(_LEDGER)
    raw = engine.query("SELECT number FROM migrations")
    done = {line["number"] for line in map(msgspec.json.decode, raw.splitlines())}
    if unknown := done - {migration.number for migration in wanted}:
        raise StoreError(
            f"the store has migration {max(unknown)}, which this version does not know; "
            "use the newer version of streamgauge that made it"
        )
    missing = [migration for migration in wanted if migration.number not in done]
    for migration in missing:
        for statement in migration.statements():
            engine.command(statement)
        engine.command(
            "INSERT INTO migrations (number, name) SELECT {number:UInt16}, {name:String}",
            {"number": migration.number, "name": migration.name},
        )
    return [migration.number for migration in missing]
