"""The order of a list, and the cursors that hold a place in it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from streamgauge.errors import QueryError
from streamgauge.store.columns import COLUMNS, PARAMETER_TYPES, Column
from streamgauge.store.filters import Where, stored_time


class Order:
    """By *sort*, one of *columns*, with ``-`` in front for descending; absent values come last.

    Equal ones stand by *key*, a text that no two rows share: in the same direction, unless
    *is_key_ascending*. Raises `QueryError`.
    """

    def __init__(
        self,
        sort: str,
        columns: Mapping[str, Column] = COLUMNS,
        *,
        key: str = "id",
        is_key_ascending: bool = False,
    ) -> None:
        self._sort = sort
        self._name = sort.removeprefix("-")
        self._descending = sort.startswith("-")
        self._key = key
        self._is_key_descending = self._descending and not is_key_ascending
        column = columns.get(self._name)
        if column is None or not column.is_sort:
            raise QueryError(f"{self._name!r} is not a column to sort by", param="sort")
        self._column = column

    def __str__(self) -> str:
        direction, last = (
            "DESC" if is_descending else "ASC"
            for is_descending in (self._descending, self._is_key_descending)
        )
        return f"{self._name} {direction} NULLS LAST, {self._key} {last}"

    @property
    def name(self) -> str:
        """The column."""
        return self._name

    @property
    def is_by_time(self) -> bool:
        """Whether it is the order in which the store keeps the rows."""
        return self._name == "started_at"

    def until(self, moment: str, where: Where) -> str:
        """The condition of a row not behind *moment*, when ordered by time."""
        bound = where.param(moment, PARAMETER_TYPES[self._column.kind])
        return f"started_at {'>=' if self._descending else '<='} {bound}"

    def cursor(self, row: dict[str, Any]) -> str:
        """The place behind *row*."""
        place = msgspec.json.encode((self._sort, row[self._name], row[self._key]))
        return base64.urlsafe_b64encode(place).rstrip(b"=").decode()

    def after(self, cursor: str, where: Where) -> str:
        """The condition of a row behind *cursor*."""
        value, last = self._place(cursor)
        name, sign = self._name, "<" if self._descending else ">"
        key_sign = "<" if self._is_key_descending else ">"
        behind = f"{self._key} {key_sign} {where.param(last, 'String')}"
        if value is None:
            return f"({name} IS NULL AND {behind})"
        bound = where.param(value, PARAMETER_TYPES[self._column.kind])
        rest = f"ifNull({name} {sign} {bound} OR ({name} = {bound} AND {behind}), false)"
        return f"({rest} OR {name} IS NULL)" if self._column.nullable else rest

    def _place(self, cursor: str) -> tuple[str | int | float | None, str]:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            kind = tuple[str, str | int | float | None, str]
            sort, value, last = msgspec.json.decode(raw, type=kind)
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            raise QueryError("the cursor is not one of ours", param="cursor") from None
        if sort != self._sort:
            raise QueryError(f"the cursor belongs to sort={sort}", param="cursor")
        return self._checked(value), last

    def _checked(self, value: str | int | float | None) -> str | int | float | None:
        """A cursor comes from outside: its value must be one that the column can have."""
        if value is None:
            return None
        try:
            if self._column.kind == "time":
                return stored_time(str(value))
            if self._column.kind == "text":
                return str(value)
            return float(value) if self._column.kind == "number" else int(value)
        except (ValueError, OverflowError):
            raise QueryError("the cursor is not one of ours", param="cursor") from None
