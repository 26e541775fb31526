"""The schema's history."""

from __future__ import annotations

import pytest

from streamgauge.errors import StoreError
from streamgauge.store.clickhouse import parse_url
from streamgauge.store.embedded import ChdbEngine
from streamgauge.store.migrations import Migration, migrate, shipped
from tests.simulating import until

ONE = Migration(1, "one", "-- why\nCREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Memory;\n")
TWO = Migration(
    2,
    "two",
    "CREATE TABLE IF NOT EXISTS b (x String DEFAULT ';') ENGINE = Memory;\n"
    "INSERT INTO b VALUES ('y');\n",
)


@pytest.fixture
def engine(folder, request):
    opened = ChdbEngine(
        parse_url(f"chdb://{folder.path}?database=m_{abs(hash(request.node.name))}")
    )
    yield opened
    opened.close()


def test_migrations_are_numbered_from_1_without_gaps():
    assert [migration.number for migration in shipped()] == list(range(1, len(shipped()) + 1))


def test_each_migration_is_applied_once(engine):
    assert migrate(engine, [ONE]) == [1]
    assert migrate(engine, [ONE, TWO]) == [2]
    assert migrate(engine, [ONE, TWO]) == []
    assert engine.query("SELECT count() FROM b", form="TabSeparated") == b"1\n"


def test_what_was_applied_is_written_down(engine):
    migrate(engine, [ONE, TWO])
    ledger = engine.query("SELECT number, name FROM migrations ORDER BY number", form="CSV")
    assert ledger == b'1,"one"\n2,"two"\n'


def test_a_migration_that_failed_is_tried_again(engine):
    broken = Migration(2, "two", "CREATE TABLE IF NOT EXISTS b (x Nonsense) ENGINE = Memory")
    with pytest.raises(StoreError, match="Nonsense"):
        migrate(engine, [ONE, broken])
    assert migrate(engine, [ONE, TWO]) == [2]


def test_what_nobody_told_becomes_null(engine):
    """In rows that an older version has written, too."""
    migrate(engine, shipped()[:3])
    engine.command(
        "INSERT INTO records (id, started_at, provider, path) VALUES "
        "('a', now64(6), '', ''), ('b', now64(6), 'openai', '/v1')"
    )
    assert migrate(engine) == [migration.number for migration in shipped()[3:]]
    asked = "SELECT id, provider, path FROM records ORDER BY id"
    rows = until(lambda: (found := engine.query(asked, form="TSV")).count(rb"\N") and found)
    assert rows == b"a\t\\N\t\\N\nb\topenai\t/v1\n"


def test_a_store_of_a_newer_version_is_refused(engine):
    migrate(engine, [ONE, TWO])
    with pytest.raises(StoreError, match="migration 2"):
        migrate(engine, [ONE])
