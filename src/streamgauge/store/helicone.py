"""Helicone's questions: its names of columns, its filter trees, its totals, over our records.

A tree is ``"all"``, a leaf ``{"request_response_rmt": {"status": {"equals": 200}}}``, or two trees
with ``and`` or ``or`` between them. Names come from the tables here, values are parameters.
"""

# ruff: noqa: S608 - only names from the tables here become text of a statement

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from streamgauge.errors import QueryError
from streamgauge.record import Amended
from streamgauge.store.clickhouse import Value
from streamgauge.store.columns import SUMMARY_COLUMNS
from streamgauge.store.filters import Where, clickhouse_time
from streamgauge.store.loader import Store
from streamgauge.store.properties import selected, value_of
from streamgauge.store.scores import add_scores

MAX_LIMIT = 1000
MAX_DEPTH = 50
MAX_LEAVES = 500

TIME, NUMBER, TEXT, FLAG = "DateTime64(6, 'UTC')", "Float64", "String", "Bool"

# Helicone's numbers for ends that are no answer of a provider.
STATUS_BY_OUTCOME = {
    "open": -2,
    "stalled": -2,
    "no_first_token": -2,
    "client_left": -3,
    "stopped": -3,
    "refused": -4,
    "truncated": -100,
    "gateway_restarted": -100,
    "fault_in_stream": 500,
    "connect_failed": 502,
}
_ENDS = ", ".join(f"outcome = '{name}', {status}" for name, status in STATUS_BY_OUTCOME.items())
_STATUS = f"multiIf({_ENDS}, ifNull(http_status, 0))"
_TOTAL = "(ifNull(input_tokens, 0) + ifNull(output_tokens, 0))"


class Field(Struct, frozen=True):
    """One of Helicone's columns: what it is here, and of which type."""

    sql: str
    type: str


FIELDS: dict[str, Field] = {
    "request_id": Field("ifNull(client_request_id, id)", TEXT),
    "id": Field("ifNull(client_request_id, id)", TEXT),
    "request_created_at": Field("started_at", TIME),
    "created_at": Field("started_at", TIME),
    "response_created_at": Field("ended_at", TIME),
    "status": Field(_STATUS, NUMBER),
    "response_status": Field(_STATUS, NUMBER),
    "latency": Field("duration_ms", NUMBER),
    "delay_ms": Field("duration_ms", NUMBER),
    "time_to_first_token": Field("ttft_ms", NUMBER),
    "model": Field("model", TEXT),
    "request_model": Field("model", TEXT),
    "response_model": Field("response_model", TEXT),
    "provider": Field("upper(provider)", TEXT),
    "path": Field("path", TEXT),
    "request_path": Field("path", TEXT),
    "user_id": Field("ifNull(user_id, '')", TEXT),
    "user": Field("ifNull(user_id, '')", TEXT),
    "session_id": Field("ifNull(session_id, '')", TEXT),
    "prompt_tokens": Field("input_tokens", NUMBER),
    "completion_tokens": Field("output_tokens", NUMBER),
    "total_tokens": Field(_TOTAL, NUMBER),
    "prompt_cache_read_tokens": Field("cached_input_tokens", NUMBER),
    "prompt_cache_write_tokens": Field("cache_write_tokens", NUMBER),
    "reasoning_tokens": Field("reasoning_tokens", NUMBER),
    "cost": Field("cost_usd", NUMBER),
    "cost_usd": Field("cost_usd", NUMBER),
    "costUSD": Field("cost_usd", NUMBER),
    "request_body": Field("request_body", TEXT),
    "response_body": Field("response_text", TEXT),
    "is_stream": Field("streaming", FLAG),
}

# Names under which Helicone keeps its sessions among the properties.
SESSION = {
    "helicone-session-id": "session_id",
    "helicone-session-path": "session_path",
    "helicone-session-name": "session_name",
}

