"""OpenAI Assistants."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.record import Choice, Fault, ToolCall
from streamgauge.wire.accumulate import Accumulator
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated

NAME = "openai_assistants"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}

Said = tuple[str, dict[str, Any]]


def sse(*events: Said) -> bytes:
    return b"".join(
        f"event: {name}\ndata: {json.dumps(said)}\n\n".encode() for name, said in events
    )


DONE = b"event: done\ndata: [DONE]\n\n"


def run(status: str, **more: Any) -> Said:
    said = {"id": "run", "object": "thread.run", "model": "m", "status": status, **more}
    return f"thread.run.{status}", said


def message(*parts: dict[str, Any], status: str = "completed", **more: Any) -> Said:
    said = {"id": "msg", "object": "thread.message", "role": "assistant", "status": status}
    return f"thread.message.{status}", {**said, "content": list(parts), **more}


def message_delta(*parts: dict[str, Any]) -> Said:
    said = {"id": "msg", "object": "thread.message.delta", "delta": {"content": list(parts)}}
    return "thread.message.delta", said


def text(value: str, *notes: Any, **place: Any) -> dict[str, Any]:
    return {"type": "text", "text": {"value": value, "annotations": list(notes)}, **place}


def step(status: str, *calls: dict[str, Any], **more: Any) -> Said:
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    said = {"id": "step", "object": "thread.run.step", "status": status, "step_details": details}
    return f"thread.run.step.{status}", {**said, **more}


def step_delta(*calls: dict[str, Any]) -> Said:
    details = {"step_details": {"type": "tool_calls", "tool_calls": list(calls)}}
    said = {"id": "step", "object": "thread.run.step.delta", "delta": details}
    return "thread.run.step.delta", said


def read(raw: bytes, cut: Cut = whole) -> Accumulator:
    return accumulated(NAME, "sse", raw, cut)


def only(got: Accumulator) -> Choice:
    (choice,) = got.reply().choices
    return choice


def test_a_message_comes_in_deltas_and_then_whole(cut: Cut) -> None:
    """It is kept once, with its annotations; the run tells usage and end."""
    note = {"type": "file_citation", "text": "[0]"}
    raw = sse(
        run("created", temperature=1.0),
        message(status="in_progress"),
        message_delta(text("Hel", index=0)),
        message_delta(text("lo", note, index=0)),
        message(text("Hello", note)),
        run("completed", usage=USAGE, temperature=1.0),
    )
    got = read(raw + DONE, cut)
    kept = {"msg": {"id": "msg", "status": "completed", "role": "assistant"}}
    assert only(got) == Choice(
        role="assistant",
        text="Hello",
        finish_reason="completed",
        extra={"messages": kept, "annotations": [note]},
    )
    assert (got.id, got.model, got.usage, got.is_usage_final) == ("run", "m", USAGE, True)
    assert got.reply().extra == {"status": "completed", "temperature": 1.0}
    assert (got.has_terminal, got.unknown) == (True, 0)


def test_a_message_that_comes_whole_is_read_too(cut: Cut) -> None:
    """Images and files keep their own words."""
    image = {"type": "image_file", "image_file": {"file_id": "f"}}
    got = read(sse(message(text("a"), image, text("b"))), cut)
    assert only(got).text == "ab"
    assert only(got).extra["content"] == [image]


def test_calls_come_in_deltas_and_then_whole(cut: Cut) -> None:
    """A function and an interpreter, and what it put out."""
    logs = {"type": "logs", "logs": "1"}
    f = {"id": "c0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    code = {"id": "c1", "type": "code_interpreter"}
    raw = sse(
        step("in_progress"),
        step_delta(f | {"index": 0, "function": {"name": "f", "arguments": ""}}),
        step_delta({"index": 0, "type": "function", "function": {"arguments": "{}"}}),
        step_delta(code | {"index": 1, "code_interpreter": {"input": "1", "outputs": []}}),
        step_delta({"index": 1, "type": "code_interpreter", "code_interpreter": {"input": "+1"}}),
        step_delta(
            {"index": 1, "type": "code_interpreter", "code_interpreter": {"outputs": [logs]}}
        ),
        step("completed", f, code | {"code_interpreter": {"input": "1+1", "outputs": [logs]}}),
    )
    choice = only(read(raw, cut))
    assert choice.tool_calls == (
        ToolCall(index=0, id="c0", type="function", name="f", arguments="{}"),
        ToolCall(
            index=1, id="c1", type="code_interpreter", name="code_interpreter", arguments="1+1"
        ),
    )
    assert choice.extra == {
        "outputs": [logs],
        "steps": {"step": {"id": "step", "status": "completed"}},
    }


def test_a_run_that_waits_for_its_calls_has_ended(cut: Cut) -> None:
    """It names the calls once more, or for the first time."""
    f = {"id": "c0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    awaited = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [f]}}
    end = run("requires_action", required_action=awaited)
    call = ToolCall(index=0, id="c0", type="function", name="f", arguments="{}")
    for raw in (sse(end), sse(step_delta(f | {"index": 0}), step("in_progress", f), end)):
        got = read(raw + DONE, cut)
        assert only(got).tool_calls == (call,)
        assert got.finish_reasons() == ("requires_action",)


def test_file_search_keeps_its_results() -> None:
    """It is called with nothing."""
    search = {"id": "c", "type": "file_search", "file_search": {"results": [{"file_id": "f"}]}}
    choice = only(read(sse(step("completed", search))))
    assert choice.tool_calls == (ToolCall(index=0, id="c", type="file_search", name="file_search"),)
    assert choice.extra["tool_calls"] == [{"index": 0, "results": [{"file_id": "f"}]}]


@pytest.mark.parametrize(
    ("end", "reason", "faults"),
    [
        (run("cancelled"), "cancelled", []),
        (run("expired"), "expired", []),
        (run("incomplete", incomplete_details={"reason": "max_tokens"}), "max_tokens", []),
        (
            run("failed", last_error={"code": "server_error", "message": "no"}),
            "failed",
            [Fault(type="server_error", message="no")],
        ),
    ],
)
def test_the_run_tells_how_it_ended(end: Said, reason: str, faults: list[Fault], cut: Cut) -> None:
    got = read(sse(message_delta(text("a", index=0)), end), cut)
    assert (got.finish_reasons(), got.faults) == ((reason,), faults)
    assert not got.has_terminal  # that is `done`


def test_an_error_is_a_fault(cut: Cut) -> None:
    """As an event, and as a body."""
    error = {"type": "T", "message": "no"}
    for said in (("error", error), ("error", {"error": error})):
        assert read(sse(said), cut).faults == [Fault(type="T", message="no")]
    body = json.dumps({"error": error}).encode()
    assert accumulated(NAME, "plain", body, cut).faults == [Fault(type="T", message="no")]


def test_other_objects_keep_their_fields(cut: Cut) -> None:
    """A new thread, a list of messages."""
    thread = ("thread.created", {"id": "t", "object": "thread", "metadata": {"a": "b"}})
    assert read(sse(thread), cut).reply().extra == {"id": "t", "metadata": {"a": "b"}}


def test_a_frame_that_cannot_be_read_is_one_unknown_and_the_rest_goes_on(cut: Cut) -> None:
    rubbish = b"".join(b"data: " + data + b"\n\n" for data in (b"{oops", b"3", b"[]"))
    got = read(rubbish + sse(message_delta(text("a", index=0))) + DONE, cut)
    assert (got.unknown, got.text(), got.has_terminal) == (3, "a", True)


OBJECTS = "thread.message.delta thread.message thread.run.step.delta thread.run.step thread.run x"
FIELDS = "delta content text value annotations index step_details tool_calls id type function name "
FIELDS += "arguments code_interpreter input outputs usage status required_action last_error error"
ANY_JSON = st.recursive(
    st.none() | st.integers(-3, 3) | st.just("function") | st.just("code_interpreter"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5)
    ),
    max_leaves=30,
)


@given(st.lists(st.tuples(st.sampled_from(OBJECTS.split()), ANY_JSON), max_size=4))
def test_no_json_whatever_is_an_error(values: list[tuple[str, Any]]) -> None:
    """Reading never raises, and what it gives can be stored."""
    events = [
        ("x", (value if isinstance(value, dict) else {"delta": value}) | {"object": kind})
        for kind, value in values
    ]
    msgspec.json.encode(read(sse(*events)).reply())
