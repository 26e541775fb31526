"""Aggregates over records, in time buckets and groups."""

# ruff: noqa: S608 - only names from the table of columns become text of a statement

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from streamgauge.errors import QueryError
from streamgauge.record import Outcome
from streamgauge.store.columns import COLUMNS
from streamgauge.store.filters import PROPERTY, Filter, Where
from streamgauge.store.loader import Store
from streamgauge.store.properties import value_of

# Every other outcome is an error: the answer did not come as it should. A client that left or
# an exchange that was stopped on purpose says nothing against the provider.
NOT_ERRORS = (Outcome.OPEN, Outcome.COMPLETED, Outcome.CLIENT_LEFT, Outcome.STOPPED)

# Steps for bucket=auto, in seconds: the smallest that gives at most AUTO_BUCKETS of them.
STEPS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400, 604800)
AUTO_BUCKETS = 120

# Buckets and groups by the names that people say first.
BUCKETS = {
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "1m": 60,
    "5m": 300,
    "1h": 3600,
    "1d": 86400,
}
GROUPS = {"user": "user_id", "session": "session_id"}
MAX_BUCKETS = 10_000  # a chart has fewer pixels
MAX_BUCKET_S = 366 * 86400
_NUMBER = re.compile("[0-9]{1,9}")
MAX_GROUPS = 1000
DEFAULT_GROUPS = 100

_PERCENTILES = ", ".join(
    f"quantileExactInclusive({share})({column}) AS {name}"
    for share, column, name in (
        (0.50, "ttft_ms", "ttft_p50_ms"),
        (0.95, "ttft_ms", "ttft_p95_ms"),
        (0.99, "ttft_ms", "ttft_p99_ms"),
        (0.50, "itl_p50_ms", "itl_p50_ms"),
        (0.95, "itl_p95_ms", "itl_p95_ms"),
        (0.99, "itl_p99_ms", "itl_p99_ms"),
        (0.50, "tokens_per_second", "tokens_per_second_p50"),
        (0.50, "overhead_p50_us", "overhead_p50_us"),
    )
)
_ERRORS = f"outcome NOT IN ({', '.join(repr(str(outcome)) for outcome in NOT_ERRORS)})"
# sum() of nothing but NULL is NULL: unknown stays unknown. What the sums leave out is counted.
# The last digits of a sum depend on who came first; an order by it must not.
MEASURES = f"""
    count() AS count,
    countIf({_ERRORS}) AS errors,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    countIf(output_tokens IS NULL) AS tokens_unknown,
    round(sum(cost_usd), 12) AS cost_usd,
    countIf(cost_usd IS NULL) AS cost_unknown,
    {_PERCENTILES}
"""
TIME = "fromUnixTimestamp64Micro(intDiv(toUnixTimestamp64Micro(started_at), {us}) * {us}, 'UTC')"


def stats(
    store: Store,
    filters: Sequence[Filter] = (),
    *,
    bucket: str | None = None,
    group_by: str | None = None,
    groups: int = DEFAULT_GROUPS,
) -> dict[str, Any]:
    """Count, errors, tokens, cost and percentiles of the records that match.

    *bucket*: seconds, a name in `BUCKETS`, ``auto``, or None for totals. *group_by*: a column of
    `is_group`, one by its name in `GROUPS`, or ``property.NAME`` (also ``property:NAME``).
    *groups*: only the largest ones; ``groups_total`` says how many there are. Buckets without
    records are left out. ``ttft_pNN_ms`` is exact; ``itl_pNN_ms`` is the NN-th percentile, over
    the records, of each record's own NN-th percentile. Raises `QueryError`.
    """
    if not 1 <= groups <= MAX_GROUPS:
        raise QueryError(f"groups is a number from 1 to {MAX_GROUPS}", param="groups")
    where = Where(filters)
    bucket_s = bucket_seconds(store, bucket, where)
    microseconds = where.param((bucket_s or 0) * 1_000_000, "Int64")
    time = TIME.format(us=microseconds) if bucket_s else "NULL"
    shown = where.param(groups, "UInt32")
    rows = store.query(
        f"""
        WITH
            measured AS
            (
                SELECT {time} AS time, {_group(group_by, where)} AS group, {MEASURES}
                FROM records FINAL {where} GROUP BY time, group
            ),
            sized AS
            (
                SELECT *, sum(count) OVER (PARTITION BY group) AS group_size FROM measured
            ),
            ranked AS
            (
                SELECT *, dense_rank() OVER (ORDER BY group_size DESC, group) AS group_rank
                FROM sized
            ),
            counted AS
            (
                SELECT *, max(group_rank) OVER () AS groups_total FROM ranked
            )
        SELECT * EXCEPT (group_size, group_rank) FROM counted WHERE group_rank <= {shown}
        ORDER BY time, group_rank
        SETTINGS prefer_column_name_to_alias = 1
        """,
        where.params,
    )
    total = max((row.pop("groups_total") for row in rows), default=0)
    return {"bucket_s": bucket_s, "groups_total": total, "buckets": rows}


def _group(group_by: str | None, where: Where) -> str:
    if group_by is None:
        return "CAST(NULL AS Nullable(String))"
    for prefix in (PROPERTY, "property:"):
        if group_by.startswith(prefix) and group_by != prefix:
            name = where.param(group_by.removeprefix(prefix).lower(), "String")
            return value_of(name)
    column = COLUMNS.get(GROUPS.get(group_by, group_by))
    if column is None or not column.is_group:
        raise QueryError(f"{group_by!r} is not a column to group by", param="group_by")
    return f"toString({column.name})"


def bucket_seconds(store: Store, bucket: str | None, where: Where) -> int | None:
    """Return the seconds of a bucket as `stats` takes it; raises `QueryError`."""
    if bucket is None:
        return None
    span = _span_s(store, where)
    if bucket == "auto":
        return next((step for step in STEPS if span / step <= AUTO_BUCKETS), STEPS[-1])
    seconds = BUCKETS.get(bucket) or (int(bucket) if _NUMBER.fullmatch(bucket) else 0)
    if not 1 <= seconds <= MAX_BUCKET_S:
        raise QueryError(
            f"bucket is auto or a number of seconds from 1 to {MAX_BUCKET_S}, or one of "
            f"{', '.join(BUCKETS)}",
            param="bucket",
        )
    if span / seconds > MAX_BUCKETS:
        raise QueryError(
            f"buckets of {seconds} s over {span:,.0f} s are more than {MAX_BUCKETS:,}; "
            "ask for larger buckets or less time",
            param="bucket",
        )
    return seconds


def _span_s(store: Store, where: Where) -> float:
    """Seconds between the first and the last record that match."""
    rows = store.query(
        f"SELECT min(started_at) AS first, max(started_at) AS last FROM records FINAL {where}",
        where.params,
    )
    first, last = (datetime.fromisoformat(rows[0][name]) for name in ("first", "last"))
    return (last - first).total_seconds()
