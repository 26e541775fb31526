"""The known columns: what a question may name, and what kind of value stands there.

Names in SQL come from here and nowhere else. The table follows from `Record`, so that a new
field is a new column to ask for; the schema's SQL is checked against it by a test.
"""

from __future__ import annotations

import types
from datetime import datetime
from enum import Enum, StrEnum
from typing import Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from streamgauge.record import Amendment, Record


class Kind(StrEnum):
    """What stands in a column, and with it which questions make sense."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"
    FLAG = "flag"
    LIST = "list"  # of texts: a filter asks whether it holds one of them
    MAP = "map"
    BODY = "body"  # what was said: only in single records, searched with `q`


# The type of a parameter that is compared with a column of this kind.
PARAMETER_TYPES = {
    Kind.TEXT: "String",
    Kind.INTEGER: "Int64",
    Kind.NUMBER: "Float64",
    Kind.TIME: "DateTime64(6, 'UTC')",
    Kind.FLAG: "Bool",
    Kind.LIST: "String",
}
FILTERED = frozenset(PARAMETER_TYPES)
SORTED = frozenset({Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.TIME})
BODIES = ("request_body", "reply", "response_text", "attempts")
# Numbers that are names in truth, and so make groups.
GROUPED_NUMBERS = ("http_status", "retries", "resumed")
# One group per record would be no group.
NOT_GROUPED = ("id", "error_message", "client_request_id", "provider_request_id")


class Column(Struct, frozen=True, kw_only=True):
    """One column of ``records``. ``nullable``: the value may be absent."""

    name: str
    kind: Kind
    nullable: bool
    choices: tuple[str, ...] = ()

    @property
    def is_filter(self) -> bool:
        """Whether a list can be narrowed by it."""
        return self.kind in FILTERED

    @property
    def may_be_absent(self) -> bool:
        """Whether a record can be without it; a list without anything in it is absent, too."""
        return self.nullable or self.kind is Kind.LIST

    @property
    def is_sort(self) -> bool:
        """Whether a list can be ordered by it."""
        return self.kind in SORTED

    @property
    def is_group(self) -> bool:
        """Whether statistics can be grouped by it."""
        if self.name in NOT_GROUPED:
            return False
        return self.kind in (Kind.TEXT, Kind.FLAG) or self.name in GROUPED_NUMBERS


_KINDS: dict[object, Kind] = {
    bool: Kind.FLAG,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    datetime: Kind.TIME,
    tuple: Kind.LIST,
    dict: Kind.MAP,
}


def _column(name: str, hint: object) -> Column:
    nullable = get_origin(hint) in (Union, types.UnionType)
    plain = next(a for a in get_args(hint) if a is not type(None)) if nullable else hint
    choices: tuple[str, ...] = ()
    if isinstance(plain, type) and issubclass(plain, Enum):
        choices, plain = tuple(member.value for member in plain), str
    kind = Kind.BODY if name in BODIES else _KINDS[get_origin(plain) or plain]
    return Column(name=name, kind=kind, nullable=nullable, choices=choices)


COLUMNS: dict[str, Column] = {
    name: _column(name, hint) for name, hint in get_type_hints(Record).items()
}
RECORD_COLUMNS = tuple(COLUMNS)
SUMMARY_COLUMNS = tuple(name for name in COLUMNS if name not in BODIES)
HEADER_COLUMNS = ("request_headers", "response_headers")
TRANSCRIPT_COLUMNS = (*HEADER_COLUMNS, "raw", "chunk_ms", "chunk_bytes")
AMENDMENT_COLUMNS = tuple(Amendment.__struct_fields__)
STORED_COLUMNS = (*RECORD_COLUMNS, *TRANSCRIPT_COLUMNS, "version")
