"""How the recorder is: the numbers behind /healthz and /metrics.

The API has structs of the same fields; the assembly hands one over as the other, so that
neither side has to know the other.
"""

from __future__ import annotations

from msgspec import Struct

from streamgauge.journal.status import Status


class WorkerHealth(Struct, frozen=True, kw_only=True):
    """One gateway worker; ``open`` counts its exchanges."""

    node: str
    worker: str
    pid: int
    age_s: float
    open: int
    journal: Status


class RecorderHealth(Struct, frozen=True, kw_only=True):
    """How far the recorder is behind the journal, and what it could not read."""

    lag_bytes: int
    lag_s: float
    records_stored: int
    frames_dropped: int
    frames_repaired: int


class StoreHealth(Struct, frozen=True, kw_only=True):
    """How the latest insert went."""

    scheme: str
    ok: bool
    last_error: str | None


class Health(Struct, frozen=True, kw_only=True):
    """All of it."""

    version: str
    uptime_s: float
    recorder: RecorderHealth
    store: StoreHealth
    workers: tuple[WorkerHealth, ...]
