"""Bytes to events and replies, the way the recorder does it."""

from __future__ import annotations

from streamgauge.wire.accumulate import Accumulator
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import Event, Frame
from streamgauge.wire.framing import FRAMINGS
from tests.wire.cuts import Cut


def frames(framing: str, raw: bytes, cut: Cut) -> list[Frame]:
    decoder = FRAMINGS[framing]()
    found = [frame for chunk in cut(raw) for frame in decoder.feed(chunk)]
    return found + decoder.close()


def events(dialect: str, framing: str, raw: bytes, cut: Cut) -> list[Event]:
    reader = DIALECTS[dialect]()
    return [event for frame in frames(framing, raw, cut) for event in reader.read(frame)]


def accumulated(dialect: str, framing: str, raw: bytes, cut: Cut) -> Accumulator:
    accumulator = Accumulator()
    for event in events(dialect, framing, raw, cut):
        accumulator.add(event)
    return accumulator
