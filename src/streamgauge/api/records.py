"""GET /api/v1/records and what hangs on one record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from streamgauge.api.errors import ErrorAnswer, NotFound, answers
from streamgauge.api.guard import READ
from streamgauge.api.params import DetailOperation, ListOperation, Query
from streamgauge.api.parts import Given, Parts
from streamgauge.api.schemas import RecordDetail, RecordPage, Replay, Timeline
from streamgauge.record import Record, Source
from streamgauge.recorder import replay
from streamgauge.store import queries

NOT_FOUND = ResponseSpec(ErrorAnswer, description="No such record", generate_examples=False)
BAD_QUESTION = ResponseSpec(
    ErrorAnswer, description="A parameter is not known or makes no sense", generate_examples=False
)


@get(
    "/records",
    operation_id="listRecords",
    operation_class=ListOperation,
    summary="List records",
    description="Summaries of the records that match, newest first unless sorted otherwise.",
    responses={200: answers(RecordPage, "A page of records"), 400: BAD_QUESTION},
    opt=READ,
)
async def list_records(request: Request[Any, Any, Any], parts: Given) -> dict[str, Any]:
    """Summaries, by filter, order and page."""
    query = Query(request)
    sort = query.take("sort") or queries.DEFAULT_SORT
    limit = query.number("limit", queries.DEFAULT_LIMIT)
    cursor = query.take("cursor")
    filters = query.filters()
    page = await run_sync(
        lambda: queries.records(parts.store, filters, sort=sort, limit=limit, cursor=cursor)
    )
    return {"records": page.records, "next_cursor": page.next_cursor}


@get(
    "/records/{record_id:str}",
    operation_id="getRecord",
    operation_class=DetailOperation,
    summary="One record",
    description="A whole record with request and reply. An exchange that still runs and is not "
    "stored yet is answered as far as it is known, with the outcome `open`.",
    responses={200: answers(RecordDetail, "The record"), 400: BAD_QUESTION, 404: NOT_FOUND},
    opt=READ,
)
async def one_record(
    request: Request[Any, Any, Any], parts: Given, record_id: FromPath[str]
) -> dict[str, Any]:
    """One record, from the store or, while it runs, from the live view."""
    query = Query(request)
    with_timeline = query.flag("timeline")
    query.end()
    # The live view first: what has left it by then is in the store by now.
    running = parts.live.get(record_id)
    record = await run_sync(queries.record, parts.store, record_id)
    if record is None and running is None:
        raise NotFound(f"there is no record {record_id}")
    record = record or _open_record(record_id, running or {})
    if with_timeline:
        record["timeline"] = await run_sync(queries.timeline, parts.store, record_id)
    return record


@get(
    "/records/{record_id:str}/timeline",
    operation_id="getTimeline",
    summary="The timeline of a record",
    responses={200: answers(Timeline, "Marks and chunks"), 400: BAD_QUESTION, 404: NOT_FOUND},
    opt=READ,
)
async def one_timeline(
    request: Request[Any, Any, Any], parts: Given, record_id: FromPath[str]
) -> dict[str, Any]:
    """Marks and chunks of one record."""
    Query(request).end()
    found = await run_sync(queries.timeline, parts.store, record_id)
    if found is None:
        raise not_stored(parts, record_id)
    return found


@get(
    "/records/{record_id:str}/replay",
    operation_id="getReplay",
    summary="The stream again",
    description="What each chunk of the answer said, with the time at which it came: to play it.",
    responses={200: answers(Replay, "The pieces"), 400: BAD_QUESTION, 404: NOT_FOUND},
    opt=READ,
)
async def one_replay(
    request: Request[Any, Any, Any], parts: Given, record_id: FromPath[str]
) -> Replay:
    """The text of one record, piece by piece."""
    Query(request).end()
    found = await run_sync(_replay, parts, record_id)
    if found is None:
        raise not_stored(parts, record_id)
    return found


def _replay(parts: Parts, record_id: str) -> Replay | None:
    found = queries.transcript(parts.store, record_id)
    record = queries.record(parts.store, record_id)
    if found is None or record is None:
        return None
    is_told = record["source"] != Source.GATEWAY
    pieces = replay.pieces(found, path=record["path"], is_told=is_told)
    return Replay(duration_ms=record["duration_ms"], pieces=[*pieces])


def _open_record(record_id: str, known: dict[str, Any]) -> dict[str, Any]:
    """The columns of an exchange that only the live view knows."""
    blank = msgspec.to_builtins(Record(id=record_id, started_at=datetime.now(UTC)))
    return {name: known.get(name, default) for name, default in blank.items()}


def not_stored(parts: Parts, record_id: str) -> NotFound:
    """Say why the store has no such record."""
    if parts.live.get(record_id) is None:
        return NotFound(f"there is no record {record_id}")
    return NotFound(f"record {record_id} is still open and not stored yet; ask again shortly")
