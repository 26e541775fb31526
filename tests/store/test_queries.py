"""Lists, pages and single records."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from streamgauge.errors import QueryError
from streamgauge.record import Outcome
from streamgauge.store import queries
from streamgauge.store.columns import COLUMNS, SUMMARY_COLUMNS
from streamgauge.store.filters import read_filters
from streamgauge.store.order import Order
from tests.storing import FULL, FULL_TRANSCRIPT, START, put, record, shuffled, uuid7


def ids(rows):
    return [row["id"] for row in rows]


def walk(store, *, between=lambda: None, **question):
    """All pages of a list, with something happening between them."""
    found, cursor = [], None
    while True:
        page = queries.records(store, cursor=cursor, **question)
        found += page.records
        cursor = page.next_cursor
        if cursor is None:
            return found
        between()


def test_a_list_has_every_column_but_the_bodies(store):
    store.insert([(FULL, FULL_TRANSCRIPT)])
    [row] = queries.records(store).records
    assert tuple(row) == SUMMARY_COLUMNS
    assert row["started_at"] == "2026-11-01T12:00:00.123456Z"
    assert row["properties"] == FULL.properties
    assert row["ended_at"] == "2026-11-01T12:00:02.123463Z"


def test_newest_come_first(store):
    records = put(store, *(record(i) for i in range(5)))
    assert ids(queries.records(store).records) == [one.id for one in reversed(records)]


def test_an_empty_store_has_an_empty_page(store):
    page = queries.records(store)
    assert (page.records, page.next_cursor) == ([], None)


def test_the_last_page_has_no_cursor_even_when_it_is_full(store):
    put(store, *(record(i) for i in range(4)))
    first = queries.records(store, limit=2)
    last = queries.records(store, limit=2, cursor=first.next_cursor)
    assert first.next_cursor is not None
    assert last.next_cursor is None


# Ties, absent values and awkward floats.
VALUES = [0.1 + 0.2, 0.3, None, 1e-300, 12345678.900000001, None, 0.3, 7.0, None, 0.3, -0.0]


@pytest.mark.parametrize(
    "sort", ["ttft_ms", "-ttft_ms", "started_at", "-started_at", "model", "id"]
)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_put_together_are_the_whole_list(store, sort, limit):
    records = [
        record(i // 3, ttft_ms=value, model=None if value is None else f"m{value}")
        for i, value in enumerate(VALUES)
    ]
    put(store, *shuffled(records))
    found = walk(store, sort=sort, limit=limit)
    assert sorted(ids(found)) == sorted(one.id for one in records)
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    values = [row[name] for row in found]
    present = [value for value in values if value is not None]
    assert values == sorted(present, reverse=descending) + [None] * (len(values) - len(present))


@pytest.mark.parametrize("sort", [name for name in COLUMNS if COLUMNS[name].is_sort])
def test_every_column_that_can_be_sorted_by_can_be_paged_by(store, sort):
    other = msgspec.structs.replace(FULL, id=uuid7(START + timedelta(seconds=1)))
    later = msgspec.structs.replace(other, id=uuid7(START), started_at=START + timedelta(hours=1))
    put(store, FULL, other, later, record(50))
    for direction in ("", "-"):
        found = walk(store, sort=direction + sort, limit=1)
        assert len(set(ids(found))) == len(found) == 4


@pytest.mark.parametrize("sort", ["started_at", "-started_at"])
@pytest.mark.parametrize("versions", [1, 2, 7])
@pytest.mark.parametrize("spare", [0, 100])
def test_rows_that_were_replaced_do_not_shorten_a_page(store, monkeypatch, sort, versions, spare):
    """Also when so many were that the time within which to look was guessed too short."""
    monkeypatch.setattr(queries, "SPARE", spare)
    store._engine.command("SYSTEM STOP MERGES records")
    records = [record(i) for i in range(30)]
    for _ in range(versions):
        put(store, *records)
    wanted = [one.id for one in records]
    expected = wanted if sort == "started_at" else wanted[::-1]
    assert ids(walk(store, sort=sort, limit=4)) == expected
    assert ids(queries.records(store, sort=sort, limit=4).records) == expected[:4]
    store._engine.command("SYSTEM START MERGES records")


def test_rows_that_arrive_between_pages_neither_repeat_nor_hide_others(store):
    records = put(store, *(record(i) for i in range(20)))
    arrived = iter(range(100, 200))

    def arrive():
        put(store, record(next(arrived)), record(-next(arrived)))

    found = ids(walk(store, limit=3, between=arrive))
    assert len(found) == len(set(found))
    assert [id_ for id_ in found if id_ in {one.id for one in records}] == [
        one.id for one in reversed(records)
    ]


def test_pages_keep_to_the_filters(store):
    put(store, *(record(i, model="ab"[i % 2]) for i in range(10)))
    found = walk(store, filters=read_filters([("model", "a")]), limit=2)
    assert [row["model"] for row in found] == ["a"] * 5


@pytest.mark.parametrize(
    ("question", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"sort": "nonsense"}, "sort"),
        ({"sort": "--id"}, "sort"),
        ({"sort": "reply"}, "sort"),
        ({"sort": "finish_reasons"}, "sort"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "☃"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
    ],
)
def test_a_list_that_makes_no_sense_names_its_parameter(store, question, param):
    with pytest.raises(QueryError) as caught:
        queries.records(store, **question)
    assert caught.value.param == param


def test_a_cursor_of_another_order_is_refused(store):
    put(store, record(1), record(2))
    cursor = queries.records(store, limit=1).next_cursor
    with pytest.raises(QueryError, match="sort=-started_at"):
        queries.records(store, sort="started_at", cursor=cursor)


@pytest.mark.parametrize("sort", ["started_at", "ttft_ms", "output_tokens"])
@pytest.mark.parametrize("value", ["nonsense", [1], {"a": 1}])
def test_a_forged_cursor_is_refused(store, sort, value):
    cursor = Order(sort).cursor({sort: value, "id": "x"})
    with pytest.raises(QueryError) as caught:
        queries.records(store, sort=sort, cursor=cursor)
    assert caught.value.param == "cursor"


# files


@pytest.mark.parametrize("sort", ["-started_at", "ttft_ms", "-model"])
@pytest.mark.parametrize("form", sorted(queries.GROWING))
@pytest.mark.parametrize("limit", [None, 4, 8, 9])
def test_a_file_in_pieces_is_the_file_at_once(store, monkeypatch, sort, form, limit):
    """In any order, with ties and absent values, and no piece has more rows than it may."""
    records = [
        record(i // 3, ttft_ms=value, model=None if value is None else f"m{i // 4}")
        for i, value in enumerate(VALUES)
    ]
    put(store, *shuffled(records))
    for filters in ([], read_filters([("model", "m1")]), read_filters([("model", "nobody")])):
        asked = {"form": form, "sort": sort, "limit": limit}
        [whole] = queries.export(store, filters, **asked)
        monkeypatch.setattr(queries, "PIECE_ROWS", 4)
        pieces = list(queries.export(store, filters, **asked))
        monkeypatch.undo()
        assert b"".join(pieces) == whole
        lines = [piece.count(b"\n") for piece in pieces]
        lines[0] -= form == "csv"
        assert all(count <= 4 for count in lines)
        assert sum(lines) == len(ids(queries.records(store, filters, limit=limit or 50).records))


def test_a_piece_holds_as_many_bodies_as_it_may(store, monkeypatch):
    """A body that is too large for any piece is one alone."""
    sizes = [10, 20, 70, 500, 60, 40, 1]
    put(store, *(record(i, request_body="x" * n, bytes_in=n) for i, n in enumerate(sizes)))
    asked = {"form": "jsonl", "sort": "started_at"}
    [whole] = queries.export(store, **asked, with_bodies=True)
    monkeypatch.setattr(queries, "PIECE_BYTES", 100)
    pieces = list(queries.export(store, **asked, with_bodies=True))
    assert b"".join(pieces) == whole
    held = [
        [msgspec.json.decode(one)["bytes_in"] for one in piece.splitlines()] for piece in pieces
    ]
    assert held == [[10, 20, 70], [500], [60, 40], [1]]
    assert len(list(queries.export(store, **asked))) == 1


def test_a_file_that_nobody_reads_on_is_not_made(store, monkeypatch):
    """Each piece is asked of the store when it is wanted, and not before."""
    put(store, *(record(i) for i in range(6)))
    monkeypatch.setattr(queries, "PIECE_ROWS", 2)
    made = []
    file = store.file
    monkeypatch.setattr(store, "file", lambda *a, **k: made.append(1) or file(*a, **k))
    pieces = queries.export(store, form="jsonl")
    assert made == []
    next(pieces)
    assert made == [1]


# single records


@pytest.mark.parametrize(
    "id_",
    [
        "my-own-id",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "01b0f000-0000-7abc-8def-0123456789ab",
        "ffffffff-ffff-7fff-8fff-ffffffffffff",
        "00000000-0000-7000-8000-000000000000",
        "☃ '\"\\",
    ],
)
def test_a_record_is_found_under_an_id_that_does_not_tell_its_time(store, id_):
    put(store, *(record(i) for i in range(5)), record(9, id=id_))
    assert queries.record(store, id_)["id"] == id_
    assert queries.transcript(store, id_) is not None
    assert queries.exists(store, [id_, "other"]) == {id_}


def test_what_is_not_there_is_none(store):
    for id_ in (uuid7(START), "nothing", ""):
        assert queries.record(store, id_) is None
        assert queries.transcript(store, id_) is None
        assert queries.timeline(store, id_) is None


def test_the_timeline_has_marks_and_chunks(store):
    store.insert([(FULL, FULL_TRANSCRIPT)])
    found = queries.timeline(store, FULL.id)
    assert found["chunks"] == [[80.2, 500], [81.000001, 500], [1900.5, 24]]
    assert found["marks"]["ttft_ms"] == FULL.ttft_ms
    assert set(found["marks"]) == set(queries.MARKS)


def test_every_mark_is_a_column():
    assert set(queries.MARKS) <= set(COLUMNS)


def test_exists_names_those_that_are_there(store):
    there = put(store, *(record(i) for i in range(2500)))
    wanted = [one.id for one in there] + [uuid7(START) for _ in range(10)]
    assert queries.exists(store, wanted) == {one.id for one in there}
    assert queries.exists(store, []) == set()


def test_exists_can_ask_for_final_rows_only(store):
    still, done = put(store, record(1, outcome=Outcome.OPEN), record(2))
    assert queries.exists(store, [still.id, done.id], closed=True) == {done.id}


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        (FULL.id, "2025-11-20"),
        ("f47ac10b-58cc-4372-a567-0e02b2c3d479", None),
        ("nonsense", None),
        ("ffffffff-ffff-7fff-8fff-ffffffffffff", None),
    ],
)
def test_the_time_in_an_id(id_, expected):
    moment = queries.id_time(id_)
    assert (moment and moment.date().isoformat()) == expected


def test_the_footprint_grows_with_what_is_stored(store):
    assert queries.footprint(store) == {"rows": 0, "bytes": 0}
    put(store, *(record(i) for i in range(7)))
    found = queries.footprint(store)
    assert found["rows"] == 7
    assert found["bytes"] > 0
