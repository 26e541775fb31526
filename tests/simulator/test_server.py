"""The simulator as clients see it."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from uuid import uuid4

import httpx
import pytest

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.recordings import Library
from streamgauge.simulator.server import Simulator
from streamgauge.simulator.wishes import pace_of
from tests.simulating import RECORDINGS, RunningSimulator

CHAT = {"model": "gpt-of-nobody", "messages": [{"role": "user", "content": "Hello"}]}
RECORDED = Library(RECORDINGS).recordings


@pytest.fixture(scope="module")
def http(simulator):
    with httpx.Client(base_url=simulator.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize("chunks", ["events", "ragged"])
def test_every_recording_is_played_as_it_was_recorded(http, chunks):
    """All of them, by name, whole and at ragged borders, with status and content type."""
    assert len(RECORDED) > 150
    for recording in RECORDED:
        headers = {"Simulate-Recording": recording.file, "Simulate-Chunks": chunks}
        answer = http.post("/any/path", json={}, headers=headers)
        assert sha256(answer.content).hexdigest() == recording.sha256, recording.file
        assert answer.status_code == recording.http_status
        assert answer.headers["content-type"] == recording.content_type


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_recordings_can_be_compressed(http, encoding):
    """The client's own decoder gives the recorded bytes."""
    for recording in RECORDED[::10]:
        headers = {"Simulate-Recording": recording.file, "Simulate-Encoding": encoding}
        answer = http.post("/v1/messages", json={}, headers=headers)
        assert answer.headers["content-encoding"] == encoding
        assert sha256(answer.content).hexdigest() == recording.sha256, recording.file


def test_a_recording_is_played_byte_by_byte(http):
    """The smallest writes there are."""
    headers = {"Simulate-Recording": "cohere/cohere/astream", "Simulate-Chunks": "bytes"}
    answer = http.post("/v2/chat", json={}, headers=headers)
    named = next(one for one in RECORDED if one.file == "cohere/cohere/astream.sse")
    assert sha256(answer.content).hexdigest() == named.sha256


def test_a_model_that_was_recorded_is_played(simulator, http):
    """Path and model choose; a wish for tokens has the answer made instead."""
    name = uuid4().hex
    body = {**CHAT, "model": "llama3-8b-8192", "stream": True}
    played = http.post("/openai/v1/chat/completions", json=body, headers={"X-Test": name})
    assert simulator.request(x_test=name)["recording"].startswith("groq/openai_chat/")
    made = http.post("/openai/v1/chat/completions", json=body, headers={"Simulate-Tokens": "3"})
    assert len(made.content) < len(played.content)
    assert b'"model":"llama3-8b-8192"' in made.content


def test_the_list_of_recordings_is_the_manifest(simulator):
    """With what tests compare: file, path, bytes, sha256."""
    listed = simulator.recordings()
    assert [one["file"] for one in listed] == [one.file for one in RECORDED]
    assert {"provider", "dialect", "path", "bytes", "sha256"} <= listed[0].keys()


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions", "/v1/messages", "/together/v1/chat/completions", "/v1/completions"],
)
def test_streamed_and_plain_answers_agree(http, path):
    """Content types differ, the words do not."""
    headers = {"Simulate-Tokens": "7"}
    plain = http.post(path, json=CHAT, headers=headers)
    streamed = http.post(path, json={**CHAT, "stream": True}, headers=headers)
    assert plain.headers["content-type"] == "application/json"
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert plain.headers["content-length"] == str(len(plain.content))
    assert plain.json()["model"] == "gpt-of-nobody"
    assert b'"model":"gpt-of-nobody"' in streamed.content


def test_times_are_kept(simulator, http):
    """The account's times are the wished ones, never early by more than a timer's step."""
    name = uuid4().hex
    headers = {
        "X-Test": name,
        "Simulate-Tokens": "11",
        "Simulate-Ttft-Ms": "150",
        "Simulate-Itl-Ms": "10",
    }
    http.post("/v1/chat/completions", json={**CHAT, "stream": True}, headers=headers)
    account = simulator.request(x_test=name)
    assert account["head_ms"] < account["first_content_ms"]
    assert 149 <= account["first_content_ms"] < 5000
    assert 249 <= account["last_content_ms"] < 5000
    assert account["writes"] == 14


def test_what_was_received_is_told_without_secrets(simulator, http):
    """Headers and body for tests to compare; keys stay out."""
    name = uuid4().hex
    headers = {
        "X-Test": name,
        "Authorization": "Bearer not-for-logs",
        "X-Api-Key": "not-for-logs",
        "Simulate-Status": "401",
    }
    http.post("/v1/messages?beta=true", json=CHAT, headers=headers)
    account = simulator.request(x_test=name)
    assert account["target"] == "/v1/messages?beta=true"
    assert account["body"] == http.build_request("POST", "/", json=CHAT).content.decode()
    assert account["body_sha256"] == sha256(account["body"].encode()).hexdigest()
    assert (account["provider"], account["model"]) == ("anthropic", "gpt-of-nobody")
    assert (account["status"], account["ended"]) == (401, "finished")
    assert "not-for-logs" not in str(account)


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        ("/v1/nothing", {}, 404, "/v1/nothing"),
        ("/v1/chat/completions", {"Simulate-Recording": "none such"}, 404, "none such"),
        ("/v1/chat/completions", {"Simulate-Tokens": "many"}, 400, "simulate-tokens"),
        ("/v2/chat", {"Simulate-Tokens": "5"}, 404, "recordings only"),
        ("/v1/chat/completions", {"Simulate-Status": "429"}, 429, "Rate limit"),
    ],
)
def test_errors_say_what_was_wrong(http, path, headers, status, said):
    """In the provider's shape."""
    answer = http.post(path, json=CHAT, headers=headers)
    assert answer.status_code == status
    assert said in answer.text
    assert ("retry-after" in answer.headers) == (status == 429)


