"""Aggregates, against the same computed by hand."""

from __future__ import annotations

import random

import pytest

from streamgauge.errors import QueryError
from streamgauge.record import Outcome
from streamgauge.store.columns import COLUMNS
from streamgauge.store.filters import read_filters
from streamgauge.store.stats import NOT_ERRORS, stats
from tests.storing import put, record


def percentile(values, share):
    """Linear interpolation between the closest ranks, as numpy's default."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def test_an_empty_store_has_no_totals(store):
    assert stats(store) == {"bucket_s": None, "groups_total": 0, "buckets": []}
    assert stats(store, bucket="auto")["buckets"] == []


def test_totals_add_up(store):
    rng = random.Random(4)
    ttfts = [rng.lognormvariate(5, 1) for _ in range(101)]
    put(store, *(record(i, ttft_ms=t, input_tokens=i, cost_usd=0.25) for i, t in enumerate(ttfts)))
    [row] = stats(store)["buckets"]
    assert row["count"] == 101
    assert row["input_tokens"] == sum(range(101))
    assert row["cost_usd"] == 25.25
    for share, name in ((0.5, "ttft_p50_ms"), (0.95, "ttft_p95_ms"), (0.99, "ttft_p99_ms")):
        assert row[name] == pytest.approx(percentile(ttfts, share))


def test_what_nobody_knows_is_none_and_not_zero(store):
    put(store, record(1), record(2))
    [row] = stats(store)["buckets"]
    unknown = ("input_tokens", "output_tokens", "cost_usd", "ttft_p50_ms", "itl_p99_ms")
    assert [row[name] for name in unknown] == [None] * 5
    assert (row["count"], row["tokens_unknown"], row["cost_unknown"]) == (2, 2, 2)


def test_sums_say_how_many_records_they_leave_out(store):
    put(store, record(1, output_tokens=5, cost_usd=1.0), record(2, output_tokens=0), record(3))
    [row] = stats(store)["buckets"]
    assert (row["output_tokens"], row["tokens_unknown"]) == (5, 1)
    assert (row["cost_usd"], row["cost_unknown"]) == (1.0, 2)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_is_an_error_unless_it_is_listed(store, outcome):
    put(store, record(outcome=outcome))
    [row] = stats(store)["buckets"]
    assert row["errors"] == (0 if outcome in NOT_ERRORS else 1)


def test_a_record_that_was_open_counts_once(store):
    one = record(1, outcome=Outcome.OPEN)
    put(store, one)
    put(store, record(1, id=one.id, outcome=Outcome.TRUNCATED))
    [row] = stats(store)["buckets"]
    assert (row["count"], row["errors"]) == (1, 1)


def test_buckets_begin_at_whole_multiples_and_empty_ones_are_left_out(store):
    put(store, record(0), record(59), record(60), record(600))
    found = stats(store, bucket="60")
    assert found["bucket_s"] == 60
    assert [(row["time"], row["count"]) for row in found["buckets"]] == [
        ("2026-11-01T12:00:00.000000Z", 2),
        ("2026-11-01T12:01:00.000000Z", 1),
        ("2026-11-01T12:10:00.000000Z", 1),
    ]


@pytest.mark.parametrize(("span", "step"), [(0, 1), (100, 1), (3600, 30), (86_400, 1800)])
def test_auto_chooses_a_step_for_the_time_between_first_and_last(store, span, step):
    put(store, record(0), record(span))
    assert stats(store, bucket="auto")["bucket_s"] == step


def test_groups_are_listed_by_size(store):
    put(store, *(record(i, model=m) for i, m in enumerate(["a", "b", "b", None, "c", "b", "a"])))
    found = stats(store, group_by="model")
    assert [(row["group"], row["count"]) for row in found["buckets"]][:2] == [("b", 3), ("a", 2)]
    assert {row["group"] for row in found["buckets"]} == {"a", "b", "c", None}
    assert found["groups_total"] == 4


def test_only_the_largest_groups_are_listed_in_every_bucket(store):
    put(store, *(record(i * 60, user_id=u) for i, u in enumerate("abacabd")))
    found = stats(store, group_by="user_id", bucket="60", groups=2)
    assert {row["group"] for row in found["buckets"]} == {"a", "b"}
    assert found["groups_total"] == 4


def test_a_property_makes_groups_and_its_absence_another(store):
    put(store, *(record(i, properties=p) for i, p in enumerate([{"env": "x"}, {}, {"env": ""}])))
    found = stats(store, group_by="property.Env")["buckets"]
    assert {row["group"] for row in found} == {"x", "", None}


@pytest.mark.parametrize("name", ["user", "session", "property:Env"])
def test_groups_have_names_that_people_say(store, name):
    """They are those of the columns, which their values tell."""
    put(store, record(1, user_id="u", session_id="s", properties={"env": "p"}))
    [row] = stats(store, group_by=name)["buckets"]
    assert row["group"] == name[0]


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        *(("minute", 60), ("1m", 60), ("5m", 300), ("hour", 3600)),
        *(("1h", 3600), ("day", 86400), ("1d", 86400)),
    ],
)
def test_buckets_have_names_that_people_say(store, name, seconds):
    """And are the same as by their seconds."""
    put(store, record(0), record(4000))
    assert stats(store, bucket=name) == stats(store, bucket=str(seconds))
    assert stats(store, bucket=name)["bucket_s"] == seconds


@pytest.mark.parametrize("name", [name for name in COLUMNS if COLUMNS[name].is_group])
def test_every_column_that_makes_groups_can_be_asked_for(store, name):
    put(store, record(1))
    [row] = stats(store, group_by=name, bucket="auto")["buckets"]
    assert row["count"] == 1


def test_filters_narrow_what_is_counted(store):
    """Also by columns whose sums have the same name."""
    put(store, *(record(i, output_tokens=i, itl_p50_ms=float(i)) for i in range(10)))
    question = read_filters([("output_tokens.gte", "5"), ("itl_p50_ms.lt", "8")])
    [row] = stats(store, question)["buckets"]
    assert (row["count"], row["output_tokens"], row["itl_p50_ms"]) == (3, 18, 6.0)


@pytest.mark.parametrize(
    ("question", "param"),
    [
        ({"bucket": "0"}, "bucket"),
        ({"bucket": "-5"}, "bucket"),
        ({"bucket": "1.5"}, "bucket"),
        ({"bucket": "²"}, "bucket"),
        ({"bucket": "9" * 30}, "bucket"),
        ({"bucket": "1"}, "bucket"),
        ({"group_by": "nonsense"}, "group_by"),
        ({"group_by": "id"}, "group_by"),
        ({"group_by": "ttft_ms"}, "group_by"),
        ({"group_by": "property."}, "group_by"),
        ({"group_by": "property:"}, "group_by"),
        ({"bucket": "2m"}, "bucket"),
        ({"groups": 0}, "groups"),
        ({"groups": 1001}, "groups"),
    ],
)
def test_statistics_that_make_no_sense_name_their_parameter(store, question, param):
    """A bucket of one second is too small for the day between these two."""
    put(store, record(0), record(86_400))
    with pytest.raises(QueryError) as caught:
        stats(store, **question)
    assert caught.value.param == param
