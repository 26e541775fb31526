"""A record's properties as they stand: its own, and over them what was told of it later.

Expressions of SQL over the columns of ``records``. What was said under the caller's own id of a
record wins over what was said under ours.
"""

# ruff: noqa: S608 - names come as parameters of the statement, not as text

from __future__ import annotations

from collections.abc import Iterable

from streamgauge.record import Amended

COLUMN = "properties"

_TOLD = f"FROM amendments FINAL WHERE kind = '{Amended.PROPERTY}'"
# Two arrays, of ids and of what was told; a subquery of one row is run once a statement.
_VALUES = f"(SELECT (groupArray(record_id), groupArray(value)) {_TOLD} AND name = {{name}})"
_OBJECTS = (
    "(SELECT (groupArray(record_id), groupArray(told)) FROM (SELECT record_id, "
    f"toJSONString(mapFromArrays(groupArray(name), groupArray(value))) AS told {_TOLD} "
    "GROUP BY record_id))"
)
_IDS = ("id", "ifNull(client_request_id, '')")


def _looked_up(id_: str, told: str, otherwise: str) -> str:
    # `transform` makes a hash table of the arrays: each row costs one look into it.
    return f"transform({id_}, tupleElement({told}, 1), tupleElement({told}, 2), {otherwise})"


def _all() -> str:
    properties = COLUMN
    for id_ in _IDS:
        told = _looked_up(id_, _OBJECTS, "'{}'")
        properties = f"mapUpdate({properties}, JSONExtract({told}, 'Map(String, String)'))"
    return f"{properties} AS {COLUMN}"


ALL = _all()


def value_of(name: str) -> str:
    """Return the value of a property; *name* is the parameter that holds its name.

    NULL where a record has none.
    """
    value = f"if(mapContains({COLUMN}, {name}), {COLUMN}[{name}], NULL)"
    for id_ in _IDS:
        value = _looked_up(id_, _VALUES.format(name=name), value)
    return value


def selected(columns: Iterable[str]) -> str:
    """Return *columns* for a SELECT, the properties as they stand."""
    return ", ".join(ALL if column == COLUMN else column for column in columns)
