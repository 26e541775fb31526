"""What has become old leaves the store, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from streamgauge.record import Amended, Amendment, Record, Transcript
from streamgauge.recorder import replay
from streamgauge.store import queries
from streamgauge.store.clickhouse import parse_url
from streamgauge.store.embedded import ChdbEngine
from streamgauge.store.filters import Filter
from streamgauge.store.loader import Store, open_store
from streamgauge.store.retention import SAID, retain
from tests.simulating import until
from tests.storing import FULL, FULL_TRANSCRIPT, put, uuid7

# A busy machine looks through its parts when it comes to it.
PATIENCE_S = 60

TABLES = ("records", "amendments")


@pytest.fixture
def url(folder, request) -> str:
    return f"chdb://{folder.path}?database=r_{abs(hash(request.node.name))}"


@pytest.fixture
def store(url) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def engine(url, store) -> Iterator[ChdbEngine]:
    """The engine below *store*."""
    opened = ChdbEngine(parse_url(url))
    yield opened
    opened.close()


def aged(store: Store, days: float) -> Record:
    """Store a record with everything, which began so many days ago."""
    moment = datetime.now(UTC) - timedelta(days=days)
    one = replace(FULL, id=uuid7(moment), started_at=moment, ended_at=moment + timedelta(seconds=2))
    return put(store, one, transcript=FULL_TRANSCRIPT)[0]


def has_said(store: Store, record: Record) -> bool:
    found = queries.record(store, record.id)
    assert found is not None
    return found["reply"] is not None


def eventually(is_so: Callable[[], bool]) -> None:
    until(lambda: is_so() or None, within=PATIENCE_S)


def merge(engine: ChdbEngine) -> None:
    """Let every TTL that there is take effect now."""
    for table in TABLES:
        engine.command(f"OPTIMIZE TABLE {table} FINAL")


def created(engine: ChdbEngine, table: str) -> str:
    return engine.query(f"SHOW CREATE TABLE {table}", form="TSVRaw").decode()


# -- what goes -------------------------------------------------------------------------------


def test_what_was_said_goes_and_the_numbers_stay(store):
    """Of what is older, without anybody asking for a merge."""
    old, young = aged(store, 40), aged(store, 1)
    before = {one.id: queries.record(store, one.id) for one in (old, young)}
    store.retain(bodies_days=30, records_days=0)
    eventually(lambda: not has_said(store, old))
    gone = {name for name in SAID if name in before[old.id]}
    nothing = {"request_headers": {}, "response_headers": {}, "bytes_kept": 0}
    assert queries.record(store, old.id) == before[old.id] | dict.fromkeys(gone) | nothing
    assert queries.record(store, young.id) == before[young.id]


def test_a_record_without_bodies_can_be_asked_for_everything(store):
    """There is nothing there, and nothing breaks."""
    old = aged(store, 40)
    store.retain(bodies_days=30, records_days=0)
    eventually(lambda: not has_said(store, old))
    assert queries.transcript(store, old.id) == Transcript()
    assert queries.timeline(store, old.id)["chunks"] == []
    assert queries.timeline(store, old.id)["marks"]["ttft_ms"] == old.ttft_ms
    assert replay.pieces(Transcript(), path=old.path) == []
    assert queries.records(store).records[0]["output_tokens"] == old.output_tokens
    (without,) = queries.records(
        store, [Filter(subject="reply", operator="exists", values=("false",))]
    ).records
    assert without["id"] == old.id
    [line] = queries.export(store, form="jsonl", with_bodies=True)
    assert line.count(b"\n") == 1
    for form in queries.FORMATS:
        assert b"".join(queries.export(store, form=form, with_bodies=True))


def test_what_comes_in_old_goes_too(store):
    """An import, say, long after the setting."""
    store.retain(bodies_days=30, records_days=90)
    old, ancient = aged(store, 60), aged(store, 150)
    eventually(lambda: queries.record(store, ancient.id) is None)
    eventually(lambda: not has_said(store, old))


def test_whole_records_go_with_what_was_said_about_them(store):
    """The young ones stay as they are."""
    old, young = aged(store, 40), aged(store, 1)
    store.amend(
        [
            Amendment(record_id=one.id, kind=Amended.SCORE, name="s", value="1", at=one.ended_at)
            for one in (old, young)
        ]
    )
    store.retain(bodies_days=0, records_days=30)
    eventually(lambda: queries.record(store, old.id) is None)
    amended = "SELECT record_id FROM amendments"
    eventually(lambda: store.query(amended) == [{"record_id": young.id}])
    assert has_said(store, young)


@pytest.mark.parametrize(("age", "is_kept"), [(29.9, True), (31.1, False)])
def test_days_are_kept_whole(store, engine, age, is_kept):
    """So many days at least, and a day more at most."""
    record = aged(store, age)
    retain(engine, bodies_days=30, records_days=0)
    if not is_kept:
        eventually(lambda: not has_said(store, record))
    merge(engine)
    assert has_said(store, record) is is_kept


# -- what is set -----------------------------------------------------------------------------


def test_nothing_goes_unless_it_is_asked_for(store, engine):
    """For ever is how it begins."""
    old = aged(store, 4000)
    assert retain(engine, bodies_days=0, records_days=0) == []
    merge(engine)
    assert has_said(store, old)
    assert not any("TTL" in created(engine, table) for table in TABLES)


def test_what_is_set_already_costs_a_look(store, engine):
    """No table is altered, and nothing is looked through again."""
    sql = "SELECT count() FROM system.mutations WHERE database = currentDatabase()"
    assert retain(engine, bodies_days=30, records_days=90) == ["records", "amendments"]
    before = engine.query(sql, form="TSV")
    assert before != b"0\n"
    assert retain(engine, bodies_days=30, records_days=90) == []
    assert engine.query(sql, form="TSV") == before


def test_a_shorter_time_takes_more(store):
    """Also of what was stored before."""
    older, old, young = aged(store, 100), aged(store, 40), aged(store, 1)
    store.retain(bodies_days=60, records_days=0)
    eventually(lambda: not has_said(store, older))
    assert has_said(store, old)
    store.retain(bodies_days=30, records_days=0)
    eventually(lambda: not has_said(store, old))
    assert has_said(store, young)


@pytest.mark.parametrize("longer", [60, 0], ids=["longer", "for ever"])
def test_a_longer_time_keeps_what_is_still_there(store, engine, longer):
    """What is gone stays gone."""
    gone = aged(store, 45)
    retain(engine, bodies_days=30, records_days=30)
    eventually(lambda: queries.record(store, gone.id) is None)
    assert retain(engine, bodies_days=longer, records_days=longer) == ["records", "amendments"]
    old = aged(store, 40)
    merge(engine)
    assert has_said(store, old)
    assert queries.record(store, gone.id) is None


def test_one_number_does_not_touch_the_other(store, engine):
    """Each has its own columns or rows."""
    retain(engine, bodies_days=30, records_days=90)
    assert retain(engine, bodies_days=30, records_days=60) == ["records", "amendments"]
    assert retain(engine, bodies_days=0, records_days=60) == ["records"]
    table = created(engine, "records")
    assert [line for line in table.splitlines() if "TTL" in line] == [
        "TTL toStartOfDay(started_at) + toIntervalDay(61)"
    ]


def test_the_ttl_of_somebody_else_stays_while_there_is_none_of_ours(store, engine):
    """Who runs a cluster may have set one; a number of ours takes its place."""
    theirs = "TTL toDateTime(started_at) + toIntervalYear(5)"
    engine.command(f"ALTER TABLE records MODIFY {theirs}")
    assert retain(engine, bodies_days=0, records_days=0) == []
    assert f"\n{theirs}\n" in created(engine, "records")
    assert retain(engine, bodies_days=0, records_days=30) == ["records", "amendments"]
    assert theirs not in created(engine, "records")


def test_a_store_that_is_closed_at_once_goes_on_later(folder):
    """What was not looked through yet is, the next time."""
    folder_url = f"chdb://{folder.path}?database=r_closed"
    first = open_store(folder_url)
    old = aged(first, 40)
    first.retain(bodies_days=30, records_days=0)
    first.close()
    second = open_store(folder_url)
    try:
        eventually(lambda: not has_said(second, old))
    finally:
        second.close()
