"""OpenAI chat completions and their relatives."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.record import Choice, Fault, ToolCall
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated


def sse(*chunks: Any, done: bool = True) -> bytes:
    lines = [b"data: " + (c if isinstance(c, bytes) else json.dumps(c).encode()) for c in chunks]
    return b"\n\n".join([*lines, b"data: [DONE]"] if done else lines) + b"\n\n"


def delta(content: Any = None, index: int = 0, finish: str | None = None, **more: Any) -> Any:
    message = {"content": content, **more} if content is not None else more
    choice = {"index": index, "delta": message, "finish_reason": finish}
    return {"id": "c1", "model": "m", "object": "chat.completion.chunk", "choices": [choice]}


def test_choices_are_kept_apart(cut: Cut) -> None:
    """n=2, interleaved."""
    raw = sse(delta("A"), delta("a", 1), delta("B"), delta("b", 1, "length"), delta(finish="stop"))
    got = accumulated("openai_chat", "sse", raw, cut)
    assert [choice.text for choice in got.reply().choices] == ["AB", "ab"]
    assert got.finish_reasons() == ("stop", "length")
    assert got.text() == "AB\nab"


def call(index: int | None, **more: Any) -> dict[str, Any]:
    return more if index is None else {"index": index, **more}


def test_parallel_tool_calls_are_put_together_by_index(cut: Cut) -> None:
    """The id and the name come once, the arguments in pieces of both."""
    raw = sse(
        delta(
            tool_calls=[call(0, id="t1", type="function", function={"name": "f", "arguments": ""})]
        ),
        delta(tool_calls=[call(0, function={"arguments": '{"x"'})]),
        delta(
            tool_calls=[call(1, id="t2", type="function", function={"name": "g", "arguments": "{"})]
        ),
        delta(
            tool_calls=[
                call(1, function={"arguments": "}"}),
                call(0, function={"arguments": ":1}"}),
            ]
        ),
        delta(finish="tool_calls"),
    )
    got = accumulated("openai_chat", "sse", raw, cut)
    assert got.reply().choices[0].tool_calls == (
        ToolCall(index=0, id="t1", type="function", name="f", arguments='{"x":1}'),
        ToolCall(index=1, id="t2", type="function", name="g", arguments="{}"),
    )
    assert got.tool_names() == ("f", "g")


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        ({"refusal": "no"}, "refusal", "no"),
        ({"reasoning": "hm"}, "reasoning", "hm"),
        ({"reasoning_content": "hm"}, "reasoning", "hm"),
        ({"audio": {"transcript": "hi"}}, "text", "hi"),
        ({"reasoning": "hm", "reasoning_content": "hm"}, "reasoning", "hm"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "reasoning", "hm"),
        ({"reasoning_details": [{"summary": "h"}, {"summary": "m"}]}, "reasoning", "hm"),
        ({"reasoning": "hm", "reasoning_details": [{"text": "hm"}]}, "reasoning", "hm"),
        ({"content": [{"type": "text", "text": "hi"}]}, "text", "hi"),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
            "reasoning",
            "hm",
        ),
    ],
)
def test_everything_said_is_kept(message: Any, field: str, value: str) -> None:
    """Under its own name."""
    got = accumulated("openai_chat", "sse", sse(delta(**message)), whole)
    assert getattr(got.reply().choices[0], field) == value


def test_logprobs_are_kept() -> None:
    """In order."""
    chunk = delta("a")
    chunk["choices"][0]["logprobs"] = {"content": [{"token": "a"}]}
    got = accumulated("openai_chat", "sse", sse(chunk, chunk), whole)
    assert len(got.reply().choices[0].extra["logprobs"]) == 2


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


@pytest.mark.parametrize(
    "chunks",
    [
        [delta("a"), {"id": "c1", "choices": [], "usage": USAGE}],
        [delta("a"), {**delta(finish="stop"), "usage": USAGE}],
        [
            {**delta("a"), "usage": {**USAGE, "completion_tokens": 1}},
            {**delta("b"), "usage": USAGE},
        ],
        [delta("a"), {**delta(finish="stop"), "x_groq": {"id": "r", "usage": USAGE}}],
        [{**delta("a"), "usage": None}, {**delta(finish="stop"), "usage": USAGE}],
    ],
    ids=["own chunk", "last content chunk", "every chunk", "x_groq", "null before"],
)
def test_usage_is_found_wherever_it_is(chunks: list[Any]) -> None:
    """The last report counts."""
    got = accumulated("openai_chat", "sse", sse(*chunks), whole)
    assert got.usage == USAGE
    assert got.is_usage_final


def test_an_error_in_the_stream_is_a_fault_and_keeps_what_was_said(cut: Cut) -> None:
    """A 200 that turns bad is not a success."""
    raw = sse(
        delta("half"), {"error": {"type": "server_error", "message": "overloaded"}}, done=False
    )
    got = accumulated("openai_chat", "sse", raw, cut)
    assert got.text() == "half"
    assert got.stream_faults == 1
    assert (got.faults[0].type, got.faults[0].message) == ("server_error", "overloaded")
    assert not got.has_terminal


def test_a_chunk_that_cannot_be_read_is_one_unknown_and_the_rest_goes_on(cut: Cut) -> None:
    """Bad JSON, wrong types, absurd nesting."""
    raw = sse(delta("a"), b"{not json", b'{"choices": 5}', b"[" * 20_000, delta("b"))
    got = accumulated("openai_chat", "sse", raw, cut)
    assert got.text() == "ab"
    assert got.unknown == 3
    assert got.has_terminal


def test_azure_begins_without_choices() -> None:
    """Its first chunk has content filters only."""
    first = {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    got = accumulated("openai_chat", "sse", sse(first, delta("a")), whole)
    assert got.text() == "a"
    assert got.reply().extra["prompt_filter_results"] == [{"prompt_index": 0}]


def test_together_says_everything_twice() -> None:
    """`text` beside the delta is the same text."""
    chunk = delta("a")
    chunk["choices"][0]["text"] = "a"
    assert accumulated("openai_chat", "sse", sse(chunk, chunk), whole).text() == "aa"


def test_a_whole_answer_is_read_too(cut: Cut) -> None:
    """The same words as in a stream, and it is complete."""
    body = {
        "id": "c1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "hello", "refusal": None},
            }
        ],
        "usage": USAGE,
    }
    got = accumulated("openai_chat", "plain", json.dumps(body).encode(), cut)
    assert got.reply().choices == (
        Choice(index=0, role="assistant", text="hello", finish_reason="stop"),
    )
    assert got.has_terminal
    assert got.usage == USAGE


def test_an_error_body_is_a_fault() -> None:
    """With the provider's words."""
    body = b'{"error":{"message":"slow down","type":"rate_limit","code":429}}'
    got = accumulated("openai_chat", "plain", body, whole)
    assert got.faults[0].message == "slow down"


