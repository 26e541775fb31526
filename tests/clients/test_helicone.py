"""Helicone's own packages, unmodified, against us: each call leaves the right record.

They stream from the simulator and log to the product; what they measured is what is kept.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import helicone_helpers
import helicone_helpers.manual_logger
import openai
import pytest

import streamgauge
from tests.clients.callers import CLAUDE, GPT, LLAMA
from tests.clients.running import START_S, run_node, run_python
from tests.product import Product
from tests.simulating import RunningSimulator

# Where our SDK is, for environments that have httpx, and not us.
SOURCE = Path(streamgauge.__file__).parents[1]

pytestmark = pytest.mark.timeout(2 * START_S)

WISHES = {"Simulate-Tokens": "12", "Simulate-Head-Ms": "60", "Simulate-Itl-Ms": "2"}

# The logger's own headers, and those of one call.
OWN = {"Helicone-Property-Env": "dev"}
LABELS = {
    "Helicone-User-Id": "zoe",
    "Helicone-Session-Id": "s1",
    "Helicone-Session-Path": "/chat",
    "Helicone-Session-Name": "visit",
    "Helicone-Property-Feature": "search",
}
LABELLED = {
    "source": "helicone",
    "user_id": "zoe",
    "session_id": "s1",
    "session_path": "/chat",
    "session_name": "visit",
    "properties": {"env": "dev", "feature": "search"},
}
MODELS = {"openai": GPT, "anthropic": CLAUDE, "together": LLAMA}
DIALECTS = {"openai": "openai_chat", "anthropic": "anthropic", "together": "openai_chat"}


def question() -> str:
    return f"Tell me about {uuid4().hex}"


def asked(provider: str, text: str, *, stream: bool) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": MODELS[provider],
        "messages": [{"role": "user", "content": text}],
    }
    if provider == "anthropic":
        request["max_tokens"] = 500
    if stream:
        request["stream"] = True
    if stream and provider == "openai":
        request["stream_options"] = {"include_usage": True}
    return request


def is_as(record: dict[str, Any], **expected: Any) -> None:
    """The fields of a record, all at once."""
    assert {name: record[name] for name in expected} == expected


# -- @helicone/helpers -----------------------------------------------------------------------

STREAMED = ("logBuilder", "attachStream", "logStream", "logSingleStream")
PLAIN = ("setResponse", "logSingleRequest", "logRequest")
# Methods that send their times from two clocks, rounded.
MS = 2


class Node:
    """Asks with one of the three SDKs, and logs with Helicone's package for Node."""

    def __init__(self, product: Product, simulator: RunningSimulator) -> None:
        self.product, self.simulator = product, simulator

    def __call__(
        self, way: str, provider: str, *, ending: str = "success", path: str = "", **wishes: str
    ) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """Return the record, the text that the caller got, and what was told to us."""
        text = question()
        given = {
            "way": way,
            "ending": ending,
            "provider": provider,
            "simulator": self.simulator.url,
            "endpoint": self.product.url + path,
            "request": asked(provider, text, stream=way in STREAMED),
            "wishes": WISHES | {name.replace("_", "-"): one for name, one in wishes.items()},
            "own": OWN,
            "labels": LABELS,
        }
        answer = run_node("log.mjs", given)
        (told,) = answer["told"]
        assert told["status"] == 200
        return self.product.record_of(text), answer["text"], told


@pytest.fixture
def node(product: Product, simulator: RunningSimulator) -> Node:
    return Node(product, simulator)


