"""Statistics over HTTP."""

from __future__ import annotations

import msgspec
import pytest

from streamgauge.api.schemas import Bucket, Stats
from tests.storing import put, record


@pytest.fixture(scope="module", autouse=True)
def full(served):
    models = ["a", "b", "b", None]
    put(served.store, *(record(i * 60, model=m, output_tokens=i) for i, m in enumerate(models)))


def test_totals_are_one_row(api):
    answer = api.get("/api/v1/stats")
    found = msgspec.json.decode(answer.content, type=Stats)
    assert (found.bucket_s, found.groups_total) == (None, 1)
    [row] = found.buckets
    assert (row.time, row.group, row.count, row.output_tokens) == (None, None, 4, 6)
    assert row.ttft_p50_ms is None


def test_buckets_and_groups(api):
    answer = api.get("/api/v1/stats?bucket=3600&group_by=model&groups=1&output_tokens.gte=1")
    found = msgspec.json.decode(answer.content, type=Stats)
    assert [(row.group, row.count) for row in found.buckets] == [("b", 2)]
    assert answer.json()["buckets"][0]["time"] == "2026-11-01T12:00:00.000000Z"
    assert found.groups_total == 2


def test_a_row_has_the_fields_that_are_promised_and_no_others(api):
    [row] = api.get("/api/v1/stats").json()["buckets"]
    assert set(row) == {field.name for field in msgspec.structs.fields(Bucket)}
