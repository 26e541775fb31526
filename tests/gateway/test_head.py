"""Heads: what is passed on, what is ours, what is secret."""

from __future__ import annotations

import pytest

from streamgauge.gateway import head as heads
from streamgauge.gateway.head import (
    RequestHead,
    ResponseHead,
    client_response,
    upstream_request,
)
from streamgauge.secrets import KEY_HEADERS


def request(*headers: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(b"GET", b"/openai/v1/x", "1.1", [(b"Host", b"gateway"), *headers])


def sent(head: RequestHead) -> list[bytes]:
    raw = upstream_request(head, path=b"/v1/x", host=b"api.openai.com")
    assert raw.endswith(b"\r\n\r\n")
    return raw[:-4].split(b"\r\n")


def answered(*headers: tuple[bytes, bytes]) -> list[bytes]:
    head = ResponseHead(200, b"OK", list(headers))
    return client_response(head, ours=b"Ours: 1", framing=b"Framing: 2")[:-4].split(b"\r\n")


def test_the_request_goes_to_the_providers_host() -> None:
    """The first line and the Host header are made anew."""
    assert sent(request())[:2] == [b"GET /v1/x HTTP/1.1", b"Host: api.openai.com"]


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
    assert name + b": alice" in head.kept


@pytest.mark.parametrize("name", [b"Authorization", b"Helicone-Auth", b"X-Api-Key", b"Cookie"])
def test_secrets_are_forwarded_or_ours_but_never_journaled(name: bytes) -> None:
    """The provider needs the key; the journal must not have it."""
    head = request((name, b"sk-secret"))
    assert "sk-secret" not in repr(head.kept)
    response = ResponseHead(200, b"OK", [(name, b"sk-secret")])
    assert "sk-secret" not in repr(response.kept)


def test_a_secret_in_a_kept_headers_url_is_replaced() -> None:
    """A redirect to a signed address."""
    response = ResponseHead(302, b"Found", [(b"Location", b"https://x/y?a=1&X-Amz-Signature=ab")])
    assert response.kept == b"Location: https://x/y?a=1&X-Amz-Signature=REDACTED"
    assert response.forward == [b"Location: https://x/y?a=1&X-Amz-Signature=ab"]


def test_the_key_is_found_wherever_providers_want_it() -> None:
    """OpenAI, Anthropic, Azure and Google each have their own header."""
    for name in KEY_HEADERS:
        assert request((name.title(), b"k")).key == b"k"


@pytest.mark.parametrize(
    ("said", "theirs", "auth"),
    [
        (b"Bearer sk-prov, Bearer sk-helicone-x", b"Bearer sk-prov", b"Bearer sk-helicone-x"),
        (b"Bearer pk-helicone-x,Bearer sk-prov", b"Bearer sk-prov", b"Bearer pk-helicone-x"),
        (b"Bearer sk-helicone-x", b"Bearer sk-helicone-x", None),
        (b"Bearer sk-prov", b"Bearer sk-prov", None),
    ],
)
def test_a_key_of_helicones_beside_the_providers_goes_no_further(
    said: bytes, theirs: bytes, auth: bytes | None
) -> None:
    """Joined with a comma, as its clients may; alone, it may be what a provider wants."""
    head = request((b"Authorization", said), (b"X-a", b"1"))
    assert sent(head)[2:4] == [b"Authorization: " + theirs, b"X-a: 1"]
    assert head.key == theirs
    assert head.wishes.get(b"auth") == auth


def test_body_framing_is_kept() -> None:
    """A length stays a length, chunked stays chunked."""
    assert b"Content-Length: 5" in sent(request((b"content-length", b"5")))
    assert b"Transfer-Encoding: chunked" in sent(request((b"transfer-encoding", b"chunked")))


def test_a_websocket_upgrade_is_passed_on() -> None:
    """The two hop-by-hop headers it consists of are set again."""
    lines = sent(request((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")))
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


def test_made_up_names_do_not_grow_the_table() -> None:
    """It forgets rather than grow."""
    for number in range(heads.MOST_KNOWN_NAMES + 10):
        request((b"x-%d" % number, b"1"))
    assert len(heads.KNOWN_NAMES) <= heads.MOST_KNOWN_NAMES
