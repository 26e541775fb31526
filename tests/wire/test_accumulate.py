"""Events add up to a reply."""

from __future__ import annotations

import pytest

from streamgauge.record import Choice, Fault, Reply, ToolCall
from streamgauge.wire import accumulate
from streamgauge.wire.accumulate import MAX_FAULT_TEXT, MAX_FAULTS, Accumulator
from streamgauge.wire.events import (
    Again,
    Event,
    Extra,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamFault,
    Terminal,
    TextDelta,
    ToolCallDelta,
    Unknown,
    UsageReport,
)


def added(*events: Event) -> Accumulator:
    reply = Accumulator()
    for event in events:
        reply.add(event)
    return reply


def test_nothing_adds_up_to_an_empty_reply() -> None:
    reply = Accumulator()
    assert reply.reply() == Reply()
    assert (reply.text(), reply.tail(5), reply.finish_reasons(), reply.tool_names()) == (
        "",
        "",
        (),
        (),
    )
    assert (reply.has_terminal, reply.has_finish, reply.is_cut) == (False, False, False)
    assert reply.usage is None


def test_every_event_finds_its_place() -> None:
    reply = added(
        Started("id1", "m1", "assistant"),
        ReasoningDelta("hm"),
        ReasoningDelta("m"),
        TextDelta("a"),
        TextDelta("c", 1),
        TextDelta("b"),
        RefusalDelta("no", 1),
        ToolCallDelta(1, "", "t1", "g", "function"),
        ToolCallDelta(0, '{"x"', "t0", "f", "function"),
        ToolCallDelta(0, ":1}"),
        Extra("logprobs", [1]),
        Extra("logprobs", [2]),
        Extra("audio_data", "AB"),
        Extra("audio_data", "CD"),
        Extra("audio", {"id": "x"}),
        Extra("audio", {"expires_at": 3}),
        Extra("tier", "a", -1),
        Extra("tier", "b", -1),
        Extra("citations", ["u"], -1),
        Extra("citations", ["u"], -1),
        UsageReport({"n": 1}, final=False),
        UsageReport({"n": 2}),
        Finish("stop"),
        Finish("length", 1),
        Terminal(),
    )
    assert reply.reply() == Reply(
        id="id1",
        model="m1",
        choices=(
            Choice(
                role="assistant",
                text="ab",
                reasoning="hmm",
                tool_calls=(
                    ToolCall(index=0, id="t0", type="function", name="f", arguments='{"x":1}'),
                    ToolCall(index=1, id="t1", type="function", name="g"),
                ),
                finish_reason="stop",
                extra={
                    "logprobs": [1, 2],
                    "audio": {"id": "x", "expires_at": 3},
                    "audio_data": "ABCD",
                },
            ),
            Choice(index=1, text="c", refusal="no", finish_reason="length"),
        ),
        usage={"n": 2},
        extra={"tier": "b", "citations": ["u"]},
    )
    assert reply.text() == "ab\nc"
    assert reply.finish_reasons() == ("stop", "length")
    assert reply.tool_names() == ("f", "g")
    assert reply.is_usage_final
    assert reply.has_finish
    assert reply.has_terminal
    assert (reply.id, reply.model) == ("id1", "m1")


def test_a_reply_taken_early_does_not_change_afterwards() -> None:
    reply = added(TextDelta("a"), Extra("logprobs", [1]), Extra("x", {"a": 1}), Extra("y", 1, -1))
    early = reply.reply()
    for event in (
        TextDelta("b"),
        Extra("logprobs", [2]),
        Extra("x", {"b": 2}),
        Extra("y", 2, -1),
    ):
        reply.add(event)
    assert early.choices == (Choice(text="a", extra={"logprobs": [1], "x": {"a": 1}}),)
    assert early.extra == {"y": 1}


def test_an_extra_of_the_provider_is_not_changed_by_adding_up() -> None:
    first = [1]
    added(Extra("logprobs", first), Extra("logprobs", [2]))
    assert first == [1]


def test_faults_and_unknown_frames_are_told_apart() -> None:
    reply = added(StreamFault("overloaded", "try later"), Unknown(b"\xffrubbish"))
    assert reply.stream_faults == 1
    assert reply.unknown == 1
    assert reply.faults == [
        Fault(type="overloaded", message="try later"),
        Fault(type="unknown_frame", message="\ufffdrubbish"),
    ]


def test_endless_rubbish_is_counted_but_not_kept() -> None:
    reply = added(*[Unknown(b"x")] * (MAX_FAULTS + 50))
    assert reply.unknown == MAX_FAULTS + 50
    assert len(reply.reply().faults) == MAX_FAULTS


GROWING: dict[str, Event] = {
    "text": TextDelta("0123456789"),
    "reasoning": ReasoningDelta("0123456789"),
    "refusal": RefusalDelta("0123456789"),
    "arguments": ToolCallDelta(0, "0123456789"),
    "text extra": Extra("x", "0123456789"),
    "list extra": Extra("x", ["01234567"]),
}


@pytest.mark.parametrize("name", GROWING)
def test_a_reply_keeps_its_beginning_and_says_that_it_is_cut(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulate, "MAX_REPLY", 5000)
    reply = added(*[GROWING[name]] * 2000)
    assert reply.is_cut
    assert 1000 < len(repr(reply.reply())) < 15_000


@pytest.mark.parametrize(
    "make", [lambda i: TextDelta("", i), lambda i: ToolCallDelta(i)], ids=["choices", "calls"]
)
def test_the_provider_does_not_decide_how_many_choices_are_kept(
    make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulate, "MAX_REPLY", 10_000)
    assert callable(make)
    reply = added(*[make(i) for i in range(1000)])
    assert reply.is_cut
    assert sum(1 + len(choice.tool_calls) for choice in reply.reply().choices) < 12


def test_the_tail_is_the_end_of_the_first_choice() -> None:
    reply = added(TextDelta("abc"), TextDelta("def"), TextDelta("zzz", 1), TextDelta("g"))
    assert [reply.tail(n) for n in (1, 2, 4, 100)] == ["g", "fg", "defg", "abcdefg"]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([{"a": 1}, [1]], [1]),
        ([[1], {"a": 1}], {"a": 1}),
        ([5, [1], [2]], [1, 2]),
        ([[1], 5], 5),
    ],
)
def test_of_an_extra_that_changes_its_type_the_last_holds(
    values: list[object], kept: object
) -> None:
    reply = added(*[Extra("x", value) for value in values])
    assert reply.reply().choices[0].extra == {"x": kept}


def test_a_fault_says_what_was_wrong_not_everything() -> None:
    (fault,) = added(StreamFault("t" * 9999, "m" * 9999)).faults
    assert fault == Fault(type="t" * MAX_FAULT_TEXT, message="m" * MAX_FAULT_TEXT)


def test_what_is_repeated_about_the_whole_answer_takes_its_room_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And a field of a new name in every chunk does not fill the memory."""
    monkeypatch.setattr(accumulate, "MAX_REPLY", 3000)
    same = added(*[Extra("tier", "x" * 500, -1)] * 50)
    assert (same.is_cut, len(same.reply().extra)) == (False, 1)
    ever_new = added(*[Extra(f"tier {number}", "x", -1) for number in range(50)])
    assert (ever_new.is_cut, len(ever_new.reply().extra)) == (True, 2)


def test_what_comes_again_takes_the_place_of_what_was_said() -> None:
    """Of that choice."""
    reply = added(TextDelta("b"), TextDelta("c", 1), Extra("x", [1]), Again(), TextDelta("ab"))
    assert reply.reply().choices == (Choice(text="ab"), Choice(index=1, text="c"))
