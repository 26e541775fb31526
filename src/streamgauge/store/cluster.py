"""The tables of a cluster: the same statements, for all of its servers.

Tables are replicated by ClickHouse itself, under its default path and the macros ``shard`` and
``replica`` of each server (https://clickhouse.com/docs/engines/table-engines/mergetree-family/replication).
"""

from __future__ import annotations

import re

_SUBJECT = re.compile(r"^\s*(?:CREATE (?:TABLE|DATABASE) IF NOT EXISTS|ALTER TABLE) `?\w+`?")
_ENGINE = re.compile(r"\bENGINE = (?=(?:Replacing)?MergeTree\b)")


def on_cluster(statement: str, cluster: str) -> str:
    """Return *statement* for all servers of *cluster*, where it makes or changes a table."""
    found = _SUBJECT.match(statement)
    if found is None:
        return statement
    rest = _ENGINE.sub("ENGINE = Replicated", statement[found.end() :])
    return f"{found[0]} ON CLUSTER `{cluster}`{rest}"
