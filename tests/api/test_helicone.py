"""Helicone's manual log calls: what they take, what they answer, what becomes of it.

The bodies are those that its published clients put on the wire.
"""

from __future__ import annotations

import gzip
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from streamgauge.journal.format import Kind
from tests.api.serving import Served
from tests.product import Product
from tests.simulating import until

KEY = {"Authorization": "Bearer sk-helicone-test"}

ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}

STARTED, ENDED = (
    {"seconds": 1795423171, "milliseconds": 669},
    {"seconds": 1795423172, "milliseconds": 69},
)


def delta(text: str) -> str:
    return json.dumps(
        {
            "object": "chat.completion.chunk",
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": {"content": text}}],
        }
    )


STOP = json.dumps(
    {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
    }
)
PART = f"{delta('Hel')}\n{delta('lo')}\n"
NDJSON = f"{PART}{STOP}\n"
SSE = "".join(f"data: {one}\n\n" for one in (delta("Hel"), delta("lo"), STOP, "[DONE]"))
PLAIN = {
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2},
}
NODE_ERROR = "Error: upstream died\n    at pull (/app/a.js:1:2)\n    at async b (/app/a.js:3:4)\n\n"
PYTHON_ERROR = (
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    x()\n'
    "KeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n"
    'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    y()\n'
    "openai.APIError: upstream died\n\n\n"
)


def log(
    text: str | None = None,
    *,
    said: Any = None,
    status: float = 200,
    ttft: float | None = 58,
    request: Any = ASKED,
    meta: Any = None,
    **fields: Any,
) -> dict[str, Any]:
    return {
        "providerRequest": {"url": "custom-model-nopath", "json": request, "meta": meta or {}},
        "providerResponse": {
            "status": status,
            "headers": {"Helicone-Property-Env": "dev"},
            "json": said or {},
            "textBody": text,
        },
        "timing": {"startTime": STARTED, "endTime": ENDED, "timeToFirstToken": ttft},
        **fields,
    }


def logged(
    product: Product, body: dict[str, Any], path: str = "/custom/v1/log", **headers: str
) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = product.http.post(f"{product.url}{path}", json=body, headers=KEY | named)
    assert (answer.status_code, answer.text) == (200, "ok")
    (name,) = answer.headers.get_list("helicone-id")
    return product.record(name)


@pytest.mark.parametrize(
    "body",
    [
        log(NDJSON),
        log(NDJSON.strip()),
        log(SSE),
        log(said={"chunks": [json.loads(one) for one in NDJSON.splitlines()]}),
        log(said={"chunks": NDJSON.splitlines()}),
        log(said={"streamed_data": [json.loads(one) for one in NDJSON.splitlines()]}),
        log(said=PLAIN),
        log(json.dumps(PLAIN), request={"model": "gpt-4o-mini"}),
        log(said={**PLAIN, "_type": "unknown", "toolName": "unknown"}),
    ],
    ids=[
        "NDJSON", "without the last line end", "SSE", "chunks", "chunks as text", "streamed_data",
        "JSON", "JSON as text", "unknown type",
    ],
)  # fmt: skip
def test_every_form_of_an_answer_is_read(product: Product, body: dict[str, Any]) -> None:
    """Text, tokens, cost and the times that were measured, and no others."""
    record = logged(product, body)
    assert record["source"] == "helicone"
    assert (record["dialect"], record["response_text"]) == ("openai_chat", "Hello")
    assert (record["outcome"], record["http_status"]) == ("completed", 200)
    assert (record["input_tokens"], record["output_tokens"]) == (5, 2)
    assert (record["usage_source"], record["cost_source"]) == ("reported", "priced")
    assert record["started_at"].startswith("2026-11-23T08:39:31.669")
    assert (record["ttft_ms"], record["duration_ms"]) == (58, 400)
    for unknown in ("headers_ms", "first_byte_ms", "last_token_ms", "itl_p50_ms", "stalls"):
        assert record[unknown] is None, unknown
    assert record["model"] == "gpt-4o-mini"
    assert json.loads(record["request_body"]) == body["providerRequest"]["json"]