def test_tool_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    """Some of those who imitate the API leave the index out."""
    raw = sse(
        delta(tool_calls=[call(None, id="a", function={"name": "f", "arguments": '{"x"'})]),
        delta(tool_calls=[call(None, function={"arguments": ":1}"})]),
        delta(tool_calls=[call(None, id="b", function={"name": "g", "arguments": "{}"})]),
    )
    calls = accumulated("openai_chat", "sse", raw, whole).reply().choices[0].tool_calls
    assert [(c.id, c.name, c.arguments) for c in calls] == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_calls_that_share_an_index_are_told_apart_by_id_and_name() -> None:
    """Those who translate Gemini give each of its calls the index 0."""
    raw = sse(
        delta(tool_calls=[call(0, id="a", function={"name": "f", "arguments": '{"x":1}'})]),
        delta(tool_calls=[call(0, id="b", function={"name": "f", "arguments": '{"x"'})]),
        delta(tool_calls=[call(0, function={"arguments": ":2}"})]),
        delta(tool_calls=[call(0, id="c", function={"name": "g", "arguments": "{}"})]),
    )
    calls = accumulated("openai_chat", "sse", raw, whole).reply().choices[0].tool_calls
    assert [(c.index, c.id, c.name, c.arguments) for c in calls] == [
        (0, "a", "f", '{"x":1}'),
        (1, "b", "f", '{"x":2}'),
        (2, "c", "g", "{}"),
    ]


