"""Single requests, as Helicone's filter trees choose them."""

# ruff: noqa: S608 - only names from our tables become text of a statement

from __future__ import annotations

from typing import Any

import msgspec

from streamgauge.errors import QueryError
from streamgauge.store.columns import SUMMARY_COLUMNS
from streamgauge.store.filters import Where
from streamgauge.store.helicone.columns import FIELDS, STATUS_BY_OUTCOME, TEXT
from streamgauge.store.helicone.trees import where_of
from streamgauge.store.loader import Store
from streamgauge.store.properties import selected
from streamgauge.store.scores import add_scores

# Of one question, at most.
MAX_LIMIT = 1000

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