def lasted(told: dict[str, Any]) -> int:
    start, end = (told["timing"][name] for name in ("startTime", "endTime"))
    return (end["seconds"] - start["seconds"]) * 1000 + end["milliseconds"] - start["milliseconds"]


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("way", STREAMED + PLAIN)
def test_a_call_from_node_leaves_its_record(node: Node, way: str, provider: str) -> None:
    """Status, outcome, text, tokens, cost, the times that the client measured, and the labels."""
    record, text, told = node(way, provider)
    assert len(text.split()) > 5
    is_named = way == "logRequest"
    # Many sell that model, so its price needs the provider's name.
    is_priced = is_named or provider != "together"
    is_as(
        record,
        **LABELLED,
        provider=provider if is_named else None,
        dialect=DIALECTS[provider],
        model=MODELS[provider],
        streaming=way in STREAMED,
        http_status=200,
        outcome="completed",
        closed_by="upstream",
        error_type=None,
        response_text=text,
        output_tokens=12,
        usage_source="reported",
        cost_source="priced" if is_priced else "unknown",
        # 0 is what logStream writes, which does not measure it.
        ttft_ms=told["timing"].get("timeToFirstToken") or None,
        duration_ms=pytest.approx(max(lasted(told), 0), abs=0.01) if lasted(told) > 0 else None,
        itl_p50_ms=None,
    )
    assert json.loads(record["request_body"])["model"] == MODELS[provider]
    assert len(record["finish_reasons"]) == 1
    if way == "logBuilder":
        assert record["ttft_ms"] >= float(WISHES["Simulate-Head-Ms"]) - MS


@pytest.mark.parametrize("provider", MODELS)
def test_a_stream_that_is_left_from_node(node: Node, provider: str) -> None:
    """Helicone's -3, with the text so far."""
    record, text, told = node(
        "logBuilder", provider, ending="cancel", Simulate_Tokens="500", Simulate_Itl_Ms="5"
    )
    assert told["providerResponse"]["status"] == -3
    is_as(
        record,
        **LABELLED,
        http_status=200,
        outcome="client_left",
        closed_by="client",
        error_type=None,
        ttft_ms=told["timing"]["timeToFirstToken"],
    )
    assert record["response_text"].startswith(text)
    assert 3 < len(record["response_text"].split()) < 400


@pytest.mark.parametrize("provider", MODELS)
def test_a_call_that_fails_in_node(node: Node, provider: str) -> None:
    """The error that the builder was given, with its stack, and no answer."""
    record, text, told = node("logBuilder", provider, Simulate_Status="429")
    assert (text, told["providerResponse"]["status"]) == ("", 500)
    is_as(
        record,
        **LABELLED,
        http_status=500,
        outcome="http_error",
        closed_by="upstream",
        response_text=None,
        ttft_ms=None,
    )
    assert record["error_type"].endswith("Error")
    assert record["error_message"].startswith("429")
    assert "\n    at " in record["error_message"]


def test_a_stream_that_fails_in_node(node: Node) -> None:
    """The text so far is kept, and so is the error in front of it."""
    record, text, told = node("logBuilder", "openai", ending="error", Simulate_Tokens="500")
    assert told["providerResponse"]["status"] == 500
    is_as(
        record,
        **LABELLED,
        http_status=200,
        outcome="fault_in_stream",
        closed_by="upstream",
        error_type="Error",
        ttft_ms=told["timing"]["timeToFirstToken"],
    )
    assert record["error_message"].startswith("upstream died\n    at ")
    assert record["response_text"].startswith(text)
    assert 2 < len(record["response_text"].split()) < 400


@pytest.mark.parametrize("path", ["/", "/prefix", "/custom/v1/log", "/oai/v1/log"])
def test_node_may_be_given_any_base(node: Node, path: str) -> None:
    """Whatever its package makes of it arrives."""
    record, text, _ = node("logRequest", "openai", path=path)
    is_as(record, **LABELLED, provider="openai", response_text=text)


# -- helicone-helpers ------------------------------------------------------------------------


@pytest.fixture
def logger(product: Product) -> helicone_helpers.HeliconeManualLogger:
    return helicone_helpers.HeliconeManualLogger("sk-helicone-test", OWN, product.url)


