"""Health, readiness and metrics."""

from __future__ import annotations

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamgauge.api.health import judged
from streamgauge.errors import StoreError
from streamgauge.recorder.health import Health
from tests.api.serving import HEALTHY
from tests.storing import put, record


def changed(**fields):
    """`HEALTHY` with fields like ``recorder__lag_s=60``, in the first worker's case too."""
    plain = msgspec.to_builtins(HEALTHY)
    for name, value in fields.items():
        place, parts = plain, name.split("__")
        for part in parts[:-1]:
            place = place["workers"][0] if part == "worker" else place[part]
        place[parts[-1]] = value
    return msgspec.convert(plain, Health)


TROUBLES = [
    {"worker__journal__losing": True},
    {"worker__journal__stalled": True},
    {"worker__journal__full": True},
    {"worker__age_s": 60.0},
    {"recorder__lag_s": 60.0},
    {"store__ok": False},
]
NO_TROUBLES = [
    {},
    {"worker__journal__stalls": 3},
    {"worker__journal__lost_entries": 1, "worker__journal__lost_bytes": 9},
    {"recorder__frames_dropped": 1},
    {"recorder__frames_repaired": 1},
    {"recorder__lag_bytes": 10},
]


@pytest.mark.parametrize("change", TROUBLES)
def test_anything_that_is_lost_now_stalled_silent_or_behind_is_degraded(change):
    assert judged(changed(**change)).status == "degraded"


@pytest.mark.parametrize("change", NO_TROUBLES)
def test_what_is_over_or_small_is_not(change):
    assert judged(changed(**change)).status == "ok"


@pytest.mark.parametrize(
    "change",
    [
        {"worker__journal__lost_entries": 1},
        {"recorder__lost_entries": 1},
        {"recorder__frames_dropped": 1},
    ],
)
def test_what_was_lost_stays_to_be_seen(change):
    assert judged(changed(**change)).has_losses
    assert not judged(HEALTHY).has_losses


def test_healthz_is_200_also_when_degraded(api, served):
    assert msgspec.json.decode(api.get("/healthz").content, type=Health) == HEALTHY
    served.health = changed(store__ok=False, store__last_error="disk full")
    answer = api.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["store"]["last_error"] == "disk full"


def test_readyz_asks_the_store(api):
    assert api.get("/readyz").status_code == 200


def test_readyz_is_503_when_the_store_does_not_answer(api, served, monkeypatch):
    def refuse(*_):
        raise StoreError("no disk")

    monkeypatch.setattr(served.store, "query", refuse)
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["streamgauge-error"] == "true"
    assert "no disk" in answer.json()["error"]["message"]


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_say_what_health_says(api, served):
    put(served.store, record(1), record(2))
    served.health = changed(worker__journal__lost_entries=5, worker__journal__losing=True)
    answer = api.get("/metrics")
    assert answer.headers["content-type"].count("charset") == 1
    found = samples(answer.text)
    worker = (("node", "local"), ("worker", "0"))
    assert found["streamgauge_degraded", ()] == 1
    assert found["streamgauge_open_exchanges", worker] == 3
    assert found["streamgauge_exchanges_total", worker] == 40
    assert found["streamgauge_journal_lost_entries_total", worker] == 5
    assert found["streamgauge_journal_losing", worker] == 1
    assert found["streamgauge_records_stored_total", ()] == 41
    assert found["streamgauge_store_rows", ()] == 2
    assert found["streamgauge_store_bytes", ()] > 0
    assert found["streamgauge_info", (("version", "1.2.3"),)] == 1


def test_metrics_go_on_without_the_store(api, served, monkeypatch):
    def refuse(*_):
        raise StoreError("no disk")

    monkeypatch.setattr(served.store, "query", refuse)
    found = samples(api.get("/metrics").text)
    assert ("streamgauge_up", ()) in found
    assert ("streamgauge_store_rows", ()) not in found
