"""The query parameters: read from a request, and described for OpenAPI, from one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from streamgauge.errors import QueryError
from streamgauge.store import rollups
from streamgauge.store.columns import COLUMNS, Column, Kind
from streamgauge.store.filters import COMPARISONS, EXISTS, Filter, read_filters
from streamgauge.store.queries import (
    DEFAULT_LIMIT,
    DEFAULT_SORT,
    FORMATS,
    MAX_LIMIT,
    MOST_EXPORTED,
    MOST_EXPORTED_WHOLE,
)
from streamgauge.store.stats import BUCKETS, DEFAULT_GROUPS, GROUPS, MAX_GROUPS


class Query:
    """The parameters of one request. Take the single ones first; the rest are filters."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        raw = request.scope["query_string"].decode("latin-1")
        try:
            self._pairs = parse_qsl(raw, keep_blank_values=True, errors="strict")
        except ValueError:
            raise QueryError("the query string is not UTF-8") from None

    def take(self, name: str) -> str | None:
        """The value of a parameter that may come once."""
        values = [value for key, value in self._pairs if key == name]
        if len(values) > 1:
            raise QueryError(f"{name} may come only once", param=name)
        self._pairs = [pair for pair in self._pairs if pair[0] != name]
        return values[0] if values else None

    def number(self, name: str, default: int) -> int:
        """A parameter that is a whole number; its range is the query's to check."""
        text = self.take(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise QueryError(f"{name} is a whole number", param=name)
        return int(text)

    def flag(self, name: str) -> bool:
        """A parameter that is true or false, and false when it is not there."""
        text = self.take(name)
        if text not in (None, "true", "false"):
            raise QueryError(f"{name} is true or false", param=name)
        return text == "true"

    def filters(self) -> list[Filter]:
        """Everything that was not taken."""
        return read_filters(self._pairs)

    def end(self) -> None:
        """Refuse what was not taken."""
        for name, _ in self._pairs:
            raise QueryError(f"{name} is not a parameter of this address", param=name)


# descriptions

_SCHEMAS = {
    Kind.TEXT: {"type": OpenAPIType.STRING},
    Kind.LIST: {"type": OpenAPIType.STRING},
    Kind.INTEGER: {"type": OpenAPIType.INTEGER},
    Kind.NUMBER: {"type": OpenAPIType.NUMBER},
    Kind.TIME: {"type": OpenAPIType.STRING, "format": "date-time"},
    Kind.FLAG: {"type": OpenAPIType.BOOLEAN},
}
_WORDS = {"gte": "at least", "lte": "at most", "gt": "more than", "lt": "less than"}


def _parameter(name: str, description: str, schema: Schema, **more: Any) -> Parameter:
    return Parameter(name=name, param_in="query", description=description, schema=schema, **more)


def _value(column: Column) -> Schema:
    choices = list(column.choices) or None
    return Schema(enum=choices, **_SCHEMAS[column.kind])  # type: ignore[arg-type]


def _several(name: str, description: str, schema: Schema) -> Parameter:
    array = Schema(type=OpenAPIType.ARRAY, items=schema)
    return _parameter(name, description, array, style="form", explode=True)


def _column_parameters(column: Column) -> Iterator[Parameter]:
    what = f"{column.name} holds" if column.kind is Kind.LIST else f"{column.name} is"
    # An empty value asks for "absent", too, but a typed client can write only a text so.
    yield _several(column.name, f"{what} any of these; empty: absent.", _value(column))
    yield _several(f"{column.name}.not", f"{what} none of these; empty: absent.", _value(column))
    if column.kind not in (Kind.FLAG, Kind.LIST):
        for operator in COMPARISONS:
            text = f"{column.name} is {_WORDS[operator]} this."
            yield _parameter(f"{column.name}.{operator}", text, _value(column))


def _existence(name: str) -> Parameter:
    flag = Schema(type=OpenAPIType.BOOLEAN)
    return _parameter(f"{name}.{EXISTS}", f"Whether there is any {name}; false: absent.", flag)


def filter_parameters() -> list[Parameter]:
    """Every filter of lists and statistics."""
    text = Schema(type=OpenAPIType.STRING)
    search = "A text in the request's or the response's body, in any case; several: any of them."
    found = [_several("q", search, text)]
    for column in COLUMNS.values():
        if column.is_filter:
            found.extend(_column_parameters(column))
        if column.may_be_absent:
            found.append(_existence(column.name))
    found.append(
        _several("property.{name}", "The property `name` is any of these; empty: absent.", text)
    )
    found.append(_several("property.{name}.not", "The property `name` is none of these.", text))
    found.append(_existence("property.{name}"))
    return found


def list_parameters() -> list[Parameter]:
    """How a list is ordered and cut into pages."""
    names = [column.name for column in COLUMNS.values() if column.is_sort]
    orders = [order for name in names for order in (name, f"-{name}")]
    return [
        _parameter(
            "sort",
            "A column, with - in front for descending. Absent values come last.",
            Schema(type=OpenAPIType.STRING, enum=orders, default=DEFAULT_SORT),
        ),
        *page_parameters("Records on a page.", DEFAULT_LIMIT),
    ]


def page_parameters(limit: str, default: int) -> list[Parameter]:
    """How a list is cut into pages; *limit* says of what."""
    return [
        _parameter(
            "limit",
            limit,
            Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_LIMIT, default=default),
        ),
        _parameter(
            "cursor",
            "The `next_cursor` of the page before, with the same sort and filters.",
            Schema(type=OpenAPIType.STRING),
        ),
    ]


