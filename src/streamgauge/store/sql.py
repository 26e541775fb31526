"""Questions in SQL that are not ours: one SELECT over our own tables, and nothing else.

The embedded engine runs in our process, with our rights: a function such as `file` would read
whatever we can. So a question is brought into the engine's own form, taken apart by the engine's
own parser, and refused unless every function in it is one that only computes, and every table
one of ours. It is then run as a subquery, where no output can be redirected, on a connection
that can change nothing and has limits of time, memory and size.
"""

# ruff: noqa: S608 - the text of a statement is what this is about

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from streamgauge.errors import QueryError, StoreError
from streamgauge.store.clickhouse import GUARDED_SETTINGS
from streamgauge.store.loader import Store

MAX_ROWS = 10_000
DEFAULT_ROWS = 1_000
PARAM = "query"

# The engine's own groups of functions: those left out reach files, other tables, dictionaries,
# services or the server itself. What has no group, or one that is new, is left out too.
CATEGORIES = frozenset(
    {
        "Aggregate Functions",
        "Arithmetic",
        "Arrays",
        "Bit",
        "Bitmap",
        "Comparison",
        "Conditional",
        "Dates and Times",
        "Distance",
        "Encoding",
        "Hash",
        "IP Address",
        "JSON",
        "Logical",
        "Map",
        "Mathematical",
        "Null",
        "Nullable",
        "Random Number",
        "Rounding",
        "String",
        "String Replacement",
        "String Search",
        "String Splitting",
        "Time Series",
        "Time Window",
        "Tuple",
        "Type Conversion",
        "URL",
        "UUID",
    }
)
# Of the group "Other"; and what the parser makes of syntax.
MORE_FUNCTIONS = frozenset(
    {
        *("bar", "byteSize", "countDigits", "identity", "ignore"),
        *("formatReadableDecimalSize", "formatReadableQuantity", "formatReadableSize"),
        *("formatReadableTimeDelta", "materialize", "neighbor", "parseReadableSize"),
        *("runningDifference", "toTypeName", "transform", "visibleWidth"),
        *("exists", "grouping", "lambda", "numbers"),
    }
)

_CATALOGUE = """
SELECT f.name AS name, f.case_insensitive AS folds, f.is_aggregate AS aggregates,
    if(f.alias_to = '', f.categories, a.categories) AS category
FROM system.functions AS f LEFT JOIN system.functions AS a ON a.name = f.alias_to
"""
# Without those that read a state: bytes of somebody else's making.
_COMBINATORS = (
    "SELECT name FROM system.aggregate_function_combinators "
    "WHERE name NOT IN ('State', 'SimpleState', 'Merge')"
)
_DATABASES = "SELECT name FROM system.databases WHERE name != currentDatabase()"

# What a SELECT is made of. Left out are SETTINGS, and APPLY, whose function is not in the tree.
NODES = frozenset(
    {
        *("ArrayJoin", "Asterisk", "ColumnsExceptTransformer", "ColumnsListMatcher"),
        *("ColumnsRegexpMatcher", "ColumnsReplaceTransformer", "ColumnsTransformerList"),
        *("ExpressionList", "Function", "Identifier", "InterpolateElement", "Literal"),
        *("OrderByElement", "QualifiedAsterisk", "QualifiedColumnsListMatcher"),
        *("QualifiedColumnsRegexpMatcher", "SampleRatio", "SelectIntersectExceptQuery"),
        *("SelectQuery", "SelectWithUnionQuery", "Subquery", "TableExpression"),
        *("TableIdentifier", "TableJoin", "TablesInSelectQuery", "TablesInSelectQueryElement"),
        *("WindowDefinition", "WindowListElement", "WithElement"),
    }
)
REFUSED_NODES = {"Set": "SETTINGS", "ColumnsApplyTransformer": "APPLY"}
_NODE = re.compile(r"^ *(\w+)(?: (\S+))?", re.MULTILINE)
_NAMES = ("Identifier", "TableIdentifier")
_BEGINNINGS = ("SELECT ", "WITH ", "(")

_COMPLAINT = re.compile(
    r"DB::Exception: (?P<said>.*?)"
    r"(?:[:.] In scope .*)?"  # a statement of ours around the question
    r" \((?P<kind>[A-Z0-9_]+)\)(?: \(version .*)?\s*$",
    re.DOTALL,
)


class Column(Struct, frozen=True):
    """A column of an answer; ``type`` in ClickHouse's words."""

    name: str
    type: str


class Answer(Struct, frozen=True, kw_only=True):
    """What a question found. ``is_cut``: there are more rows than were asked for."""

    columns: list[Column]
    rows: list[dict[str, Any]]
    is_cut: bool
    rows_read: int
    elapsed_ms: float


