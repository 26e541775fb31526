"""AWS eventstream."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire import eventstream
from streamgauge.wire.events import Frame
from streamgauge.wire.eventstream import EventStreamDecoder
from tests.wire.cuts import CUTS, Cut, bytewise, whole
from tests.wire.goldens import FOLDER, MANIFEST
from tests.wire.messages import error, event, exception, message, text
from tests.wire.reading import frames

# One header of every type that there is, and one with text behind them.
EVERY_TYPE = (
    b"\x01a\x00\x01b\x01\x01c\x02\x07\x01d\x03\x00\x07\x01e\x04\x00\x00\x00\x07"
    b"\x01f\x05" + bytes(8) + b"\x01g\x06\x00\x03\x07\x07\x07" + text("h", "x")
    + b"\x01i\x08" + bytes(8) + b"\x01j\x09" + bytes(16) + text(":event-type", "last")
)  # fmt: skip

CASES: dict[str, tuple[bytes, list[Frame]]] = {
    "events": (
        event("messageStart", {"role": "x"}) + event("messageStop", {}),
        [Frame(b'{"role": "x"}', "messageStart"), Frame(b"{}", "messageStop")],
    ),
    "no payload, no headers": (message(b""), [Frame(b"")]),
    "every type of header": (message(b"p", EVERY_TYPE), [Frame(b"p", "last")]),
    "a type of tomorrow": (
        message(b"p", text(":event-type", "known") + b"\x01z\x63???"),
        [Frame(b"p", "known")],
    ),
    "headers that end too soon": (message(b"p", b"\x09abc"), [Frame(b"p")]),
    "an exception": (
        exception("throttlingException", {"message": "slow"}),
        [Frame(b'{"message": "slow"}', "throttlingException", is_fault=True)],
    ),
    "an error": (
        error("InternalFailure", "oops"),
        [Frame(b"oops", "InternalFailure", is_fault=True)],
    ),
    "cut off": (event("a", {}) + event("b", {})[:-1], [Frame(b"{}", "a")]),
    "empty": (b"", []),
}


@pytest.mark.parametrize(("raw", "expected"), CASES.values(), ids=CASES)
def test_frames_do_not_depend_on_the_cuts(raw: bytes, expected: list[Frame], cut: Cut) -> None:
    """One frame a message, wherever the network cut it."""
    assert frames("eventstream", raw, cut) == expected


def test_a_message_with_a_wrong_checksum_is_one_frame_without_a_name(cut: Cut) -> None:
    """Its length is vouched for by another checksum, so the next one is read."""
    broken = bytearray(event("a", {"text": "hello"}))
    broken[-8] ^= 1
    got = frames("eventstream", bytes(broken) + event("b", {}), cut)
    assert got == [Frame(bytes(broken)), Frame(b"{}", "b")]


@pytest.mark.parametrize(
    "broken",
    [
        b"<html>Bad Gateway</html>",
        b"\x00" * 12,
        bytes(7) + b"\x01" + event("a", {})[8:],
        struct.pack(">III", 15, 0, zlib.crc32(struct.pack(">II", 15, 0))),
        struct.pack(">III", 17, 2, zlib.crc32(struct.pack(">II", 17, 2))),
    ],
    ids=["no eventstream", "zeros", "a wrong length", "too short", "headers longer than all"],
)
def test_a_wrong_prelude_is_one_frame_and_the_end(broken: bytes, cut: Cut) -> None:
    """Nobody knows where the next message begins."""
    decoder = EventStreamDecoder()
    raw = event("a", {}) + broken + event("b", {}) * 3
    got = [frame for chunk in cut(raw) for frame in decoder.feed(chunk)] + decoder.close()
    assert got[0] == Frame(b"{}", "a")
    assert (len(got), got[1].event) == (2, None)
    assert got[1].data.startswith(broken[:12])
    assert decoder.failed


def test_a_message_over_the_limit_is_dropped_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    """It is counted, and not held."""
    monkeypatch.setattr(eventstream, "MAX_FRAME", 200)
    decoder = EventStreamDecoder()
    raw = event("a", {}) + event("b", {"x": "x" * 1000}) + event("c", {})
    got = [frame for chunk in cut(raw) for frame in decoder.feed(chunk)]
    assert [frame.event for frame in got] == ["a", "c"]
    assert decoder.dropped == 1


RECORDED = [one for one in MANIFEST if one["framing"] == "eventstream"]


@pytest.mark.parametrize("recording", RECORDED, ids=lambda one: one["file"])
def test_botocore_reads_the_same(recording: dict[str, Any], cut: Cut) -> None:
    """AWS's own parser is the judge."""
    raw = (FOLDER / recording["file"]).read_bytes()
    judge = EventStreamBuffer()
    judge.add_data(raw)
    expected = [(m.headers[":event-type"], m.payload) for m in judge]
    assert [(f.event, f.data) for f in frames("eventstream", raw, cut)] == expected
    assert expected


HEADERS = st.lists(
    st.tuples(
        st.from_regex(r"[a-z:-]{1,20}", fullmatch=True),
        st.sampled_from([(b"\x00", 0), (b"\x02", 1), (b"\x04", 4), (b"\x05", 8), (b"\x09", 16)]),
    ),
    max_size=4,
    unique_by=lambda header: header[0],
)


@given(HEADERS, st.text(max_size=30), st.binary(max_size=50), st.sampled_from(list(CUTS)))
def test_botocore_reads_the_same_of_whatever_is_made(
    headers: list[tuple[str, tuple[bytes, int]]], name: str, payload: bytes, cut: str
) -> None:
    """Any headers, any payload."""
    raw = b"".join(
        bytes([len(key)]) + key.encode() + kind + bytes(size) for key, (kind, size) in headers
    )
    made = message(payload, raw + text(":event-type", name))
    judge = EventStreamBuffer()
    judge.add_data(made * 2)
    expected = [(m.headers[":event-type"], m.payload) for m in judge]
    assert [(f.event, f.data) for f in frames("eventstream", made * 2, CUTS[cut])] == expected


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_bytes_whatever_are_an_error(noise: bytes, at: int) -> None:
    """Noise in the middle of a stream, cut anywhere; the frames are the same."""
    raw = event("a", {"x": 1}) * 3
    raw = raw[:at] + noise + raw[at + len(noise) // 2 :]
    found = [
        [(frame.event, frame.data[:8]) for frame in frames("eventstream", raw, cut)]
        for cut in (whole, bytewise)
    ]
    assert found[0] == found[1]
