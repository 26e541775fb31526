"""What each fault looks like to a client that reads bytes."""

from __future__ import annotations

import gzip
import json
import re
from email.utils import parsedate_to_datetime
from uuid import uuid4

import httpx
import pytest

from tests.simulator.wire import Wire, chunks_of, client, post

TOKENS = 20
EVENTS = TOKENS + 3  # the role, the reason to end, [DONE]
PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
}


@pytest.fixture
def wire(simulator):
    with client(simulator) as connected:
        yield connected


def ask(wire: Wire, fault: str, *headers: str, path: str = PATHS["openai"]) -> None:
    tokens = f"Simulate-Tokens: {TOKENS}"
    wire.send(post(tokens, f"Simulate-Fault: {fault}", *headers, path=path))


def body(wire: Wire) -> bytes:
    """Read the body of an answer that ends in due form."""
    wire.until(b"\r\n\r\n")
    return b"".join(chunks_of(wire.until(b"\r\n0\r\n\r\n")))


def events(data: bytes) -> list[bytes]:
    return data.split(b"\n\n")[:-1]


def usual(simulator) -> bytes:
    with client(simulator) as other:
        ask(other, "none")
        return body(other)


def same(event: bytes) -> bytes:
    """Return *event* without what differs from second to second."""
    return re.sub(rb'"created":\d+', b"", event)


@pytest.mark.parametrize("fault", ["cut", "rst", "tls-abort"])
@pytest.mark.parametrize(
    ("after", "head", "count"),
    [
        ("request", False, 0),
        ("head", True, 0),
        ("opening", True, 1),
        ("0 events", True, 0),
        ("3 events", True, 3),
        ("all", True, EVENTS),
        ("end", True, EVENTS),
    ],
)
def test_a_connection_ends_where_it_should(simulator, wire, fault, after, head, count):
    """After so many events, or before the head; with FIN or with RST."""
    name = uuid4().hex
    ask(wire, f"{fault}; after={after}", f"X-Test: {name}")
    was_reset = False
    try:
        wire.rest()
    except ConnectionResetError:
        was_reset = True
    assert was_reset == (fault == "rst")
    assert wire.read.startswith(b"HTTP/1.1 200 ") == head
    assert len(events(wire.read)) == count
    assert wire.read.endswith(b"0\r\n\r\n") == (after == "end")
    account = simulator.request(x_test=name)
    assert (account["ended"], account["fault"]) == ("broken", fault)


@pytest.mark.parametrize("count", [0, 1, 100, 777])
def test_bytes_are_counted(wire, count):
    """Within an event, too."""
    ask(wire, f"cut; after={count} bytes")
    wire.rest()
    _, _, coded = wire.read.partition(b"\r\n\r\n")
    assert sum(map(len, chunks_of(coded + b"0\r\n\r\n"))) == count


def test_a_plain_answer_is_cut_under_its_length(wire):
    """The length is that of the whole."""
    wire.send(post("Simulate-Fault: cut; after=10 bytes", body=b'{"model":"m"}'))
    wire.rest()
    head, _, data = wire.read.partition(b"\r\n\r\n")
    assert len(data) == 10
    assert int(re.search(rb"content-length: (\d+)", head)[1]) > 100


def test_a_stall_waits_and_goes_on(wire, simulator):
    """All of the answer comes, in the end."""
    name = uuid4().hex
    ask(wire, "stall; after=2 events; lasting=300ms", f"X-Test: {name}")
    assert len(events(body(wire))) == EVENTS
    account = simulator.request(x_test=name)
    assert account["head_ms"] < account["last_content_ms"]
    assert account["last_content_ms"] >= 299


def test_a_stall_before_the_head_holds_it_back(wire, simulator):
    """And all that follows."""
    name = uuid4().hex
    ask(wire, "stall; after=request; lasting=200ms", f"X-Test: {name}")
    assert len(events(body(wire))) == EVENTS
    assert simulator.request(x_test=name)["head_ms"] >= 199


@pytest.mark.parametrize("after", ["request", "head", "opening", "3 events", "all"])
def test_a_stall_for_ever_lasts_until_the_client_leaves(simulator, after):
    """The connection stays open, without a word."""
    name = uuid4().hex
    with client(simulator) as stalled:
        ask(stalled, f"stall; after={after}", f"X-Test: {name}")
        stalled.socket.settimeout(0.4)
        with pytest.raises(TimeoutError):
            stalled.rest()
        assert not stalled.read.endswith(b"\r\n0\r\n\r\n")
    assert simulator.request(x_test=name)["ended"] == "client_left"


