"""What SDKs' helpers add to the wire's events is not told; what was on the wire is."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import openai
import pytest

WISHES = {"Simulate-Tokens": "6"}
QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
CHAT = {"model": "gpt-4o-mini", **QUESTION}
CLAUDE = {"model": "claude-3-5-haiku-20241022", "max_tokens": 9, **QUESTION}
ANSWER = "openai/openai_responses/openai_instructions_with_responses_logprobs_streaming.sse"

# An SDK says when a model's days are counted; that shall not break our build.
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")


@pytest.fixture
def chat(simulator):
    with openai.OpenAI(
        base_url=f"{simulator.url}/v1", api_key="k", default_headers=WISHES
    ) as client:
        yield client


@pytest.fixture
def claude(simulator):
    with anthropic.Anthropic(base_url=simulator.url, api_key="k", default_headers=WISHES) as client:
        yield client


def told(server) -> list[dict[str, Any]]:
    return [json.loads(text) for _, text in server.one()["response"]["chunks"]]


def test_openais_chat_stream(chat, logger, server):
    """Its `chunk` events are the wire's; the others repeat them."""
    with logger.log_builder(CHAT) as log, chat.chat.completions.stream(**CHAT) as helper:
        kinds = [event.type for event in log.to_readable_stream(helper)]
        said = helper.get_final_completion().choices[0].message.content
    assert {"chunk", "content.delta", "content.done"} <= set(kinds)
    chunks = told(server)
    assert len(chunks) == kinds.count("chunk")
    assert {one["object"] for one in chunks} == {"chat.completion.chunk"}
    deltas = [choice["delta"] for one in chunks for choice in one["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == said


def test_openais_responses_stream(chat, logger, server):
    """Its deltas have a snapshot of all before them."""
    request = {"model": "gpt-4o-mini", "input": "Hi"}
    headers = {"Simulate-Recording": ANSWER}
    with (
        logger.log_builder(request) as log,
        chat.responses.stream(**request, extra_headers=headers) as helper,
    ):
        events = list(log.to_readable_stream(helper))
    assert any(hasattr(event, "snapshot") for event in events)
    chunks = told(server)
    assert [one["type"] for one in chunks] == [event.type for event in events]
    assert [one for one in chunks if "snapshot" in one] == []
    assert chunks[-1]["response"]["usage"]["output_tokens"] == 10


def test_a_raw_response_is_its_body_and_its_status(chat, simulator, logger, server):
    """Of an SDK, and of an HTTP client."""
    url = f"{simulator.url}/v1/chat/completions"
    logger.log_builder(CHAT).set_response(chat.chat.completions.with_raw_response.create(**CHAT))
    refused = httpx.post(url, json=CHAT, headers={"Simulate-Status": "429"}, timeout=30)
    logger.log_builder(CHAT).set_response(refused)
    answers = [one["response"] for one in server.wait_for(2)]
    assert [one["status"] for one in answers] == [200, 429]
    assert answers[0]["body"]["object"] == "chat.completion"
    assert "error" in answers[1]["body"]


@pytest.mark.parametrize("namespace", ["messages", "beta.messages"])
def test_anthropics_message_stream(claude, logger, server, namespace):
    """`text` events repeat deltas, and the last one carries the whole message."""
    resource: Any = claude
    for name in namespace.split("."):
        resource = getattr(resource, name)
    with logger.log_builder(CLAUDE) as log, resource.stream(**CLAUDE) as helper:
        kinds = [event.type for event in log.to_readable_stream(helper)]
    assert "text" in kinds
    chunks = told(server)
    assert [one["type"] for one in chunks] == [kind for kind in kinds if kind != "text"]
    assert chunks[-1] == {"type": "message_stop"}