OPERATORS: dict[str, str] = {
    "equals": "{0} = {1}",
    "not-equals": "NOT ifNull({0} = {1}, false)",
    "gte": "{0} >= {1}",
    "lte": "{0} <= {1}",
    "gt": "{0} > {1}",
    "lt": "{0} < {1}",
    "like": "{0} LIKE {1}",
    "ilike": "{0} ILIKE {1}",
    "contains": "positionCaseInsensitiveUTF8({0}, {1}) > 0",
    "not-contains": "NOT ifNull(positionCaseInsensitiveUTF8({0}, {1}) > 0, false)",
    "starts-with": "startsWith({0}, {1})",
    "ends-with": "endsWith({0}, {1})",
}
TEXT_OPERATORS = ("like", "ilike", "contains", "not-contains", "starts-with", "ends-with")

# Records about which a number was said.
_SCORED = (
    f"(SELECT record_id FROM amendments FINAL WHERE kind = '{Amended.SCORE}' "
    "AND name = {name} AND {test})"
)
_IS_SCORED = "(id IN {0} OR ifNull(client_request_id IN {0}, false))"


# -- trees -----------------------------------------------------------------------------------


def where_of(tree: Any) -> Where:
    """Return a filter tree as a clause; raises `QueryError`."""
    where = Where()
    clause = _Tree(where).clause(tree)
    if clause:
        where.add(clause)
    return where


class _Tree:
    """Turns trees into clauses, and counts what it meets."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._leaves = 0

    def clause(self, tree: Any, depth: int = 0) -> str:
        """Return the clause of a tree, empty for all."""
        if tree is None or tree in ("all", {}):
            return ""
        if depth > MAX_DEPTH:
            raise QueryError(f"a filter may be {MAX_DEPTH} deep", param="filter")
        if not isinstance(tree, dict):
            raise QueryError("a filter is all, a leaf or a branch", param="filter")
        if "left" in tree or "right" in tree:
            return self._branch(tree, depth)
        return self._leaf(tree)

    def _branch(self, tree: dict[str, Any], depth: int) -> str:
        word = tree.get("operator")
        if word not in ("and", "or"):
            raise QueryError("the operator of a branch is and, or or", param="filter")
        left, right = (self.clause(tree.get(side), depth + 1) for side in ("left", "right"))
        if word == "or" and not (left and right):
            return ""  # all of them, or something
        parts = [part for part in (left, right) if part]
        return f"({f' {word.upper()} '.join(parts)})" if parts else ""

    def _leaf(self, leaf: dict[str, Any]) -> str:
        """A table, or properties at once; then names, with a condition each."""
        tests: list[str] = []
        for table, fields in leaf.items():
            if not isinstance(fields, dict):
                raise QueryError(f"{table} holds no conditions", param="filter")
            named = {table: fields} if table in _MAPS else fields
            for name, condition in named.items():
                tests += self._field(name, condition)
        return f"({' AND '.join(tests)})" if tests else ""

    def _field(self, name: str, condition: Any) -> list[str]:
        if not isinstance(condition, dict):
            raise QueryError(f"{name} has no condition", param="filter")
        if name in _MAPS:
            return [
                test
                for key, one in condition.items()
                for operator, value in self._conditions(key, one)
                for test in [_MAPS[name](self, key.lower(), operator, value)]
            ]
        field = FIELDS.get(name)
        if field is None:
            raise QueryError(f"{name!r} cannot be filtered by", param="filter")
        return [
            self._test(field.sql, field.type, operator, value, name)
            for operator, value in self._conditions(name, condition)
        ]

    def _conditions(self, name: str, condition: Any) -> list[tuple[str, Any]]:
        if not isinstance(condition, dict):
            raise QueryError(f"{name} has no condition", param="filter")
        self._leaves += len(condition)
        if self._leaves > MAX_LEAVES:
            raise QueryError(f"a filter may have {MAX_LEAVES} conditions", param="filter")
        for operator in condition:
            if operator not in OPERATORS:
                raise QueryError(f"{operator!r} is not an operator", param="filter")
        return list(condition.items())

    def _test(self, sql: str, type_: str, operator: str, value: Any, name: str) -> str:
        if operator in TEXT_OPERATORS:
            sql, type_ = f"toString({sql})", TEXT
        typed = _READERS[type_](value, name)
        return OPERATORS[operator].format(sql, self._where.param(typed, type_))

    def _property(self, key: str, operator: str, value: Any) -> str:
        if key in SESSION:
            return self._test(f"ifNull({SESSION[key]}, '')", TEXT, operator, value, key)
        name = self._where.param(key, TEXT)
        return self._test(f"ifNull({value_of(name)}, '')", TEXT, operator, value, key)

    def _score(self, key: str, operator: str, value: Any) -> str:
        name = self._where.param(key, TEXT)
        test = self._test("toFloat64OrNull(value)", NUMBER, operator, value, key)
        return _IS_SCORED.format(_SCORED.format(name=name, test=test))


_MAPS: dict[str, Callable[[_Tree, str, str, Any], str]] = {
    "properties": _Tree._property,
    "search_properties": _Tree._property,
    "scores": _Tree._score,
}


def _text(value: Any, name: str) -> Value:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise QueryError(f"{name} is compared with a text", param="filter")


def _number(value: Any, name: str) -> Value:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise QueryError(f"{name} is compared with a number", param="filter") from None


def _time(value: Any, name: str) -> Value:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise QueryError(f"{name} is compared with a time in ISO 8601", param="filter") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return clickhouse_time(aware.astimezone(UTC))


def _flag(value: Any, name: str) -> Value:
    if str(value).lower() not in ("true", "false"):
        raise QueryError(f"{name} is compared with true or false", param="filter")
    return str(value).lower() == "true"


_READERS: dict[str, Callable[[Any, str], Value]] = {
    TEXT: _text,
    NUMBER: _number,
    TIME: _time,
    FLAG: _flag,
}


# -- requests --------------------------------------------------------------------------------

_COLUMNS = selected((*SUMMARY_COLUMNS, "request_body", "reply", "response_text"))


def requests(
    store: Store, tree: Any, *, sort: Any = None, offset: int = 0, limit: int = 10
) -> list[dict[str, Any]]:
    """Records that match, each with its ``scores`` and with properties as last told."""
    where = where_of(tree)
    order = _order(sort)
    rows = store.query(
        f"SELECT {_COLUMNS} FROM records FINAL {where} ORDER BY {order} "
        f"LIMIT {limit:d} OFFSET {offset:d}",
        where.params,
    )
    return _amended(store, rows)


def request(store: Store, name: str) -> dict[str, Any] | None:
    """One record, by its id or by the caller's own."""
    where = Where()
    id_ = where.param(name, TEXT)
    where.add(f"(id = {id_} OR ifNull(client_request_id = {id_}, false))")
    rows = store.query(
        f"SELECT {_COLUMNS} FROM records FINAL {where} ORDER BY started_at DESC LIMIT 1",
        where.params,
    )
    return next(iter(_amended(store, rows)), None)


