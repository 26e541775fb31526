"""Every question to the store, by name.

FINAL gives one row per record: the final row instead of the open one, and one row where a
batch was repeated. It has to look at every version of a key before it can leave a row out, so
lists first find the keys of a page with few columns, by time even within a part of the store,
and then read the wide columns of just these keys. A single record is found by the time inside
its UUIDv7.
"""

# ruff: noqa: S608 - only names from the table of columns become text of a statement

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from streamgauge.errors import QueryError
from streamgauge.record import Outcome, Transcript
from streamgauge.store.clickhouse import Params
from streamgauge.store.columns import HEADER_COLUMNS, RECORD_COLUMNS, SUMMARY_COLUMNS
from streamgauge.store.filters import Filter, Where, clickhouse_time, stored_time
from streamgauge.store.loader import Store
from streamgauge.store.order import Order
from streamgauge.store.properties import selected

MAX_LIMIT = 1000
DEFAULT_LIMIT = 50
DEFAULT_SORT = "-started_at"

# Rows beyond twice a page that may be left out before a list has to look at everything.
SPARE = 100

# How far apart the time in an id and started_at may be: both come from the gateway's clock,
# which may be set in between. An id outside of it is still found, by its bloom filter.
ID_SLACK = timedelta(hours=1)

_ROW = "started_at = {at:DateTime64(6, 'UTC')} AND id = {id:String}"


class Page(Struct, frozen=True):
    """A part of a list; ``next_cursor`` is absent on the last one."""

    records: list[dict[str, Any]]
    next_cursor: str | None


# lists


