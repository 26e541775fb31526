"""Times to first token as a heat map: how many records fell into each field of time and TTFT."""

# ruff: noqa: S608 - only names from the table of columns become text of a statement

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamgauge.store.filters import Filter, Where
from streamgauge.store.loader import Store
from streamgauge.store.stats import TIME, bucket_seconds

# Where one row of the map ends and the next begins, in ms: round numbers, about as far apart
# to the eye on a logarithmic axis. The last row has no end.
EDGES_MS = (
    0, 20, 50, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000,
    15_000, 20_000, 30_000, 60_000,
)  # fmt: skip


def heatmap(
    store: Store, filters: Sequence[Filter] = (), *, bucket: str | None = None
) -> dict[str, Any]:
    """Return the fields that have records, of those that match and have a time to first token.

    *bucket*: as of `stats`; None means ``auto``. Each cell has its ``time``, the
    bounds ``from_ms`` (included) and ``to_ms`` (excluded, None in the last row), and ``count``.
    Raises `QueryError`.
    """
    where = Where(filters)
    where.add("ttft_ms IS NOT NULL")
    bucket_s = bucket_seconds(store, bucket or "auto", where) or 1
    time = TIME.format(us=where.param(bucket_s * 1_000_000, "Int64"))
    edges = where.param(list(EDGES_MS), "Array(Float64)")
    rows = store.query(
        f"""
        SELECT {time} AS time, arrayCount(edge -> edge <= ttft_ms, {edges}) AS row,
            count() AS count
        FROM records FINAL {where} GROUP BY time, row ORDER BY time, row
        SETTINGS prefer_column_name_to_alias = 1
        """,
        where.params,
    )
    ends = (*EDGES_MS[1:], None)
    cells = [
        {
            "time": row["time"],
            "from_ms": EDGES_MS[row["row"] - 1],
            "to_ms": ends[row["row"] - 1],
            "count": row["count"],
        }
        for row in rows
    ]
    return {"bucket_s": bucket_s, "edges_ms": list(EDGES_MS), "cells": cells}