def test_an_id_made_up_for_every_delta_is_no_new_call() -> None:
    """As vLLM did; only the first has a name."""
    raw = sse(
        delta(tool_calls=[call(0, id="a", function={"name": "f", "arguments": '{"x"'})]),
        delta(tool_calls=[call(0, id="b", function={"arguments": ":1}"})]),
    )
    (made,) = accumulated("openai_chat", "sse", raw, whole).reply().choices[0].tool_calls
    assert (made.name, made.arguments) == ("f", '{"x":1}')


def test_logprobs_without_any_are_not_kept() -> None:
    """Snowflake sends them with every chunk."""
    empty, full = {"content": None, "refusal": None}, {"content": [{"token": "a"}]}
    chunks = [delta("a"), delta("b")]
    for chunk, logprobs in zip(chunks, [empty, full], strict=True):
        chunk["choices"][0]["logprobs"] = logprobs
    got = accumulated("openai_chat", "sse", sse(*chunks), whole).reply()
    assert got.choices[0].extra == {"logprobs": [full]}


def test_an_id_that_is_a_number_does_not_cost_the_text() -> None:
    """What is not needed to read a chunk may be anything."""
    got = accumulated(
        "openai_chat", "sse", sse({**delta("hi"), "id": 7, "system_fingerprint": 3}), whole
    )
    assert (got.id, got.text(), got.unknown) == ("7", "hi", 0)


def test_arguments_that_are_an_object_become_json_text() -> None:
    """Where the API has a string."""
    raw = sse(delta(tool_calls=[call(0, id="a", function={"name": "f", "arguments": {"x": 1}})]))
    (made,) = accumulated("openai_chat", "sse", raw, whole).reply().choices[0].tool_calls
    assert made.arguments == '{"x":1}'


def test_a_custom_tool_has_its_input() -> None:
    """It is text, not JSON."""
    raw = sse(
        delta(tool_calls=[call(0, id="a", type="custom", custom={"name": "py", "input": "1+"})]),
        delta(tool_calls=[call(0, custom={"input": "1"})]),
    )
    assert accumulated("openai_chat", "sse", raw, whole).reply().choices[0].tool_calls == (
        ToolCall(index=0, id="a", type="custom", name="py", arguments="1+1"),
    )


def test_a_legacy_function_call_is_a_tool_call() -> None:
    """The only one of its choice."""
    raw = sse(
        delta(function_call={"name": "f", "arguments": ""}),
        delta(function_call={"arguments": "{}"}),
        delta(finish="function_call"),
    )
    assert accumulated("openai_chat", "sse", raw, whole).reply().choices[0].tool_calls == (
        ToolCall(index=0, type="function", name="f", arguments="{}"),
    )


def test_what_has_no_word_of_ours_keeps_its_own(cut: Cut) -> None:
    """What every chunk repeats about the answer is kept once; audio is added up."""
    raw = sse(
        {**delta(audio={"id": "x", "data": "QUI="}), "service_tier": "auto", "citations": ["u"]},
        {**delta(audio={"data": "QkM="}), "service_tier": "flex", "citations": ["u", "v"]},
        delta(audio={"expires_at": 9}),
    )
    reply = accumulated("openai_chat", "sse", raw, cut).reply()
    assert reply.choices[0].extra == {
        "audio": {"id": "x", "expires_at": 9},
        "audio_data": "QUI=QkM=",
    }
    assert reply.extra == {"service_tier": "flex", "citations": ["u", "v"]}


@pytest.mark.parametrize(
    ("chunks", "is_final"),
    [
        ([{**delta("a"), "usage": USAGE}], False),
        ([{**delta("a"), "usage": USAGE}, b"[DONE]"], True),
        ([delta(finish="stop"), {**delta(""), "usage": USAGE}], True),
        ([{**delta("a"), "usage": {"n": 1}}, {"choices": [], "usage": USAGE}], True),
    ],
    ids=["counted along", "counted along to the end", "after the finish", "corrected"],
)
def test_usage_is_final_when_the_answer_has_ended(chunks: list[Any], is_final: bool) -> None:
    """A running count of a stream that broke off is not the bill."""
    got = accumulated("openai_chat", "sse", sse(*chunks, done=False), whole)
    assert got.usage == USAGE
    assert got.is_usage_final == is_final


