"""Scores: numbers that were said about records after their end."""

# ruff: noqa: S608 - no name and no value becomes text of a statement

from __future__ import annotations

from collections import defaultdict
from typing import Any

from streamgauge.record import Amended
from streamgauge.store.filters import Where
from streamgauge.store.loader import Store


def add_scores(store: Store, rows: list[dict[str, Any]]) -> None:
    """Give each of *rows* its ``scores``.

    A row has its ``id`` and its ``client_request_id``; either may be the one under which
    something was said, and the last word counts.
    """
    ids = [one for row in rows for one in (row["id"], row["client_request_id"]) if one]
    where = Where()
    where.add(f"record_id IN {where.param(ids, 'Array(String)')}")
    where.add(f"kind = {where.param(Amended.SCORE.value, 'String')}")
    told = store.query(
        f"SELECT record_id, name, value, at FROM amendments FINAL {where} ORDER BY at",
        where.params,
    )
    by_id = defaultdict(list)
    for one in told:
        by_id[one["record_id"]].append(one)
    for row in rows:
        mine = by_id[row["id"]] + by_id[row["client_request_id"]]
        mine.sort(key=lambda one: one["at"])
        row["scores"] = {one["name"]: int(one["value"]) for one in mine}