@pytest.mark.parametrize("body", [b"no json", b"[1]", b'{"model":', b"\xff\xfe{}"])
def test_a_body_that_is_no_object_is_refused(http, body):
    """400, as providers do."""
    answer = http.post("/v1/messages", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_get_where_a_post_belongs_is_refused(http):
    """405."""
    assert http.get("/v1/messages").status_code == 405


def test_models_are_listed(http):
    """Ours and the recorded ones."""
    names = {model["id"] for model in http.get("/v1/models").json()["data"]}
    assert {"gpt-4o-mini", "llama3-8b-8192"} <= names


def test_the_wishes_are_explained(http):
    """GET /simulator."""
    assert "tokens" in http.get("/simulator").json()["simulate-tokens"]


@pytest.mark.parametrize("is_stream", [True, False])
def test_made_answers_come_at_a_pace_unless_a_request_wishes_another(is_stream):
    """The gap of the request comes before that of the simulator; the rest of the pace stays."""
    running = RunningSimulator(pace=pace_of(ttft_ms="60", itl_ms="3600000", jitter_ms="0"))
    wished = {"Simulate-Tokens": "4", "Simulate-Itl-Ms": "10"}
    asked = {"stream": is_stream}
    with httpx.Client(base_url=running.url, trust_env=False, timeout=60) as client:
        client.post("/v1/chat/completions", json=asked, headers=wished).raise_for_status()
        big = {"Simulate-Bytes": "5000"}  # no pace: it would take days
        client.post("/v1/chat/completions", json={"stream": True}, headers=big).raise_for_status()
    account = running.request(f'"stream":{str(is_stream).lower()}', simulate_tokens="4")
    running.stop()
    assert account["duration_ms"] >= 60 + 2 * 10  # and the third gap, but for a timer's haste


def test_a_recording_comes_at_once_whatever_the_pace():
    """It has no tokens of ours that could be late."""
    running = RunningSimulator(pace=pace_of(ttft_ms="3600000"))
    named = {"Simulate-Recording": "agent_arun_streaming"}
    with httpx.Client(base_url=running.url, trust_env=False, timeout=60) as client:
        answer = client.post("/v1/chat/completions", json={"stream": True}, headers=named)
    running.stop()
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_a_slow_reader_holds_the_stream_back():
    """A gigabyte is promised, and little of it is made for a client that does not read."""
    simulator = Simulator(None, seed=1, port=0)
    await simulator.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    body = b'{"stream":true}'
    head = "POST /v1/chat/completions HTTP/1.1\r\nSimulate-Bytes: 1000000000\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await reader.readuntil(b"\r\n\r\n")

    async def made() -> int:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.get(f"{simulator.url}/simulator/requests")
            return int(answer.json()[0]["bytes_out"])

    before = -1
    while before != (now := await made()):  # until the socket's buffers are full
        before = now
        await asyncio.sleep(0.3)
    assert 0 < now < 100_000_000
    writer.close()
    await writer.wait_closed()
    await simulator.stop()


async def test_a_port_that_is_taken_is_told_in_one_line():
    """An address that cannot be had is a matter of configuration."""
    one = Simulator(None, seed=1, port=0)
    await one.start()
    with pytest.raises(ConfigurationError, match=r"cannot listen on 127\.0\.0\.1"):
        await Simulator(None, seed=1, port=one.port).start()
    await one.stop()
    await one.stop()


async def test_stopping_ends_open_streams():
    """Nobody waits for a stream that goes on for an hour."""
    simulator = Simulator(None, seed=1, port=0)
    await simulator.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    body = b'{"stream":true}'
    head = "POST /v1/chat/completions HTTP/1.1\r\nSimulate-Ttft-Ms: 3600000\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await reader.readuntil(b"\r\n\r\n")
    await simulator.stop()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1_000_000)
    writer.close()


async def test_many_streams_run_at_once():
    """A few hundred open streams, each with its own text and its end."""
    simulator = Simulator(None, seed=1, port=0)
    await simulator.start()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=simulator.url, trust_env=False, timeout=30, limits=limits
    ) as client:

        async def one(number: int) -> str:
            headers = {"Simulate-Tokens": "5", "Simulate-Itl-Ms": "100"}
            body = {**CHAT, "stream": True, "user": str(number)}
            return (
                await client.post("/v1/chat/completions", json=body, headers=headers, timeout=60)
            ).text

        answers = await asyncio.gather(*(one(number) for number in range(200)))
    assert all(answer.endswith("data: [DONE]\n\n") for answer in answers)
    assert len(set(answers)) == 200
    await simulator.stop()
