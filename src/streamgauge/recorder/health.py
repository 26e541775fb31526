"""How the recorder is: the numbers behind /healthz and /metrics.

The API has structs of the same fields; the assembly hands one over as the other, so that
neither side has to know the other.
"""

from __future__ import annotations

from msgspec import Struct

from streamgauge.journal.status import Status

# What a worker counts of itself and tells about once a second.
COUNTERS = ("open", "exchanges", "refused", "clients", "tasks")


class WorkerHealth(Struct, frozen=True, kw_only=True):
    """One gateway worker; ``open`` counts exchanges that run now.

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