FAULTS: dict[str, tuple[dict[str, Any], Fault]] = {
    "code only": ({"error": {"message": "no", "code": 502}}, Fault(type="502", message="no")),
    "text": ({"error": "no"}, Fault(message="no")),
    "no message": ({"error": {"code": 1}}, Fault(type="1", message='{"code":1}')),
    "anthropic's": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
        Fault(type="overloaded_error", message="no"),
    ),
    "groq": ({"x_groq": {"error": "no"}, "choices": []}, Fault(message="no")),
    "mistral, vllm": (
        {"object": "error", "message": "no", "type": "invalid", "code": 3},
        Fault(type="invalid", message="no"),
    ),
    "fastapi": ({"detail": "Not Found"}, Fault(message="Not Found")),
    "openrouter": (
        {"choices": [{"delta": {}, "error": {"code": 502, "message": "no"}}]},
        Fault(type="502", message="no"),
    ),
}


@pytest.mark.parametrize("framing", ["sse", "plain"])
@pytest.mark.parametrize(("body", "fault"), FAULTS.values(), ids=FAULTS)
def test_errors_of_all_shapes_are_faults(body: dict[str, Any], fault: Fault, framing: str) -> None:
    """In a stream and alone."""
    raw = sse(body, done=False) if framing == "sse" else json.dumps(body).encode()
    got = accumulated("openai_chat", framing, raw, whole)
    assert got.faults == [fault]
    assert (got.stream_faults, got.unknown, got.has_terminal) == (1, 0, False)


def test_an_error_event_is_a_fault_whatever_is_in_it() -> None:
    """Its name says so."""
    got = accumulated("openai_chat", "sse", b'event: error\ndata: {"oh":1}\n\n', whole)
    assert got.faults == [Fault(message='{"oh":1}')]


def test_a_whole_answer_is_the_same_reply_as_its_stream(cut: Cut) -> None:
    """Calls of a whole answer have no index."""
    f = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {
        "role": "assistant",
        "content": "hi",
        "tool_calls": [{"id": "a"} | f, {"id": "b"} | f],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}
    body = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice]}
    alone = accumulated("openai_chat", "plain", json.dumps(body | {"usage": USAGE}).encode(), cut)
    raw = sse(
        delta("h", role="assistant"),
        delta("i"),
        delta(tool_calls=[call(0, id="a", **f)]),
        delta(tool_calls=[call(1, id="b", **f)]),
        delta(finish="tool_calls"),
        {"id": "c1", "model": "m", "choices": [], "usage": USAGE},
    )
    streamed = accumulated("openai_chat", "sse", raw, cut)
    assert alone.reply() == streamed.reply()
    assert (alone.has_terminal, alone.is_usage_final) == (True, True)


def test_a_chunk_with_a_message_beside_its_delta_is_no_whole_answer() -> None:
    """Perplexity and Writer send both; taking the first for the end would hide a cut stream."""
    chunk = delta("a")
    chunk["object"] = "chat.completion"
    chunk["choices"][0]["message"] = {"role": "assistant", "content": "a"}
    got = accumulated("openai_chat", "sse", sse(chunk, done=False), whole)
    assert got.text() == "a"
    assert not got.has_terminal


def test_an_emoji_cut_in_two_is_whole_again(cut: Cut) -> None:
    """In text, reasoning and arguments; and neither half is lost as an unknown frame."""
    halves = [
        rb'{"choices":[{"delta":{"content":"a\ud83d","reasoning":"\ud83d","tool_calls":'
        rb'[{"index":0,"function":{"name":"f","arguments":"\ud83d"}}]}}]}',
        rb'{"choices":[{"delta":{"content":"\ude00b","reasoning":"\ude00","tool_calls":'
        rb'[{"index":0,"function":{"arguments":"\ude00"}}]}}]}',
    ]
    got = accumulated("openai_chat", "sse", sse(*halves), cut)
    (choice,) = got.reply().choices
    assert (choice.text, choice.reasoning, choice.tool_calls[0].arguments) == ("a😀b", "😀", "😀")
    assert (got.text(), got.unknown) == ("a😀b", 0)