def client_of(simulator: RunningSimulator) -> openai.OpenAI:
    url = f"{simulator.url}/v1"
    return openai.OpenAI(base_url=url, api_key="test", max_retries=0, default_headers=WISHES)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the package put on the wire; every answer was 200."""
    bodies: list[dict[str, Any]] = []
    post = helicone_helpers.manual_logger.requests.post

    def noted(url: str, **given: Any) -> Any:
        answer = post(url, **given)
        assert (answer.status_code, answer.text) == (200, "ok")
        bodies.append(given["json"])
        return answer

    monkeypatch.setattr(helicone_helpers.manual_logger.requests, "post", noted)
    return bodies


def measured(sent: list[dict[str, Any]]) -> float | None:
    (body,) = sent
    ttft = body["timing"]["timeToFirstToken"]
    return None if ttft is None else pytest.approx(ttft, abs=0.001)


def test_log_request_in_python(logger, product, simulator, sent):
    """An answer as a dict, with a provider."""
    text = question()
    request = asked("openai", text, stream=False)

    def operation(recorder: Any) -> str:
        with client_of(simulator) as client:
            answer = client.chat.completions.create(**request)
        recorder.append_results(answer.model_dump())
        return answer.choices[0].message.content

    said = logger.log_request(request, operation, LABELS, provider="openai")
    is_as(
        product.record_of(text),
        **LABELLED,
        provider="openai",
        dialect="openai_chat",
        http_status=200,
        outcome="completed",
        response_text=said,
        output_tokens=12,
        cost_source="priced",
        ttft_ms=measured(sent),
        streaming=False,
    )


@pytest.mark.parametrize("ending", ["success", "error", "cancel"])
def test_the_log_builder_in_python(logger, product, simulator, sent, ending):
    """Chunk by chunk; the status of an error is in its text alone."""
    text = question()
    request = asked("openai", text, stream=True)
    builder = logger.log_builder(request, LABELS)
    said = ""
    with client_of(simulator) as client:
        for chunk in client.chat.completions.create(**request):
            builder.add_chunk(chunk.model_dump(exclude_none=True))
            said += "".join(one.delta.content or "" for one in chunk.choices)
            if ending != "success" and len(said.split()) > 3:
                break
    if ending == "error":
        with pytest.raises(ZeroDivisionError) as raised:
            1 / 0  # noqa: B018
        builder.set_error(raised.value)
    builder.was_cancelled = ending == "cancel"
    asyncio.run(builder.send_log())
    assert sent[0]["providerResponse"]["status"] == 200
    outcome, closed_by = {
        "success": ("completed", "upstream"),
        "error": ("fault_in_stream", "upstream"),
        # Its status does not reach us, so all we see is a stream without an end.
        "cancel": ("truncated", "upstream"),
    }[ending]
    record = product.record_of(text)
    is_as(
        record,
        **LABELLED,
        dialect="openai_chat",
        http_status=200,
        outcome=outcome,
        closed_by=closed_by,
        response_text=said,
        streaming=True,
        ttft_ms=measured(sent),
    )
    if ending == "error":
        assert record["error_type"] == "ZeroDivisionError"
        assert record["error_message"].startswith("division by zero\nTraceback")
    if ending == "success":
        assert (record["output_tokens"], record["usage_source"]) == (12, "reported")
    else:
        assert record["usage_source"] == "estimated"


def test_a_builder_with_an_error_alone(logger, product, sent):
    """A call that never got an answer."""
    text = question()
    builder = logger.new_builder(asked("openai", text, stream=True), LABELS)
    builder.set_error(ValueError("no such host"))
    asyncio.run(builder.send_log())
    is_as(
        product.record_of(text),
        **LABELLED,
        http_status=500,
        outcome="http_error",
        error_type="ValueError",
        error_message="no such host",
        response_text=None,
    )


def test_send_log_in_python(logger, product, simulator, sent):
    """A stream as one text, as Helicone's page on direct stream logging has it."""
    text = question()
    request = asked("openai", text, stream=True)
    with client_of(simulator) as client:
        chunks = list(client.chat.completions.create(**request))
    options = helicone_helpers.manual_logger.LoggingOptions(
        start_time=1795423171.5,
        end_time=1795423172.25,
        additional_headers=LABELS,
        time_to_first_token_ms=50.21875,
    )
    body = "\n".join(chunk.model_dump_json() for chunk in chunks)
    logger.send_log("openai", request, body, options)
    record = product.record_of(text)
    is_as(
        record,
        **LABELLED,
        provider="openai",
        outcome="completed",
        output_tokens=12,
        ttft_ms=50.219,
        duration_ms=750,
        streaming=True,
    )
    assert record["started_at"].startswith("2026-11-23T08:39:31.5")


