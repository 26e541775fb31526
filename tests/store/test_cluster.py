"""Statements for a cluster, as far as they can be seen without one."""

from __future__ import annotations

import pytest

from streamgauge.store.cluster import on_cluster
from streamgauge.store.migrations import _LEDGER, shipped

STATEMENTS = [_LEDGER, *(one for step in shipped() for one in step.statements())]


@pytest.mark.parametrize("statement", STATEMENTS, ids=range(len(STATEMENTS)))
def test_every_table_is_made_and_changed_on_all_servers(store, statement):
    """And ClickHouse's own parser takes it."""
    [row] = store.query(
        "SELECT formatQuerySingleLine({sql:String}) AS sql", {"sql": on_cluster(statement, "c")}
    )
    assert " ON CLUSTER c" in row["sql"]
    assert ("ENGINE = Replicated" in row["sql"]) == row["sql"].startswith("CREATE TABLE")
    assert "ENGINE = MergeTree" not in row["sql"]


def test_all_else_is_as_it_was():
    for statement in ("SELECT 1", "INSERT INTO migrations (number) SELECT 1"):
        assert on_cluster(statement, "c") == statement
    made = on_cluster("CREATE DATABASE IF NOT EXISTS `x`", "c")
    assert made == "CREATE DATABASE IF NOT EXISTS `x` ON CLUSTER `c`"
    changed = on_cluster("ALTER TABLE records MODIFY TTL a SETTINGS alter_sync = 0", "c")
    assert changed == "ALTER TABLE records ON CLUSTER `c` MODIFY TTL a SETTINGS alter_sync = 0"
