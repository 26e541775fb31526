"""The heat map of times to first token, against the same counted by hand."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from streamgauge.errors import QueryError
from streamgauge.store.filters import read_filters
from streamgauge.store.heatmap import EDGES_MS, heatmap
from streamgauge.store.queries import records
from tests.storing import put, record


def row_of(ttft_ms: float) -> int:
    """Return the lower edge of the row that a time falls into."""
    return max(edge for edge in EDGES_MS if edge <= ttft_ms)


def test_an_empty_store_has_no_cells(store):
    assert heatmap(store)["cells"] == []


def test_every_record_is_in_one_cell(store):
    """Those on an edge begin a row; those without a time are in none."""
    rng = random.Random(7)
    ttfts = [rng.lognormvariate(6, 2) for _ in range(200)] + [float(edge) for edge in EDGES_MS]
    put(store, *(record(i, ttft_ms=t) for i, t in enumerate(ttfts)), record(999))
    found = heatmap(store)
    counted: Counter[int] = Counter()
    for cell in found["cells"]:
        counted[cell["from_ms"]] += cell["count"]
    assert counted == Counter(row_of(ttft) for ttft in ttfts)
    assert found["edges_ms"] == list(EDGES_MS)


def test_a_row_leads_to_its_records(store):
    """Its bounds as filters of the list give as many as it counts."""
    put(store, *(record(i, ttft_ms=25.0 * i) for i in range(40)))
    counted: Counter[tuple[float, float | None]] = Counter()
    for cell in heatmap(store)["cells"]:
        counted[cell["from_ms"], cell["to_ms"]] += cell["count"]
    assert len(counted) > 5
    for (begin, end), count in counted.items():
        bounds = [("ttft_ms.gte", str(begin))]
        bounds += [] if end is None else [("ttft_ms.lt", str(end))]
        assert len(records(store, read_filters(bounds), limit=100).records) == count


def test_filters_hold(store):
    put(store, record(1, ttft_ms=5.0, model="a"), record(2, ttft_ms=5.0, model="b"))
    [cell] = heatmap(store, read_filters([("model", "a")]))["cells"]
    assert (cell["from_ms"], cell["to_ms"], cell["count"]) == (0, 20, 1)


def test_a_bucket_that_is_none_is_refused(store):
    with pytest.raises(QueryError, match="bucket is auto or a number of seconds"):
        heatmap(store, bucket="often")
