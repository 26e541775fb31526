"""Filter trees: ``"all"``, a leaf, or two trees with ``and`` or ``or`` between them.

A leaf is ``{"request_response_rmt": {"status": {"equals": 200}}}``. Names come from our tables,
values are parameters.
"""

# ruff: noqa: S608 - only names from our tables become text of a statement

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from streamgauge.errors import QueryError
from streamgauge.record import Amended
from streamgauge.store.clickhouse import Value
from streamgauge.store.filters import Where, clickhouse_time
from streamgauge.store.helicone.columns import FIELDS, FLAG, NUMBER, SESSION, TEXT, TIME
from streamgauge.store.properties import value_of

MAX_DEPTH = 50
MAX_LEAVES = 500

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