@pytest.mark.parametrize(
    "said",
    [
        {"text": "Hi", "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}},
        {"text": "Hi", "usage": {"input_tokens": 5, "output_tokens": 2}},
        {"text": "Hi", "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2}},
        {"text": "Hi", "prompt_token_count": 5, "generation_token_count": 2},
    ],
    ids=["OpenAI's names", "Anthropic's", "Gemini's", "Llama's"],
)
@pytest.mark.parametrize("is_text", [False, True], ids=["JSON", "as text"])
def test_an_answer_of_ones_own_may_count_its_tokens(
    product: Product, said: dict[str, Any], is_text: bool
) -> None:
    """In the four ways that Helicone's page on its manual logger lists."""
    body = log(json.dumps(said)) if is_text else log(said=said)
    body["providerRequest"]["json"] = {"model": "gpt-4o-mini", "input": "Hi"}
    record = logged(product, body)
    assert (record["input_tokens"], record["output_tokens"]) == (5, 2)
    assert (record["usage_source"], record["cost_source"]) == ("reported", "priced")


@pytest.mark.parametrize(
    ("told", "cost"), [(0.25, 0.25), (None, None), ("much", None), (-1, None), (True, None)]
)
def test_a_cost_that_is_told_counts(product: Product, told: Any, cost: float | None) -> None:
    """Helicone takes it and forgets it; what is no cost is no error."""
    body = log(said=PLAIN)
    body["providerResponse"]["cost"] = told
    record = logged(product, body)
    if cost is None:
        assert record["cost_source"] == "priced"
    else:
        assert (record["cost_usd"], record["cost_source"]) == (cost, "provider")


def test_plain_text_is_kept_as_text(product: Product) -> None:
    """Also where it looks like an error to somebody in a hurry."""
    text = 'Error handling, in short:\n\n{"try": 1}'
    record = logged(product, log(text, ttft=None))
    assert (record["response_text"], record["outcome"]) == (text, "completed")
    assert record["error_message"] is None
    raw = product.http.get(f"/api/v1/records/{record['id']}/bytes")
    assert raw.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("ttft", "expected"), [(None, None), (0, None), (50.21875, 50.219), (58, 58), ("58", None)]
)
def test_the_time_to_the_first_token_is_what_was_measured(
    product: Product, ttft: Any, expected: float | None
) -> None:
    """Python sends null and fractions; 0 is what a client writes that did not measure."""
    assert logged(product, log(SSE, ttft=ttft))["ttft_ms"] == expected


def test_documented_chunks_have_their_time(product: Product) -> None:
    """As in Helicone's page on streams from Python, which its server does not read."""
    said = {"chunks": NDJSON.splitlines(), "time_to_first_token_ms": 41.5}
    assert logged(product, log(said=said, ttft=None))["ttft_ms"] == 41.5


@pytest.mark.parametrize(
    ("status", "text", "outcome", "closed_by", "http_status"),
    [
        (-3, PART, "client_left", "client", 200),
        (-3, "", "client_left", "client", None),
        (-2, PART, "stalled", "client", 200),
        (-4, "", "refused", "gateway", None),
        (-100, PART, "truncated", "upstream", 200),
        (200, PART, "truncated", "upstream", 200),
        (500, NODE_ERROR + PART, "fault_in_stream", "upstream", 200),
        (500, NODE_ERROR, "http_error", "upstream", 500),
        (500, "boom\n\n" + PART, "fault_in_stream", "upstream", 200),
        (500, "boom\n\n", "http_error", "upstream", 500),
        (200, PYTHON_ERROR + PART, "fault_in_stream", "upstream", 200),
        (200, "openai.APIError: upstream died\n\n\n" + PART, "fault_in_stream", "upstream", 200),
        (429, '{"error": {"type": "rate", "message": "slow"}}', "http_error", "upstream", 429),
    ],
)
def test_a_status_becomes_an_outcome(
    product: Product, status: int, text: str, outcome: str, closed_by: str, http_status: int
) -> None:
    """With the partial text, whatever stood in front of it."""
    record = logged(product, log(text, status=status))
    assert (record["outcome"], record["closed_by"]) == (outcome, closed_by)
    assert record["http_status"] == http_status
    assert (record["response_text"] == "Hello") == (PART in text)


@pytest.mark.parametrize(
    ("text", "kind", "message", "frame"),
    [
        (NODE_ERROR, "Error", "upstream died", "at pull"),
        (PYTHON_ERROR, "openai.APIError", "upstream died", "KeyError: 'x'"),
        ("openai.APIError: upstream died\n\n\n", "openai.APIError", "upstream died", ""),
        ("boom\n\n", None, "boom", ""),
    ],
    ids=["Node", "Python", "never raised", "a text"],
)
def test_a_stack_trace_is_the_errors_message(
    product: Product, text: str, kind: str | None, message: str, frame: str
) -> None:
    """The words first, the frames behind them; none of it is in the answer."""
    record = logged(product, log(text + PART, status=500))
    assert (record["error_type"], record["error_message"].splitlines()[0]) == (kind, message)
    assert frame in record["error_message"]
    assert record["response_text"] == "Hello"


def test_an_error_as_json_keeps_its_words(product: Product) -> None:
    """As Helicone's first Python client told of it."""
    record = logged(product, log(said={"error": "no such model"}, status=500))
    assert (record["outcome"], record["error_message"]) == ("http_error", "no such model")


def test_options_come_from_meta_and_from_headers(product: Product) -> None:
    """Headers win; names are case-insensitive; what else is in meta may be anything."""
    own = str(uuid4())
    meta = {
        "Helicone-User-Id": "meta",
        "Helicone-Session-Id": "s1",
        "Helicone-Session-Path": "/a/b",
        "Helicone-Session-Name": "visit",
        "Helicone-Property-Count": 3,
        "Helicone-Property-Deep": {"a": [1]},
        "Helicone-Request-Id": own,
        "hidden": {"span": [1, 2]},
        "nothing": None,
    }
    answer = product.http.post(
        "/custom/v1/log",
        json=log(NDJSON, meta=meta),
        headers=KEY | {"Helicone-User-Id": "zoe", "Helicone-Property-Env": "dev"},
    )
    assert answer.headers["helicone-id"] == own
    (found,) = until(lambda: product.records(client_request_id=own) or None)
    record = product.record(found["id"])
    assert record["user_id"] == "zoe"
    assert (record["session_id"], record["session_path"]) == ("s1", "/a/b")
    assert record["session_name"] == "visit"
    assert record["properties"] == {"count": "3", "deep": '{"a":[1]}', "env": "dev"}


def test_bodies_are_left_out_where_that_is_asked_for(product: Product) -> None:
    """Tokens are counted all the same."""
    meta = {"Helicone-Omit-Request": "true", "Helicone-Omit-Response": "true"}
    record = logged(product, log(NDJSON, meta=meta))
    assert (record["request_body"], record["response_text"]) == (None, None)
    assert record["output_tokens"] == 2


@pytest.mark.parametrize(
    ("path", "named", "provider"),
    [
        ("/custom/v1/log", None, None),
        ("/custom/v1/log", "TOGETHER", "together"),
        ("//custom/v1/log", None, None),
        ("/some/prefix/oai/v1/log", "TOGETHER", "openai"),
        ("/oai/v1/log/", None, "openai"),
        ("//oai//v1/log", None, "openai"),
        ("/anthropic/v1/log", None, "anthropic"),
        ("/anthropic/v1/log/anthropic/v1/log", None, "anthropic"),
        ("/googleapis/v1/log", None, "google"),
        ("/custom/v1/log/custom/v1/log", None, None),
        ("/custom/v1/log/oai/v1/log", None, "openai"),
        ("/v1/trace/custom/v1/log", "OPENAI", "openai"),
        ("/v1/trace/custom/log", None, None),
        ("/v1/trace/custom/log/typed", "openai", "openai"),
    ],
)
def test_every_path_of_a_client_arrives(
    product: Product, path: str, named: str | None, provider: str | None
) -> None:
    """Through the gateway, wherever its user's base made it end up."""
    record = logged(product, log(NDJSON, provider=named), path)
    assert (record["provider"], record["response_text"]) == (provider, "Hello")


def test_a_provider_keeps_its_other_paths(product: Product, simulator: Any) -> None:
    """`/anthropic/v1/messages` is no log, nor is what only begins like one."""
    for path in ("/anthropic/v1/messages", "/anthropic/v1/logs", "/v1/tracesx"):
        answer = product.http.post(path, json={})
        assert "streamgauge-id" in answer.headers, path


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"providerRequest": None}, "providerRequest or providerResponse"),
        ({"providerResponse": 1}, "providerRequest or providerResponse"),
        ({"providerRequest.url": 1}, "Invalid providerRequest: 'url' should be a string"),
        ({"providerRequest.meta": "x"}, "Invalid providerRequest: 'meta' should be an object"),
        ({"providerResponse.status": "200"}, "'status' should be a number"),
        ({"providerResponse.headers": 1}, "'headers' should be an object"),
        ({"timing.startTime": None}, "'startTime.seconds' should be a number"),
        ({"timing.endTime": {"seconds": 1}}, "'endTime.milliseconds' should be a number"),
        ({"timing.startTime": "some day"}, "Invalid timing structure or value type"),
        ({"timing.endTime": {"seconds": 1e300, "milliseconds": 0}}, "Invalid timing structure"),
        ({"timing.startTime": {"seconds": 2e9, "milliseconds": 0}}, "cannot be greater than"),
        ({"timing.startTime": {"seconds": -1, "milliseconds": 0}}, "cannot be negative"),
    ],
)
def test_what_helicone_refuses_is_refused(
    api: httpx.Client, fields: dict[str, Any], complaint: str
) -> None:
    """In its words, and in the stricter call with the field at fault."""
    body = log(NDJSON)
    for field, value in fields.items():
        *parents, name = field.split(".")
        target = body
        for parent in parents:
            target = target[parent]
        target[name] = value
    answer = api.post("/custom/v1/log", json=body, headers=KEY)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    typed = api.post("/v1/trace/custom/log/typed", json=body, headers=KEY)
    assert (typed.status_code, typed.json()["isValid"]) == (400, False)
    (error,) = typed.json()["errors"]
    assert complaint in error["message"]
    assert error["field"].startswith(next(iter(fields)))