class _Catalogue(Struct, frozen=True):
    """What the engine at hand has."""

    names: frozenset[str]
    folded: frozenset[str]
    aggregates: frozenset[str]
    combinators: tuple[str, ...]
    foreign: frozenset[str]

    def has(self, function: str) -> bool:
        """Whether *function* only computes."""
        if function in self.names or function.lower() in self.folded:
            return True
        return self._has_aggregate(function)

    def _has_aggregate(self, function: str) -> bool:
        if function in self.aggregates or function.lower() in self.aggregates & self.folded:
            return True
        return any(
            function.endswith(ending) and self._has_aggregate(function.removesuffix(ending))
            for ending in self.combinators
        )


class Guest:
    """Answers questions in SQL over *store*. Its methods may be called from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._catalogue: _Catalogue | None = None

    def ask(self, sql: str, *, limit: int = DEFAULT_ROWS) -> Answer:
        """Return what the SELECT *sql* finds, at most *limit* rows.

        Raises `QueryError` for what is not a SELECT over our tables, does not work, or takes
        more than it may; `StoreError` when the store is not there.
        """
        if not 1 <= limit <= MAX_ROWS:
            raise QueryError(f"limit is a number from 1 to {MAX_ROWS:,}", param="limit")
        plain = self._formatted(sql)
        if not plain.startswith(_BEGINNINGS):
            raise QueryError("only a SELECT is answered here", param=PARAM)
        statement = f"SELECT * FROM ({plain}) LIMIT {limit + 1}"
        self._check(statement)
        found = _decode(self._run(statement, form="JSON"))
        return Answer(
            columns=found.meta,
            rows=found.data[:limit],
            is_cut=len(found.data) > limit,
            rows_read=found.statistics.rows_read,
            elapsed_ms=found.statistics.elapsed * 1e3,
        )

    def _formatted(self, sql: str) -> str:
        """Return *sql* in the engine's own words: one statement, no comments, nothing left open."""
        try:
            [row] = self._store.query(
                "SELECT formatQuerySingleLine({sql:String}) AS sql", {"sql": sql}
            )
        except StoreError as error:
            raise _refusal(error) from error
        return str(row["sql"])

    def _check(self, statement: str) -> None:
        """Raise `QueryError` unless *statement* only computes, and only over our tables."""
        catalogue = self._known()
        tree = self._run(f"EXPLAIN AST {statement}", form="TSVRaw").decode(errors="replace")
        for kind, name in _NODE.findall(tree):
            if kind == "Function" and not catalogue.has(name):
                raise QueryError(f"the function {name} is not to be had here", param=PARAM)
            database, dot, _ = name.partition(".")
            if kind in _NAMES and dot and database in catalogue.foreign:
                raise QueryError(f"{name} is not one of our tables", param=PARAM)
            if kind not in NODES:
                word = REFUSED_NODES.get(kind, kind)
                raise QueryError(f"{word} is not to be had here", param=PARAM)

    def _run(self, statement: str, *, form: str) -> bytes:
        try:
            return self._store.guarded(statement, form=form)
        except StoreError as error:
            raise _refusal(error) from error

    def _known(self) -> _Catalogue:
        if self._catalogue is None:
            self._catalogue = _catalogue(self._store)
        return self._catalogue


def _catalogue(store: Store) -> _Catalogue:
    functions = store.query(_CATALOGUE)
    good = [f for f in functions if f["category"] in CATEGORIES or f["name"] in MORE_FUNCTIONS]
    return _Catalogue(
        names=frozenset(f["name"] for f in good) | MORE_FUNCTIONS,
        folded=frozenset(f["name"].lower() for f in good if f["folds"]),
        aggregates=frozenset(f["name"] for f in good if f["aggregates"]),
        combinators=tuple(row["name"] for row in store.query(_COMBINATORS)),
        foreign=frozenset(row["name"] for row in store.query(_DATABASES)),
    )


class _Statistics(Struct):
    elapsed: float
    rows_read: int


class _Found(Struct):
    meta: list[Column]
    data: list[dict[str, Any]]
    statistics: _Statistics


_decode = msgspec.json.Decoder(_Found).decode

# What the engine calls it → what to do about it.
_ADVICE = {
    "TIMEOUT_EXCEEDED": f"it took longer than {GUARDED_SETTINGS['max_execution_time']} s: "
    "ask for a shorter time (started_at) or for fewer columns",
    "MEMORY_LIMIT_EXCEEDED": "it needs too much memory: ask for a shorter time (started_at), for "
    "fewer columns, or for less detail",
    "TOO_MANY_ROWS_OR_BYTES": "the answer is too large: bodies are long, leave them out or ask "
    "for fewer rows",
}


def _refusal(error: StoreError) -> Exception:
    """The question's fault, where the engine complains of it; else the store's."""
    complaint = _COMPLAINT.search(str(error.__cause__))
    if complaint is None:
        return error
    return QueryError(_ADVICE.get(complaint["kind"], complaint["said"]), param=PARAM)