@pytest.mark.parametrize("path", ["/", "/custom/v1/log"])
def test_python_may_be_given_any_base(logger, product, sent, path):
    """It puts its path behind whatever it is given."""
    logger.logging_endpoint += path
    text = question()
    logger.send_log("openai", asked("openai", text, stream=False), "Hello.", {
        "start_time": 1795423171.5, "end_time": 1795423172.25,
    })  # fmt: skip
    is_as(product.record_of(text), provider="openai", response_text="Hello.")


# -- LiteLLM ---------------------------------------------------------------------------------


# Not streamed: there the callback itself fails, with "Usage is not JSON serializable", and
# sends nothing to anybody. The test below it is the way that docs/from-helicone.md tells.
@pytest.mark.parametrize(
    ("provider", "model", "path", "dialect"),
    [
        ("openai", f"openai/{GPT}", "/v1", "openai_chat"),
        ("anthropic", f"anthropic/{CLAUDE}", "", "anthropic"),
    ],
)
def test_litellms_callback(product, simulator, provider, model, path, dialect):
    """Under the options in its metadata, whatever else is there."""
    text = question()
    asking = {
        "product": product.url,
        "base": simulator.url + path,
        "model": model,
        "text": text,
        "metadata": {**LABELS, **OWN, "tags": ["a", {"b": 1}]},
        "wishes": WISHES,
    }
    said = run_python("litellm", "litellm_call.py", asking)
    assert len(said.split()) > 5
    record = product.record_of(text)
    is_as(
        record,
        **LABELLED,
        provider=provider,
        dialect=dialect,
        model=model.partition("/")[2],
        http_status=200,
        outcome="completed",
        response_text=said,
        output_tokens=12,
        usage_source="reported",
        cost_source="priced",
        ttft_ms=None,
    )
    assert record["duration_ms"] > 0


@pytest.mark.parametrize("model", [f"openai/{GPT}", f"anthropic/{CLAUDE}"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_litellms_streams_in_our_log_builder(product, simulator, model, is_async):
    """They can be read in both ways, and so can what the builder makes of them."""
    text = question()
    provider, _, name = model.partition("/")
    asking = {
        "sdk": str(SOURCE),
        "product": product.url,
        "base": simulator.url + ("/v1" if provider == "openai" else ""),
        "model": model,
        "text": text,
        "labels": LABELS,
        "wishes": WISHES,
        "is_async": is_async,
    }
    said = run_python("litellm", "litellm_stream.py", asking)
    record = product.record_of(text)
    is_as(
        record,
        source="sdk",
        user_id="zoe",
        session_id="s1",
        provider=provider,
        model=model,
        response_model=name,
        streaming=True,
        outcome="completed",
        response_text=said,
        output_tokens=12,
        usage_source="reported",
    )
    assert record["ttft_ms"] > 0


# -- helicone-async --------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_the_asynchronous_logger(product, simulator, stream):
    """Its spans have an event per chunk, which tell the time to the first token."""
    text = question()
    asking = {
        "endpoint": f"{product.url}/v1/trace/log-python",
        "base": f"{simulator.url}/v1",
        "model": GPT,
        "text": text,
        "stream": stream,
        "properties": LABELS | OWN,
        "wishes": WISHES,
    }
    said = run_python("helicone-async", "helicone_async_call.py", asking)
    assert len(said.split()) > 5
    record = product.record_of(text)
    is_as(
        record,
        **LABELLED
        | {
            "source": "otlp",
            "properties": {
                **LABELLED["properties"],
                "service": record["properties"]["service"],
                "trace_id": record["properties"]["trace_id"],
                "span_id": record["properties"]["span_id"],
            },
        },
        provider="openai",
        model=GPT,
        streaming=stream,
        http_status=200,
        outcome="completed",
        response_text=said,
        finish_reasons=["stop"],
        # Its spans of streams leave the usage out.
        usage_source="estimated" if stream else "reported",
    )
    assert len(record["properties"]["trace_id"]) == 32
    if stream:
        assert float(WISHES["Simulate-Head-Ms"]) <= record["ttft_ms"] <= record["duration_ms"]
    else:
        assert (record["ttft_ms"], record["output_tokens"]) == (None, 12)