@pytest.mark.parametrize(
    ("path", "ping"),
    [(PATHS["openai"], b": ping"), (PATHS["anthropic"], b'event: ping\ndata: {"type":"ping"}')],
)
def test_pings_keep_a_silent_stream_alive(wire, path, ping):
    """Before the first content; then the answer goes on."""
    ask(wire, "pings; gap=20ms; lasting=200ms", path=path)
    said = events(body(wire))
    first = next(
        at for at, event in enumerate(said) if b'"content":"' in event[:300] or b"_delta" in event
    )
    assert said.count(ping) >= 10
    assert len(said) > TOKENS + 10
    assert first >= 0


def test_a_drip_is_small_and_slow(wire, simulator):
    """So many bytes for each write."""
    name = uuid4().hex
    ask(wire, "drip; after=21 events; bytes=16; gap=5ms", f"X-Test: {name}")
    wire.until(b"\r\n\r\n")
    writes = chunks_of(wire.until(b"\r\n0\r\n\r\n"))
    assert all(len(write) <= 16 for write in writes[21:])
    assert len(writes) > 30
    assert simulator.request(x_test=name)["duration_ms"] >= 5 * (len(writes) - 22)


@pytest.mark.parametrize(
    ("options", "status", "wait", "said"),
    [
        ("code=429", 429, None, "rate_limit"),
        ("code=429; retry-after=7", 429, "7", "rate_limit"),
        ("code=503", 503, None, "server_error"),
        ("", 500, None, "server_error"),
        ("code=400; kind=context_length_exceeded", 400, None, "context_length_exceeded"),
    ],
)
def test_a_status_is_answered_in_the_provider_s_shape(simulator, options, status, wait, said):
    """With `Retry-After` only where asked for."""
    fault = f"status; {options}".rstrip("; ")
    answer = httpx.post(
        f"{simulator.url}/v1/chat/completions",
        json={},
        headers={"Simulate-Fault": fault},
        timeout=30,
    )
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == wait
    assert said in str(answer.json()["error"])


def test_retry_after_may_be_a_date(simulator):
    """RFC 9110 §10.2.3 knows both forms."""
    headers = {"Simulate-Fault": "status; code=429; retry-after-date=100"}
    answer = httpx.post(
        f"{simulator.url}/v1/chat/completions", json={}, headers=headers, timeout=30
    )
    date = parsedate_to_datetime(answer.headers["retry-after"])
    assert answer.headers["retry-after"].endswith(" GMT")
    assert date.utcoffset() is not None


@pytest.mark.parametrize(
    ("path", "last"),
    [
        (PATHS["openai"], b'data: {"error":{"message":"Overloaded"'),
        (PATHS["anthropic"], b'event: error\ndata: {"type":"error","error":{"type":"overloaded'),
    ],
)
def test_an_error_event_ends_a_stream(wire, path, last):
    """In due form, and without the terminal event."""
    ask(wire, "error; after=4 events; code=529", path=path)
    said = events(body(wire))
    assert len(said) == 5
    assert said[-1].startswith(last)


@pytest.mark.parametrize(
    ("recording", "last"),
    [
        ("cohere/cohere/astream", b'"finish_reason":"ERROR"'),
        ("google/gemini/code_execution_stream", b'"status":"INTERNAL"'),
        ("ollama/ollama_chat/ollama_streaming_chat_legacy", b'{"error":"The server had'),
    ],
)
def test_recordings_have_their_dialect_s_error(simulator, recording, last):
    """Each in its own framing."""
    headers = {"Simulate-Recording": recording, "Simulate-Fault": "error; after=1 events"}
    path = {"cohere": "/v2/chat", "google": "/v1beta/models/g:streamGenerateContent"}.get(
        recording.partition("/")[0], "/api/chat"
    )
    answer = httpx.post(f"{simulator.url}{path}", json={}, headers=headers, timeout=30)
    assert last in answer.content
    assert len(re.split(rb"\n\n|\r\n\r\n|\n(?=\{)", answer.content.strip())) == 2


def test_an_eventstream_has_its_exception(simulator):
    """With lengths and checksums that are right: botocore reads it."""
    from botocore.eventstream import EventStreamBuffer

    one = next(one for one in simulator.recordings() if one["framing"] == "eventstream")
    buffer = EventStreamBuffer()
    for fault in ("garbage; after=1 events", "error; after=1 events"):
        headers = {"Simulate-Recording": one["file"], "Simulate-Fault": fault}
        answer = httpx.post(f"{simulator.url}{one['path']}", json={}, headers=headers, timeout=30)
        buffer.add_data(answer.content)
    messages = [message.to_response_dict() for message in buffer]
    assert b'{"this is not JSON' in [message["body"] for message in messages]
    assert messages[-1]["headers"][":exception-type"] == "internalServerException"


def test_garbage_is_one_event_more(wire, simulator):
    """The others come as they would."""
    ask(wire, "garbage; after=5 events")
    said = events(body(wire))
    assert said.pop(5) == b'data: {"this is not JSON'
    assert [*map(same, said)] == [*map(same, events(usual(simulator)))]