@pytest.mark.parametrize("nothing", [[], {}, None, "", 0])
def test_a_delta_of_nothing_is_nothing(nothing: Any) -> None:
    """Some who write PHP send an empty list."""
    chunk = {"choices": [{"index": 0, "delta": nothing, "finish_reason": "stop"}]}
    got = accumulated("openai_chat", "sse", sse(delta("a"), chunk), whole)
    assert (got.text(), got.finish_reasons(), got.unknown) == ("a", ("stop",), 0)


def test_fields_nobody_knew_keep_their_names(cut: Cut) -> None:
    """Of a chunk and a choice what was said last or when it changed, of a delta all pieces."""
    raw = sse(
        {**delta("a", mood="gl", labels=["x"]), "queue": 3},
        {**delta("b", mood="ad", labels=["x"]), "queue": 2, "nothing": None},
        {"choices": [{"index": 0, "delta": {}, "native_finish_reason": "STOP", "seed": 7}]},
        {"choices": [{"index": 0, "delta": {}, "native_finish_reason": "STOP"}]},
    )
    reply = accumulated("openai_chat", "sse", raw, cut).reply()
    assert reply.extra == {"queue": 2}
    assert reply.choices[0].extra == {
        "mood": "glad",
        "labels": ["x", "x"],
        "native_finish_reason": ["STOP"],
        "seed": [7],
    }


@pytest.mark.parametrize(
    "choice",
    [
        {"delta": ["M"]},
        {"delta": {"content": {"x": "M"}}},
        {"delta": {"reasoning": ["M"]}},
        {"delta": {"tool_calls": {"x": "M"}}},
        {"delta": {"tool_calls": [{"id": "a", "function": "M"}]}},
        {"delta": {"function_call": "M"}},
        {"delta": {"audio": "M"}},
        {"text": ["M"]},
        {"index": "M", "delta": {}},
    ],
)
def test_a_field_of_another_type_keeps_what_it_says(choice: dict[str, Any]) -> None:
    """Under its name; and the rest of the chunk is read."""
    chunk = {"choices": [choice], "usage": "U", "model": "m"}
    got = accumulated("openai_chat", "sse", sse(delta("a"), chunk), whole)
    assert "M" in json.dumps(msgspec.to_builtins(got.reply().choices))
    assert (got.text(), got.model, got.reply().extra) == ("a", "m", {"usage": "U"})


# What relatives of the API add, as their documentation shows it.
ADDITIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "perplexity": (
        {"search_results": [{"title": "t", "url": "u"}], "citations": ["u"]},
        {"search_results": [{"title": "t", "url": "u"}], "citations": ["u"]},
    ),
    "xai": ({"citations": ["u"]}, {"citations": ["u"]}),
    "cerebras": ({"time_info": {"total_time": 0.1}}, {"time_info": {"total_time": 0.1}}),
    "fireworks": ({"perf_metrics": {"prompt-tokens": 9}}, {"perf_metrics": {"prompt-tokens": 9}}),
    "vllm": (
        {"prompt_logprobs": [None, {"7": {"logprob": -1}}], "kv_transfer_params": {"a": 1}},
        {"prompt_logprobs": [None, {"7": {"logprob": -1}}], "kv_transfer_params": {"a": 1}},
    ),
    "openrouter": ({"provider": "OpenAI"}, {"provider": "OpenAI"}),
    "groq": ({"x_groq": {"id": "r", "seed": 5}}, {"x_groq.id": "r", "x_groq.seed": 5}),
    "azure": (
        {"prompt_filter_results": [{"prompt_index": 0}]},
        {"prompt_filter_results": [{"prompt_index": 0}]},
    ),
}


