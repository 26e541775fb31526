"""What the journal owes its readers."""

from __future__ import annotations

from zlib import crc32

import msgspec
import pytest

from streamgauge.journal import losses as module
from streamgauge.journal.format import BLOCK, ENTRY, Kind, Mark
from streamgauge.journal.losses import Losses
from streamgauge.journal.recover import Entry, parse
from tests.journal.pages import block, entry, exchange_id


def owed(losses: Losses) -> list[Entry]:
    data = losses.marks() + losses.ends()
    found: list[Entry] = []
    parse(BLOCK.pack(len(data), crc32(data)) + data, found)
    return found


def test_each_exchange_is_told_what_it_lacks() -> None:
    """One mark each, with the sum; and its end if that was lost too."""
    a, b = exchange_id(), exchange_id()
    losses = Losses()
    losses.note(block(entry(b"12", Kind.CHUNK, a), entry(b"x", Kind.CHUNK, b)))
    losses.note(block(entry(b"345", Kind.CHUNK, a), entry(b"end", Kind.END, a, t_ns=77)))
    found = owed(losses)
    marks = {
        e.exchange: msgspec.msgpack.decode(e.payload, type=Mark).value
        for e in found
        if e.kind == Kind.MARK
    }
    assert marks == {a: 2 * ENTRY.size + 5, b: ENTRY.size + 1}
    assert [(e.exchange, e.t_ns, e.payload) for e in found if e.kind == Kind.END] == [
        (a, 77, b"end")
    ]
    assert losses.entries == 4
    assert losses.is_owing
    losses.told_marks()
    assert losses.is_owing
    assert losses.marks() == b""
    losses.told_ends()
    assert not losses.is_owing
    assert losses.ends() == b""


def test_an_end_alone_is_owed_without_a_mark() -> None:
    """Nothing of what was said is missing."""
    a = exchange_id()
    losses = Losses()
    losses.note(block(entry(b"end", Kind.END, a)))
    assert [e.kind for e in owed(losses)] == [Kind.END]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted is not."""
    monkeypatch.setattr(module, "MAX_HOLES", 3)
    losses = Losses()
    for _ in range(10):
        losses.note(block(entry(b"x", Kind.CHUNK, exchange_id())))
    assert losses.entries == 10
    assert len(owed(losses)) == 3
