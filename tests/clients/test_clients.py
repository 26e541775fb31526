"""Unmodified provider SDKs through the whole product: each call leaves one true record."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest

from tests.clients.callers import CALLERS, CLAUDE, GPT, Ask, async_openai_stream

# How far our time to first token may be from the provider's own account. A busy machine
# makes a call late and never early, so the best of some is what the gateway itself adds.
TTFT_MS = 5.0
MOST_CALLS = 10

WISHES = {"Simulate-Tokens": "12", "Simulate-Ttft-Ms": "80", "Simulate-Itl-Ms": "5"}

# An SDK says when a model's days are counted; that shall not break our build.
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")


def question() -> str:
    """Return a text that no other request has."""
    return f"Tell me about {uuid4().hex}"


@pytest.mark.parametrize("name", CALLERS)
def test_each_client_gets_its_answer_and_leaves_one_record(product, simulator, name):
    """Model, text, tokens, cost, time to first token and outcome are what they were."""
    caller = CALLERS[name]
    late = []
    for _ in range(MOST_CALLS):
        ask = Ask(product.url, caller.model, question(), WISHES)
        text = caller.ask(ask)
        account = simulator.request(ask.text)
        record = product.record_of(ask.text)
        assert len(text.split()) > 5
        expected = {
            "source": "gateway",
            "provider": caller.provider,
            "method": "POST",
            "model": caller.model,
            "response_model": caller.model,
            "streaming": caller.is_streamed,
            "http_status": 200,
            "outcome": "completed",
            "response_text": text,
            "output_tokens": 12,
            "usage_source": "reported",
            "cost_source": "priced",
            "error_type": None,
        }
        assert {key: record[key] for key in expected} == expected
        assert record["input_tokens"] > 4
        assert record["cost_usd"] > 0
        assert ask.text in record["request_body"]
        assert len(record["finish_reasons"]) == 1
        assert record["bytes_out"] == account["bytes_out"]
        # A plain answer comes in one piece: its mark is the first byte, and it has no tokens'.
        mark = "ttft_ms" if caller.is_streamed else "first_byte_ms"
        late.append(record[mark] - account["first_content_ms"])
        assert (record["ttft_ms"] is not None) == caller.is_streamed
        if abs(late[-1]) < TTFT_MS:
            break
    assert min(map(abs, late)) < TTFT_MS, late


def test_a_client_that_does_not_ask_for_usage_has_it_in_the_record_alone(product):
    """It was asked for on its behalf; the client sees no event without choices."""
    ask = Ask(product.url, GPT, question(), WISHES, usage=False)
    text = CALLERS["openai, stream"].ask(ask)
    record = product.record_of(ask.text)
    assert (record["outcome"], record["response_text"]) == ("completed", text)
    assert (record["output_tokens"], record["usage_source"]) == (12, "reported")
    assert record["cost_source"] == "priced"
    raw = product.http.get(f"/api/v1/records/{record['id']}/bytes").text
    assert '"choices":[]' not in raw.replace(" ", "")
    assert "include_usage" not in record["request_body"]


def test_a_refused_call_is_recorded_as_such(product):
    """The SDK raises its own error, and the record has the provider's words."""
    ask = Ask(product.url, GPT, question(), {"Simulate-Status": "429"})
    with pytest.raises(openai.RateLimitError, match="Rate limit"):
        CALLERS["openai, stream"].ask(ask)
    record = product.record_of(ask.text)
    assert (record["http_status"], record["outcome"]) == (429, "http_error")
    assert record["closed_by"] == "upstream"


def test_a_client_that_leaves_is_recorded_and_its_provider_told(product, simulator):
    """The partial text is kept, and the provider stops."""
    text = question()
    with openai.OpenAI(base_url=f"{product.url}/openai/v1", api_key="test") as client:
        stream = client.chat.completions.create(
            model=GPT,
            messages=[{"role": "user", "content": text}],
            stream=True,
            extra_headers={"Simulate-Tokens": "5000", "Simulate-Itl-Ms": "10"},
        )
        said = [next(stream).choices[0].delta.content for _ in range(6)]
        stream.close()
    assert simulator.request(text)["ended"] == "client_left"
    record = product.record_of(text)
    assert (record["outcome"], record["closed_by"]) == ("client_left", "client")
    assert record["response_text"].startswith("".join(said))
    assert record["usage_source"] == "estimated"


def test_a_tool_call_is_recorded(product):
    """Its name is a column, its arguments are in the reply."""
    text = question()
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    with (
        openai.OpenAI(base_url=f"{product.url}/openai/v1", api_key="test") as client,
        client.chat.completions.stream(
            model=GPT,
            messages=[{"role": "user", "content": text}],
            tools=[tool],
            tool_choice="required",
            extra_headers=WISHES,
        ) as stream,
    ):
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
    record = product.record_of(text)
    assert record["tool_calls"] == ["weather"]
    assert record["finish_reasons"] == ["tool_calls"]
    (kept,) = record["reply"]["choices"][0]["tool_calls"]
    assert (kept["id"], kept["arguments"]) == (call.id, call.function.arguments)


@pytest.mark.parametrize("prefix", ["Streamgauge", "Helicone"])
def test_our_headers_are_kept_and_not_passed_on(product, simulator, prefix):
    """User, session, properties and request id; the provider sees none of them."""
    ours = {
        f"{prefix}-User-Id": "ada",
        f"{prefix}-Session-Id": "s-1",
        f"{prefix}-Session-Name": "visit",
        f"{prefix}-Session-Path": "/visit/1",
        f"{prefix}-Property-Feature": "search",
        f"{prefix}-Request-Id": str(uuid4()),
    }
    ask = Ask(product.url, CLAUDE, question(), {**WISHES, **ours})
    CALLERS["anthropic, stream"].ask(ask)
    record = product.record_of(ask.text)
    assert record["user_id"] == "ada"
    assert (record["session_id"], record["session_name"]) == ("s-1", "visit")
    assert record["session_path"] == "/visit/1"
    assert record["properties"] == {"feature": "search"}
    assert record["client_request_id"] == ours[f"{prefix}-Request-Id"]
    passed_on = simulator.request(ask.text)["headers"]
    assert [name for name in passed_on if name.startswith(prefix.lower())] == []
    assert passed_on["simulate-tokens"] == "12"


def test_many_clients_at_once_do_not_mix(product):
    """Each record has the text that its own client read."""

    async def ask_all(asks: list[Ask]) -> list[str]:
        return await asyncio.gather(*(async_openai_stream(ask) for ask in asks))

    asks = [Ask(product.url, GPT, question(), WISHES) for _ in range(20)]
    texts = asyncio.run(ask_all(asks))
    assert len(set(texts)) == len(asks)
    for ask, text in zip(asks, texts, strict=True):
        assert product.record_of(ask.text)["response_text"] == text


def test_every_answer_names_its_record(product):
    """`Streamgauge-Id` and `Helicone-Id` are the record's id."""
    answer: Any = httpx.post(
        f"{product.url}/openai/v1/chat/completions",
        json={"model": GPT, "messages": [{"role": "user", "content": question()}]},
        trust_env=False,
        timeout=30,
    )
    name = answer.headers["streamgauge-id"]
    assert answer.headers["helicone-id"] == name
    assert (
        product.record(name)["response_text"] == answer.json()["choices"][0]["message"]["content"]
    )
