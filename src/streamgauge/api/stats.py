"""GET /api/v1/stats: aggregates for charts and tables."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, get

from streamgauge.api.errors import answers
from streamgauge.api.params import Query, StatsOperation
from streamgauge.api.parts import Given
from streamgauge.api.records import BAD_QUESTION
from streamgauge.api.schemas import Stats
from streamgauge.store import stats


@get(
    "/stats",
    operation_id="getStats",
    operation_class=StatsOperation,
    summary="Statistics",
    description="Count, errors, tokens, cost and latency percentiles of the records that match, "
    "in time buckets and groups.",
    responses={200: answers(Stats, "The aggregates"), 400: BAD_QUESTION},
)
async def get_stats(request: Request[Any, Any, Any], parts: Given) -> dict[str, Any]:
    """Aggregates by time and group."""
    query = Query(request)
    bucket, group_by = query.take("bucket"), query.take("group_by")
    groups = query.number("groups", stats.DEFAULT_GROUPS)
    filters = query.filters()
    return await run_sync(
        lambda: stats.stats(parts.store, filters, bucket=bucket, group_by=group_by, groups=groups)
    )
