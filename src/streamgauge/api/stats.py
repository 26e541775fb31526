"""GET /api/v1/stats and /api/v1/heatmap: aggregates for charts and tables."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, get

from streamgauge.api.errors import answers
from streamgauge.api.guard import READ
from streamgauge.api.params import HeatmapOperation, Query, StatsOperation
from streamgauge.api.parts import Given
from streamgauge.api.records import BAD_QUESTION
from streamgauge.api.schemas import Heatmap, Stats
from streamgauge.store import heatmap, stats


@get(
    "/stats",
    operation_id="getStats",
    operation_class=StatsOperation,
    summary="Statistics",
    description="Count, errors, tokens, cost and latency percentiles of the records that match, "
    "in time buckets and groups.",
    responses={200: answers(Stats, "The aggregates"), 400: BAD_QUESTION},
    opt=READ,
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


@get(
    "/heatmap",
    operation_id="getHeatmap",
    operation_class=HeatmapOperation,
    summary="Times to first token by time",
    description="How many of the records that match fell into each field of time and time to "
    "first token. Fields without records are left out.",
    responses={200: answers(Heatmap, "The fields"), 400: BAD_QUESTION},
    opt=READ,
)
async def get_heatmap(request: Request[Any, Any, Any], parts: Given) -> dict[str, Any]:
    """Counts by time and time to first token."""
    query = Query(request)
    bucket = query.take("bucket")
    filters = query.filters()
    return await run_sync(lambda: heatmap.heatmap(parts.store, filters, bucket=bucket))