@pytest.mark.parametrize(("said", "kept"), ADDITIONS.values(), ids=ADDITIONS)
def test_what_relatives_add_is_kept(said: dict[str, Any], kept: dict[str, Any]) -> None:
    """In a stream and in a whole answer."""
    message = {"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    body = json.dumps({"object": "chat.completion", "choices": [message], **said}).encode()
    assert accumulated("openai_chat", "plain", body, whole).reply().extra == kept
    assert accumulated("openai_chat", "sse", sse({**delta("hi"), **said}), whole).reply().extra == (
        kept
    )


def test_every_verdict_of_azures_filter_is_kept(cut: Cut) -> None:
    """With the asynchronous filter they come in chunks of their own, about text said before."""
    # https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming
    verdicts = [
        {"content_filter_results": {"hate": {"filtered": filtered}}, "content_filter_offsets": at}
        for filtered, at in [(True, {"start_offset": 0}), (False, {"start_offset": 40})]
    ]
    empty = {"index": 0, "delta": {}, "finish_reason": None}
    raw = sse(delta("a"), *[{"choices": [empty | verdict]} for verdict in verdicts])
    assert accumulated("openai_chat", "sse", raw, cut).reply().choices[0].extra == {
        "content_filter_results": [{"hate": {"filtered": True}}, {"hate": {"filtered": False}}],
        "content_filter_offsets": [{"start_offset": 0}, {"start_offset": 40}],
    }


def test_an_error_of_openrouter_in_the_middle_ends_the_choice_and_is_a_fault(cut: Cut) -> None:
    """https://openrouter.ai/docs/api-reference/streaming; its comments say nothing."""
    failed = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    error = {"code": "server_error", "message": "gone", "metadata": {"provider_name": "X"}}
    raw = b": OPENROUTER PROCESSING\n\n" + sse(
        delta("half"), {"id": "c1", "error": error, "choices": [failed]}, done=False
    )
    got = accumulated("openai_chat", "sse", raw, cut)
    assert (got.text(), got.finish_reasons()) == ("half", ("error",))
    assert got.faults == [Fault(type="server_error", message="gone")]
    assert got.reply().extra["error"] == {k: v for k, v in error.items() if k != "message"}


def test_what_came_with_a_tool_call_is_kept() -> None:
    """Gemini puts its thought signature there."""
    signed = {"google": {"thought_signature": "S"}}
    raw = sse(
        delta(tool_calls=[call(0, id="a", function={"name": "f", "arguments": "{}"})]),
        delta(tool_calls=[call(1, id="b", function={"name": "g"}, extra_content=signed)]),
    )
    extra = accumulated("openai_chat", "sse", raw, whole).reply().choices[0].extra
    assert extra == {"tool_calls": [{"index": 1, "extra_content": signed}]}


def test_parts_of_a_content_are_kept_in_full() -> None:
    """Mistral's thinking and references: https://docs.mistral.ai/capabilities/citations."""
    reference = {"type": "reference", "reference_ids": [1]}
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, reference]}
    raw = sse(
        delta(content=[thinking | {"signature": "S"}, reference, {"type": "text", "text": "a"}]),
        delta(content=["b"]),
    )
    (choice,) = accumulated("openai_chat", "sse", raw, whole).reply().choices
    assert (choice.text, choice.reasoning) == ("ab", "hm")
    assert choice.extra == {"content_parts": [reference, {"signature": "S"}, reference]}


def test_two_reasonings_that_differ_are_both_kept() -> None:
    """Where they are the same, once."""
    raw = sse(delta(reasoning_content="long", reasoning="short"))
    (choice,) = accumulated("openai_chat", "sse", raw, whole).reply().choices
    assert (choice.reasoning, choice.extra) == ("long", {"reasoning": ["short"]})


FIELDS = "choices delta message content tool_calls function usage error audio id index arguments "
FIELDS += "custom text thinking name x_groq logprobs type detail code function_call finish_reason "
FIELDS += "annotations reasoning_details content_filter_results citations"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5)
    ),
    max_leaves=30,
)


@given(st.lists(ANY_JSON, max_size=4))
def test_no_json_whatever_is_an_error(values: list[Any]) -> None:
    """Reading never raises, and what it gives can be stored."""
    msgspec.json.encode(accumulated("openai_chat", "sse", sse(*values), whole).reply())
