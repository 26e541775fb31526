"""HTTP on the wire: a socket, bytes in, bytes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.simulator.wire import BODY, Wire, chunks_of, client, post


@pytest.fixture
def wire(simulator) -> Iterator[Wire]:
    with client(simulator) as connected:
        yield connected


def test_one_connection_serves_several_requests(wire):
    """Keep-alive, after a stream as after a plain answer."""
    for tokens in (3, 1, 2):
        wire.send(post(f"Simulate-Tokens: {tokens}"))
        assert b" 200 OK" in wire.until(b"\r\n\r\n")
        assert wire.until(b"0\r\n\r\n").count(b'"content":"') == tokens + 1


def test_requests_sent_ahead_are_answered_in_order(wire):
    """Pipelining (RFC 9112 §9.3.2)."""
    wire.send(
        post("Simulate-Tokens: 1") + post("Simulate-Status: 429") + post("Simulate-Tokens: 2")
    )
    assert b" 200 OK" in wire.until(b"0\r\n\r\n")
    assert b" 429 " in wire.until(b"\r\n\r\n")
    assert wire.until(b"0\r\n\r\n").count(b'"content":"') == 3


def test_a_chunked_request_is_read(wire):
    """A body in pieces, sent in pieces."""
    wire.send(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for at in range(0, len(BODY), 7):
        piece = BODY[at : at + 7]
        wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    wire.send(b"0\r\n\r\n")
    assert b" 200 OK" in wire.until(b"\r\n\r\n")
    assert b'"model":"m"' in wire.until(b"0\r\n\r\n")


def test_a_client_that_waits_is_told_to_go_on(wire):
    """Expect: 100-continue (RFC 9110 §10.1.1)."""
    head, _, body = post("Expect: 100-continue").partition(b"\r\n\r\n")
    wire.send(head + b"\r\n\r\n")
    assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(body)
    assert b" 200 OK" in wire.until(b"\r\n\r\n")


def test_a_client_that_wants_the_end_gets_it(wire):
    """Connection: close, and the answer says so."""
    wire.send(post("Connection: close"))
    assert b"connection: close" in wire.until(b"\r\n\r\n")
    assert wire.rest().endswith(b"0\r\n\r\n")


def test_an_old_client_gets_no_chunks(wire):
    """HTTP/1.0 ends a stream with its connection (RFC 9112 §6.3)."""
    wire.send(post("Simulate-Tokens: 2").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert b"transfer-encoding" not in wire.until(b"\r\n\r\n")
    assert wire.rest().endswith(b"data: [DONE]\n\n")


def test_a_head_request_has_no_body(wire):
    """Then the next answer follows."""
    wire.send(b"HEAD /v1/models HTTP/1.1\r\nHost: s\r\n\r\n")
    assert b" 200 OK" in wire.until(b"\r\n\r\n")
    wire.send(b"GET /v1/models HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
    assert wire.rest().startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused(wire, nonsense):
    """400, and the connection ends."""
    wire.send(nonsense)
    assert wire.rest().startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_head_without_end_is_refused(wire):
    """Memory is bounded."""
    wire.send(b"GET / HTTP/1.1\r\n" + b"x-long: " + b"y" * 140_000 + b"\r\n\r\n")
    assert wire.rest().startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("mode", ["events", "ragged", "bytes", "whole"])
def test_a_write_holds_what_was_wished(wire, mode):
    """A chunk of the body for each write: an event, a ragged piece, a byte, all."""
    wire.send(post(f"Simulate-Chunks: {mode}", "Simulate-Tokens: 20", "Connection: close"))
    wire.until(b"\r\n\r\n")
    writes = chunks_of(wire.rest())
    events = [event + b"\n\n" for event in b"".join(writes).split(b"\n\n")[:-1]]
    assert len(events) == 23
    expected = {
        "events": events,
        "bytes": [bytes([byte]) for byte in b"".join(events)],
        "whole": [b"".join(events)],
        "ragged": writes,
    }
    assert writes == expected[mode]
    if mode == "ragged":
        assert len(set(map(len, writes))) > 5
        assert any(b"\n\n" in write[:-2] for write in writes), "cuts cross the borders of events"


def test_a_stream_can_end_with_its_connection(wire):
    """As HTTP/1.0 servers do."""
    wire.send(post("Simulate-Framing: close", "Simulate-Tokens: 3"))
    assert b"connection: close" in wire.until(b"\r\n\r\n")
    assert wire.rest().endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("mode", ["events", "ragged", "characters"])
def test_a_stream_can_have_a_length(wire, mode):
    """Some proxies buffer a stream and send it so; the length is right however it is cut."""
    coded = ("Simulate-Encoding: gzip", f"Simulate-Chunks: {mode}")
    wire.send(post("Simulate-Framing: length", "Simulate-Tokens: 9", *coded))
    head = wire.until(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])
    wire.send(post("Simulate-Status: 500"))
    body = wire.until(b"HTTP/1.1 500 ")
    assert len(body) - len(b"HTTP/1.1 500 ") == length


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_client_that_leaves_is_noticed(simulator, after):
    """At once, before and after the first token; the account says so."""
    name = uuid4().hex
    with client(simulator) as leaving:
        wait = "5000" if after == 0 else "0"
        leaving.send(
            post(f"X-Test: {name}", "Simulate-Tokens: 1000", "Simulate-Itl-Ms: 20",
                 f"Simulate-Ttft-Ms: {wait}")
        )  # fmt: skip
        leaving.until(b"\r\n\r\n")
        for _ in range(after):
            leaving.until(b"\n\n")
    account = simulator.request(x_test=name)
    assert account["ended"] == "client_left"
    assert account["duration_ms"] < 5000
    assert (account["first_content_ms"] is None) == (after == 0)


def test_a_client_that_leaves_before_its_request_is_whole_does_no_harm(simulator):
    """Nothing is answered, and the next client is served."""
    with client(simulator) as leaving:
        leaving.send(post()[:-5])
    with client(simulator) as next_one:
        next_one.send(post())
        assert b" 200 OK" in next_one.until(b"\r\n\r\n")
