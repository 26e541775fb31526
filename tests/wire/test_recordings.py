"""Real streams: the same reply for every cut, and the one that the provider's SDK sees."""

from __future__ import annotations

import importlib
import json
from typing import Any

import anthropic
import openai
import pytest

from tests.wire.cuts import bytewise, ragged, whole
from tests.wire.goldens import FOLDER, READABLE
from tests.wire.judges import JUDGES
from tests.wire.reading import accumulated


def ids(recording: dict[str, Any]) -> str:
    return recording["file"]


# They give their finish reason and close; these say that it is done, and not why.
WITHOUT_TERMINAL = ("writer", "watsonx")
WITHOUT_FINISH = ("snowflake", "replicate")


@pytest.mark.parametrize("recording", READABLE, ids=ids)
def test_a_recording_reads_the_same_however_it_is_cut(recording: dict[str, Any]) -> None:
    """Nothing in it is unknown, it says something, and its usage is found."""
    raw = (FOLDER / recording["file"]).read_bytes()
    got = accumulated(recording["dialect"], recording["framing"], raw, whole)
    for cut in (bytewise, ragged):
        cut_up = accumulated(recording["dialect"], recording["framing"], raw, cut)
        assert cut_up.reply() == got.reply()
    assert got.unknown == 0
    assert got.text() or got.tool_names() or got.stream_faults
    assert bool(got.usage) == recording["usage_in_stream"]
    assert got.is_usage_final == recording["usage_in_stream"]
    if not got.stream_faults:
        assert got.has_terminal == (recording["provider"] not in WITHOUT_TERMINAL)
        assert got.has_finish == (recording["provider"] not in WITHOUT_FINISH)


def served(sdk: Any, raw: bytes) -> Any:
    """Return an HTTP client, of the library that the SDK uses, that answers with *raw*."""
    library = next(c for c in sdk.DefaultHttpxClient.__mro__ if c.__name__ == "Client").__module__
    httpx = importlib.import_module(library.partition(".")[0])
    headers = {"content-type": "text/event-stream"}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=raw))
    return httpx.Client(transport=answer)


def by_openai(raw: bytes) -> tuple[str, list[tuple[str | None, str]]]:
    """Return text and tool calls as OpenAI's SDK delivers them."""
    client = openai.OpenAI(api_key="x", http_client=served(openai, raw))
    texts: dict[int, str] = {}
    tools: dict[tuple[int, int], tuple[str | None, str]] = {}
    for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            for call in choice.delta.tool_calls or ():
                name, arguments = tools.get((choice.index, call.index), (None, ""))
                function = call.function
                tools[choice.index, call.index] = (
                    (function.name if function else None) or name,
                    arguments + ((function.arguments if function else None) or ""),
                )
    shown = [texts[index] for index in sorted(texts) if texts[index]]
    return "\n".join(shown), [tools[key] for key in sorted(tools)]


def by_anthropic(raw: bytes) -> tuple[str, list[tuple[str | None, str]]]:
    """Return text and tool calls as Anthropic's SDK accumulates them."""
    client = anthropic.Anthropic(api_key="x", http_client=served(anthropic, raw))
    with client.messages.stream(model="m", max_tokens=1, messages=[]) as stream:
        message = stream.get_final_message()
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = [
        (block.name, json.dumps(block.input)) for block in message.content if block.type in JUDGED
    ]
    return text, calls


# The SDK does not put the input of MCP calls together.
JUDGED = ("tool_use", "server_tool_use")

ORACLES = {"openai_chat": by_openai, "anthropic": by_anthropic, **JUDGES}


def loads(text: str) -> Any:
    return json.loads(text) if text else {}


JUDGEABLE = [recording for recording in READABLE if recording["dialect"] in ORACLES]


@pytest.mark.parametrize("recording", JUDGEABLE, ids=ids)
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_the_providers_sdk_sees_the_same(recording: dict[str, Any]) -> None:
    """Its own accumulator is the judge of text and tool calls."""
    raw = (FOLDER / recording["file"]).read_bytes()
    got = accumulated(recording["dialect"], recording["framing"], raw, whole)
    if got.stream_faults:
        pytest.skip("the SDK raises on it")
    text, calls = ORACLES[recording["dialect"]](raw)
    assert got.text() == text
    ours = [
        (call.name, loads(call.arguments))
        for choice in got.reply().choices
        for call in choice.tool_calls
        if call.type != "mcp_tool_use"
    ]
    assert ours == [(name, loads(arguments)) for name, arguments in calls]
