"""A second answer as the rest of a first."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.decoding import Decoding
from streamgauge.wire.detect import Choice, choose
from streamgauge.wire.looks.continuation import (
    MOST_SPOKEN,
    Continuation,
    Differs,
    Spoken,
    is_continuable,
)

CHAT = choose(path="/v1/chat/completions", content_type="text/event-stream")
CLAUDE = choose(path="/v1/messages", content_type="text/event-stream")


def event(said: Any, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {said if isinstance(said, str) else json.dumps(said)}\n\n".encode()


def chat(*texts: str, answer: str = "a", finish: str = "stop") -> list[bytes]:
    """A chat answer in pieces."""
    same = {"id": answer, "object": "chat.completion.chunk", "created": 1, "model": f"m-{answer}"}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        return event({**same, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": text}) for text in texts),
        chunk({}, finish),
        event({**same, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        event("[DONE]"),
    ]


def claude(*texts: str, answer: str = "a") -> list[bytes]:
    """A Claude answer in pieces."""

    def said(kind: str, **fields: Any) -> bytes:
        return event({"type": kind, **fields}, kind)

    return [
        said("message_start", message={"id": answer, "model": f"m-{answer}", "usage": {}}),
        said("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        said("ping"),
        *(
            said("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
            for text in texts
        ),
        said("content_block_stop", index=0),
        said("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3}),
        said("message_stop"),
    ]


def spoken(choice: Choice, data: bytes) -> Spoken:
    had = Spoken(choice)
    had.feed(data)
    return had


def text_of(choice: Choice, data: bytes) -> str:
    decoding = Decoding(choice, None)
    decoding.feed(data)
    decoding.close()
    assert decoding.is_whole
    assert not decoding.reply.stream_faults
    return decoding.reply.text()


TEXT = "Hello wörld, 你好 🙂, and so on."


def pieces(cuts: list[int]) -> list[str]:
    places = sorted({0, *(cut % len(TEXT) for cut in cuts), len(TEXT)})
    return [TEXT[begin:end] for begin, end in pairwise(places)]


@pytest.mark.parametrize(
    ("make", "choice"), [(chat, CHAT), (claude, CLAUDE)], ids=["chat", "claude"]
)
@given(
    first=st.lists(st.integers(0, 99), max_size=6),
    second=st.lists(st.integers(0, 99), max_size=6),
    broken=st.integers(1, 12),
    size=st.integers(1, 400),
)
def test_together_they_are_one_stream(
    make: Any, choice: Choice, first: list[int], second: list[int], broken: int, size: int
) -> None:
    """Whatever the pieces, wherever the first one broke, and however the second is cut."""
    had = b"".join(make(*pieces(first))[:-1][:broken])
    continuation = Continuation(spoken(choice, had))
    again = b"".join(make(*pieces(second), answer="b"))
    rest = b"".join(continuation.feed(again[at : at + size]) for at in range(0, len(again), size))
    rest += continuation.close()
    assert text_of(choice, had + rest) == TEXT
    assert b'"b"' not in rest
    assert b'"m-b"' not in rest
    for once in (b'"assistant"', b'"message_start"', b'"content_block_start"'):
        assert (had + rest).count(once) <= 1


@pytest.mark.parametrize(
    "second",
    [
        chat("Hallo", " world"),
        chat("Hel"),
        chat("Hel", "p"),
        [event({"error": {"message": "no"}})],
        [b"data: rubbish\n\n", *chat("Nothing")],
    ],
    ids=["another word", "shorter", "other end", "error", "rubbish"],
)
def test_another_answer_is_no_continuation(second: list[bytes]) -> None:
    """Not one byte of it."""
    continuation = Continuation(spoken(CHAT, b"".join(chat("Hello", " w")[:3])))
    with pytest.raises(Differs):
        assert continuation.feed(b"".join(second)) + continuation.close() == b""


def test_tool_calls_are_compared_too() -> None:
    def call(arguments: str, answer: str) -> bytes:
        function = {"arguments": arguments}
        delta = {"tool_calls": [{"index": 0, "function": function}]}
        return event({"id": answer, "choices": [{"index": 0, "delta": delta}]})

    had = spoken(CHAT, call('{"ci', "a") + call('ty":"P', "a"))
    rest = Continuation(had).feed(call('{"city":"Par', "b") + call('is"}', "b"))
    assert [json.loads(line[6:]) for line in rest.split(b"\n\n") if line] == [
        json.loads(call("ar", "a")[6:]),
        json.loads(call('is"}', "a")[6:]),
    ]
    with pytest.raises(Differs):
        Continuation(had).feed(call('{"city":"Rome"}', "b"))


def test_choices_go_on_each_by_itself() -> None:
    def said(index: int, text: str) -> bytes:
        return event({"id": "a", "choices": [{"index": index, "delta": {"content": text}}]})

    had = spoken(CHAT, said(0, "one") + said(1, "t"))
    rest = Continuation(had).feed(said(1, "two") + said(0, "one!"))
    assert rest == said(1, "wo").replace(b": ", b":").replace(b", ", b",").replace(
        b"data:", b"data: "
    ) + said(0, "!").replace(b": ", b":").replace(b", ", b",").replace(b"data:", b"data: ")


def test_who_has_said_too_much_is_not_continued() -> None:
    had = Spoken(CHAT)
    while had.is_short:
        had.feed(chat("x" * 100_000)[1])
    size = sum(len(text) for texts in had.said.values() for text in texts)
    assert size <= MOST_SPOKEN + 100_000


def test_only_some_streams_can_be() -> None:
    assert is_continuable(CHAT)
    assert is_continuable(CLAUDE)
    responses = choose(path="/v1/responses", content_type="text/event-stream")
    assert not is_continuable(responses)
    assert not is_continuable(choose(path="/v1/chat/completions", content_type="application/json"))
