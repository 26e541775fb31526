"""Questions in words, ``model=gpt-4o`` or ``ttft_ms.gte=500``, turned into a WHERE clause.

``ttft_ms.exists=false`` asks for records where it is absent, as does an empty value.

Names are looked up in the table of columns; values travel as parameters of the statement and
never become part of its text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from msgspec import Struct

from streamgauge.errors import QueryError
from streamgauge.store.clickhouse import Params, Value
from streamgauge.store.columns import COLUMNS, PARAMETER_TYPES, Column, Kind
from streamgauge.store.properties import value_of

COMPARISONS = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}
EXISTS = "exists"
OPERATORS = ("not", EXISTS, *COMPARISONS)
# What people write who look for absent values in another language.
WORDS_FOR_ABSENT = ("", "null", "none", "nil")
PROPERTY = "property."
SEARCH = "q"
# A clause per filter and a parameter per value: enough for any person, too few for an attack.
MAX_VALUES = 1000
MAX_TEXT = 10_000


class Filter(Struct, frozen=True, kw_only=True):
    """One condition. ``subject``: a column, ``property.NAME`` or ``q``; *values*: any of them.

    An empty value stands for "absent".
    """

    subject: str
    operator: str = "eq"
    values: tuple[str, ...] = ()

    @property
    def param(self) -> str:
        """The parameter's name as the question wrote it."""
        return self.subject if self.operator == "eq" else f"{self.subject}.{self.operator}"


def read_filters(pairs: Iterable[tuple[str, str]]) -> list[Filter]:
    """Gather ``(name, value)`` pairs of a query string into filters.

    A name that comes more than once means any of its values (``.not``: none of them).
    Raises `QueryError` for a name that is not known.
    """
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    if sum(map(len, grouped.values())) > MAX_VALUES:
        raise QueryError(f"a question may have at most {MAX_VALUES} values")
    return [_filter(name, tuple(values)) for name, values in grouped.items()]


def _filter(name: str, values: tuple[str, ...]) -> Filter:
    subject, dot, operator = name.rpartition(".")
    if not dot or operator not in OPERATORS or subject == PROPERTY[:-1]:
        subject, operator = name, "eq"
    if any(len(value) > MAX_TEXT for value in values):
        raise QueryError(f"a value of {name} is longer than {MAX_TEXT:,} characters", param=name)
    return Filter(subject=_subject(subject, operator, name), operator=operator, values=values)


def _subject(subject: str, operator: str, name: str) -> str:
    if subject == SEARCH and operator == "eq":
        return subject
    if subject.startswith(PROPERTY) and subject != PROPERTY:
        if operator in COMPARISONS:
            raise QueryError("a property is text: compare it with = or .not=", param=name)
        return PROPERTY + subject.removeprefix(PROPERTY).lower()
    column = COLUMNS.get(subject)
    is_asked_for_presence = operator == EXISTS  # which a body can be asked for as well
    if column is None or not (column.is_filter or is_asked_for_presence):
        raise QueryError(f"{subject!r} is not a column that can be filtered by", param=name)
    if is_asked_for_presence and not column.may_be_absent:
        raise QueryError(f"{subject} exists in every record", param=name)
    if operator in COMPARISONS and column.kind in (Kind.FLAG, Kind.LIST):
        raise QueryError(f"{subject} has no order: compare it with = or .not=", param=name)
    return subject


# the clause


class Where:
    """A WHERE clause that grows, with its parameters."""

    def __init__(self, filters: Iterable[Filter] = ()) -> None:
        self.params: Params = {}
        self._clauses: list[str] = []
        for item in filters:
            self.add(_clause(item, self))

    def copy(self) -> Where:
        """The same clause, to grow on its own."""
        other = Where()
        other.params, other._clauses = dict(self.params), list(self._clauses)
        return other

    def add(self, clause: str) -> None:
        """Demand *clause* as well."""
        self._clauses.append(clause)

    def param(self, value: Value, type_: str) -> str:
        """Keep *value* as a parameter and return what stands for it in the statement."""
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{type_}}}"

    def __str__(self) -> str:
        return f"WHERE {' AND '.join(self._clauses)}" if self._clauses else ""


def _clause(item: Filter, where: Where) -> str:
    if item.subject == SEARCH:
        return _search(item, where)
    if item.operator == EXISTS:
        return _existence(item, where)
    if item.subject.startswith(PROPERTY):
        return _property(item, where)
    column = COLUMNS[item.subject]
    if item.operator in COMPARISONS:
        return _comparison(item, column, where)
    matches = _any_of(item, column, where)
    return f"NOT ({matches})" if item.operator == "not" else f"({matches})"


def _existence(item: Filter, where: Where) -> str:
    present = _presence(item.subject, where)
    wanted = [_read(text, Kind.FLAG, item.param) for text in item.values]
    return f"({' OR '.join(present if is_wanted else f'NOT {present}' for is_wanted in wanted)})"


