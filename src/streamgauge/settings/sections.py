"""The sections of the file: limits, journal, store."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

MIB = 1024 * 1024
GIB = 1024 * MIB

# ClickHouse counts the seconds of a TTL in 32 bits, which end in 2106.
MAX_DAYS = 10_000


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much, and for how long."""

    max_header_bytes: Annotated[
        int, Meta(ge=1024, description="Longest head of a request, in bytes.")
    ] = 64 * 1024
    max_body_bytes: Annotated[int, Meta(ge=1, description="Longest request body, in bytes.")] = (
        100 * MIB
    )
    max_connections: Annotated[int, Meta(ge=1, description="Open clients per worker.")] = 20_000
    header_timeout_s: Annotated[
        float, Meta(gt=0, description="Time for a client to send a whole request head.")
    ] = 15.0
    keepalive_timeout_s: Annotated[
        float, Meta(gt=0, description="How long an idle client connection is kept.")
    ] = 75.0
    connect_timeout_s: Annotated[
        float, Meta(gt=0, description="Time to connect to a provider, TLS included.")
    ] = 10.0
    idle_timeout_s: Annotated[
        float,
        Meta(gt=0, description="Longest silence of a provider, before or within an answer."),
    ] = 600.0
    first_token_timeout_s: Annotated[
        float,
        Meta(ge=0, description="Time from the request to the first content of a stream; 0: any."),
    ] = 0.0
    total_timeout_s: Annotated[
        float, Meta(ge=0, description="Time from the request to the end of an answer; 0: any.")
    ] = 0.0
    upstream_idle_s: Annotated[
        float, Meta(gt=0, description="How long an idle connection to a provider is kept.")
    ] = 30.0
    stop_grace_s: Annotated[
        float, Meta(ge=0, description="How long open streams may go on after SIGTERM.")
    ] = 10.0


class JournalSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The journal on disk."""

    segment_bytes: Annotated[
        int, Meta(ge=4096, description="A segment is closed when it is this long.")
    ] = 64 * MIB
    disk_limit_bytes: Annotated[
        int, Meta(ge=4096, description="The journal stops growing here; streams go on.")
    ] = 10 * GIB
    fsync: Annotated[
        Literal["interval", "always"],
        Meta(description="`interval` survives a killed process, `always` a power cut too."),
    ] = "interval"
    fsync_interval_s: Annotated[
        float, Meta(gt=0, description="Seconds between two fsyncs with `interval`.")
    ] = 1.0
    resume_window_s: Annotated[
        float, Meta(ge=0, description="How long a segment is kept after all of it is stored.")
    ] = 600.0


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database of records."""

    url: Annotated[
        str,
        Meta(
            description="`chdb:///path` or `clickhouse://user:password@host:8123/database`; "
            "empty: chDB in the data folder."
        ),
    ] = ""
    flush_interval_s: Annotated[
        float, Meta(gt=0, description="Finished records are stored at least this often.")
    ] = 0.5
    batch: Annotated[int, Meta(ge=1, description="Records per insert, at most.")] = 2000
    bodies_days: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_DAYS,
            description="How long bodies, headers, raw bytes and times of chunks are kept; 0: for "
            "ever.",
        ),
    ] = 0
    records_days: Annotated[
        int, Meta(ge=0, le=MAX_DAYS, description="How long records are kept at all; 0: for ever.")
    ] = 0