def test_the_stricter_call_wants_an_answer(api: httpx.Client) -> None:
    """An empty one is no answer."""
    answer = api.post("/v1/trace/custom/log/typed", json=log(), headers=KEY)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "providerResponse", "message": "json or textBody is required"}
    ]


def test_what_is_missing_is_looked_at_in_helicones_order(api: httpx.Client) -> None:
    """Size, then key, then content."""
    assert api.post("/custom/v1/log", content=b"{").status_code == 401
    answer = api.post("/custom/v1/log", content=b"{", headers=KEY)
    assert (answer.status_code, "error" in answer.json()) == (400, True)
    answer = api.post("/custom/v1/log", content=b" " * (10 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.text) == (400, "Payload too large")
    answer = api.post("/custom/v1/log", json=log(NDJSON))
    assert (answer.status_code, answer.text) == (401, "Unauthorized")


@pytest.mark.parametrize(
    "leave_out", ["providerRequest.json", "providerResponse.json", "providerResponse.textBody"]
)
def test_bodies_may_be_missing(api: httpx.Client, leave_out: str) -> None:
    """Helicone's documentation says so, its server does not."""
    body = log(NDJSON)
    part, name = leave_out.split(".")
    del body[part][name]
    assert api.post("/custom/v1/log", json=body, headers=KEY).text == "ok"


@pytest.mark.parametrize(
    ("started", "ended", "began", "duration"),
    [
        ("2026-11-20T10:00:00.5Z", "2026-11-20T10:00:01Z", "2026-11-20T10:00:00.500", 500),
        ("1795423171", "1795423173", "2026-11-23T08:39:31", 2000),
        ("1795423171669", "1795423171700", "2026-11-23T08:39:31.669", 31),
        (STARTED, {"seconds": 1795423171, "milliseconds": 668}, "2026-11-23T08:39:31.669", 0),
    ],
    ids=["ISO", "seconds", "milliseconds", "ended a rounding before it began"],
)
def test_times_may_be_told_in_several_ways(
    product: Product, started: Any, ended: Any, began: str, duration: float
) -> None:
    """As the self-hosted server takes them; two clocks that differ by 1 ms are no mistake."""
    body = log(NDJSON, ttft=None)
    body["timing"] = {"startTime": started, "endTime": ended}
    record = logged(product, body, "/v1/trace/custom/log")
    assert record["started_at"].startswith(began)
    assert (record["duration_ms"] or 0) == duration


def test_an_end_in_another_age_is_unknown(product: Product) -> None:
    """Somebody has mistaken the unit; the call was made all the same."""
    body = log(NDJSON, ttft=None)
    body["timing"]["endTime"] = {"seconds": 1e11, "milliseconds": 0}
    assert logged(product, body)["duration_ms"] is None


def test_a_log_without_times_has_none(product: Product) -> None:
    """Helicone makes it a second."""
    body = log(NDJSON)
    del body["timing"]
    record = logged(product, body)
    assert (record["duration_ms"], record["ttft_ms"]) == (None, None)


def test_a_tool_is_an_event(product: Product) -> None:
    """And what it gave is no stream, even if it is called chunks."""
    request = {"_type": "tool", "toolName": "search", "input": "Bern"}
    said = {"chunks": [{"text": "a"}], "_type": "tool", "toolName": "search"}
    record = logged(product, log(said=said, request=request))
    assert record["properties"]["_type"] == "tool"
    assert json.loads(record["properties"]["_event"]) == request
    raw = product.http.get(f"/api/v1/records/{record['id']}/bytes").json()
    assert raw == said


def test_a_path_tells_the_dialect(product: Product) -> None:
    """Of an answer that says nothing of itself."""
    body = log(said={"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]})
    body["providerRequest"]["url"] = "https://api.example.com/v1/chat/completions?key=abc"
    record = logged(product, body)
    assert record["path"] == "/v1/chat/completions?key=REDACTED"
    assert (record["dialect"], record["response_text"]) == ("openai_chat", "Hello")


def test_it_may_be_packed(api: httpx.Client) -> None:
    """Proxies in between do that."""
    content = gzip.compress(json.dumps(log(NDJSON)).encode())
    headers = KEY | {"Content-Encoding": "gzip"}
    assert api.post("/custom/v1/log", content=content, headers=headers).text == "ok"


def test_nothing_secret_is_written_down(api: httpx.Client, served: Served) -> None:
    """Neither the key nor its copies in meta and in the headers of the answer."""
    body = log(NDJSON, meta={"Helicone-Auth": "Bearer sk-secret-1"})
    body["providerResponse"]["headers"] = {"Authorization": "sk-secret-2", "x-request-id": "r7"}
    assert api.post("/custom/v1/log", json=body, headers=KEY).text == "ok"
    written = b"".join(bytes(entry.payload) for entry in served.written())
    assert b"sk-" not in written
    assert b"r7" in written


def test_it_is_acknowledged_once_the_journal_has_it(
    api: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Helicone says 200 all the same, a full disk is a failure."""
    assert api.post("/custom/v1/log", json=log(NDJSON), headers=KEY).text == "ok"
    kinds = [Kind(entry.kind) for entry in served.written()]
    assert kinds[-5:] == [Kind.OPEN, Kind.MARK, Kind.HEAD, Kind.CHUNK, Kind.END]
    lost = iter([0, 5])
    monkeypatch.setattr(served.journal, "lost", lambda: next(lost))
    assert api.post("/custom/v1/log", json=log(NDJSON), headers=KEY).status_code == 503
