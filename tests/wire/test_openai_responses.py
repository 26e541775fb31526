"""OpenAI Responses."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.record import Choice, Fault, ToolCall
from streamgauge.wire.accumulate import Accumulator
from streamgauge.wire.dialects.openai_responses import OpenAIResponses
from streamgauge.wire.events import Frame
from tests.wire.cuts import Cut, whole
from tests.wire.goldens import FOLDER, READABLE
from tests.wire.reading import accumulated, frames

NAME = "openai_responses"
USAGE = {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 2}}


def sse(*events: Any) -> bytes:
    numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
    return b"".join(
        b"event: " + e["type"].encode() + b"\ndata: " + json.dumps(e).encode() + b"\n\n"
        for e in numbered
    )


def event(kind: str, output: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": output, **more}


def text(delta: str, output: int = 0, part: int = 0, **more: Any) -> dict[str, Any]:
    return event("output_text.delta", output, content_index=part, delta=delta, **more)


def item(kind: str, step: str, output: int = 0, **more: Any) -> dict[str, Any]:
    return event(f"output_item.{step}", output, item={"type": kind, **more})


def said(*texts: str, **more: Any) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": one, "annotations": []} for one in texts]
    return {"type": "message", "id": "msg", "role": "assistant", "content": parts, **more}


def snapshot(status: str, *output: Any, **more: Any) -> dict[str, Any]:
    response = {"id": "r", "object": "response", "model": "m", "status": status, "output": output}
    return {"type": f"response.{status}", "response": response | more}


CREATED = snapshot("in_progress", temperature=1.0) | {"type": "response.created"}


def read(raw: bytes, cut: Cut = whole) -> Accumulator:
    return accumulated(NAME, "sse", raw, cut)


def only(got: Accumulator) -> Choice:
    (choice,) = got.reply().choices
    return choice


def test_what_is_said_four_times_is_kept_once(cut: Cut) -> None:
    """In deltas, in their end, in the item, and in the response."""
    message = said("Hello", status="completed")
    raw = sse(
        CREATED,
        item("message", "added", id="msg", role="assistant", content=[]),
        event("content_part.added", content_index=0, part={"type": "output_text", "text": ""}),
        text("Hel"),
        text("lo"),
        event("output_text.done", content_index=0, text="Hello"),
        event("content_part.done", content_index=0, part=message["content"][0]),
        event("output_item.done", item=message),
        snapshot("completed", message, usage=USAGE, temperature=1.0),
    )
    got = read(raw, cut)
    assert only(got) == Choice(
        role="assistant",
        text="Hello",
        finish_reason="completed",
        extra={
            "output": {
                "0": {"type": "message", "id": "msg", "role": "assistant", "status": "completed"}
            }
        },
    )
    assert (got.id, got.model, got.usage, got.is_usage_final) == ("r", "m", USAGE, True)
    assert got.reply().extra == {"status": "completed", "temperature": 1.0}
    assert (got.has_terminal, got.unknown, got.faults) == (True, 0, [])


@pytest.mark.parametrize(
    ("kind", "more", "whole_field", "field"),
    [
        ("output_text", {"content_index": 0}, "text", "text"),
        ("refusal", {"content_index": 0}, "refusal", "refusal"),
        ("reasoning_text", {"content_index": 0}, "text", "reasoning"),
        ("reasoning_summary_text", {"summary_index": 0}, "text", "reasoning"),
        ("audio.transcript", {}, "transcript", "text"),
    ],
)
@pytest.mark.parametrize("is_in_pieces", [True, False])
def test_each_kind_of_text_comes_in_pieces_or_whole(
    kind: str, more: dict[str, Any], whole_field: str, field: str, is_in_pieces: bool, cut: Cut
) -> None:
    """A second part is another text."""
    pieces = [event(f"{kind}.delta", delta=one, **more) for one in ("a", "b")]
    end = event(f"{kind}.done", **{whole_field: "ab"}, **more)
    other = event(f"{kind}.done", 1, **{whole_field: "c"}, **more)
    raw = sse(CREATED, *(pieces if is_in_pieces else []), end, other)
    assert getattr(only(read(raw, cut)), field) == "abc"


CALLS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "function": ("function_call", "function_call_arguments", {"name": "f"}, "arguments"),
    "custom": ("custom_tool_call", "custom_tool_call_input", {"name": "f"}, "input"),
    "mcp": ("mcp_call", "mcp_call_arguments", {"name": "f", "server_label": "s"}, "arguments"),
    "code": ("code_interpreter_call", "code_interpreter_call_code", {}, "code"),
}


@pytest.mark.parametrize("has_deltas", [True, False])
@pytest.mark.parametrize(("kind", "pieces", "more", "field"), CALLS.values(), ids=CALLS)
def test_calls_come_in_pieces_or_whole(
    kind: str, pieces: str, more: dict[str, Any], field: str, has_deltas: bool, cut: Cut
) -> None:
    """Their number counts calls, not items; the id is the one that the outcome is sent with."""
    done = {"type": kind, "id": "i", "call_id": "c", **more, field: "{}", "status": "completed"}
    deltas = [event(f"{pieces}.delta", 1, delta=one, item_id="i") for one in "{}"]
    raw = sse(
        CREATED,
        item("reasoning", "added", id="rs", summary=[]),
        event("output_item.added", 1, item=done | {field: "", "status": "in_progress"}),
        *(deltas if has_deltas else []),
        event(f"{pieces}.done", 1, item_id="i", **{field: "{}"}),
        event("output_item.done", 1, item=done),
        snapshot("completed", {"type": "reasoning", "id": "rs", "summary": []}, done),
    )
    got = read(raw, cut)
    name = more.get("name", "code_interpreter")
    assert only(got).tool_calls == (
        ToolCall(index=0, id="c", type=kind, name=name, arguments="{}"),
    )
    assert got.tool_names() == (name,)


HOSTED: dict[str, dict[str, Any]] = {
    "web_search_call": {"action": {"type": "search", "query": "q"}},
    "file_search_call": {"queries": ["q"], "results": [{"text": "t"}]},
    "computer_call": {"action": {"type": "click", "x": 1}, "call_id": "c"},
    "local_shell_call": {"action": {"command": ["ls"]}, "call_id": "c"},
    "apply_patch_call": {"operation": {"type": "delete_file", "path": "p"}, "call_id": "c"},
    "image_generation_call": {"result": "QUI="},
    "something_new_call": {"action": {"x": 1}, "how": "so"},
}


@pytest.mark.parametrize(("kind", "more"), HOSTED.items(), ids=HOSTED)
def test_calls_that_the_provider_makes_itself_are_calls(kind: str, more: dict[str, Any]) -> None:
    """Their stages say nothing; what they brought is kept."""
    done = {"type": kind, "id": "i", "status": "completed", **more}
    raw = sse(
        CREATED,
        item(kind, "added", id="i", status="in_progress"),
        event(f"{kind}.in_progress", item_id="i"),
        event(f"{kind}.completed", item_id="i"),
        event("output_item.done", item=done),
        snapshot("completed", done),
    )
    (call,) = only(read(raw)).tool_calls
    given = more.get("action") or more.get("queries") or more.get("operation")
    assert (call.type, call.name, call.id) == (
        kind,
        kind.removesuffix("_call"),
        more.get("call_id", "i"),
    )
    assert call.arguments == (json.dumps(given, separators=(",", ":")) if given else "")
    kept = only(read(raw)).extra["output"]["0"]
    words = ("action", "queries", "operation", "call_id")
    assert kept == {name: value for name, value in done.items() if name not in words}


def test_an_action_that_grows_is_kept_as_it_ends(cut: Cut) -> None:
    """Its beginning is the call; a text before it does not come again."""
    call = {"type": "web_search_call", "id": "i"}
    short, long = {"query": "q"}, {"query": "q", "sources": [{"url": "u"}]}
    raw = sse(
        CREATED,
        event("output_item.added", item=call | {"action": {}}),
        event("output_item.done", item=call | {"action": short}),
        text("a", 1),
        snapshot("completed", call | {"action": long}, said("a")),
    )
    choice = only(read(raw, cut))
    assert (choice.text, choice.tool_calls[0].arguments) == ("a", '{"query":"q"}')
    assert choice.extra["output"]["0"] == call | {"action": long}


def test_annotations_and_logprobs_are_kept_once(cut: Cut) -> None:
    """They come one by one, and with the part again."""
    notes = [{"type": "url_citation", "url": url} for url in "uv"]
    odds = [{"token": "a", "logprob": -1}, {"token": "b", "logprob": -2}]
    message = said("ab")
    message["content"][0] |= {"annotations": notes, "logprobs": odds}
    added = [
        event("output_text.annotation.added", content_index=0, annotation=note) for note in notes
    ]
    raw = sse(
        CREATED,
        text("a", logprobs=odds[:1]),
        text("b", logprobs=odds[1:]),
        *added,
        event("output_text.done", content_index=0, text="ab", logprobs=odds),
        event("output_item.done", item=message),
        snapshot("completed", message),
    )
    extra = only(read(raw, cut)).extra
    assert (extra["annotations"], extra["logprobs"]) == (notes, odds)


def test_a_stream_picked_up_in_the_middle_has_all_that_its_end_tells(cut: Cut) -> None:
    """`starting_after`: the ends of two texts and of a call, and then everything."""
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x":1}'}
    first, last = said("Hello"), said("Bye", "now", id="msg2")
    raw = sse(
        text("lo"),
        event("output_text.done", content_index=0, text="Hello"),
        event("output_item.done", item=first),
        event("function_call_arguments.delta", 1, delta="1}"),
        text("now", 2, 1),
        snapshot("completed", first, call, last, usage=USAGE),
    )
    got = read(raw, cut)
    assert only(got).text == "HelloByenow"
    assert only(got).tool_calls == (
        ToolCall(index=0, id="c", type="function_call", name="f", arguments='{"x":1}'),
    )
    assert set(only(got).extra["output"]) == {"0", "1", "2"}


BACKGROUND = [one for one in READABLE if one["dialect"] == NAME]


@pytest.mark.parametrize("recording", BACKGROUND, ids=lambda recording: recording["file"])
def test_a_recording_picked_up_anywhere_gives_the_same_reply(recording: dict[str, Any]) -> None:
    """After each of its events. Only log probabilities are told in another form at the end."""
    raw = (FOLDER / recording["file"]).read_bytes()
    found = frames(recording["framing"], raw, whole)
    step = max(len(found) // 50, 1)
    replies = [reply_to(found[start:]) for start in range(0, len(found), step)]
    for one in replies:
        one["choices"][0].get("extra", {}).pop("logprobs", None)
    assert all(one == replies[0] for one in replies)


def reply_to(found: list[Frame]) -> Any:
    reader, got = OpenAIResponses(), Accumulator()
    for frame in found:
        for one in reader.read(frame):
            got.add(one)
    return msgspec.to_builtins(got.reply())


def test_a_stream_picked_up_in_the_middle_and_cut_has_what_came(cut: Cut) -> None:
    """Without the last snapshot nobody knows the beginning."""
    got = read(sse(text("lo"), text(" you")), cut)
    assert (got.text(), got.has_terminal) == ("lo you", False)


def test_a_snapshot_that_says_less_takes_nothing_away(cut: Cut) -> None:
    """Some end with an empty output; what it has beside that is added."""
    more = said("!", id="msg2")
    assert read(sse(text("Hello"), snapshot("failed")), cut).text() == "Hello"
    got = read(sse(text("Hello"), snapshot("completed", said(""), more)), cut)
    assert got.text() == "Hello!"


def test_pieces_without_a_place_belong_to_their_item(cut: Cut) -> None:
    """By its id; and without that, the last snapshot mends it."""
    message = said("ab")
    piece = {"type": "response.output_text.delta", "item_id": "msg", "delta": "ab"}
    end = snapshot("completed", {"type": "reasoning"}, message)
    known = sse(event("output_item.added", 1, item=message | {"content": []}), piece, end)
    assert read(known, cut).text() == "ab"
    assert read(sse(piece, end), cut).text() == "ab"


ENDS: list[tuple[dict[str, Any], str, list[Fault]]] = [
    (snapshot("completed"), "completed", []),
    (snapshot("cancelled"), "cancelled", []),
    (snapshot("incomplete"), "incomplete", []),
    (
        snapshot("incomplete", incomplete_details={"reason": "max_output_tokens"}),
        "max_output_tokens",
        [],
    ),
    (
        snapshot("failed", error={"code": "server_error", "message": "no"}),
        "failed",
        [Fault(type="server_error", message="no")],
    ),
]


@pytest.mark.parametrize(("end", "reason", "faults"), ENDS)
def test_the_last_snapshot_tells_how_it_ended(
    end: dict[str, Any], reason: str, faults: list[Fault], cut: Cut
) -> None:
    got = read(sse(CREATED, text("a"), end), cut)
    assert (got.finish_reasons(), got.faults) == ((reason,), faults)
    assert (got.has_terminal, got.text()) == (True, "a")


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_snapshot_on_the_way_is_no_end(status: str, cut: Cut) -> None:
    """But what it says of the answer is kept if the stream breaks off."""
    got = read(sse(snapshot(status, temperature=0.5, usage=USAGE)), cut)
    assert (got.has_terminal, got.has_finish, got.is_usage_final) == (False, False, False)
    assert got.reply().extra == {"status": status, "temperature": 0.5}


def test_an_item_of_a_stream_that_breaks_off_is_kept(cut: Cut) -> None:
    """As it began."""
    raw = sse(CREATED, item("function_call", "added", id="i", call_id="c", name="f", arguments=""))
    (call,) = only(read(raw, cut)).tool_calls
    assert (call.id, call.name) == ("c", "f")
    assert only(read(raw, cut)).extra["output"] == {"0": {"type": "function_call", "id": "i"}}


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ({"code": "ERR", "message": "no", "param": "p"}, Fault(type="ERR", message="no")),
        ({"error": {"type": "T", "message": "no"}}, Fault(type="T", message="no")),
    ],
)
def test_an_error_event_is_a_fault(error: dict[str, Any], fault: Fault, cut: Cut) -> None:
    got = read(sse(text("half"), {"type": "error", **error}), cut)
    assert (got.faults, got.text(), got.has_terminal) == ([fault], "half", False)


def test_events_of_tomorrow_keep_what_they_say(cut: Cut) -> None:
    """A text is a piece of a longer one; and images that grow are kept as they come."""
    image = {"partial_image_b64": "QUI=", "partial_image_index": 0}
    raw = sse(
        event("image_generation_call.partial_image", item_id="i", **image),
        event("audio.delta", delta="QUI="),
        event("audio.delta", delta="QkM="),
        event("something.new", mood="glad"),
        text("a", mood="glad"),
        {"type": "keepalive"},
    )
    assert only(read(raw, cut)).extra == {
        "image_generation_call.partial_image": [image],
        "audio.delta": "QUI=QkM=",
        "something.new": [{"mood": "glad"}],
        "output_text.delta": [{"mood": "glad"}],
    }


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """Reasoning, refusal, calls and annotations too."""
    thought = {
        "type": "reasoning",
        "id": "rs",
        "encrypted_content": "E",
        "summary": [{"type": "summary_text", "text": "hm"}],
    }
    message = said("Hello", "you")
    message["content"][0]["annotations"] = [{"type": "url_citation", "url": "u"}]
    message["content"].append({"type": "refusal", "refusal": "no"})
    call = {"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": "{}"}
    body = snapshot("completed", thought, message, call, usage=USAGE, store=True)["response"]
    raw = sse(
        CREATED,
        event("reasoning_summary_text.delta", summary_index=0, delta="hm"),
        event("output_item.done", item=thought),
        text("Hello", 1),
        text("you", 1, 1),
        event("refusal.delta", 1, content_index=2, delta="no"),
        event("output_item.done", 1, item=message),
        event("output_item.done", 2, item=call),
        snapshot("completed", thought, message, call, usage=USAGE, store=True, temperature=1.0),
    )
    body["temperature"] = 1.0
    alone = accumulated(NAME, "plain", json.dumps(body, indent=1).encode(), cut)
    streamed = read(raw, cut)
    assert msgspec.to_builtins(alone.reply()) == msgspec.to_builtins(streamed.reply())
    assert (alone.has_terminal, alone.is_usage_final) == (True, True)
    assert only(alone).text == "Helloyou"


@pytest.mark.parametrize(
    "body",
    [{"error": {"type": "invalid", "message": "no"}}, {"error": "no"}],
    ids=["object", "text"],
)
def test_an_error_body_is_a_fault(body: dict[str, Any]) -> None:
    got = accumulated(NAME, "plain", json.dumps(body).encode(), whole)
    assert got.stream_faults == 1
    assert got.faults[0].message == "no"


def test_a_frame_that_cannot_be_read_is_one_unknown_and_the_rest_goes_on(cut: Cut) -> None:
    """Bad JSON, absurd nesting, broken UTF-8; and `[DONE]` is an end."""
    rubbish = [b"{oops", b"3", b"[" * 20_000, b'{"type":"\xff"}']
    raw = b"".join(b"data: " + data + b"\n\n" for data in rubbish)
    got = read(raw + sse(text("a")) + b"data: [DONE]\n\n", cut)
    assert (got.unknown, got.text(), got.has_terminal) == (4, "a", True)


def test_an_emoji_cut_in_two_is_whole_again(cut: Cut) -> None:
    """The snapshot has it in one piece, which is no longer than its two halves."""
    halves = [
        b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,'
        b'"delta":"' + half + b'"}\n\n'
        for half in (rb"a\ud83d", rb"\ude00b")
    ]
    got = read(b"".join(halves) + sse(snapshot("completed", said("a😀b"))), cut)
    assert (got.text(), got.unknown) == ("a😀b", 0)


KINDS = "output_text.delta output_text.done output_item.added output_item.done completed created "
KINDS += "content_part.done function_call_arguments.delta output_text.annotation.added novelty"
FIELDS = "delta text part item response output usage error content summary annotation annotations "
FIELDS += "logprobs output_index content_index item_id id call_id name arguments role status"
TYPES = "message reasoning function_call web_search_call output_text summary_text x"
ANY_JSON = st.recursive(
    st.none() | st.integers(-3, 3) | st.text(max_size=3) | st.sampled_from(TYPES.split()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FIELDS.split(), "type"]), inner, max_size=5)
    ),
    max_leaves=30,
)


@given(st.lists(st.tuples(st.sampled_from(KINDS.split()), ANY_JSON), max_size=4))
def test_no_json_whatever_is_an_error(values: list[tuple[str, Any]]) -> None:
    """Reading never raises, and what it gives can be stored."""
    events = [
        (value if isinstance(value, dict) else {"delta": value}) | {"type": f"response.{kind}"}
        for kind, value in values
    ]
    msgspec.json.encode(read(sse(*events)).reply())
    msgspec.json.encode(read(b"data: " + json.dumps(values).encode() + b"\n\n").reply())
