"""GET /api/v1/records and what hangs on one record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

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
from streamgauge.record import Outcome, Record, Source
from streamgauge.recorder import replay
from streamgauge.store import queries
from streamgauge.store.loader import Store

T = TypeVar("T")

# How long a question waits for a record that has ended to be stored, and how often it looks.
STORING_S = 5.0
POLL_S = 0.05

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
    running = parts.live.get(record_id, with_bodies=True)
    record = await run_sync(queries.record, parts.store, record_id)
    if running is not None and (record is None or is_open(record)):
        # The row of one that is open is a mere announcement.
        record = _open_record(record_id, running)
    if record is None:
        raise NotFound(f"there is no record {record_id}")
    if with_timeline:
        ask = queries.timeline
        record["timeline"] = None if is_open(record) else await stored(parts, record_id, ask)
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
    return await stored(parts, record_id, queries.timeline)


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
    return await stored(parts, record_id, _replay)


def _replay(store: Store, record_id: str) -> Replay | None:
    found = queries.transcript(store, record_id)
    record = queries.record(store, record_id)
    if found is None or record is None:
        return None
    is_told = record["source"] != Source.GATEWAY
    pieces = replay.pieces(found, path=record["path"] or "", is_told=is_told)
    return Replay(duration_ms=record["duration_ms"], pieces=[*pieces])


def _open_record(record_id: str, known: dict[str, Any]) -> dict[str, Any]:
    """The columns of an exchange that only the live view knows."""
    blank = msgspec.to_builtins(Record(id=record_id, started_at=datetime.now(UTC)))
    return {name: known.get(name, default) for name, default in blank.items()}


def is_open(known: dict[str, Any]) -> bool:
    """Whether an exchange, as it is *known*, still runs."""
    return bool(known.get("outcome", Outcome.OPEN) == Outcome.OPEN)


async def stored(parts: Parts, record_id: str, ask: Callable[[Store, str], T | None]) -> T:
    """Return what *ask* finds in the store, once a record that has just ended is there.

    Raises `NotFound`, also for an exchange that still runs.
    """
    deadline = monotonic() + STORING_S
    while True:
        known = parts.live.get(record_id)  # first: what has left it by then is in the store
        found = await run_sync(ask, parts.store, record_id)
        if found is not None:
            return found
        if known is None:
            raise NotFound(f"there is no record {record_id}")
        if is_open(known):
            raise NotFound(f"record {record_id} is still open and not stored yet; ask again")
        if monotonic() > deadline:
            raise NotFound(f"record {record_id} has ended and is not stored yet; ask again")
        await asyncio.sleep(POLL_S)
