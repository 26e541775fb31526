"""GET /api/v1/records/export: a selection of records as a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, get

from streamgauge.api.errors import answers
from streamgauge.api.guard import READ, admits
from streamgauge.api.live import EventStream, while_allowed
from streamgauge.api.params import ExportOperation, Query
from streamgauge.api.parts import Given
from streamgauge.api.records import BAD_QUESTION
from streamgauge.keys import Scope
from streamgauge.store import queries

TYPES = {
    "csv": "text/csv",  # the framework says which charset
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


@get(
    "/records/export",
    operation_id="exportRecords",
    operation_class=ExportOperation,
    summary="Export records",
    description="The records that match as CSV, JSON lines or Parquet, newest first unless sorted "
    "otherwise.",
    responses={200: answers(bytes, "The file"), 400: BAD_QUESTION},
    opt=READ,
)
async def export_records(request: Request[Any, Any, Any], parts: Given) -> EventStream:
    """A file of records."""
    query = Query(request)
    form = query.take("format") or "csv"
    sort = query.take("sort") or queries.DEFAULT_SORT
    limit = query.number("limit", 0)
    with_bodies = query.flag("bodies")
    filters = query.filters()
    pieces = queries.export(
        parts.store,
        filters,
        form=form,
        sort=sort,
        limit=limit or None,
        with_bodies=with_bodies,
    )
    # What the store refuses is answered as such as long as nothing has been sent.
    first = await run_sync(next, pieces)

    headers = {
        "Content-Disposition": f'attachment; filename="streamgauge-records.{form}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return EventStream(
        iterator=while_allowed(_sent(first, pieces), lambda: admits(request, Scope.READ)),
        status_code=200,
        media_type=TYPES[form],
        headers=headers,
    )


async def _sent(first: bytes, rest: Iterator[bytes]) -> AsyncGenerator[bytes]:
    """Each piece is made once the one before it has been taken."""
    piece: bytes | None = first
    while piece is not None:
        yield piece
        piece = await run_sync(next, rest, None)
