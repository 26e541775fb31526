"""OTLP traces: spans of model calls become records, whatever their names are."""

from __future__ import annotations

import gzip
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from tests.api.serving import Served
from tests.product import Product
from tests.simulating import until

STARTED = 1_795_459_581_674_322_315
MS = 1_000_000

OLD = {
    "llm.request.type": "chat",
    "traceloop.association.properties.Helicone-User-Id": "zoe",
    "traceloop.association.properties.Helicone-Session-Id": "s1",
    "traceloop.association.properties.Helicone-Property-Env": "dev",
    "traceloop.association.properties.tier": "gold",
    "gen_ai.system": "OpenAI",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.5,
    "llm.is_streaming": True,
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Hi",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Hello",
    "gen_ai.completion.0.finish_reason": "stop",
    "gen_ai.completion.0.tool_calls.0.id": "call_1",
    "gen_ai.completion.0.tool_calls.0.name": "weather",
    "gen_ai.completion.0.tool_calls.0.arguments": '{"city":"Bern"}',
    "gen_ai.usage.prompt_tokens": 5,
    "gen_ai.usage.completion_tokens": 2,
    "llm.usage.total_tokens": 7,
}
INPUT = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
]
OUTPUT = [
    {
        "role": "assistant",
        "parts": [
            {"type": "text", "content": "Hello"},
            {
                "type": "tool_call",
                "id": "call_1",
                "name": "weather",
                "arguments": {"city": "Bern"},
            },
        ],
        "finish_reason": "stop",
    }
]
LABELS = {
    "user.id": "zoe",
    "gen_ai.conversation.id": "s1",
    "Helicone-Property-Env": "dev",
    "Helicone-Property-Tier": "gold",
}
NEW = {
    **LABELS,
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stream": True,
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 2,
}
TEXTS = {
    "gen_ai.input.messages": json.dumps(INPUT),
    "gen_ai.output.messages": json.dumps(OUTPUT),
}
OBJECTS = {"gen_ai.input.messages": INPUT, "gen_ai.output.messages": OUTPUT}

CHUNK_EVENTS = [("llm.content.completion.chunk", ms, {}) for ms in (50, 60, 70)]
DETAILS = [("gen_ai.client.inference.operation.details", 90, OBJECTS)]

# What the span has, its events, and the time to the first token that this tells.
FORMS: dict[str, tuple[dict[str, Any], list[Any], float | None]] = {
    "numbered": (OLD, CHUNK_EVENTS, 50),
    "without times": (OLD, [], None),
    "as text": (NEW | TEXTS | {"gen_ai.response.time_to_first_chunk": 0.05}, [], 50),
    "as objects": (NEW | OBJECTS | {"ai.response.msToFirstChunk": 50.0}, [], 50),
    "as an event": (NEW, DETAILS, None),
}


def value(of: Any) -> AnyValue:
    if isinstance(of, bool):
        return AnyValue(bool_value=of)
    if isinstance(of, int):
        return AnyValue(int_value=of)
    if isinstance(of, float):
        return AnyValue(double_value=of)
    if isinstance(of, list):
        return AnyValue(array_value=ArrayValue(values=[value(one) for one in of]))
    if isinstance(of, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(of)))
    return AnyValue(string_value=of)


def pairs(of: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=name, value=value(one)) for name, one in of.items()]


def json_value(of: Any) -> Any:
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, list):
        return {"arrayValue": {"values": [json_value(one) for one in of]}}
    if isinstance(of, dict):
        return {"kvlistValue": {"values": json_pairs(of)}}
    return {"stringValue": of}


def json_pairs(of: dict[str, Any]) -> list[Any]:
    return [{"key": name, "value": json_value(one)} for name, one in of.items()]


