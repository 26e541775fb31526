"""Heads: what is passed on, what is ours, what is secret."""

from __future__ import annotations

import pytest

from streamgauge.gateway import head as heads
from streamgauge.gateway.head import (
    KeyHasher,
    RequestHead,
    ResponseHead,
    client_response,
    upstream_request,
    without_secrets,
)


def request(*headers: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(b"POST", b"/openai/v1/x", "1.1", [(b"Host", b"gateway"), *headers])


def sent(head: RequestHead, *, websocket: bool = False) -> list[bytes]:
    raw = upstream_request(head, path=b"/v1/x", host=b"api.openai.com", websocket=websocket)
    assert raw.endswith(b"\r\n\r\n")
    return raw[:-4].split(b"\r\n")


def answered(*headers: tuple[bytes, bytes]) -> list[bytes]:
    head = ResponseHead(200, b"OK", list(headers))
    return client_response(head, ours=b"Ours: 1", framing=b"Framing: 2")[:-4].split(b"\r\n")


def test_the_request_goes_to_the_providers_host() -> None:
    """The first line and the Host header are made anew."""
    assert sent(request())[:2] == [b"POST /v1/x HTTP/1.1", b"Host: api.openai.com"]


def test_the_clients_headers_are_passed_on_as_spelled() -> None:
    """Names keep their case, values their bytes, repeated headers their order."""
    lines = sent(request((b"X-b", b"\xe9"), (b"X-a", b"1"), (b"X-b", b"2")))
    assert lines[2:5] == [b"X-b: \xe9", b"X-a: 1", b"X-b: 2"]


@pytest.mark.parametrize("name", sorted(heads.HOP_BY_HOP))
def test_hop_by_hop_headers_end_here(name: bytes) -> None:
    """RFC 9110 §7.6.1."""
    assert name + b": x" not in [line.lower() for line in sent(request((name, b"x")))]
    assert name + b": x" not in [line.lower() for line in answered((name, b"x"))]


def test_headers_that_connection_names_end_here_too() -> None:
    """RFC 9110 §7.6.1: whatever `Connection` lists is for one hop."""
    lines = sent(request((b"Connection", b"close, X-Private"), (b"X-Private", b"1")))
    assert b"X-Private: 1" not in lines
    lines = answered((b"X-Private", b"1"), (b"Connection", b"X-Private"))
    assert b"X-Private: 1" not in lines


@pytest.mark.parametrize("prefix", ["Streamgauge-", "Helicone-", "helicone-"])
def test_our_headers_are_taken_off_but_journaled(prefix: str) -> None:
    """They are for us; the recorder reads them from the journal."""
    name = f"{prefix}User-Id".encode()
    head = request((name, b"alice"))
    assert not [line for line in sent(head) if b"alice" in line]
    assert (name.decode(), "alice") in head.kept


@pytest.mark.parametrize("name", sorted(heads.SECRET))
def test_secrets_are_forwarded_but_never_journaled(name: bytes) -> None:
    """The provider needs the key; the journal must not have it."""
    head = request((name.title(), b"sk-secret"))
    assert "sk-secret" not in repr(head.kept)
    response = ResponseHead(200, b"OK", [(name.title(), b"sk-secret")])
    assert "sk-secret" not in repr(response.kept)


def test_the_key_is_found_wherever_providers_want_it() -> None:
    """OpenAI, Anthropic, Azure and Google each have their own header."""
    for name in heads.KEY_HEADERS:
        assert request((name.title(), b"k")).key == b"k"


def test_body_framing_is_kept() -> None:
    """A length stays a length, chunked stays chunked."""
    assert b"Content-Length: 5" in sent(request((b"content-length", b"5")))
    assert b"Transfer-Encoding: chunked" in sent(request((b"transfer-encoding", b"chunked")))


def test_a_websocket_upgrade_is_passed_on() -> None:
    """The two hop-by-hop headers it consists of are set again."""
    lines = sent(request((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")), websocket=True)
    assert b"Connection: Upgrade" in lines
    assert b"Upgrade: websocket" in lines


def test_streams_must_not_be_buffered_or_transformed() -> None:
    """X-Accel-Buffering for nginx in front of us, no-transform for everybody else."""
    lines = answered((b"Content-Type", b"text/event-stream"), (b"Cache-Control", b"no-cache"))
    assert b"X-Accel-Buffering: no" in lines
    assert b"Cache-Control: no-cache, no-transform" in lines
    assert len([line for line in lines if line.lower().startswith(b"cache-control")]) == 1


def test_other_answers_are_left_alone() -> None:
    """A JSON body may be cached as its provider says."""
    lines = answered((b"Content-Type", b"application/json"), (b"Cache-Control", b"max-age=5"))
    assert b"Cache-Control: max-age=5" in lines
    assert b"X-Accel-Buffering: no" not in lines


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (
            b"/v1beta/models/x:stream?alt=sse&key=AIza",
            "/v1beta/models/x:stream?alt=sse&key=REDACTED",
        ),
        (b"/x?api-key=1&b=2", "/x?api-key=REDACTED&b=2"),
        (b"/x?X-Amz-Signature=ab&X-Amz-Date=1", "/x?X-Amz-Signature=REDACTED&X-Amz-Date=1"),
        (b"/x?monkey=1", "/x?monkey=1"),
    ],
)
def test_secrets_in_queries_are_replaced(path: bytes, kept: str) -> None:
    """What is left still tells which call it was."""
    assert without_secrets(path) == kept


def test_a_key_is_named_without_being_told() -> None:
    """The same key has the same name, with or without `Bearer`; another secret, another name."""
    hasher = KeyHasher(b"one")
    assert hasher(b"Bearer sk-1") == hasher(b"sk-1")
    assert hasher(b"sk-1") != hasher(b"sk-2")
    assert hasher(b"sk-1") != KeyHasher(b"two")(b"sk-1")
    assert hasher(None) is None


def test_made_up_names_and_keys_do_not_grow_the_tables() -> None:
    """Both tables forget rather than grow."""
    for number in range(heads.MOST_KNOWN_NAMES + 10):
        request((b"x-%d" % number, b"1"))
    assert len(heads.KNOWN_NAMES) <= heads.MOST_KNOWN_NAMES
    hasher = KeyHasher(b"one")
    for number in range(KeyHasher.MOST + 10):
        hasher(b"%d" % number)
    assert len(hasher._known) <= KeyHasher.MOST
