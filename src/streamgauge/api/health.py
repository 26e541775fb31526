"""Health: whether the promises hold. /healthz for people, /readyz for machines."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from anyio.to_thread import run_sync
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from streamgauge.api.errors import ErrorAnswer, error_response
from streamgauge.api.guard import EVERYBODY
from streamgauge.api.parts import Given
from streamgauge.errors import StoreError
from streamgauge.store import queries

# A recorder at work is behind by a flush; this much means that it does not keep up.
LAG_LIMIT_S = 10.0
# Workers report every second.
WORKER_AGE_LIMIT_S = 10.0


class JournalHealth(Struct, frozen=True, kw_only=True):
    """The journal of one worker. What is lost was streamed to the client, but not kept."""

    written_bytes: int = 0
    lost_entries: int = 0
    lost_bytes: int = 0
    stalls: int = 0
    full: bool = False
    stalled: bool = False


class WorkerHealth(Struct, frozen=True, kw_only=True):
    """One gateway worker. ``age_s``: seconds since it last reported; ``open``: exchanges now.

    ``exchanges`` and ``refused`` (no exchange came of it) count since its start; ``clients`` are
    connections.
    """

    node: str
    worker: str
    pid: int
    age_s: float
    open: int
    exchanges: int = 0
    refused: int = 0
    clients: int = 0
    tasks: int = 0
    journal: JournalHealth


class RecorderHealth(Struct, frozen=True, kw_only=True):
    """How far the recorder is behind the journal, and what it could not read."""

    lag_bytes: int = 0
    lag_s: float = 0.0
    records_stored: int = 0
    frames_dropped: int = 0
    frames_repaired: int = 0


class StoreHealth(Struct, frozen=True, kw_only=True):
    """The store. ``last_error`` is that of the latest insert, None after one that went well."""

    scheme: str
    ok: bool = True
    last_error: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    """The state of the process tree; ``status`` is filled in by the API (`judged`)."""

    version: str
    uptime_s: float
    recorder: RecorderHealth
    store: StoreHealth
    workers: tuple[WorkerHealth, ...] = ()
    status: Literal["ok", "degraded"] = "ok"


def judged(health: Health) -> Health:
    """*health* with its status: degraded when anything is lost, stalled, silent or behind."""
    status: Literal["ok", "degraded"] = "degraded" if any(_troubles(health)) else "ok"
    return msgspec.structs.replace(health, status=status)


def _troubles(health: Health) -> list[bool]:
    journals = [worker.journal for worker in health.workers]
    return [
        any(j.lost_entries or j.lost_bytes or j.full or j.stalled for j in journals),
        any(worker.age_s > WORKER_AGE_LIMIT_S for worker in health.workers),
        health.recorder.lag_s > LAG_LIMIT_S,
        health.recorder.frames_dropped > 0,
        not health.store.ok,
    ]


@get(
    "/healthz",
    operation_id="getHealth",
    summary="Health",
    description="Always 200 while the recorder lives; `status` says whether every promise holds.",
    opt=EVERYBODY,
)
async def get_health(parts: Given) -> Health:
    """The state of the process tree."""
    return judged(parts.health())


@get(
    "/readyz",
    operation_id="getReady",
    summary="Ready to answer",
    description="200 when the store answers, 503 when it does not.",
    responses={503: ResponseSpec(ErrorAnswer, description="Not ready", generate_examples=False)},
    opt=EVERYBODY,
)
async def get_ready(parts: Given) -> Response[Any]:
    """Whether questions would be answered."""
    try:
        await run_sync(queries.ping, parts.store)
    except StoreError as error:
        return error_response(503, f"the store does not answer: {error}"[:500])
    return Response({"ready": True})
