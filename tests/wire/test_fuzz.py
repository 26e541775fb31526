"""Rubbish, and streams with a little rubbish in them, into every framing and dialect.

Whatever comes: nothing is raised, a cut changes nothing, and memory stays within what came.
``make fuzz`` tries longer.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgauge.wire.decoding import Decoding
from streamgauge.wire.detect import Choice
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import Event, Frame
from streamgauge.wire.framing import FRAMINGS
from streamgauge.wire.looks.first_content import FirstContent
from streamgauge.wire.looks.lines import Lines
from streamgauge.wire.looks.stream_usage import Hider, ask
from streamgauge.wire.request import read_request

FOLDER = Path(__file__).parents[1] / "recordings"
EXAMPLES = int(os.environ.get("STREAMGAUGE_FUZZ", "60"))

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def recordings() -> dict[tuple[str, str], list[bytes]]:
    """Return some recordings of each framing and dialect, none of them long."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for line in (FOLDER / "manifest.jsonl").read_text().splitlines():
        one = json.loads(line)
        raw = (FOLDER / one["file"]).read_bytes()
        if one["framing"] in FRAMINGS and one["dialect"] in DIALECTS and len(raw) < 50_000:
            found.setdefault((one["framing"], one["dialect"]), []).append(raw)
    return {kind: sorted(raws, key=len)[:6] for kind, raws in found.items()}


RECORDINGS = recordings()

# What is put in the place of a few bytes: what parsers trip over.
RUBBISH = (
    b"", b"\0", b"\n", b"\r", b"\r\n", b"\n\n", b"data:", b"data: ", b"event: error\n", b":",
    b"{", b"}", b"[", b"]", b'"', b"\\", b"null", b"[]", b"{}", b"-1", b"1e999", b"\xff", b"\xc3",
    b"\xed\xa0\x80", b"\\ud83d", b"\xef\xbb\xbf", b"[DONE]", b"true", b'"choices":null',
    b'"index":99999999999999999999', b'"delta":[]', b'"usage":7', b"\x00\x00\x00\x10", b"\xff" * 4,
)  # fmt: skip

# Names that dialects look for.
NAMES = """id model type index choices delta message content text role usage error parts
finish_reason tool_calls function name arguments candidates output item event response part
content_block generation outputs data stop_reason input""".split()  # noqa: SIM905 - to be read


@st.composite
def damaged(draw: Callable[..., Any], kind: tuple[str, str]) -> bytes:
    """A recording of that kind with a few places replaced, cut short, or two of them joined."""
    dice: random.Random = draw(st.randoms(use_true_random=False))
    raw = dice.choice(RECORDINGS[kind])
    for _ in range(dice.randint(0, 6)):
        at = dice.randrange(len(raw) + 1)
        raw = raw[:at] + dice.choice(RUBBISH) + raw[at + dice.randint(0, 20) :]
    if dice.random() < 0.2:
        other = dice.choice(RECORDINGS[kind])
        raw = raw[: dice.randrange(len(raw) + 1)] + other[dice.randrange(len(other)) :]
    return raw[: dice.randrange(len(raw) + 1)] if dice.random() < 0.3 else raw


def in_pieces(raw: bytes, seed: int) -> list[bytes]:
    dice = random.Random(seed)
    pieces, at = [], 0
    while at < len(raw):
        size = dice.choice([1, 2, 3, 5, 17, 100, 5000])
        pieces.append(raw[at : at + size])
        at += size
    return pieces


def read_all(name: str, pieces: list[bytes]) -> tuple[list[Frame], int, bool]:
    decoder = FRAMINGS[name]()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.close(), decoder.dropped, decoder.failed


@pytest.mark.parametrize("name", FRAMINGS)
@fuzzed
@given(raw=st.binary(max_size=400), seed=st.integers(0, 9))
def test_rubbish_in_a_framing(name: str, raw: bytes, seed: int) -> None:
    """Frames are bytes that came, whatever the cut."""
    whole = read_all(name, [raw] if raw else [])
    assert read_all(name, in_pieces(raw, seed)) == whole
    assert sum(len(frame.data) for frame in whole[0]) <= len(raw) + 2 * len(whole[0])


@pytest.mark.parametrize("kind", RECORDINGS, ids="-".join)
@fuzzed
@given(data=st.data())
def test_a_damaged_stream(kind: tuple[str, str], data: st.DataObject) -> None:
    """The same reply however it is cut, and whatever can be told of it is told."""
    raw = data.draw(damaged(kind))
    seed = data.draw(st.integers(0, 99))
    replies = []
    for pieces in ([raw] if raw else [], in_pieces(raw, seed)):
        decoding = Decoding(Choice(*kind))
        for piece in pieces:
            decoding.feed(piece)
        decoding.close()
        reply = decoding.reply
        told = (reply.text(), reply.finish_reasons(), reply.tool_names(), reply.usage)
        replies.append((reply.reply(), told, decoding.is_whole, decoding.trouble))
    assert replies[0] == replies[1]


@pytest.mark.parametrize("name", DIALECTS)
@fuzzed
@given(
    said=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(NAMES),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    ),
    event=st.none() | st.sampled_from(["error", "message", "output", "done", "contentBlockDelta"]),
)
def test_a_frame_of_any_json(name: str, said: Any, event: str | None) -> None:
    """A dialect answers with events, never with an exception."""
    frame = Frame(json.dumps(said).encode(), event)
    reader = DIALECTS[name]()
    for _ in range(2):
        events = reader.read(frame)
        assert all(isinstance(one, Event) for one in events)


@fuzzed
@given(data=st.data())
def test_the_looks_that_a_gateway_takes(data: st.DataObject) -> None:
    """They lose no byte of a stream."""
    kind = data.draw(st.sampled_from([kind for kind in RECORDINGS if kind[0] == "sse"]))
    raw = data.draw(damaged(kind))
    lines, hider, first = Lines(), Hider(), FirstContent(Choice(*kind))
    passed = b""
    for piece in in_pieces(raw, data.draw(st.integers(0, 99))):
        first.feed(piece)
        if got := lines.feed(piece):
            passed += b"".join(part for part, _ in hider.split(got))
    assert passed + lines.close() == raw


@fuzzed
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_rubbish_as_a_request(body: bytes) -> None:
    """It is left alone, and says nothing."""
    ask(body)
    read_request(body, "/v1/chat/completions")
