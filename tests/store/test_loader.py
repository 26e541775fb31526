"""Records in, the same records out."""

from __future__ import annotations

import os
from datetime import timedelta

import msgspec
import pytest

from streamgauge.errors import StoreError
from streamgauge.record import Outcome, Record, Reply, Transcript
from streamgauge.store import queries, rows
from tests.storing import FULL, FULL_TRANSCRIPT, START, put, record


def as_record(row):
    """A row of the store as the record it was."""
    return msgspec.convert(row, Record)


def test_every_field_comes_back_as_it_was(store):
    store.insert([(FULL, FULL_TRANSCRIPT)])
    assert as_record(queries.record(store, FULL.id)) == FULL


def test_the_transcript_comes_back_as_it_was(store):
    store.insert([(FULL, FULL_TRANSCRIPT)])
    assert queries.transcript(store, FULL.id) == FULL_TRANSCRIPT


def test_what_is_not_known_stays_none(store):
    """Never 0, never an empty text."""
    [one] = put(store, record())
    assert as_record(queries.record(store, one.id)) == one


def test_an_empty_reply_is_not_an_absent_one(store):
    [one] = put(store, record(reply=Reply(), response_text="", request_body=""))
    row = queries.record(store, one.id)
    assert (row["reply"], row["response_text"], row["request_body"]) == ({}, "", "")


def test_raw_bytes_survive_exactly(store):
    """Larger than any one block or piece on the way, and nothing that UTF-8 would allow."""
    raw = os.urandom(1 << 20) * (rows.BATCH_BYTES // (1 << 20) + 3)
    [one] = put(store, record(), transcript=Transcript(raw=raw))
    assert queries.transcript(store, one.id).raw == raw


def test_a_batch_larger_than_a_piece_is_stored_whole(store, monkeypatch):
    monkeypatch.setattr(rows, "BATCH_BYTES", 20_000)
    put(store, *(record(i) for i in range(200)), transcript=Transcript(raw=b"x" * 1000))
    assert store.query("SELECT count() AS n FROM records") == [{"n": 200}]


def test_the_final_row_takes_the_place_of_the_open_one(store):
    one = record(outcome=Outcome.OPEN, output_tokens=1)
    final = msgspec.structs.replace(one, outcome=Outcome.COMPLETED, output_tokens=9)
    put(store, one)
    put(store, final)
    assert queries.record(store, one.id)["output_tokens"] == 9
    assert [row["outcome"] for row in queries.records(store).records] == ["completed"]


def test_an_open_row_that_comes_late_changes_nothing(store):
    """As when a batch is repeated after a crash."""
    one = record(outcome=Outcome.OPEN)
    put(store, msgspec.structs.replace(one, outcome=Outcome.TRUNCATED))
    put(store, one)
    assert queries.record(store, one.id)["outcome"] == "truncated"
    assert [row["outcome"] for row in queries.records(store).records] == ["truncated"]


def test_the_newer_of_two_open_rows_is_seen(store):
    one = record(outcome=Outcome.OPEN, chunks=1)
    put(store, one)
    put(store, msgspec.structs.replace(one, chunks=2))
    assert queries.record(store, one.id)["chunks"] == 2


def test_a_repeated_batch_counts_once(store):
    batch = [(record(i), Transcript()) for i in range(10)]
    for _ in range(3):
        store.insert(batch)
    assert len(queries.records(store).records) == 10


def test_records_of_several_months_in_one_batch(store):
    months = [record(0, started_at=START + timedelta(days=32 * i)) for i in range(4)]
    put(store, *months)
    listed = [row["id"] for row in queries.records(store, sort="started_at").records]
    assert listed == [one.id for one in months]


def test_a_number_that_is_not_finite_is_shown_as_absent(store):
    [one] = put(store, record(tokens_per_second=float("inf"), ttft_ms=float("nan")))
    row = queries.record(store, one.id)
    assert (row["tokens_per_second"], row["ttft_ms"]) == (None, None)


def test_an_insert_that_the_store_refuses_is_a_store_error(store):
    store.query("SELECT 1")
    with pytest.raises(StoreError):
        put(store, record(http_status="not a number"))
    put(store, record())
    assert len(queries.records(store).records) == 1
