"""Sessions, users, models and properties: the records that share one, added up."""

# ruff: noqa: S608 - only names from the tables here become text of a statement

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from streamgauge.errors import QueryError
from streamgauge.store.columns import Column, Kind
from streamgauge.store.filters import Filter, Where
from streamgauge.store.loader import Store
from streamgauge.store.order import Order
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


# What tells one row from another, as one text.
_KEY = "row_key"


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
SORTS = {
    name: Column(name=name, kind=kind, nullable=True)
    for name, kind in {
        "count": Kind.INTEGER,
        "errors": Kind.INTEGER,
        "input_tokens": Kind.INTEGER,
        "output_tokens": Kind.INTEGER,
        "cost_usd": Kind.NUMBER,
        "ttft_p50_ms": Kind.NUMBER,
        "ttft_p95_ms": Kind.NUMBER,
        "itl_p50_ms": Kind.NUMBER,
        "first_at": Kind.TIME,
        "last_at": Kind.TIME,
    }.items()
}


def rollup(
    store: Store,
    name: str,
    filters: Sequence[Filter] = (),
    *,
    sort: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Return a page of the rows of *name*, a key of `ROLLUPS`, over the records that match.

    ``total`` says how many rows there are; *limit* of them are given, by *sort* (``-`` in front:
    descending). ``next_cursor`` is the *cursor* of the next page, absent on the last; a row whose
    sums have changed in between may have moved. Raises `QueryError`.
    """
    table = ROLLUPS[name]
    where = Where(filters)
    where.add(table.known)
    keys = ", ".join(table.keys)
    texts = ", ".join(f"ifNull({key}, '')" for key in table.keys)
    rows = (
        f"SELECT {keys}, arrayStringConcat([{texts}], '\\n') AS {_KEY}, {', '.join(table.more)}, "
        f"{MEASURES} FROM records FINAL {where} GROUP BY {keys}"
    )
    return _page(store, name, rows, where, sort=sort or table.sort, limit=limit, cursor=cursor)


def properties(
    store: Store,
    filters: Sequence[Filter] = (),
    *,
    limit: int = MAX_LIMIT,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Return a page of all properties' names: how many records and values each has, and some."""
    where = Where(filters)
    rows = f"""
        SELECT name, name AS {_KEY}, count() AS count, uniqExact(value) AS values_total,
            arraySort(topK(20)(value)) AS values
        FROM
        (
            SELECT arrayJoin(mapKeys(properties)) AS name, properties[name] AS value
            FROM (SELECT {ALL} FROM records FINAL {where})
        )
        GROUP BY name
    """
    return _page(store, "properties", rows, where, sort="-count", limit=limit, cursor=cursor)


def _page(
    store: Store,
    name: str,
    rows: str,
    where: Where,
    *,
    sort: str,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """Return a part of *rows*, a SELECT with the parameters of *where*."""
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryError(f"limit is a number from 1 to {MAX_LIMIT}", param="limit")
    order = Order(sort, SORTS, key=_KEY, is_key_ascending=True)
    behind = "true" if cursor is None else order.after(cursor, where)
    # What is not behind the cursor comes last: its first row still tells how many there are.
    found = store.query(
        f"SELECT * FROM (SELECT *, count() OVER () AS total, {behind} AS is_behind FROM ({rows})) "
        f"ORDER BY is_behind DESC, {order} LIMIT {limit + 1:d} "
        "SETTINGS prefer_column_name_to_alias = 1",
        where.params,
    )
    total = found[0]["total"] if found else 0
    shown = [row for row in found if row["is_behind"]]
    next_cursor = order.cursor(shown[limit - 1]) if len(shown) > limit else None
    del shown[limit:]
    for row in shown:
        del row[_KEY], row["total"], row["is_behind"]
    return {"total": total, name: shown, "next_cursor": next_cursor}
