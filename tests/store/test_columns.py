"""The table of columns against the schema."""

from __future__ import annotations

import msgspec

from streamgauge.record import Record
from streamgauge.store.columns import COLUMNS, STORED_COLUMNS, Kind

STEMS = {
    Kind.TEXT: ("String",),
    Kind.BODY: ("String",),
    Kind.INTEGER: ("UInt", "Int"),
    Kind.NUMBER: ("Float64",),
    Kind.TIME: ("DateTime64(6, 'UTC')",),
    Kind.FLAG: ("Bool",),
    Kind.LIST: ("Array(LowCardinality(String))",),
    Kind.MAP: ("Map(",),
}


def test_the_schema_has_every_stored_column_in_order(store):
    rows = store.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() "
        "AND table = 'records' ORDER BY position"
    )
    assert tuple(row["name"] for row in rows) == STORED_COLUMNS


def test_the_schema_gives_every_column_the_type_of_its_kind(store):
    rows = store.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() "
        "AND table = 'records'"
    )
    types = {row["name"]: row["type"] for row in rows}
    for column in COLUMNS.values():
        written = types[column.name]
        assert ("Nullable(" in written) == column.nullable, column
        if column.kind is not Kind.LIST:
            written = written.removeprefix("LowCardinality(").removeprefix("Nullable(")
        assert written.startswith(STEMS[column.kind]), column


def test_every_field_of_a_record_is_a_column():
    assert list(COLUMNS) == [field.name for field in msgspec.structs.fields(Record)]


def test_bodies_can_be_neither_filtered_nor_sorted_nor_grouped_by():
    for name in ("request_body", "reply", "response_text"):
        column = COLUMNS[name]
        assert [column.is_filter, column.is_sort, column.is_group] == [False] * 3
