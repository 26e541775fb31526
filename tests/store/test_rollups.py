"""Sessions, users, models and properties, against the same added up by hand."""

from __future__ import annotations

from functools import partial

import pytest

from streamgauge.errors import QueryError
from streamgauge.store.filters import read_filters
from streamgauge.store.rollups import MAX_LIMIT, ROLLUPS, SORTS, properties, rollup
from tests.storing import put, record


def test_sessions_are_added_up(store):
    """The name is the last one said; records without a session are left out."""
    same = {"session_id": "s1", "user_id": "ann", "model": "m1"}
    put(
        store,
        record(1, **same, session_path="/a", session_name="old", output_tokens=3, cost_usd=0.5),
        record(2, **same, session_path="/a/b", session_name="new", output_tokens=4),
        record(3, session_id="s2", model="m2"),
        record(4),
    )
    found = rollup(store, "sessions", sort="-count")
    assert found["total"] == 2
    first, second = found["sessions"]
    assert (first["session_id"], first["count"], first["paths"]) == ("s1", 2, 2)
    assert (first["session_name"], first["user_id"], first["models"]) == ("new", "ann", ["m1"])
    assert (first["output_tokens"], first["cost_usd"], first["cost_unknown"]) == (7, 0.5, 1)
    assert (second["session_id"], second["session_name"], second["cost_usd"]) == ("s2", None, None)


def test_users_have_sessions(store):
    put(
        store,
        record(1, user_id="ann", session_id="s1"),
        record(2, user_id="ann", session_id="s2", model="m"),
        record(3, user_id="bob"),
    )
    rows = rollup(store, "users", sort="-count")["users"]
    assert [(row["user_id"], row["sessions"]) for row in rows] == [("ann", 2), ("bob", 0)]
    assert rows[0]["models"] == ["m"]


def test_models_of_two_providers_are_two(store):
    """The cost per 1,000 tokens leaves out what is not known."""
    put(
        store,
        record(1, provider="a", model="m", output_tokens=100, cost_usd=0.2, tokens_per_second=10.0),
        record(2, provider="a", model="m", output_tokens=900, tokens_per_second=30.0),
        record(3, provider="b", model="m", output_tokens=0, cost_usd=0.1),
    )
    first, second = rollup(store, "models")["models"]
    assert (first["provider"], first["count"]) == ("a", 2)
    assert first["cost_per_1000_usd"] == pytest.approx(2.0)
    assert first["tokens_per_second"] == 20
    assert (second["provider"], second["cost_per_1000_usd"]) == ("b", None)


def test_properties_by_name(store):
    put(
        store,
        record(1, properties={"env": "prod", "odd'": "x"}),
        record(2, properties={"env": "dev"}),
        record(3, properties={"env": "prod"}),
    )
    found = properties(store)["properties"]
    assert [(one["name"], one["count"], one["values_total"]) for one in found] == [
        ("env", 3, 2),
        ("odd'", 1, 1),
    ]
    assert found[0]["values"] == ["dev", "prod"]


@pytest.mark.parametrize("name", ROLLUPS)
def test_filters_orders_and_lengths(store, name):
    put(
        store,
        *(
            record(i, user_id=f"u{i}", session_id=f"s{i}", model=f"m{i}", ttft_ms=float(i))
            for i in range(5)
        ),
    )
    filters = read_filters([("ttft_ms.gte", "2")])
    for sort in SORTS:
        rows = rollup(store, name, filters, sort=sort)[name]
        values = [row[sort] for row in rows if row[sort] is not None]
        assert len(rows) == 3
        assert values == sorted(values)
    few = rollup(store, name, sort="-last_at", limit=2)
    assert (few["total"], len(few[name])) == (5, 2)
    assert rollup(store, name, read_filters([("model", "nobody")])) == {
        "total": 0,
        name: [],
        "next_cursor": None,
    }


def walk(ask, name):
    """All pages of a list."""
    found, cursor, total = [], None, None
    while True:
        page = ask(cursor=cursor)
        total = total or page["total"]
        assert page["total"] == total
        found += page[name]
        cursor = page["next_cursor"]
        if cursor is None:
            assert len(found) == total
            return found


@pytest.mark.parametrize("name", ROLLUPS)
def test_pages_put_together_are_the_whole_list(store, name):
    """With ties, absent values, and a model whose provider nobody told."""
    put(
        store,
        *(
            record(
                i // 4,
                user_id=f"u{i // 2}",
                session_id=f"s{i // 2}",
                model=f"m{i // 4}",
                provider="p" if i % 4 < 2 else None,
                ttft_ms=None if i < 6 else 0.1 * (i // 4),
                cost_usd=None if i < 4 else 0.1 * (i % 3),
                output_tokens=None if i > 8 else 7,
            )
            for i in range(14)
        ),
    )
    for sort in [order for name in SORTS for order in (name, f"-{name}")]:
        whole = rollup(store, name, sort=sort)
        assert (whole["total"], whole["next_cursor"]) == (7, None)
        assert walk(partial(rollup, store, name, sort=sort, limit=2), name) == whole[name], sort
    assert walk(partial(rollup, store, name, limit=7), name) == rollup(store, name)[name]


def test_pages_of_properties_put_together_are_all(store):
    names = [f"name-{i}" for i in range(5)]
    put(store, record(1, properties=dict.fromkeys(names, "x")), record(2, properties={"all": "x"}))
    found = walk(partial(properties, store, limit=2), "properties")
    assert [one["name"] for one in found] == ["all", *names]


def test_what_is_behind_the_last_row_is_nothing_of_so_many(store):
    """A row may have gone since the page before; the total is told nevertheless."""
    put(store, record(1, user_id="ann", output_tokens=1), record(2, user_id="bob"))
    cursor = rollup(store, "users", sort="-output_tokens", limit=1)["next_cursor"]
    put(store, record(3, user_id="bob", output_tokens=5))
    found = rollup(store, "users", sort="-output_tokens", cursor=cursor)
    assert found == {"total": 2, "users": [], "next_cursor": None}


@pytest.mark.parametrize(
    "wrong", [{"sort": "password"}, {"limit": 0}, {"limit": MAX_LIMIT + 1}, {"cursor": "x"}]
)
def test_what_makes_no_sense_is_refused(store, wrong):
    with pytest.raises(QueryError):
        rollup(store, "users", **wrong)
