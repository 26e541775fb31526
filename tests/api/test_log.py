"""`POST /api/v1/log`: what it takes, what it refuses, and what becomes of it."""

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

STARTED = "2026-11-20T10:00:00.123456+00:00"


def delta(text: str) -> str:
    return json.dumps(
        {"model": "gpt-4o-mini", "choices": [{"index": 0, "delta": {"content": text}}]}
    )


STOP = json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
SLOW_DOWN = {"type": "RateLimitError", "message": "slow down"}
USAGE = json.dumps({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}})


def log(**fields: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "started_at": STARTED,
        "provider": "openai",
        "path": "/v1/chat/completions",
        "request": {"model": "gpt-4o-mini", "stream": True, "messages": []},
        **fields,
    }


def stream(*chunks: tuple[float, str], **fields: Any) -> dict[str, Any]:
    return log(response={"status": 200, "chunks": chunks}, **fields)


WHOLE = ((250.0, delta("Hel")), (300.0, delta("lo")), (310.0, STOP), (311.0, USAGE))


def logged(product: Product, body: dict[str, Any]) -> dict[str, Any]:
    answer = product.http.post("/api/v1/log", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": body["id"]}
    return product.record(body["id"])


def test_a_stream_is_metered_like_one_that_passed(product: Product) -> None:
    """By the times that the caller saw."""
    labels = {
        "user_id": "zoë",
        "session_id": "s1",
        "session_path": "/a/b",
        "client_request_id": "mine",
        "properties": {"env": "dev\nline", "häuser": "✓"},
    }
    record = logged(product, stream(*WHOLE, ended_ms=320.0, labels=labels, sdk="test/1\r\nx: ✓"))
    assert record["source"] == "sdk"
    assert record["started_at"].startswith("2026-11-20T10:00:00.123456")
    assert (record["provider"], record["dialect"]) == ("openai", "openai_chat")
    assert (record["outcome"], record["closed_by"]) == ("completed", "upstream")
    assert (record["http_status"], record["streaming"]) == (200, True)
    assert record["response_text"] == "Hello"
    assert (record["ttft_ms"], record["last_token_ms"], record["duration_ms"]) == (250, 300, 320)
    assert (record["input_tokens"], record["output_tokens"]) == (5, 2)
    assert (record["usage_source"], record["cost_source"]) == ("reported", "priced")
    assert (record["user_id"], record["session_path"]) == ("zoë", "/a/b")
    assert record["client_request_id"] == "mine"
    assert record["properties"] == {"env": "dev\nline", "häuser": "✓"}
    assert record["request_headers"] == {"user-agent": "test/1 x: ?"}


def test_what_nobody_told_is_null_everywhere(product: Product) -> None:
    """Also whose API it was, and which; it is asked for like all that is absent."""
    labels = {"user_id": uuid4().hex}
    told = logged(product, log(provider=None, path=None, response={"body": "Hi"}, labels=labels))
    only = {"user_id": labels["user_id"]}
    [listed] = product.records(**only, **{"provider.exists": "false", "path.exists": "false"})
    exported = product.http.get("/api/v1/records/export", params={**only, "format": "jsonl"})
    grouped = product.http.get("/api/v1/stats", params={**only, "group_by": "provider"}).json()
    [model] = product.http.get("/api/v1/models", params=only).json()["models"]
    for found in (told, listed, exported.json()):
        assert (found["provider"], found["path"]) == (None, None)
    assert (grouped["buckets"][0]["group"], model["provider"]) == (None, None)
    assert product.records(**only, provider="openai") == []


def test_properties_may_be_no_text(product: Product) -> None:
    """What JSON has for them is their text."""
    given = {"text": "1", "whole": 3, "large": 10**30, "part": 0.5, "is": True, "none": None}
    record = logged(product, log(response={"body": "Hi"}, labels={"properties": given}))
    assert record["properties"] == {
        "text": "1",
        "whole": "3",
        "large": str(10**30),
        "part": "0.5",
        "is": "true",
        "none": "null",
    }


def test_a_whole_answer_is_one_piece(product: Product) -> None:
    """It has no token times."""
    body = {
        "object": "chat.completion",
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    record = logged(product, log(response={"status": 200, "body": body}, ended_ms=900.0))
    assert (record["response_text"], record["ttft_ms"]) == ("Hi", None)
    assert (record["duration_ms"], record["outcome"]) == (900, "completed")
    assert record["output_tokens"] == 1


def test_a_stream_in_one_piece_has_the_times_that_were_told(product: Product) -> None:
    """The first token's and the end's; of the others nobody knows."""
    sse = f"data: {delta('Hello')}\n\ndata: {STOP}\n\n"
    response = {"status": 200, "content_type": "text/event-stream", "body": sse, "ttft_ms": 250}
    record = logged(product, log(response=response, ended_ms=900.0))
    assert (record["response_text"], record["outcome"]) == ("Hello", "completed")
    assert (record["ttft_ms"], record["duration_ms"]) == (250, 900)
    assert (record["first_byte_ms"], record["last_token_ms"], record["stalls"]) == (None,) * 3


SSE = "".join(f"data: {one}\n\n" for one in (delta("Hel"), delta("lo"), STOP, USAGE, "[DONE]"))


@pytest.mark.parametrize(
    "texts",
    [
        [delta("Hel"), delta("lo"), STOP, USAGE],
        [delta("Hel"), delta("lo"), STOP, USAGE, "[DONE]"],
        [SSE],
        [SSE[at : at + 7] for at in range(0, len(SSE), 7)],
        SSE.splitlines(),
        SSE.splitlines(keepends=True),
        ["", ": keep-alive\n\n", SSE],
        [f"event: x\n{SSE}"],
        [f"{delta('Hel')}\n{delta('lo')}\n{STOP[:9]}", f"{STOP[9:]}\n", f"{USAGE}\n"],
    ],
    ids=[
        "events", "events and [DONE]", "SSE", "SSE cut anywhere", "lines", "lines with their ends",
        "a comment first", "a name first", "NDJSON cut anywhere",
    ],
)  # fmt: skip
def test_a_stream_may_be_told_in_any_pieces(product: Product, texts: list[str]) -> None:
    """As a program got them: nobody says what they are."""
    chunks = [(10.0 * number, text) for number, text in enumerate(texts, 1)]
    record = logged(product, stream(*chunks, path=None))
    assert (record["dialect"], record["response_text"]) == ("openai_chat", "Hello")
    assert (record["outcome"], record["output_tokens"]) == ("completed", 2)
    assert record["ttft_ms"] is not None


@pytest.mark.parametrize(
    "words",
    [
        ["Hel", "lo", "\n", "", "data: is a word"],
        ["data: is", " a word"],
        [": so it begins"],
        ['{"a', '": [1', "]}"],
        ["[", "1, 2]"],
    ],
)
def test_words_are_the_text_itself(product: Product, words: list[str]) -> None:
    """With their times; their tokens are counted, and no last word is missed."""
    chunks = [(10.0 * number, word) for number, word in enumerate(words, 1)]
    record = logged(product, stream(*chunks, path=None))
    assert (record["dialect"], record["response_text"]) == (None, "".join(words))
    assert (record["outcome"], record["streaming"]) == ("completed", True)
    assert (record["ttft_ms"], record["usage_source"]) == (10, "estimated")
    assert record["output_tokens"] > 0
    pieces = product.http.get(f"/api/v1/records/{record['id']}/replay").json()["pieces"]
    assert [text for _, _, text in pieces] == [word for word in words if word]


@pytest.mark.parametrize("as_text", [json.dumps, str], ids=["JSON", "text"])
def test_a_whole_answer_may_be_text(product: Product, as_text: Any) -> None:
    """That is JSON, or what was said."""
    message = {"message": {"content": "Hi"}, "finish_reason": "stop", "index": 0}
    said = {"object": "chat.completion", "choices": [message]}
    body = as_text(said) if as_text is json.dumps else "Hi"
    record = logged(product, log(path=None, response={"status": 200, "body": body}))
    assert (record["response_text"], record["usage_source"]) == ("Hi", "estimated")
    assert record["output_tokens"] == 1


def test_tokens_and_cost_may_be_told(product: Product) -> None:
    """By an answer in nobody's dialect, and by who knows what it cost."""
    body = {"said": "Hi", "usage": {"input_tokens": 5, "output_tokens": 10**30}}
    response = {"status": 200, "body": body, "cost_usd": 0.5}
    record = logged(product, log(path=None, response=response))
    assert (record["input_tokens"], record["output_tokens"]) == (5, None)
    assert (record["cost_usd"], record["cost_source"]) == (0.5, "provider")


def test_bodies_are_left_out_on_request(product: Product) -> None:
    """They are measured all the same."""
    record = logged(product, stream(*WHOLE, labels={"omit_request": True, "omit_response": True}))
    assert (record["request_body"], record["response_text"]) == (None, None)
    assert record["output_tokens"] == 2


@pytest.mark.parametrize(
    ("fields", "outcome", "closed_by"),
    [
        ({"outcome": "client_left"}, "client_left", "client"),
        ({"error": SLOW_DOWN}, "fault_in_stream", "upstream"),
        ({}, "truncated", "upstream"),
    ],
    ids=["left", "error", "no last word"],
)
def test_a_stream_that_did_not_end_well(
    product: Product, fields: Any, outcome: str, closed_by: str
) -> None:
    """With its partial text, and in the caller's words where there are any."""
    record = logged(product, stream(*WHOLE[:2], **fields))
    assert (record["outcome"], record["closed_by"]) == (outcome, closed_by)
    assert record["response_text"] == "Hello"
    if "error" in fields:
        assert (record["error_type"], record["error_message"]) == ("RateLimitError", "slow down")


def test_a_call_without_an_answer(product: Product) -> None:
    """No status is no 0."""
    record = logged(product, log(error={"type": "ConnectError", "message": "refused"}))
    assert (record["outcome"], record["http_status"]) == ("connect_failed", None)


def test_the_dialect_is_told_by_the_content(product: Product) -> None:
    """Where there is no path."""
    started = {"type": "message_start", "message": {"id": "m", "model": "claude-sonnet-4-5"}}
    said = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Hi"},
    }
    chunks = [
        (10.0, json.dumps(started)),
        (20.0, json.dumps(said)),
        (30.0, '{"type":"message_stop"}'),
    ]
    record = logged(product, stream(*chunks, path=None, provider=None))
    assert (record["dialect"], record["response_text"]) == ("anthropic", "Hi")
    assert record["outcome"] == "completed"


def test_the_same_log_twice_is_one_record(product: Product) -> None:
    """A caller that did not hear the answer sends it again."""
    body = stream(*WHOLE)
    logged(product, body)
    logged(product, body)
    assert len(product.records(id=body["id"])) == 1


def test_what_was_acknowledged_survives(product: Product) -> None:
    """The recorder is killed right after its answer."""
    bodies = [stream(*WHOLE) for _ in range(20)]
    for body in bodies:
        assert product.http.post("/api/v1/log", json=body).status_code == 200
    product.kill_recorder()
    until(lambda: product.http.get("/api/v1/stats").status_code == 200 or None)
    for body in bodies:
        assert product.record(body["id"])["response_text"] == "Hello"


def test_a_custom_event_is_kept(product: Product) -> None:
    """Tools, vector databases, data."""
    event = {"_type": "tool", "toolName": "weather", "input": {"city": "Paris"}}
    record = logged(product, log(path=None, provider=None, event=event, response={"body": "9 °C"}))
    assert (record["response_text"], record["usage_source"]) == ("9 °C", "unknown")
    assert record["properties"]["_type"] == "tool"
    assert json.loads(record["properties"]["_event"]) == event


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (log(id="not an id"), "id"),
        (log(started_at="yesterday"), "started_at"),
        (log(started_at="2026-11-20T10:00:00"), "started_at"),
        (log(started_at="2999-01-01T00:00:00Z"), "started_at"),
        (log(started_at="1969-12-31T23:59:59Z"), "started_at"),
        (log(started_at="0001-01-01T00:00:00+23:59"), "started_at"),
        (log(response={"status": 99}), "response.status"),
        (log(response={"cost_usd": -1}), "response.cost_usd"),
        (log(response={"chunks": [[-1, "x"]]}), "response.chunks[0][0]"),
        (log(response={"chunks": [["x", 1]]}), "response.chunks[0][0]"),
        (log(outcome="fine"), "outcome"),
        (log(labels={"properties": {"a": [1]}}), "labels.properties[...]"),
        ({}, "id"),
        ({"id": str(uuid4())}, "started_at"),
        ({"id": str(uuid4()), "started_at": STARTED}, "request"),
        ([], None),
    ],
)
def test_what_is_no_log_is_refused(api: httpx.Client, body: Any, param: str | None) -> None:
    """With the field at fault."""
    answer = api.post("/api/v1/log", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request"
    assert error.get("param") == param


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(api: httpx.Client, content: bytes) -> None:
    """And is no fault of ours."""
    assert api.post("/api/v1/log", content=content).status_code == 400


def test_it_may_be_packed(api: httpx.Client, served: Served) -> None:
    """With gzip; what unpacks to more than a log may have is refused."""
    packed = {"Content-Encoding": "gzip"}
    body = stream(*WHOLE)
    content = gzip.compress(json.dumps(body).encode())
    assert api.post("/api/v1/log", content=content, headers=packed).status_code == 200
    kinds = [Kind(entry.kind) for entry in served.written()]
    assert kinds[-7:] == [Kind.OPEN, Kind.HEAD, *[Kind.CHUNK] * 4, Kind.END]
    bomb = gzip.compress(bytes(20_000_000))
    assert api.post("/api/v1/log", content=bomb, headers=packed).status_code == 413
    assert api.post("/api/v1/log", content=b"plain", headers=packed).status_code == 400


def test_what_is_too_long_is_refused(api: httpx.Client) -> None:
    """Before it is read."""
    answer = api.post("/api/v1/log", content=b" " * 10_000_001)
    assert answer.status_code == 413


def test_secrets_are_not_written_down(api: httpx.Client, served: Served) -> None:
    """Neither of headers nor of a query."""
    body = log(
        path="/v1/models?key=AIza-secret",
        response={"status": 200, "headers": {"Set-Cookie": "secret=1", "x-request-id": "r1"}},
    )
    assert api.post("/api/v1/log", json=body).status_code == 200
    written = b"".join(bytes(entry.payload) for entry in served.written())
    assert b"secret" not in written
    assert b"r1" in written


def test_a_full_disk_is_no_acknowledgement(
    api: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller keeps the log and sends it again."""
    lost = iter([0, 5])
    monkeypatch.setattr(served.journal, "lost", lambda: next(lost))
    assert api.post("/api/v1/log", json=stream(*WHOLE)).status_code == 503
