"""What was said about records after their end: scores, and properties that win over theirs."""

# ruff: noqa: S608 - no name and no value becomes text of a statement

from __future__ import annotations

from typing import Any

from streamgauge.record import Amended
from streamgauge.store.filters import Where
from streamgauge.store.loader import Store


def amend(store: Store, rows: list[dict[str, Any]]) -> None:
    """Bring the properties of *rows* up to date, and give each its ``scores``.

    A row has its ``id``, ``client_request_id`` and ``properties``; either id may be the one
    under which something was said.
    """
    ids = [one for row in rows for one in (row["id"], row["client_request_id"]) if one]
    where = Where()
    where.add(f"record_id IN {where.param(ids, 'Array(String)')}")
    told = store.query(
        f"SELECT record_id, kind, name, value FROM amendments FINAL {where} ORDER BY at",
        where.params,
    )
    for row in rows:
        mine = [one for one in told if one["record_id"] in (row["id"], row["client_request_id"])]
        row["scores"] = {
            one["name"]: int(one["value"]) for one in mine if one["kind"] == Amended.SCORE
        }
        row["properties"] |= {
            one["name"]: one["value"] for one in mine if one["kind"] == Amended.PROPERTY
        }