def test_garbage_can_come_instead_of_a_head(wire):
    """And then the end."""
    ask(wire, "garbage; after=request")
    assert wire.rest() == b"this is not HTTP\r\n\r\n"


def test_a_giant_event_means_the_same(wire, simulator):
    """As large as asked for, and JSON."""
    ask(wire, "giant; after=5 events; bytes=300000")
    said = events(body(wire))
    assert len(said[5]) == 300_000 - len(b"\n\n")
    expected = events(usual(simulator))
    assert json.loads(said[5][6:])["choices"] == json.loads(expected[5][6:])["choices"]
    assert [*map(same, said[6:])] == [*map(same, expected[6:])]


@pytest.mark.parametrize("last", [1, 2, 22])
def test_events_can_be_missing_at_the_end(wire, last):
    """The body ends in due form all the same."""
    ask(wire, f"drop; last={last}")
    assert len(events(body(wire))) == EVENTS - last


def test_a_body_can_end_too_early_in_due_form(wire):
    """And the connection serves the next request."""
    ask(wire, "end; after=3 events")
    assert len(events(body(wire))) == 3
    ask(wire, "none")
    assert len(events(body(wire))) == EVENTS


def test_a_body_can_go_on_after_its_end(wire):
    """Which nobody must take for an answer."""
    ask(wire, "overrun; after=3 events", "Connection: close")
    wire.rest()
    early, end, surplus = wire.read.partition(b"0\r\n\r\n")
    assert end
    assert early.count(b"data: ") == 3
    assert surplus.count(b"data: ") == EVENTS - 3


@pytest.mark.parametrize("by", [-20, 20])
def test_a_length_can_be_wrong(wire, by):
    """Too long a one ends with the connection; after too short a one there is a surplus."""
    ask(wire, f"length; by={by}", "Connection: close")
    wire.rest()
    head, _, data = wire.read.partition(b"\r\n\r\n")
    assert int(re.search(rb"content-length: (\d+)", head)[1]) == len(data) + by
    assert data.endswith(b"data: [DONE]\n\n")


def test_compressed_data_can_end_within(wire):
    """In due form for HTTP, not for gzip."""
    ask(wire, "gzip-cut; after=4 events")
    data = body(wire)
    with pytest.raises(EOFError):
        gzip.decompress(data)


def test_lines_can_end_with_cr_lf(wire, simulator):
    """All of them, and nothing else is changed."""
    ask(wire, "crlf")
    data = body(wire)
    assert data.count(b"\r\n") == data.count(b"\n") == 2 * EVENTS
    assert same(data.replace(b"\r\n", b"\n")) == same(usual(simulator))


def test_characters_can_be_split(wire, simulator):
    """Every one that can be; together they are what they were."""
    wire.send(post("Simulate-Tokens: 300", "Simulate-Fault: split"))
    wire.until(b"\r\n\r\n")
    writes = chunks_of(wire.until(b"\r\n0\r\n\r\n"))
    text = b"".join(writes).decode()
    assert sum(len(one.encode()) - 1 for one in text) == sum(
        0x80 <= write[0] < 0xC0 for write in writes
    )
    assert any(len(one.encode()) > 3 for one in text)


@pytest.mark.parametrize(
    ("fault", "plain", "said"),
    [
        ("explode", False, "no fault 'explode'"),
        ("cut; after=noon", False, "after=noon"),
        ("garbage", True, "and this answer is json"),
        ("crlf", True, "and this answer is json"),
    ],
)
def test_a_fault_that_makes_no_sense_is_answered_400(simulator, fault, plain, said):
    """With the header's name."""
    answer = httpx.post(
        f"{simulator.url}/v1/chat/completions",
        json={"stream": not plain},
        headers={"Simulate-Fault": fault},
        timeout=30,
    )
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "simulate-fault" in message
    assert said in message


def test_attempts_are_served_and_forgotten(simulator):
    """By model; a test has a model's name of its own."""
    model = uuid4().hex
    with httpx.Client(base_url=simulator.url, trust_env=False, timeout=30) as http:
        for status in (503, 503, 200, 200):
            answer = http.post(
                "/v1/chat/completions",
                json={"model": model},
                headers={"Simulate-Fault": "status; code=503; times=2"},
            )
            assert answer.status_code == status
        counts = http.get("/simulator/attempts").json()
        assert counts["models"][model] == {"attempts": 4, "faults": {"status": 2}}
        assert counts["connections"]["attempts"] > 0
        assert simulator.attempts(model) == 4


def test_whole_writes_can_be_broken(wire):
    """One piece, cut."""
    ask(wire, "cut; after=100 bytes", "Simulate-Chunks: whole")
    wire.rest()
    assert wire.read.partition(b"\r\n\r\n")[2].startswith(b"64\r\n")
