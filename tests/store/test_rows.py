"""Rows as they travel to the engine."""

from __future__ import annotations

import msgspec
import pytest

from streamgauge.record import Choice, Outcome, Reply, Transcript
from streamgauge.store import rows
from streamgauge.store.columns import STORED_COLUMNS
from tests.storing import FULL, FULL_TRANSCRIPT, record


def values(encoded: bytes) -> dict[str, object]:
    """Read a row back; it is an array whose header was cut off."""
    count = len(STORED_COLUMNS)
    decoded = msgspec.msgpack.decode(b"\xdc" + count.to_bytes(2, "big") + encoded)
    return dict(zip(STORED_COLUMNS, decoded, strict=True))


def test_a_row_has_a_value_for_every_column_in_order():
    row = values(rows.row(FULL, FULL_TRANSCRIPT))
    assert row["id"] == FULL.id
    assert row["raw"] == FULL_TRANSCRIPT.raw
    assert row["chunk_bytes"] == [500, 500, 24]
    assert msgspec.json.decode(row["reply"], type=Reply) == FULL.reply


def test_times_are_microseconds_since_the_epoch():
    row = values(rows.row(FULL, FULL_TRANSCRIPT))
    assert row["started_at"] == 1793534400123456
    assert row["ended_at"] == 1793534402123463


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_an_open_record_has_version_0(outcome):
    row = values(rows.row(record(outcome=outcome), Transcript()))
    assert row["version"] == (0 if outcome is Outcome.OPEN else 1)


def test_half_a_surrogate_pair_does_not_stop_a_row():
    broken = "a\ud83db"
    one = record(
        response_text=broken,
        properties={broken: broken},
        reply=Reply(choices=(Choice(text=broken),)),
    )
    row = values(rows.row(one, Transcript()))
    assert row["response_text"] == "a?b"
    assert row["properties"] == {"a?b": "a?b"}
    assert msgspec.json.decode(row["reply"])["choices"][0]["text"] == "a?b"


def test_a_large_batch_is_cut_into_pieces(monkeypatch):
    monkeypatch.setattr(rows, "BATCH_BYTES", 10_000)
    pairs = [
        (record(i), Transcript(raw=b"x" * size)) for i, size in enumerate([4000] * 6 + [50_000])
    ]
    pieces = list(rows.batches(pairs))
    assert b"".join(pieces) == b"".join(rows.row(*pair) for pair in pairs)
    assert len(pieces) == 4
    assert all(len(piece) <= 10_000 for piece in pieces[:-1])


def test_an_empty_batch_is_nothing_to_send():
    assert list(rows.batches([])) == []
