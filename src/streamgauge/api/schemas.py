"""The answers as types, for OpenAPI and for typed clients; made from `Record`, so they agree.

They describe; the handlers pass the store's rows on as they are, with times as the store
writes them: ISO 8601, UTC, microseconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import get_type_hints

from msgspec import Struct, defstruct

from streamgauge.record import Record
from streamgauge.store.columns import BODIES, HEADER_COLUMNS

_FIELDS = list(get_type_hints(Record).items())

RecordSummary = defstruct(
    "RecordSummary",
    [field for field in _FIELDS if field[0] not in BODIES],
    namespace={"__doc__": "One record of a list: every column but what was said."},
    kw_only=True,
    module=__name__,
)


class Timeline(Struct, frozen=True):
    """When each part of an answer came, in ms from the moment the request was complete.

    ``marks``: the ``…_ms`` marks of the record. ``chunks``: ``[ms, bytes]``, one per chunk.
    """

    marks: dict[str, float | None]
    chunks: list[tuple[float, int]]


class Replay(Struct, frozen=True):
    """What an answer said, and when: ``pieces`` are ``[ms, kind, text]``, one per chunk and kind.

    ``kind``: text, reasoning, refusal or tool. Times as in `Timeline`.
    """

    duration_ms: float | None
    pieces: list[tuple[float, str, str]]


RecordDetail = defstruct(
    "RecordDetail",
    [
        *_FIELDS,
        *((name, dict[str, str] | None, None) for name in HEADER_COLUMNS),
        ("bytes_kept", int | None, None),
        ("timeline", Timeline | None, None),
    ],
    namespace={
        "__doc__": "A whole record. `timeline` is there when it was asked for, the headers that"
        " were kept once it is stored; what is secret among them never is. `bytes_kept`: how many"
        " of its `bytes_out` can be had as they arrived."
    },
    kw_only=True,
    module=__name__,
)

RecordPage = defstruct(
    "RecordPage",
    [("records", list[RecordSummary]), ("next_cursor", str | None)],  # type: ignore[valid-type]
    namespace={
        "__doc__": "A part of a list; `next_cursor` leads to the next and is null at the end."
    },
    module=__name__,
)


class Measures(Struct, frozen=True, kw_only=True):
    """Some records added up.

    ``errors``: outcomes other than open, completed, client_left and stopped. Sums leave out
    what is not known and say of how many records: ``tokens_unknown``, ``cost_unknown``.
    ``itl_pNN_ms``: the NN-th percentile, over the records, of each record's own NN-th percentile.
    """

    count: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    tokens_unknown: int
    cost_usd: float | None
    cost_unknown: int
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    ttft_p99_ms: float | None
    itl_p50_ms: float | None
    itl_p95_ms: float | None
    itl_p99_ms: float | None
    tokens_per_second_p50: float | None
    overhead_p50_us: float | None


class Bucket(Measures, frozen=True, kw_only=True):
    """Measures of one group in one time bucket."""

    time: datetime | None
    group: str | None


class Stats(Struct, frozen=True, kw_only=True):
    """Aggregates, by time and then by size of the group.

    ``bucket_s`` and every ``time`` are null for totals. ``groups_total``: how many groups
    there are; only the largest are listed. Buckets without records are left out.
    """

    bucket_s: int | None
    groups_total: int
    buckets: list[Bucket]


class HeatCell(Struct, frozen=True, kw_only=True):
    """Records whose time to first token is from ``from_ms`` up to, but not, ``to_ms``."""

    time: datetime
    from_ms: float
    to_ms: float | None
    count: int


class Heatmap(Struct, frozen=True, kw_only=True):
    """Times to first token by time. ``edges_ms``: where each row of the map begins."""

    bucket_s: int
    edges_ms: list[float]
    cells: list[HeatCell]


class Span(Measures, frozen=True, kw_only=True):
    """Measures with the time that they span."""

    first_at: datetime
    last_at: datetime


class Session(Span, frozen=True, kw_only=True):
    """The records of one session."""

    session_id: str
    session_name: str | None
    user_id: str | None
    paths: int
    models: list[str]


class User(Span, frozen=True, kw_only=True):
    """The records of one user."""

    user_id: str
    sessions: int
    models: list[str]


class Model(Span, frozen=True, kw_only=True):
    """The records of one provider's model. ``tokens_per_second`` is their mean."""

    provider: str | None
    model: str
    users: int
    tokens_per_second: float | None
    cost_per_1000_usd: float | None


class Property(Struct, frozen=True, kw_only=True):
    """One name of a property. ``values`` are up to 20 of the commonest."""

    name: str
    count: int
    values_total: int
    values: list[str]


class Sessions(Struct, frozen=True):
    """Sessions; ``total`` says how many there are on all pages."""

    total: int
    sessions: list[Session]
    next_cursor: str | None


class Users(Struct, frozen=True):
    """Users; ``total`` says how many there are on all pages."""

    total: int
    users: list[User]
    next_cursor: str | None


class Models(Struct, frozen=True):
    """Models; ``total`` says how many there are on all pages."""

    total: int
    models: list[Model]
    next_cursor: str | None


class Properties(Struct, frozen=True):
    """Properties, the most used first; ``total`` says how many there are on all pages."""

    total: int
    properties: list[Property]
    next_cursor: str | None
