"""What a journal looks like on disk.

A segment is a row of blocks, a block a row of entries::

    block   length u32 | crc32 u32 | entries          length and crc cover the entries
    entry   length u32 | kind u8 | exchange 16 bytes | t_ns u64 | payload

All integers are little-endian; an entry's length covers what follows it. ``t_ns`` is
the writer's monotonic clock; `Open.started_at_ns` is the one anchor to wall-clock time.
Secrets never get here: the gateway drops them before it builds an `Open`.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any

from msgspec import Struct

BLOCK = struct.Struct("<II")
ENTRY = struct.Struct("<IB16sQ")
# A CHUNK's payload starts with the overhead, in ns, of the chunk before it: how long the
# gateway took from reading it to writing it. It is only known once that chunk has gone out.
OVERHEAD = struct.Struct("<I")
# ENTRY and OVERHEAD in one go.
CHUNK_ENTRY = struct.Struct("<IB16sQI")


class Kind(IntEnum):
    """What an entry tells."""

    OPEN = 1  # the request's head, and its body as far as it has come: `Open`
    BODY = 2  # more of the request's body: `Body`
    HEAD = 3  # the response's head: `Head`
    CHUNK = 4  # OVERHEAD | bytes of the response body, as the client got them
    MARK = 5  # something worth knowing in between: `Mark`
    END = 6  # the last entry of an exchange: `End`
    RECORD = 7  # a finished record from ingest: MessagePack of `streamgauge.record.Record`
    HIDDEN = 8  # bytes of the response that the client did not get: an event that we asked for
    ADDED = 9  # bytes that the client got and the provider never sent: our error at the end
    RETRIED = 10  # an attempt has failed, before the client got anything, and another follows
    AMEND = 11  # something said about a record later: `streamgauge.record.Amendment`


# A name costs a tenth of what CPython 3.11 takes to find a member in its enum.
OPEN, BODY, HEAD, CHUNK, MARK, END, RECORD, HIDDEN, ADDED, RETRIED, AMEND = Kind


class Open(Struct, frozen=True, kw_only=True, array_like=True):
    """The request as it reached us. ``headers`` hold the client's lines (`headers_of`), in order,
    without secrets."""

    started_at_ns: int
    provider: str
    method: str
    path: str  # as sent upstream, with its query, secrets replaced
    upstream: str  # scheme://host[:port]
    headers: bytes
    body: bytes
    complete: bool  # the body is all here; else BODY entries follow
    key_hash: str | None = None
    client: str = ""  # peer address
    source: str = "gateway"  # or who told of a call that did not pass it
    labels: dict[str, Any] | None = None  # where there are no headers to read them from
    model: str | None = None  # that the provider is asked for, where it is not the client's


class Body(Struct, frozen=True, kw_only=True, array_like=True):
    """The next bytes of a request body; ``complete`` with the last ones."""

    data: bytes
    complete: bool


class Head(Struct, frozen=True, kw_only=True, array_like=True):
    """The response's head. ``connected_ns`` is monotonic, and equals the request's end where a
    pooled connection was at hand."""

    status: int
    headers: bytes
    connected_ns: int


class Retried(Struct, frozen=True, kw_only=True, array_like=True):
    """Why an attempt failed, and where the next goes. ``model`` is None for the client's own;
    ``begins_ns`` is when it begins."""

    error_type: str
    error_message: str
    status: int | None
    provider: str
    upstream: str
    path: str
    model: str | None
    begins_ns: int


# The names of marks, and what their numbers count.
LOST = "lost"  # bytes that the journal could not take
TUNNEL_UP, TUNNEL_DOWN = "tunnel_up", "tunnel_down"  # bytes that passed through a tunnel
# Somebody tells of an answer after its end, so its chunks have no times: ns until its first token,
# 0 if unknown.
UNTIMED = "untimed"
# What somebody tells that an answer took: tokens, and billionths of a dollar.
TOLD = TOLD_INPUT, TOLD_OUTPUT, TOLD_COST = "told_input", "told_output", "told_cost"


class Mark(Struct, frozen=True, kw_only=True, array_like=True):
    """A named moment, and a number with it."""

    name: str
    value: int = 0


class End(Struct, frozen=True, kw_only=True, array_like=True):
    """How it ended, as far as HTTP can tell; the recorder refines it by what the stream said."""

    outcome: str
    closed_by: str | None
    error_type: str | None = None
    error_message: str | None = None
    overhead_ns: int = 0  # of the last chunk


def headers_of(lines: bytes) -> list[tuple[str, str]]:
    """Return the names and values of header *lines*, which are joined by CR LF."""
    text = lines.decode("latin-1")
    return [
        (name, value)
        for name, _, value in (line.partition(": ") for line in text.split("\r\n"))
        if name
    ]
