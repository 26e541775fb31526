"""GET /api/v1/records/export: a selection of records as a file."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, Response, get

from streamgauge.api.errors import answers
from streamgauge.api.guard import READ
from streamgauge.api.params import ExportOperation, Query
from streamgauge.api.parts import Given
from streamgauge.api.records import BAD_QUESTION
from streamgauge.store import queries

TYPES = {
    "csv": "text/csv; charset=utf-8",
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
async def export_records(request: Request[Any, Any, Any], parts: Given) -> Response[bytes]:
    """A file of records."""
    query = Query(request)
    form = query.take("format") or "csv"
    sort = query.take("sort") or queries.DEFAULT_SORT
    limit = query.number("limit", 0)
    with_bodies = query.flag("bodies")
    filters = query.filters()
    data = await run_sync(
        lambda: queries.export(
            parts.store,
            filters,
            form=form,
            sort=sort,
            limit=limit or None,
            with_bodies=with_bodies,
        )
    )
    headers = {
        "Content-Type": TYPES[form],
        "Content-Disposition": f'attachment; filename="streamgauge-records.{form}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(data, headers=headers)
