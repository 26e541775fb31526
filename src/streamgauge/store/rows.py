"""A record and its transcript as one row of MessagePack, the form both engines take.

ClickHouse reads MessagePack as values one after the other, without anything around a row:
so a row is a MessagePack array without its header. Binary stays binary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from streamgauge.record import Amendment, Outcome, Record, Transcript
from streamgauge.store.columns import RECORD_COLUMNS, STORED_COLUMNS

# What one insert holds at most, unless a single row is larger. ClickHouse needs a few times
# this for parsing, sorting and compressing.
BATCH_BYTES = 16 << 20

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ARRAY_HEADER = 3  # 0xdc and two bytes of length: there are more than 15 columns
_STARTED, _ENDED = RECORD_COLUMNS.index("started_at"), RECORD_COLUMNS.index("ended_at")
_REPLY, _ATTEMPTS = RECORD_COLUMNS.index("reply"), RECORD_COLUMNS.index("attempts")

_row = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode

if not 15 < len(STORED_COLUMNS) < 1 << 16:
    raise AssertionError("the header of a row is not the one that is cut off")


def row(record: Record, transcript: Transcript) -> bytes:
    """Encode one row, in the order of `STORED_COLUMNS`."""
    values = _values(record, transcript)
    try:
        return _row(values)[_ARRAY_HEADER:]
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8: it becomes "?", and the raw bytes keep the truth.
        return _row(_clean(values))[_ARRAY_HEADER:]


def batches(pairs: Sequence[tuple[Record, Transcript]]) -> Iterator[bytes]:
    """Encode *pairs* into pieces of about `BATCH_BYTES`, one at a time."""
    rows: list[bytes] = []
    size = 0
    for record, transcript in pairs:
        encoded = row(record, transcript)
        if rows and size + len(encoded) > BATCH_BYTES:
            yield b"".join(rows)
            rows, size = [], 0
        rows.append(encoded)
        size += len(encoded)
        del encoded
    if rows:
        yield rows[0] if len(rows) == 1 else b"".join(rows)


def amendment_rows(batch: Sequence[Amendment]) -> bytes:
    """Encode *batch*, in the order of `AMENDMENT_COLUMNS`."""
    values = (_clean([a.record_id, a.kind.value, a.name, a.value]) for a in batch)
    moments = (_micros(amendment.at) for amendment in batch)
    return b"".join(
        _row(value) for one, at in zip(values, moments, strict=True) for value in (*one, at)
    )


def _values(record: Record, transcript: Transcript) -> list[Any]:
    values = list(msgspec.structs.astuple(record))
    values[_STARTED] = _micros(record.started_at)
    if record.ended_at is not None:
        values[_ENDED] = _micros(record.ended_at)
    if record.reply is not None:
        values[_REPLY] = _json_text(record.reply)
    values[_ATTEMPTS] = _json_text(record.attempts) if record.attempts else ""
    values += (
        transcript.request_headers,
        transcript.response_headers,
        transcript.raw,
        transcript.chunk_ms,
        transcript.chunk_bytes,
        0 if record.outcome is Outcome.OPEN else 1,
    )
    return values


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _json_text(value: object) -> str:
    try:
        return _json(value).decode()
    except UnicodeEncodeError:
        return _json(_clean(msgspec.to_builtins(value))).decode()


def _clean(value: Any) -> Any:
    """Make every text in *value* encodable."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