def stats_parameters() -> list[Parameter]:
    """How statistics are cut into buckets and groups."""
    groups = [column.name for column in COLUMNS.values() if column.is_group]
    return [
        _parameter(
            "bucket",
            f"Seconds of a time bucket, {', '.join(BUCKETS)}, "
            "or auto for at most about 120 of them.",
            Schema(type=OpenAPIType.STRING, pattern=f"^(auto|[0-9]+|{'|'.join(BUCKETS)})$"),
        ),
        _parameter(
            "group_by",
            f"property.NAME (or property:NAME), or one of {', '.join([*groups, *GROUPS])}.",
            Schema(type=OpenAPIType.STRING),
        ),
        _parameter(
            "groups",
            "List only this many groups, the largest.",
            Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_GROUPS, default=DEFAULT_GROUPS),
        ),
    ]


@dataclass
class ListOperation(Operation):
    """GET of a list: its own parameters and every filter."""

    def __post_init__(self) -> None:
        self.parameters = [*list_parameters(), *filter_parameters()]


@dataclass
class ExportOperation(Operation):
    """GET of a file of records."""

    def __post_init__(self) -> None:
        forms = Schema(type=OpenAPIType.STRING, enum=list(FORMATS), default="csv")
        flag = Schema(type=OpenAPIType.BOOLEAN, default=False)
        own = [
            _parameter("format", "The kind of file.", forms),
            _parameter("bodies", "With requests and replies.", flag),
        ]
        sort, limit = list_parameters()[:2]
        most = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=MOST_EXPORTED)
        limit = _parameter("limit", f"At most; with bodies {MOST_EXPORTED_WHOLE}.", most)
        self.parameters = [*own, sort, limit, *filter_parameters()]


@dataclass
class StatsOperation(Operation):
    """GET of statistics: its own parameters and every filter."""

    def __post_init__(self) -> None:
        self.parameters = [*stats_parameters(), *filter_parameters()]


@dataclass
class HeatmapOperation(Operation):
    """GET of the heat map: its bucket and every filter."""

    def __post_init__(self) -> None:
        self.parameters = [stats_parameters()[0], *filter_parameters()]


@dataclass
class DetailOperation(Operation):
    """GET of one record."""

    def __post_init__(self) -> None:
        extra = _parameter(
            "timeline", "Add the timeline.", Schema(type=OpenAPIType.BOOLEAN, default=False)
        )
        self.parameters = [*(self.parameters or []), extra]


@dataclass
class BytesOperation(Operation):
    """GET of an answer's bytes."""

    def __post_init__(self) -> None:
        flag = Schema(type=OpenAPIType.BOOLEAN, default=False)
        number = Schema(type=OpenAPIType.INTEGER, minimum=0)
        extra = [
            _parameter("offset", "Begin at this byte, from 0.", number),
            _parameter("follow", "Go on until the answer has ended.", flag),
            _parameter("event_ids", "Put an id into every server-sent event.", flag),
            _parameter("expires", "With `signature`: until when, in seconds since 1970.", number),
            _parameter("signature", "In place of a key.", Schema(type=OpenAPIType.STRING)),
        ]
        self.parameters = [*(self.parameters or []), *extra]


@dataclass
class RollupOperation(Operation):
    """GET of sessions, users or models: order, pages and every filter."""

    def __post_init__(self) -> None:
        orders = [order for name in rollups.SORTS for order in (name, f"-{name}")]
        own = [
            _parameter(
                "sort",
                "A number or a time, with - in front for descending.",
                Schema(type=OpenAPIType.STRING, enum=orders),
            ),
            *page_parameters("Rows on a page.", rollups.DEFAULT_LIMIT),
        ]
        self.parameters = [*own, *filter_parameters()]


@dataclass
class PropertiesOperation(Operation):
    """GET of properties: pages and every filter."""

    def __post_init__(self) -> None:
        own = page_parameters("Names on a page.", rollups.MAX_LIMIT)
        self.parameters = [*own, *filter_parameters()]