def _presence(subject: str, where: Where) -> str:
    if subject.startswith(PROPERTY):
        return f"(ifNull({_property_value(subject, where)}, '') != '')"
    column = COLUMNS[subject]
    return f"({column.name} IS NOT NULL)" if column.nullable else f"notEmpty({column.name})"


def _comparison(item: Filter, column: Column, where: Where) -> str:
    sign = COMPARISONS[item.operator]
    bounds = [where.param(v, _type(column)) for v in _values(item, column)]
    # NULL >= 1 is NULL, which WHERE takes for no; ifNull keeps it so under a NOT as well.
    return " AND ".join(f"ifNull({column.name} {sign} {bound}, false)" for bound in bounds)


def _any_of(item: Filter, column: Column, where: Where) -> str:
    if column.kind is Kind.LIST:
        tests = [f"has({column.name}, {where.param(v, 'String')})" for v in item.values if v]
        tests += [f"empty({column.name})"] * ("" in item.values)
        return " OR ".join(tests)
    present = _values(item, column)
    tests = [f"ifNull({column.name} = {where.param(v, _type(column))}, false)" for v in present]
    if column.nullable and "" in item.values:
        tests.append(f"{column.name} IS NULL")
    return " OR ".join(tests)


def _property(item: Filter, where: Where) -> str:
    # "" asks for absent or empty.
    value = f"ifNull({_property_value(item.subject, where)}, '')"
    matches = " OR ".join(f"{value} = {where.param(v, 'String')}" for v in item.values)
    return f"NOT ({matches})" if item.operator == "not" else f"({matches})"


def _property_value(subject: str, where: Where) -> str:
    return value_of(where.param(subject.removeprefix(PROPERTY), "String"))


def _search(item: Filter, where: Where) -> str:
    if "" in item.values:
        raise QueryError("q needs a text to look for", param=SEARCH)
    tests = []
    for text in item.values:
        # Request bodies are JSON text, in which a quote, a line end or an umlaut may be escaped.
        spellings = {text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]}
        for spelling in sorted(spellings):
            needle = where.param(spelling, "String")
            tests.append(f"ifNull(positionCaseInsensitiveUTF8(request_body, {needle}) > 0, false)")
        needle = where.param(text, "String")
        tests.append(f"ifNull(positionCaseInsensitiveUTF8(response_text, {needle}) > 0, false)")
    return f"({' OR '.join(tests)})"


# values


def _type(column: Column) -> str:
    return PARAMETER_TYPES[column.kind]


def _values(item: Filter, column: Column) -> list[Value]:
    """The values in the column's own type; an empty one is left out where it means absent."""
    may_be_absent = column.nullable and item.operator not in COMPARISONS
    texts = [v for v in item.values if v or not may_be_absent]
    return [typed(v, column, param=item.param) for v in texts]


def typed(text: str, column: Column, *, param: str) -> Value:
    """Read *text* as a value of *column*; raises `QueryError` that names *param*."""
    hint = ""
    if column.may_be_absent and text.lower() in WORDS_FOR_ABSENT:
        hint = f"; for records without it write {column.name}.{EXISTS}=false"
    if column.choices and text not in column.choices:
        raise QueryError(f"{param} is one of {', '.join(column.choices)}{hint}", param=param)
    return _read(text, column.kind, param, hint)


def _read(text: str, kind: Kind, param: str, hint: str = "") -> Value:
    try:
        return _READERS[kind](text)
    except (ValueError, OverflowError):
        message = f"{text[:100]!r} is not {_EXPECTED[kind]}{hint}"
        raise QueryError(message, param=param) from None


def _integer(text: str) -> int:
    number = int(text)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(text)
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _time(text: str) -> str:
    """ISO 8601; without an offset it is UTC. A ``+`` that became a space is put back."""
    moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return clickhouse_time(moment)


def clickhouse_time(moment: datetime) -> str:
    """Write *moment* (UTC) as a DateTime64 parameter."""
    # strftime would write the year 1 as 1, which no ClickHouse reads.
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def stored_time(iso: str) -> str:
    """Write a time as the store gives it as a DateTime64 parameter."""
    return clickhouse_time(datetime.fromisoformat(iso).astimezone(UTC))


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(text)
    return _FLAGS[text.lower()]


_READERS: dict[Kind, Callable[[str], Value]] = {
    Kind.TEXT: str,
    Kind.LIST: str,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _finite,
    Kind.TIME: _time,
    Kind.FLAG: _flag,
}
_EXPECTED = {
    Kind.TEXT: "a text",
    Kind.LIST: "a text",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.TIME: "a time like 2026-11-23T12:00:00Z",
    Kind.FLAG: "true or false",
}