class Traced:
    """One span, in either encoding."""

    def __init__(
        self,
        attributes: dict[str, Any],
        events: list[Any] | None = None,
        *,
        code: int = 1,
        message: str = "",
    ) -> None:
        self.trace, self.span, self.parent = uuid4().bytes, uuid4().bytes[:8], uuid4().bytes[:8]
        self.attributes, self.events = attributes, events or []
        self.code, self.message = code, message

    def protobuf(self) -> bytes:
        export = ExportTraceServiceRequest()
        resource = export.resource_spans.add()
        resource.resource.attributes.extend(pairs({"service.name": "shop"}))
        span = resource.scope_spans.add().spans.add(
            trace_id=self.trace,
            span_id=self.span,
            parent_span_id=self.parent,
            name="openai.chat",
            start_time_unix_nano=STARTED,
            end_time_unix_nano=STARTED + 100 * MS,
            attributes=pairs(self.attributes),
        )
        span.status.code, span.status.message = self.code, self.message
        for name, ms, said in self.events:
            at = STARTED + ms * MS
            span.events.add(name=name, time_unix_nano=at, attributes=pairs(said))
        return export.SerializeToString()

    def json(self) -> bytes:
        span = {
            "traceId": self.trace.hex(),
            "spanId": self.span.hex(),
            "parentSpanId": self.parent.hex(),
            "name": "openai.chat",
            "startTimeUnixNano": str(STARTED),
            "endTimeUnixNano": str(STARTED + 100 * MS),
            "attributes": json_pairs(self.attributes),
            "events": [
                {
                    "name": name,
                    "timeUnixNano": str(STARTED + ms * MS),
                    "attributes": json_pairs(said),
                }
                for name, ms, said in self.events
            ],
            "status": {"code": self.code, "message": self.message},
        }
        resource = {"attributes": json_pairs({"service.name": "shop"})}
        scope = {"scope": {"name": "x"}, "spans": [span]}
        return json.dumps(
            {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
        ).encode()


TYPES = {"protobuf": "application/x-protobuf", "json": "application/json"}


def exported(
    product: Product, traced: Traced, encoding: str = "protobuf", path: str = "/v1/traces"
) -> dict[str, Any]:
    content = getattr(traced, encoding)()
    headers = {"Content-Type": TYPES[encoding]}
    answer = product.http.post(path, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(TYPES[encoding])
    assert answer.content in (b"", b"{}")
    (found,) = until(lambda: product.closed(**{"property.trace_id": traced.trace.hex()}))
    return product.record(found["id"])


@pytest.mark.parametrize("encoding", TYPES)
@pytest.mark.parametrize("form", FORMS)
def test_a_model_call_becomes_a_record(product: Product, form: str, encoding: str) -> None:
    """In all ways in which it has been said; the same record from each."""
    attributes, events, ttft = FORMS[form]
    traced = Traced(attributes, events)
    record = exported(product, traced, encoding)
    expected = {
        "source": "otlp",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "streaming": True,
        "http_status": 200,
        "outcome": "completed",
        "response_text": "Hello",
        "finish_reasons": ["stop"],
        "tool_calls": ["weather"],
        "ttft_ms": ttft,
        "duration_ms": 100,
        "itl_p50_ms": None,
        "input_tokens": 5,
        "output_tokens": 2,
        "usage_source": "reported",
        "cost_source": "priced",
        "user_id": "zoe",
        "session_id": "s1",
        "properties": {
            "env": "dev",
            "tier": "gold",
            "service": "shop",
            "trace_id": traced.trace.hex(),
            "span_id": traced.span.hex(),
            "parent_span_id": traced.parent.hex(),
        },
    }
    assert {name: record[name] for name in expected} == expected
    assert record["started_at"].startswith("2026-11-23T18:46:21.674322")
    request = json.loads(record["request_body"])
    assert [(one["role"], one["content"]) for one in request["messages"]] == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]
    assert request["temperature"] == 0.5
    (call,) = record["reply"]["choices"][0]["tool_calls"]
    assert (call["id"], json.loads(call["arguments"])) == ("call_1", {"city": "Bern"})


@pytest.mark.parametrize(
    ("attributes", "outcome", "status"),
    [
        (OLD, "fault_in_stream", 200),
        ({"gen_ai.request.model": "m"}, "http_error", None),
        ({"gen_ai.request.model": "m", "http.response.status_code": 429}, "http_error", 429),
    ],
)
@pytest.mark.parametrize("raised", [True, False])
def test_a_call_that_failed_is_recorded_as_such(
    product: Product, attributes: Any, outcome: str, status: int | None, raised: bool
) -> None:
    """With the exception, or with what the span says."""
    exception = {"exception.type": "RateLimitError", "exception.message": "slow down"}
    events = [("exception", 90, exception)] if raised else []
    said = attributes if raised else attributes | {"error.type": "RateLimitError"}
    record = exported(product, Traced(said, events, code=2, message="slow down"))
    assert (record["outcome"], record["http_status"]) == (outcome, status)
    assert (record["error_type"], record["error_message"]) == ("RateLimitError", "slow down")


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/trace/log", "/v1/trace/log-python"])
def test_all_paths_take_it(product: Product, path: str) -> None:
    """Through the gateway, where `/v1` is a provider's otherwise."""
    assert exported(product, Traced(OLD), "json", path)["response_text"] == "Hello"


def test_the_same_span_twice_is_one_record(product: Product) -> None:
    """Exporters repeat what they are not sure of."""
    traced = Traced(OLD)
    first = exported(product, traced)
    assert exported(product, traced)["id"] == first["id"]


@pytest.mark.parametrize("never", [2**64 - 1, 10**30, 10**400], ids=["64 bits", "100", "1,300"])
def test_a_span_whose_end_makes_no_sense_is_a_record(product: Product, never: int) -> None:
    """And does not hold the others of its export."""
    traced = Traced(OLD, [("gen_ai.content.completion.chunk", 7, {})])
    content = traced.json()
    for ms in (7, 100):
        content = content.replace(b"%d" % (STARTED + ms * MS), b"%d" % never)
    headers = {"Content-Type": TYPES["json"]}
    answer = product.http.post("/v1/traces", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    (found,) = until(lambda: product.closed(**{"property.trace_id": traced.trace.hex()}))
    assert found["duration_ms"] is None
    assert found["ttft_ms"] is None


@pytest.mark.parametrize("number", ["--5", "²", pytest.param("9" * 5000, id="long"), "five", None])
def test_a_number_that_is_none_is_unknown(product: Product, number: Any) -> None:
    """The rest of the span is told all the same."""
    traced = Traced(OLD)
    told = json.loads(traced.json())
    (span,) = told["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for one in span["attributes"]:
        if one["key"] == "gen_ai.usage.prompt_tokens":
            one["value"] = {"intValue": number}
    answer = product.http.post("/v1/traces", json=told)
    assert answer.status_code == 200, answer.text
    (found,) = until(lambda: product.closed(**{"property.trace_id": traced.trace.hex()}))
    assert found["output_tokens"] == 2


def test_other_spans_are_let_go(api: httpx.Client, served: Served) -> None:
    """Agents, tools and web requests are no model calls."""
    before = len(served.written())
    headers = {"Content-Type": TYPES["protobuf"]}
    agent = OLD | {"gen_ai.operation.name": "invoke_agent"}
    for attributes in ({"http.route": "/"}, agent):
        body = Traced(attributes).protobuf()
        assert api.post("/v1/traces", content=body, headers=headers).status_code == 200
    assert len(served.written()) == before


def test_it_may_be_packed(api: httpx.Client, served: Served) -> None:
    """As exporters do when told to."""
    before = len(served.written())
    headers = {"Content-Type": TYPES["protobuf"], "Content-Encoding": "gzip"}
    body = gzip.compress(Traced(OLD).protobuf())
    assert api.post("/v1/traces", content=body, headers=headers).status_code == 200
    assert len(served.written()) > before


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        (TYPES["protobuf"], b"\xff\xff", 400),
        (TYPES["json"], b"{", 400),
        (TYPES["json"], b'{"resourceSpans": 1}', 400),
        (TYPES["json"], Traced(OLD).json().replace(b'"traceId": "', b'"traceId": "x'), 400),
        ("text/plain", b"", 415),
        (TYPES["json"], b" " * (32 * 1024 * 1024 + 1), 413),
    ],
    ids=["protobuf", "JSON", "shape", "id", "type", "size"],
)
def test_what_is_no_export_is_refused(
    api: httpx.Client, kind: str, content: bytes, status: int
) -> None:
    """And is no fault of ours."""
    answer = api.post("/v1/traces", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, "message" in answer.json()["error"]) == (status, True)


def test_a_full_disk_is_no_acknowledgement(
    api: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 is what exporters try again after."""
    lost = iter([0, 5])
    monkeypatch.setattr(served.journal, "lost", lambda: next(lost))
    headers = {"Content-Type": TYPES["json"]}
    assert api.post("/v1/traces", content=Traced(OLD).json(), headers=headers).status_code == 503
