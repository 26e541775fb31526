"""Takes blocks out of bytes, and finds the way back to them behind damage."""

from __future__ import annotations

import re
from zlib import crc32

from msgspec import Struct

from streamgauge.journal.format import BLOCK, ENTRY, Kind
from streamgauge.journal.segments import JOINED_BLOCK_BYTES, MAX_BLOCK_BYTES

# Behind damage, only blocks up to this size are looked for.
RESYNC_BLOCK_BYTES = 2 * JOINED_BLOCK_BYTES

# How much is searched at once. Windows overlap by the longest block that is looked for.
RESYNC_BYTES = 2 * RESYNC_BLOCK_BYTES

# What false starts in one window may cost: bytes to checksum, some 50 ms. Model output could
# be made to look like block after block; then the window is given up.
RESYNC_BUDGET_BYTES = 64 * 1024 * 1024

# `parse` says this of a block that does not check.
BAD = -1

# What the start of a block looks like: a length, a checksum, and the first entry's length
# and kind. Lengths are below 2**28, so their last bytes are small; kinds count from 1.
_START = re.compile(
    rb"(?=.{3}[\x00-\x0f].{4}.{3}[\x00-\x0f][\x01-" + re.escape(bytes([max(Kind)])) + rb"])",
    re.DOTALL,
)

_unpack_block, _unpack_entry = BLOCK.unpack_from, ENTRY.unpack_from
_HEAD, _ENTRY = BLOCK.size, ENTRY.size


class Entry(Struct, frozen=True, gc=False):
    """One entry of the journal."""

    kind: int
    exchange: bytes
    t_ns: int
    payload: bytes


def parse(data: bytes, entries: list[Entry]) -> tuple[int, int]:
    """Append the entries of the blocks in *data* to *entries*.

    Returns how many bytes the sound blocks take, and what follows them: 0 for nothing, the
    size of a block that is not all there, or `BAD`.
    """
    view = memoryview(data)
    size = len(data)
    start = 0
    while size - start >= _HEAD:
        length, crc = _unpack_block(data, start)
        if not _ENTRY <= length <= MAX_BLOCK_BYTES:
            return start, BAD
        at = start + _HEAD
        end = at + length
        if end > size:
            return start, _HEAD + length
        if crc32(view[at:end]) != crc:
            return start, BAD
        first = len(entries)
        while end - at >= _ENTRY:
            length, kind, exchange, t_ns = _unpack_entry(data, at)
            payload = at + _ENTRY
            at += 4 + length
            entries.append(Entry(kind, exchange, t_ns, data[payload:at]))
        if at != end:
            del entries[first:]
            return start, BAD
        start = end
    return start, _HEAD if start < size else 0


def find_block(data: bytes) -> tuple[int | None, int]:
    """Look for the first sound block in *data*, from its second byte on.

    Returns where it starts, or None, and up to where the search need not be repeated when
    more bytes follow.
    """
    view = memoryview(data)
    budget = RESYNC_BUDGET_BYTES
    for match in _START.finditer(data, 1):
        start = match.start()
        length, crc = _unpack_block(data, start)
        (first,) = _unpack_entry(data, start + _HEAD)[:1] if _fits(data, start) else (0,)
        end = start + _HEAD + length
        if not _ENTRY - 4 <= first <= length - 4 or length > RESYNC_BLOCK_BYTES or end > len(data):
            continue
        budget -= length
        if budget < 0:
            return None, len(data)
        if crc32(view[start + _HEAD : end]) == crc:
            return start, start
    return None, max(len(data) - RESYNC_BLOCK_BYTES, 1)


def _fits(data: bytes, start: int) -> bool:
    return len(data) - start >= _HEAD + _ENTRY
