"""What is read by likeness is what the dialect would have said, frame by frame."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.record import Reply
from streamgauge.wire.decoding import Decoding
from streamgauge.wire.detect import Choice
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import Event, Frame, TextDelta
from streamgauge.wire.likeness import Likeness
from streamgauge.wire.sse import SseDecoder
from tests.wire.cuts import whole
from tests.wire.goldens import FOLDER, READABLE
from tests.wire.reading import frames

ALIKE = [name for name, dialect in DIALECTS.items() if dialect().are_texts_alike]
RECORDED = [one for one in READABLE if one["dialect"] in ALIKE]


def both(dialect: str, given: list[Frame]) -> tuple[list[Event], list[Event], int]:
    """Return the events with likeness and without, and how many frames went the short way."""
    plain = DIALECTS[dialect]()
    expected = [event for frame in given for event in plain.read(frame)]
    reader, likeness = DIALECTS[dialect](), Likeness()
    found: list[Event] = []
    hits = 0
    for frame in given:
        delta = likeness.read(frame)
        if delta is not None:
            found.append(delta)
            hits += 1
            continue
        events = reader.read(frame)
        likeness.learn(frame, events)
        found += events
    return found, expected, hits


def chunk(text: str, padding: str | None = None, **fields: Any) -> Frame:
    said = {"id": "a", "object": "chat.completion.chunk", "model": "m"} | fields
    said["choices"] = [{"index": 0, "delta": {"content": text}, "finish_reason": None}]
    if padding is not None:
        said["obfuscation"] = padding
    return Frame(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize("recording", RECORDED, ids=lambda one: one["file"])
def test_recordings_say_the_same(recording: dict[str, Any]) -> None:
    """Every event of every recording, of the dialects that allow it."""
    raw = (FOLDER / recording["file"]).read_bytes()
    found, expected, _ = both(recording["dialect"], frames(recording["framing"], raw, whole))
    assert found == expected


def test_most_frames_go_the_short_way() -> None:
    """Else it is of no use: more than half of the texts, though most recordings are short."""
    hits = texts = 0
    for recording in RECORDED:
        raw = (FOLDER / recording["file"]).read_bytes()
        found, _, short = both(recording["dialect"], frames(recording["framing"], raw, whole))
        hits += short
        texts += sum(type(event) is TextDelta for event in found)
    assert hits > texts / 2


@pytest.mark.parametrize(
    "texts",
    [
        ["Hello", " there", "\n", 'a "quote"', "\\", "ü", "\u2028", "😀", "end"],
        # The pattern's own text stands elsewhere, too; nothing is a text of its own.
        ["content", "a", "m", "b"],
        ["a", "", "b", "x" * 1000],
        ['b"},"finish_reason":"stop"}]}', 'b","x":"c'],
        ['"obfuscation":"x"}', ',"obfuscation":"x"}', "plain"],
    ],
)
@pytest.mark.parametrize("padding", [None, "", "aB9"])
def test_texts_of_every_kind_are_read(texts: list[str], padding: str | None) -> None:
    """Quotes, escapes, and what looks like the frame itself."""
    found, expected, _ = both("openai_chat", [chunk(text, padding) for text in texts])
    assert found == expected
    assert "".join(event.text for event in found if type(event) is TextDelta) == "".join(texts)


def test_what_changes_beside_the_text_is_seen() -> None:
    """A new model, a name, a finish reason, usage, and the pattern of before again."""
    given = [
        chunk("a-"), chunk("b-"), chunk("c-", model="n"), chunk("d-"), chunk("e-"),
        chunk("e+"), chunk("f-", usage={"prompt_tokens": 1}), chunk("g-"), chunk("h-", "xy"),
    ]  # fmt: skip
    found, expected, hits = both("openai_chat", given)
    assert found == expected
    assert hits == 1


def test_a_forged_padding_is_no_padding() -> None:
    """What stands behind the padding is not cut off with it."""
    plain = chunk("a-").data
    forged = plain[:-1] + b',"obfuscation":"x","usage":{"prompt_tokens":7}}'
    found, expected, _ = both("openai_chat", [chunk("a-"), Frame(forged), chunk("b-")])
    assert found == expected


def block(text: str, blanks: int) -> Frame:
    said = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}
    said["delta"]["text"] = text  # type: ignore[index]
    data = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    return Frame(data[:-1] + b" " * blanks + b"}", "content_block_delta")


def test_blanks_for_a_padding_are_no_difference() -> None:
    """Anthropic's chunks have some before their last brace."""
    given = [block("Hel", 3), block("lo", 0), block(" }", 1), block('"} ', 7), block("end", 2)]
    found, expected, hits = both("anthropic", given)
    assert found == expected
    assert hits >= 3


def test_blanks_in_a_text_without_an_end_are_no_padding() -> None:
    """The frame was cut; it says nothing."""
    cut = [Frame(block("lo", 0).data[:-3] + end) for end in (b" }", b'"} ', b'" }', b"  }}")]
    found, expected, hits = both("anthropic", [block("Hel", 1), *cut, block("x", 1)])
    assert found == expected
    assert hits == 0


def test_broken_text_is_left_to_the_dialect() -> None:
    """Bytes that are no UTF-8, control characters, half an emoji."""
    good = chunk("a-").data
    given = [
        Frame(good.replace(b"a-", text)) for text in (b"a-", b"\xff", b"\n", rb"\ud83d", b"b-")
    ]
    found, expected, _ = both("openai_chat", given)
    assert found == expected


