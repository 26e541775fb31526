"""GET /metrics: health as numbers, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from anyio.to_thread import run_sync
from litestar import Response, get
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from streamgauge.api.guard import READ
from streamgauge.api.health import judged
from streamgauge.api.parts import Given
from streamgauge.errors import StoreError
from streamgauge.recorder.health import Health, WorkerHealth
from streamgauge.store import queries

Family = type[CounterMetricFamily] | type[GaugeMetricFamily]
GAUGE, COUNTER = GaugeMetricFamily, CounterMetricFamily

OF_TREE: tuple[tuple[str, str, Family, Callable[[Health], float]], ...] = (
    ("up", "1 while the recorder answers.", GAUGE, lambda _: 1),
    ("degraded", "1 while a promise does not hold.", GAUGE, lambda h: h.status != "ok"),
    ("uptime_seconds", "Seconds since the start.", GAUGE, lambda h: h.uptime_s),
    (
        "recorder_lag_bytes",
        "Bytes of journal not yet recorded.",
        GAUGE,
        lambda h: h.recorder.lag_bytes,
    ),
    (
        "recorder_lag_seconds",
        "Age of the oldest of them.",
        GAUGE,
        lambda h: h.recorder.lag_s,
    ),
    (
        "records_stored",
        "Records given to the store since the start.",
        COUNTER,
        lambda h: h.recorder.records_stored,
    ),
    (
        "journal_frames_dropped",
        "Parts of the journal that could not be read.",
        COUNTER,
        lambda h: h.recorder.frames_dropped,
    ),
    (
        "journal_frames_repaired",
        "Torn ends of the journal that were cut off.",
        COUNTER,
        lambda h: h.recorder.frames_repaired,
    ),
    ("store_ok", "1 when the latest insert went well.", GAUGE, lambda h: h.store.ok),
)

OF_WORKER: tuple[tuple[str, str, Family, Callable[[WorkerHealth], float]], ...] = (
    ("worker_age_seconds", "Seconds since it last reported.", GAUGE, lambda w: w.age_s),
    ("open_exchanges", "Exchanges that run now.", GAUGE, lambda w: w.open),
    ("exchanges", "Exchanges since the worker's start.", COUNTER, lambda w: w.exchanges),
    (
        "refused",
        "Requests and connections that came to no exchange.",
        COUNTER,
        lambda w: w.refused,
    ),
    ("client_connections", "Connections of clients.", GAUGE, lambda w: w.clients),
    ("tasks", "Tasks of the worker's event loop.", GAUGE, lambda w: w.tasks),
    (
        "journal_written_bytes",
        "Bytes written to the journal.",
        COUNTER,
        lambda w: w.journal.written_bytes,
    ),
    (
        "journal_lost_entries",
        "Entries that were streamed but not kept.",
        COUNTER,
        lambda w: w.journal.lost_entries,
    ),
    (
        "journal_lost_bytes",
        "Bytes that were streamed but not kept.",
        COUNTER,
        lambda w: w.journal.lost_bytes,
    ),
    (
        "journal_losing",
        "1 from a loss until the journal is written again.",
        GAUGE,
        lambda w: w.journal.losing,
    ),
    ("journal_stalls", "Times the disk was too slow.", COUNTER, lambda w: w.journal.stalls),
    ("journal_stalled", "1 while the disk is too slow.", GAUGE, lambda w: w.journal.stalled),
    ("journal_full", "1 while the journal is at its limit.", GAUGE, lambda w: w.journal.full),
)

OF_STORE = (
    ("rows", "Rows in the store; one that was replaced counts until the store merges."),
    ("bytes", "Bytes of the store on disk."),
)


class _Snapshot(Collector):
    """One look at the health, as metric families."""

    def __init__(self, health: Health, footprint: dict[str, int]) -> None:
        self._health = health
        self._footprint = footprint

    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily("streamgauge_info", "The version.", labels=["version"])
        info.add_metric([self._health.version], 1)
        yield info
        for name, text, family, read in OF_TREE:
            yield family(f"streamgauge_{name}", text, value=float(read(self._health)))
        for name, text, family, read_worker in OF_WORKER:
            metric = family(f"streamgauge_{name}", text, labels=["node", "worker"])
            for worker in self._health.workers:
                metric.add_metric([worker.node, worker.worker], float(read_worker(worker)))
            yield metric
        for name, text in OF_STORE:
            if name in self._footprint:
                value = self._footprint[name]
                yield GaugeMetricFamily(f"streamgauge_store_{name}", text, value=value)


@get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics for Prometheus",
    media_type="text/plain",
    opt=READ,
)
async def get_metrics(parts: Given) -> Response[Any]:
    """Health as numbers; without the store's own when it does not answer."""
    try:
        footprint = await run_sync(queries.footprint, parts.store)
    except StoreError:
        footprint = {}
    registry = CollectorRegistry()
    registry.register(_Snapshot(judged(parts.health()), footprint))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