def count(store: Store, tree: Any) -> int:
    """How many records match."""
    where = where_of(tree)
    rows = store.query(f"SELECT count() AS n FROM records FINAL {where}", where.params)
    return int(rows[0]["n"])


def _order(sort: Any) -> str:
    """Return the ORDER BY of ``{"created_at": "desc"}``; properties may be sorted by, too."""
    if not sort:
        return "started_at DESC, id DESC"
    if not isinstance(sort, dict) or len(sort) != 1:
        raise QueryError("sort is one column with asc or desc", param="sort")
    ((name, direction),) = sort.items()
    field = FIELDS.get(name)
    if field is None or direction not in ("asc", "desc"):
        raise QueryError(f"{name!r} is no column to sort by, asc or desc", param="sort")
    return f"{field.sql} {direction.upper()} NULLS LAST, id {direction.upper()}"


def _amended(store: Store, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    add_scores(store, rows)
    for row in rows:
        if row["reply"] is not None:
            row["reply"] = msgspec.json.decode(row["reply"])
        row["status"] = STATUS_BY_OUTCOME.get(row["outcome"], row["http_status"] or 0)
    return rows


# -- totals ----------------------------------------------------------------------------------

_TOTALS = f"""
    toFloat64(sum(ifNull(cost_usd, 0))) AS total_cost,
    count() AS total_requests,
    sum(ifNull(input_tokens, 0)) AS prompt_tokens,
    sum(ifNull(output_tokens, 0)) AS completion_tokens,
    sum{_TOTAL} AS total_tokens,
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
