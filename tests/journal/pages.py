"""Journals made by hand: what the tests of the journal write and expect."""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

from streamgauge.journal.format import BLOCK, ENTRY, Kind
from streamgauge.journal.reader import Reader
from streamgauge.journal.recover import Entry
from streamgauge.journal.segments import segment_path

ID = bytes(range(16))


def entry(payload: bytes, kind: int = Kind.MARK, exchange: bytes = ID, t_ns: int = 1) -> Entry:
    return Entry(kind, exchange, t_ns, payload)


def block(*entries: Entry) -> bytes:
    body = b"".join(
        ENTRY.pack(ENTRY.size - 4 + len(e.payload), e.kind, e.exchange, e.t_ns) + e.payload
        for e in entries
    )
    return BLOCK.pack(len(body), crc32(body)) + body


def segment(directory: Path, number: int, data: bytes) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = segment_path(directory, number)
    path.write_bytes(data)
    return path


def payloads(reader: Reader, *, is_final: bool = False, limit: int = 1 << 20) -> list[bytes]:
    """Read all there is, let go of it, and return the payloads; the reader can go on."""
    found: list[bytes] = []
    while True:
        found += [e.payload for e in reader.slice(limit, is_final=is_final)]
        if reader.is_at_end:
            reader.close()
            return found


def chunk_payload(data: bytes, overhead_ns: int = 0) -> bytes:
    return overhead_ns.to_bytes(4, "little") + data


def exchange_id() -> bytes:
    return os.urandom(16)
