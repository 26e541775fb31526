from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streamgauge.simulator.answer import Answer, answer_to
from streamgauge.simulator.formats import FORMATS
from streamgauge.simulator.providers import VARIANTS

TOOL = {
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def answer(provider: str, *, usage: bool = False, **fields: Any) -> Answer:
    body = {
        "messages": [{"role": "user", "content": "Hi there"}],
        "stream_options": {"include_usage": usage},
        **fields,
    }
    return answer_to(body, provider=provider, model="m", tokens=12, seed=1, created=1700000000)


def events(form: str, made: Answer) -> list[dict[str, Any]]:
    stream = b"".join(piece.data for piece in FORMATS[form].stream(made))
    data = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [msgspec.json.decode(one) for one in data if one != b"[DONE]"]


def choices(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice for chunk in chunks for choice in chunk["choices"]]


def usages(chunks: list[dict[str, Any]]) -> list[Any]:
    return [chunk["usage"] for chunk in chunks if chunk.get("usage")]


@pytest.mark.parametrize("provider", VARIANTS)
@pytest.mark.parametrize("n", [1, 3])
def test_chat_says_the_same_streamed_and_plain(provider, n):
    """Every variant: text, finish reason, model and id of the two are the same."""
    made = answer(provider, n=n)
    chunks, body = events("openai_chat", made), FORMATS["openai_chat"].body(made)
    for plain in body["choices"]:
        mine = [one for one in choices(chunks) if one.get("index") == plain["index"]]
        text = "".join(one["delta"].get("content") or "" for one in mine)
        assert text == plain["message"]["content"]
        assert [one["finish_reason"] for one in mine if one["finish_reason"]] == ["stop"]
    assert {chunk["id"] for chunk in chunks if chunk["id"]} == {body["id"]}
    assert {chunk["model"] for chunk in chunks if chunk["model"]} == {"m"}
    assert body["usage"]["completion_tokens"] == 12 * n


@pytest.mark.parametrize("provider", VARIANTS)
@pytest.mark.parametrize("usage", [False, True])
def test_chat_states_usage_where_its_provider_does(provider, usage):
    """Only if asked, or always; in its own chunk, the last one, or Groq's extension."""
    made = answer(provider, usage=usage)
    chunks, body = events("openai_chat", made), FORMATS["openai_chat"].body(made)
    always = VARIANTS[provider].usage in ("finish", "own")
    assert usages(chunks) == ([body["usage"]] if usage or always else [])
    if usages(chunks):
        last = chunks[-1]
        assert bool(last["choices"]) == (VARIANTS[provider].usage == "finish")


def test_groq_states_usage_in_its_extension():
    """`x_groq` of the chunk with the finish reason, asked or not."""
    chunks = events("openai_chat", answer("groq"))
    assert chunks[-1]["x_groq"]["usage"]["completion_tokens"] == 12


def test_together_says_null_until_the_last_chunk():
    """There is no role chunk, every delta has a role, and text stands twice."""
    chunks = events("openai_chat", answer("together"))
    assert [chunk["usage"] is None for chunk in chunks] == [True] * 12 + [False]
    assert {choice["delta"]["role"] for choice in choices(chunks)} == {"assistant"}
    assert all(choice["text"] == choice["delta"]["content"] for choice in choices(chunks))


def test_azure_begins_with_a_chunk_without_choices():
    """Its verdict on the prompt."""
    first = events("openai_chat", answer("azure"))[0]
    assert first["choices"] == []
    assert first["prompt_filter_results"]


def test_openrouter_begins_with_comments_and_states_a_cost():
    """Comments keep the connection alive and are no content."""
    made = answer("openrouter")
    pieces = list(FORMATS["openai_chat"].stream(made))
    assert pieces[0].data == b": OPENROUTER PROCESSING\n\n"
    assert not pieces[0].is_content
    assert events("openai_chat", made)[-1]["usage"]["cost"] > 0


@pytest.mark.parametrize("form", FORMATS)
def test_only_tokens_are_content(form):
    """Role chunks, pings, finish reasons, usage and the end do not wait for a turn."""
    pieces = list(FORMATS[form].stream(answer("openai", usage=True)))
    assert sum(piece.is_content for piece in pieces) == 12


@pytest.mark.parametrize("form", FORMATS)
def test_a_stream_ends_with_its_terminal_event(form):
    """`[DONE]`, or `message_stop`."""
    *_, last = FORMATS[form].stream(answer("openai"))
    assert b"[DONE]" in last.data or b"message_stop" in last.data


def test_completions_say_the_same_streamed_and_plain():
    """The legacy form: text and usage."""
    made = answer("openai", usage=True, n=2)
    chunks, body = events("openai_completions", made), FORMATS["openai_completions"].body(made)
    for plain in body["choices"]:
        mine = [one for one in choices(chunks) if one["index"] == plain["index"]]
        assert "".join(one["text"] for one in mine) == plain["text"]
        assert mine[-1]["finish_reason"] == plain["finish_reason"] == "stop"
    assert usages(chunks) == [body["usage"]]


def test_messages_say_the_same_streamed_and_plain():
    """Anthropic: text, stop reason and output tokens."""
    made = answer("anthropic", max_tokens=5)
    stream, body = events("anthropic", made), FORMATS["anthropic"].body(made)
    deltas = [one["delta"]["text"] for one in stream if one["type"] == "content_block_delta"]
    end = next(one for one in stream if one["type"] == "message_delta")
    assert "".join(deltas) == body["content"][0]["text"]
    assert end["delta"]["stop_reason"] == body["stop_reason"] == "max_tokens"
    assert end["usage"]["output_tokens"] == body["usage"]["output_tokens"] == 5
    assert stream[0]["message"]["usage"]["input_tokens"] == body["usage"]["input_tokens"]


def test_chat_streams_a_tool_call_in_pieces():
    """Id and name first, then the arguments."""
    made = answer("openai", tools=[{"type": "function", "function": TOOL}], tool_choice="required")
    chunks, body = events("openai_chat", made), FORMATS["openai_chat"].body(made)
    parts = [call for one in choices(chunks) for call in one["delta"].get("tool_calls", [])]
    (plain,) = body["choices"][0]["message"]["tool_calls"]
    assert parts[0]["id"] == plain["id"]
    assert parts[0]["function"]["name"] == plain["function"]["name"] == "weather"
    assert len(parts) > 2
    assert (
        "".join(part["function"]["arguments"] for part in parts) == plain["function"]["arguments"]
    )
    assert choices(chunks)[-1]["finish_reason"] == "tool_calls"


def test_messages_stream_a_tool_call_in_pieces():
    """Id and name at the block's start, then pieces of JSON; whole in the plain body."""
    made = answer("anthropic", tools=[TOOL], tool_choice={"type": "any"})
    stream, body = events("anthropic", made), FORMATS["anthropic"].body(made)
    start = next(one for one in stream if one["type"] == "content_block_start")
    deltas = [
        one["delta"]["partial_json"] for one in stream if one["type"] == "content_block_delta"
    ]
    assert start["content_block"]["name"] == "weather"
    assert len(deltas) > 1
    assert msgspec.json.decode("".join(deltas)) == body["content"][0]["input"]
    assert body["stop_reason"] == "tool_use"
