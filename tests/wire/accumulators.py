"""What the SDKs' own accumulators make of a stream, in the words of a reply."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import anthropic
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState


class Sum(NamedTuple):
    """Texts, calls as ``(name, arguments)`` and finish reasons of all choices; the usage."""

    texts: list[str]
    calls: list[tuple[str | None, Any]]
    finishes: list[str]
    usage: dict[str, Any]


def served(sdk: Any, raw: bytes) -> Any:
    """Return an HTTP client, of the library that the SDK uses, that answers with *raw*."""
    library = next(c for c in sdk.DefaultHttpxClient.__mro__ if c.__name__ == "Client").__module__
    httpx = importlib.import_module(library.partition(".")[0])
    headers = {"content-type": "text/event-stream"}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=raw))
    return httpx.Client(transport=answer)


def loads(text: str | None) -> Any:
    """Return the arguments of a call: JSON, or the code that an interpreter runs."""
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


def usage_of(said: Any) -> dict[str, Any]:
    """Return the usage without its nulls, which some send and others leave out."""
    return without_nulls(said.model_dump(mode="json")) if said else {}


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(one) for name, one in value.items() if one is not None}


def by_chat(raw: bytes) -> Sum:
    client = openai.OpenAI(api_key="x", http_client=served(openai, raw))
    state = ChatCompletionStreamState()
    usage: Any = None
    for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
        usage = chunk.usage or usage
        if not chunk.object:
            continue  # the first of Azure, which the accumulator does not take
        for call in (call for one in chunk.choices for call in one.delta.tool_calls or ()):
            # Writer has nulls here, which the accumulator does not take.
            call.type = "function"
            call.function.arguments = call.function.arguments or ""
        state.handle_chunk(chunk)
    choices = state.current_completion_snapshot.choices
    return Sum(
        [choice.message.content or "" for choice in choices],
        [
            (call.function.name, loads(call.function.arguments))
            for choice in choices
            for call in choice.message.tool_calls or ()
        ],
        [choice.finish_reason for choice in choices if choice.finish_reason],
        usage_of(usage),
    )


def by_completions(raw: bytes) -> Sum:
    """There is no accumulator; this is what a reader of the stream would do."""
    client = openai.OpenAI(api_key="x", http_client=served(openai, raw))
    texts: dict[int, str] = {}
    finishes: dict[int, str] = {}
    usage: Any = None
    for chunk in client.completions.create(model="m", prompt="x", stream=True):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            index = choice.index or 0
            texts[index] = texts.get(index, "") + (choice.text or "")
            if choice.finish_reason:
                finishes[index] = choice.finish_reason
    return Sum([texts[i] for i in sorted(texts)], [], list(finishes.values()), usage_of(usage))


def by_responses(raw: bytes) -> Sum:
    client = openai.OpenAI(api_key="x", http_client=served(openai, raw))
    with client.responses.stream(model="m", input="x") as stream:
        response = stream.get_final_response()
    calls = [item for item in response.output if item.type == "function_call"]
    return Sum(
        [response.output_text],
        [(call.name, loads(call.arguments)) for call in calls],
        [str(response.status)],
        usage_of(response.usage),
    )


def by_assistants(raw: bytes) -> Sum:
    client = openai.OpenAI(api_key="x", http_client=served(openai, raw))
    with client.beta.threads.runs.stream(thread_id="t", assistant_id="a") as stream:
        messages = stream.get_final_messages()
        run, steps = stream.current_run, stream.get_final_run_steps()
    texts = [part.text.value for message in messages for part in message.content]
    calls = [
        ("code_interpreter", call.code_interpreter.input)
        for step in steps
        for call in getattr(step.step_details, "tool_calls", ())
    ]
    return Sum(["".join(texts)], calls, [run.status], usage_of(run.usage))


def by_anthropic(raw: bytes) -> Sum:
    client = anthropic.Anthropic(api_key="x", http_client=served(anthropic, raw))
    with client.messages.stream(model="m", max_tokens=1, messages=[]) as stream:
        message = stream.get_final_message()
    return Sum(
        ["".join(block.text for block in message.content if block.type == "text")],
        # The SDK does not put the input of MCP calls together.
        [
            (block.name, block.input)
            for block in message.content
            if block.type in ("tool_use", "server_tool_use")
        ],
        [str(message.stop_reason)],
        usage_of(message.usage),
    )


ACCUMULATORS: dict[str, Callable[[bytes], Sum]] = {
    "openai_chat": by_chat,
    "openai_completions": by_completions,
    "openai_responses": by_responses,
    "openai_assistants": by_assistants,
    "anthropic": by_anthropic,
}
