"""How the recorder is: the numbers behind /healthz and /metrics, in the shape of /healthz."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from streamgauge.journal.status import JournalHealth

# What a worker counts of itself and tells about once a second.
COUNTERS = ("open", "exchanges", "refused", "clients", "tasks")


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
    """How far the recorder is behind the journal, and what it could not read.

    ``lost_entries``: what workers that are gone could not write.
    """

    lag_bytes: int = 0
    lag_s: float = 0.0
    records_stored: int = 0
    frames_dropped: int = 0
    frames_repaired: int = 0
    lost_entries: int = 0


class StoreHealth(Struct, frozen=True, kw_only=True):
    """The store. ``last_error`` is that of the latest insert, None after one that went well."""

    scheme: str
    ok: bool = True
    last_error: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    """The state of the process tree; the API judges its ``status`` and ``has_losses``.

    ``status`` is of now. ``has_losses``: something was not kept, or could not be read, since
    the recorder's start; it stays.
    """

    version: str
    uptime_s: float
    recorder: RecorderHealth
    store: StoreHealth
    workers: tuple[WorkerHealth, ...] = ()
    status: Literal["ok", "degraded"] = "ok"
    has_losses: bool = False
