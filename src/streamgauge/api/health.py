"""Health: whether the promises hold. /healthz for people, /readyz for machines."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from anyio.to_thread import run_sync
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec

from streamgauge.api.errors import ErrorAnswer, error_response
from streamgauge.api.guard import EVERYBODY
from streamgauge.api.parts import Given
from streamgauge.errors import StoreError
from streamgauge.recorder.health import Health
from streamgauge.store import queries

# A recorder at work is behind by a flush; this much means that it does not keep up.
LAG_LIMIT_S = 10.0
# Workers report every second.
WORKER_AGE_LIMIT_S = 10.0


def judged(health: Health) -> Health:
    """*health* with its status: degraded while anything is lost, stalled, silent or behind.

    What was lost before does not hold the status: an alarm that never ends tells nothing.
    """
    status: Literal["ok", "degraded"] = "degraded" if any(_troubles(health)) else "ok"
    return msgspec.structs.replace(health, status=status, has_losses=_has_losses(health))


def _has_losses(health: Health) -> bool:
    lost = sum(worker.journal.lost_entries for worker in health.workers)
    return lost + health.recorder.lost_entries + health.recorder.frames_dropped > 0


def _troubles(health: Health) -> list[bool]:
    return [
        any(w.journal.losing or w.journal.full or w.journal.stalled for w in health.workers),
        any(worker.age_s > WORKER_AGE_LIMIT_S for worker in health.workers),
        health.recorder.lag_s > LAG_LIMIT_S,
        not health.store.ok,
    ]


@get(
    "/healthz",
    operation_id="getHealth",
    summary="Health",
    description="Always 200 while the recorder lives; `status` says whether every promise "
    "holds now, `has_losses` whether anything was lost since the recorder's start.",
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
