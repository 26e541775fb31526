"""Sessions, users and properties, with their totals."""

# ruff: noqa: S608 - only names from our tables become text of a statement

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamgauge.record import Amended
from streamgauge.store.filters import Where
from streamgauge.store.helicone.columns import TEXT, TOTAL
from streamgauge.store.helicone.trees import where_of
from streamgauge.store.loader import Store

_TOTALS = f"""
    toFloat64(sum(ifNull(cost_usd, 0))) AS total_cost,
    count() AS total_requests,
    sum(ifNull(input_tokens, 0)) AS prompt_tokens,
    sum(ifNull(output_tokens, 0)) AS completion_tokens,
    sum{TOTAL} AS total_tokens,
    min(started_at) AS created_at,
    max(started_at) AS latest_request_created_at
"""


def sessions(
    store: Store,
    tree: Any,
    *,
    search: str = "",
    name: str | None = None,
    span: Sequence[float] | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Sessions with their totals, the latest first. *span*: ms since 1970, from and to."""
    where = where_of(tree)
    where.add("session_id IS NOT NULL")
    if search:
        needle = where.param(search, TEXT)
        where.add(
            f"(positionCaseInsensitiveUTF8(ifNull(session_id, ''), {needle}) > 0"
            f" OR positionCaseInsensitiveUTF8(ifNull(session_name, ''), {needle}) > 0)"
        )
    if name is not None:
        where.add(f"ifNull(session_name, '') = {where.param(name, TEXT)}")
    _within(where, span)
    return store.query(
        "SELECT session_id, any(ifNull(session_name, '')) AS session_name, "
        "avg(duration_ms) AS avg_latency, "
        "arraySort(groupUniqArray(1000)(ifNull(user_id, ''))) AS user_ids, "
        f"{_TOTALS} FROM records FINAL {where} GROUP BY session_id "
        f"ORDER BY max(started_at) DESC, session_id LIMIT {limit:d} OFFSET {offset:d} "
        "SETTINGS prefer_column_name_to_alias = 1",
        where.params,
    )


def users(
    store: Store,
    tree: Any,
    *,
    span: Sequence[float] | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Users with their totals, those with the most requests first."""
    where = where_of(tree)
    where.add("user_id IS NOT NULL")
    _within(where, span)
    return store.query(
        "SELECT user_id, uniqExact(toDate(started_at)) AS active_for, "
        f"{_TOTALS} FROM records FINAL {where} GROUP BY user_id "
        f"ORDER BY total_requests DESC, user_id LIMIT {limit:d} OFFSET {offset:d}",
        where.params,
    )


def user_count(store: Store, tree: Any, *, span: Sequence[float] | None = None) -> int:
    """How many users there are."""
    where = where_of(tree)
    where.add("user_id IS NOT NULL")
    _within(where, span)
    rows = store.query(f"SELECT uniqExact(user_id) AS n FROM records FINAL {where}", where.params)
    return int(rows[0]["n"])


def properties(store: Store) -> list[str]:
    """The names of all properties, also of those told later."""
    rows = store.query(
        "SELECT DISTINCT name FROM (SELECT arrayJoin(mapKeys(properties)) AS name FROM records "
        f"UNION ALL SELECT name FROM amendments WHERE kind = '{Amended.PROPERTY.value}') "
        "ORDER BY name"
    )
    return [row["name"] for row in rows]


def _within(where: Where, span: Sequence[float] | None) -> None:
    if span is None:
        return
    for sign, ms in zip((">=", "<="), span, strict=True):
        bound = where.param(int(ms), "Int64")
        where.add(f"started_at {sign} fromUnixTimestamp64Milli({bound}, 'UTC')")