@given(
    st.lists(
        st.one_of(
            st.builds(chunk, st.text(max_size=5), st.sampled_from([None, "", "x", "y1"])),
            st.builds(chunk, st.text(max_size=5), id=st.sampled_from(["a", "b", "id"])),
            st.builds(Frame, st.binary(max_size=20)),
            st.builds(block, st.text(max_size=3), st.integers(0, 3)),
            st.builds(lambda text: Frame(chunk(text).data, "error"), st.text(max_size=3)),
        ),
        max_size=12,
    )
)
def test_any_frames_say_the_same(given: list[Frame]) -> None:
    """In any order, with anything in between."""
    for dialect in ("openai_chat", "anthropic"):
        found, expected, _ = both(dialect, given)
        assert found == expected


# -- chunks ----------------------------------------------------------------------------------------

Told = tuple[list[int], int, Reply]


def decoded(dialect: str, framing: str, chunks: list[bytes]) -> Told:
    """Return what each of *chunks* brought, how many deltas, and the reply."""
    decoding = Decoding(Choice(framing, dialect))
    heard = [decoding.feed(chunk) for chunk in chunks]
    decoding.close()
    return heard, decoding.deltas, decoding.reply.reply()


def unlike(dialect: str, framing: str, chunks: list[bytes]) -> Told:
    """Return the same, without any likeness."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamgauge.wire.likeness.MOST_TRIES", 0)
        return decoded(dialect, framing, chunks)


def events_of(raw: bytes) -> list[bytes]:
    """Cut *raw* where models pause: behind each line, and behind each blank one."""
    end = b"\n\n" if b"\n\n" in raw else b"\n"
    return [piece + end for piece in raw.split(end)]


def sse(frame: Frame) -> bytes:
    name = f"event: {frame.event}\n".encode() if frame.event else b""
    return name + b"data: " + frame.data + b"\n\n"


@pytest.mark.parametrize("recording", RECORDED, ids=lambda one: one["file"])
def test_recordings_say_the_same_chunk_by_chunk(recording: dict[str, Any]) -> None:
    """With an event in each."""
    chunks = events_of((FOLDER / recording["file"]).read_bytes())
    told = recording["dialect"], recording["framing"], chunks
    assert decoded(*told) == unlike(*told)


def test_a_chunk_like_the_last_is_not_framed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first tells the model, too; the second is the pattern of all behind it."""
    framed: list[bytes] = []
    feed = SseDecoder.feed
    monkeypatch.setattr(
        SseDecoder, "feed", lambda self, chunk: framed.append(chunk) or feed(self, chunk)
    )
    chunks = [sse(chunk(f"word {number}", "x" * (number % 7))) for number in range(100)]
    assert decoded("openai_chat", "sse", chunks)[1] == 100
    assert framed == chunks[:2]


A, B, C = (sse(chunk(text)) for text in ("a-", "b-", "c-"))
DATA = chunk("b-").data


@pytest.mark.parametrize(
    "chunks",
    [
        [A, B[:20], B[20:], C],
        # The end of an event alone is none.
        [b"data: ", A[6:], B[6:], C],
        [b"event: error\n", A, B, C],
        [b": " + A[6:-1] + A, b": " + B[6:-1] + A, C],
        [A + B, B + C, C],
        [A + b"data: cut", B, C],
        [A + b"data: cut", B + b"data: cut", C],
        [A + B, C + B, A],
        [A[:-1], b"\n" + B, C],
        [A[:-2] + b"\r", b"\r", B[:-2] + b"\r\r", C],
        [A[:-2] + b"\r\n\r\n", B[:-2] + b"\r\n\r\n", C],
        [A[:-1] + b"data:\n\n", B[:-1] + b"data:\n\n", C],
        [b"id: 1\n" + A, b"id: 1\n" + B, b"id: 2\n" + C],
        [A + b": ping\n\n", B + b": ping\n\n", b"\xef\xbb\xbf" + C],
        [A, B.replace(b"b-", b"b\n\ndata: -"), B.replace(b"b-", b"\xff"), C],
    ],
)
def test_what_is_not_one_whole_event_is_framed(chunks: list[bytes]) -> None:
    """Whatever state the framing is in, and whatever stands around the event."""
    told = "openai_chat", "sse", [A, *chunks]  # the first tells the model, too
    assert decoded(*told) == unlike(*told)


@given(
    st.lists(
        st.one_of(
            st.builds(sse, st.builds(chunk, st.text(max_size=3), st.sampled_from([None, "x"]))),
            st.sampled_from([A, B, C, DATA, DATA + b"\n", DATA + b"\n\n", b"data: " + DATA]),
            st.sampled_from([b"data: ", b"event: x\n", b"id: 1\n", b": x\n", b"\r", b"\n", b":"]),
            st.builds(sse, st.builds(block, st.text(max_size=3), st.integers(0, 2))),
        ),
        max_size=12,
    )
)
@pytest.mark.parametrize("framing", ["sse", "ndjson"])
def test_any_chunks_say_the_same(framing: str, chunks: list[bytes]) -> None:
    """In any order, of two framings and two dialects."""
    for dialect in ("openai_chat", "anthropic"):
        told = dialect, framing, [A if framing == "sse" else DATA + b"\n", *chunks]
        assert decoded(*told) == unlike(*told)
