"""Sessions, users, models and properties: the records that share one, added up."""

# ruff: noqa: S608 - only names from the tables here become text of a statement

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from streamgauge.errors import QueryError
from streamgauge.store.filters import Filter, Where
from streamgauge.store.loader import Store
from streamgauge.store.properties import ALL
from streamgauge.store.stats import MEASURES

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100

_SPAN = "min(started_at) AS first_at, max(ifNull(ended_at, started_at)) AS last_at"
_MODELS = "arraySort(arrayFilter(m -> m != '', groupUniqArray(20)(ifNull(model, '')))) AS models"
_RATE = "avg(tokens_per_second) AS tokens_per_second"
# What 1,000 tokens of output came to, input and all, where both are known.
_PER_1000 = (
    "if(sumIf(output_tokens, cost_usd IS NOT NULL) > 0, "
    "1000 * sum(cost_usd) / sumIf(output_tokens, cost_usd IS NOT NULL), NULL) "
    "AS cost_per_1000_usd"
)


class Rollup(Struct, frozen=True):
    """What is listed: the columns that name a row, what must be known, and what is said of it."""

    keys: tuple[str, ...]
    known: str
    more: tuple[str, ...]
    sort: str


ROLLUPS: dict[str, Rollup] = {
    "sessions": Rollup(
        ("session_id",),
        "session_id != ''",
        (
            _SPAN,
            "argMax(session_name, started_at) AS session_name",
            "argMax(user_id, started_at) AS user_id",
            "uniqExact(session_path) AS paths",
            _MODELS,
        ),
        "-last_at",
    ),
    "users": Rollup(
        ("user_id",),
        "user_id != ''",
        (_SPAN, "uniqExact(session_id) AS sessions", _MODELS),
        "-last_at",
    ),
    "models": Rollup(
        ("provider", "model"),
        "model != ''",
        (_SPAN, _RATE, _PER_1000, "uniqExact(user_id) AS users"),
        "-count",
    ),
}

# What a list can be ordered by: every one of its numbers and times.
SORTS = (
    "count",
    "errors",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "itl_p50_ms",
    "first_at",
    "last_at",
)


def rollup(
    store: Store,
    name: str,
    filters: Sequence[Filter] = (),
    *,
    sort: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Return the rows of *name*, a key of `ROLLUPS`, over the records that match.

    ``total`` says how many rows there are; *limit* of them are given, by *sort* (``-`` in front:
    descending). Raises `QueryError`.
    """
    table = ROLLUPS[name]
    where = Where(filters)
    where.add(table.known)
    keys = ", ".join(table.keys)
    order, direction = _order(sort or table.sort)
    shown = where.param(_checked(limit), "UInt32")
    rows = store.query(
        "SELECT *, count() OVER () AS total FROM "
        f"(SELECT {keys}, {', '.join(table.more)}, {MEASURES} FROM records FINAL {where} "
        f"GROUP BY {keys}) ORDER BY {order} {direction} NULLS LAST, {keys} LIMIT {shown} "
        "SETTINGS prefer_column_name_to_alias = 1",
        where.params,
    )
    total = max((row.pop("total") for row in rows), default=0)
    return {"total": total, name: rows}


def properties(store: Store, filters: Sequence[Filter] = ()) -> dict[str, Any]:
    """Return the names of all properties: how many records and values each has, and some."""
    where = Where(filters)
    shown = where.param(MAX_LIMIT, "UInt32")
    rows = store.query(
        f"""
        SELECT name, count() AS count, uniqExact(value) AS values_total,
            arraySort(topK(20)(value)) AS values
        FROM
        (
            SELECT arrayJoin(mapKeys(properties)) AS name, properties[name] AS value
            FROM (SELECT {ALL} FROM records FINAL {where})
        )
        GROUP BY name ORDER BY count DESC, name LIMIT {shown}
        """,
        where.params,
    )
    return {"properties": rows}


def _order(sort: str) -> tuple[str, str]:
    column = sort.removeprefix("-")
    if column not in SORTS:
        raise QueryError(f"sort is one of {', '.join(SORTS)}, or -NAME", param="sort")
    return column, "DESC" if sort.startswith("-") else "ASC"


def _checked(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryError(f"limit is a number from 1 to {MAX_LIMIT}", param="limit")
    return limit