def records(
    store: Store,
    filters: Sequence[Filter] = (),
    *,
    sort: str = DEFAULT_SORT,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Summaries (all columns but the bodies), one per record.

    *sort*: a column, with ``-`` in front for descending; absent values come last, equal ones
    by id. *cursor*: the ``next_cursor`` of the page before; rows that arrive in between
    neither repeat nor hide others. Raises `QueryError`.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryError(f"limit is a number from 1 to {MAX_LIMIT}", param="limit")
    order = Order(sort)
    where = Where(filters)
    if cursor is not None:
        where.add(order.after(cursor, where))
    # One row more than asked for tells whether there is another page.
    keys = _keys(store, where, order, count=limit + 1)
    rows = _summaries(store, keys[:limit], order)
    more = len(keys) > limit and rows
    return Page(rows, order.cursor(rows[-1]) if more else None)


Rows = list[dict[str, Any]]


def _keys(
    store: Store, where: Where, order: Order, *, count: int, more: Sequence[str] = ()
) -> Rows:
    """The first *count* keys that match; by time, without looking at the whole store.

    With each what it is ordered by, and *more* columns.
    """
    columns = dict.fromkeys(("started_at", "id", order.name, *more))
    select = f"SELECT {', '.join(columns)} FROM records"
    tail = f"ORDER BY {order} LIMIT {count:d}"
    if order.is_by_time:
        # Rows as they lie, with those that FINAL leaves out, are quickly read in order: they
        # tell a time within which the page will be found, if not too many of them are left out.
        edge = store.query(
            f"{select} {where} ORDER BY {order} LIMIT 1 OFFSET {2 * count + SPARE:d}", where.params
        )
        if edge:
            near = where.copy()
            near.add(order.until(stored_time(edge[0]["started_at"]), near))
            keys = store.query(f"{select} FINAL {near} {tail}", near.params)
            if len(keys) == count:
                return keys
    return store.query(f"{select} FINAL {where} {tail}", where.params)


def _summaries(store: Store, keys: Rows, order: Order) -> Rows:
    return store.query(*_of_keys(SUMMARY_COLUMNS, keys, order)) if keys else []


def _of_keys(columns: Sequence[str], keys: Rows, order: Order) -> tuple[str, Params]:
    """The statement that reads *columns* of just these *keys*, and its parameters."""
    params: Params = {
        "times": [stored_time(key["started_at"]) for key in keys],
        "ids": [key["id"] for key in keys],
    }
    statement = (
        f"SELECT {selected(columns)} FROM records FINAL WHERE (started_at, id) IN "
        "(SELECT arrayJoin(arrayZip({times:Array(DateTime64(6, 'UTC'))}, {ids:Array(String)})))"
        f" ORDER BY {order}"
    )
    return statement, params


# files

# How a selection leaves, and what the store calls that.
FORMATS = {"csv": "CSVWithNames", "jsonl": "JSONEachRow", "parquet": "Parquet"}
# What follows the first piece of a file that grows piece by piece; Parquet is made at once.
GROWING = {"csv": "CSV", "jsonl": "JSONEachRow"}
MOST_EXPORTED = 100_000
MOST_EXPORTED_WHOLE = 10_000  # with bodies

# What a piece holds at most, as far as a record alone is not larger: about 5 MB without bodies.
PIECE_ROWS = 5_000
PIECE_BYTES = 16 << 20
SIZES = ("bytes_in", "bytes_out")  # of bodies, as they came


def export(
    store: Store,
    filters: Sequence[Filter] = (),
    *,
    form: str,
    sort: str = DEFAULT_SORT,
    limit: int | None = None,
    with_bodies: bool = False,
) -> Iterator[bytes]:
    """The records that match as a file of *form*, a key of `FORMATS`, piece by piece.

    Raises `QueryError` at once, and `StoreError` with any piece.
    """
    if form not in FORMATS:
        raise QueryError(f"format is one of {', '.join(FORMATS)}", param="format")
    most = MOST_EXPORTED_WHOLE if with_bodies else MOST_EXPORTED
    limit = most if limit is None else limit
    if not 1 <= limit <= most:
        raise QueryError(f"limit is a number from 1 to {most}", param="limit")
    order, where = Order(sort), Where(filters)
    make = _growing if form in GROWING else _whole
    return make(store, where, order, form=form, limit=limit, with_bodies=with_bodies)


_EXPORTED = {False: SUMMARY_COLUMNS, True: RECORD_COLUMNS}


def _whole(
    store: Store, where: Where, order: Order, *, form: str, limit: int, with_bodies: bool
) -> Iterator[bytes]:
    columns = selected(_EXPORTED[with_bodies])
    yield store.file(
        f"SELECT {columns} FROM records FINAL {where} ORDER BY {order} LIMIT {limit:d}",
        where.params,
        form=FORMATS[form],
    )


def _growing(
    store: Store, where: Where, order: Order, *, form: str, limit: int, with_bodies: bool
) -> Iterator[bytes]:
    """The same as `_whole`, without ever holding more than a piece of it."""
    columns, sizes = _EXPORTED[with_bodies], SIZES if with_bodies else ()
    name, left, page = FORMATS[form], limit, where
    while left:
        count = min(left, PIECE_ROWS)
        keys = _keys(store, page, order, count=count, more=sizes)
        for part in _parts(keys, sizes):
            yield store.file(*_of_keys(columns, part, order), form=name)
            name = GROWING[form]
        if len(keys) < count:
            break
        left -= count
        page = where.copy()
        page.add(order.after(order.cursor(keys[-1]), page))


def _parts(keys: Rows, sizes: Sequence[str]) -> Iterator[Rows]:
    """Cut *keys* where what hangs on them comes to `PIECE_BYTES`; none are one part, too."""
    part: Rows = []
    held = 0
    for key in keys:
        size = sum(key[name] for name in sizes)
        if part and held + size > PIECE_BYTES:
            yield part
            part, held = [], 0
        part.append(key)
        held += size
    yield part


# single records

_BYTES_KEPT = f"if(outcome = '{Outcome.OPEN}', NULL, length(raw)) AS bytes_kept"


def record(store: Store, record_id: str) -> dict[str, Any] | None:
    """One record with all its columns and the headers that were kept; None when there is none.

    ``bytes_kept``: how many bytes of its answer can be had as they arrived; absent while it is
    open.
    """
    columns = selected((*RECORD_COLUMNS, *HEADER_COLUMNS))
    row = _row_of(store, record_id, f"{columns}, {_BYTES_KEPT}")
    if row is not None:
        row["reply"] = row["reply"] and msgspec.json.decode(row["reply"])
        row["attempts"] = msgspec.json.decode(row["attempts"] or b"[]")
    return row


def timeline(store: Store, record_id: str) -> dict[str, Any] | None:
    """The marks and chunks of one record: ``{"marks": {name: ms}, "chunks": [[ms, bytes], …]}``."""
    row = _row_of(store, record_id, f"{', '.join(MARKS)}, chunk_ms, chunk_bytes")
    if row is None:
        return None
    chunks = [list(pair) for pair in zip(row["chunk_ms"], row["chunk_bytes"], strict=True)]
    return {"marks": {mark: row[mark] for mark in MARKS}, "chunks": chunks}


def transcript(store: Store, record_id: str) -> Transcript | None:
    """The answer of one record as it arrived; None when there is none, or none yet."""
    key = _key(store, record_id)
    if key is None:
        return None
    columns = f"outcome, {', '.join(HEADER_COLUMNS)}, chunk_ms, chunk_bytes"
    rows = store.query(f"SELECT {columns} FROM records FINAL WHERE {_ROW}", key)
    if rows[0]["outcome"] == Outcome.OPEN:
        return None
    raw = store.blob(f"SELECT raw FROM records FINAL WHERE {_ROW}", key)
    return Transcript(
        request_headers=rows[0]["request_headers"],
        response_headers=rows[0]["response_headers"],
        raw=raw,
        chunk_ms=tuple(rows[0]["chunk_ms"]),
        chunk_bytes=tuple(rows[0]["chunk_bytes"]),
    )


def has_unkept_bytes(store: Store, record_id: str) -> bool:
    """Whether the record's answer had bytes, but none are kept (any longer)."""
    row = _row_of(store, record_id, "bytes_out > 0 AND empty(raw) AS is_so")
    return row is not None and bool(row["is_so"])


MARKS = (
    "connect_ms",
    "headers_ms",
    "first_byte_ms",
    "first_event_ms",
    "first_reasoning_ms",
    "ttft_ms",
    "last_token_ms",
    "duration_ms",
)


def exists(store: Store, ids: Sequence[str], *, closed: bool = False) -> set[str]:
    """Those of *ids* that the store has; with *closed* only those whose final row is there."""
    found: set[str] = set()
    for start in range(0, len(ids), MAX_LIMIT):
        part = list(ids[start : start + MAX_LIMIT])
        where = Where()
        where.add(f"id IN {where.param(part, 'Array(String)')}")
        moments = [id_time(record_id) for record_id in part]
        known = [moment for moment in moments if moment is not None]
        if len(known) == len(part):
            _within(where, min(known), max(known))
        if closed:
            where.add("version = 1")
        rows = store.query(f"SELECT DISTINCT id FROM records {where}", where.params)
        found.update(row["id"] for row in rows)
    return found


def _row_of(store: Store, record_id: str, columns: str) -> dict[str, Any] | None:
    key = _key(store, record_id)
    if key is None:
        return None
    rows = store.query(f"SELECT {columns} FROM records FINAL WHERE {_ROW}", key)
    return rows[0] if rows else None


def _key(store: Store, record_id: str) -> Params | None:
    """The sorting key of a record: first near the time in its id, then anywhere."""
    moment = id_time(record_id)
    for near in (moment, None) if moment else (None,):
        where = Where()
        where.add(f"id = {where.param(record_id, 'String')}")
        if near is not None:
            _within(where, near, near)
        rows = store.query(f"SELECT started_at FROM records {where} LIMIT 1", where.params)
        if rows:
            return {"at": stored_time(rows[0]["started_at"]), "id": record_id}
    return None


def _within(where: Where, first: datetime, last: datetime) -> None:
    for sign, moment in ((">=", first - ID_SLACK), ("<=", last + ID_SLACK)):
        bound = where.param(clickhouse_time(moment), "DateTime64(6, 'UTC')")
        where.add(f"started_at {sign} {bound}")


# Beyond this year a "UUIDv7" is a client's own number; adding slack to it could overflow.
_LAST_YEAR = 2262


def id_time(record_id: str) -> datetime | None:
    """The moment inside a UUIDv7 (to the millisecond); None for any other id."""
    try:
        value = UUID(record_id)
    except ValueError:
        return None
    if value.version != 7:
        return None
    try:
        moment = datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if 1970 < moment.year < _LAST_YEAR else None


# the store itself


def ping(store: Store) -> None:
    """Ask the store for a sign of life; raises `StoreError` when it gives none."""
    store.query("SELECT 1 FROM records LIMIT 0")


def footprint(store: Store) -> dict[str, int]:
    """``rows`` and ``bytes`` on disk, from the store's own books.

    A row that a later one replaced counts until the store has merged the two.
    """
    rows = store.query(
        "SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = 'records'"
    )
    return {"rows": rows[0]["rows"], "bytes": rows[0]["bytes"]}
