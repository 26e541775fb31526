"""What is never written down: by the names of headers and of parts of a query."""

from __future__ import annotations

import pytest

from streamgauge.secrets import KEY_HEADERS, KeyHasher, Signer, is_secret, redacted

SECRET = (
    *KEY_HEADERS,
    b"apikey",
    b"aws-access-key",
    b"aws-secret-key",
    b"aws-session-token",
    b"cf-access-client-secret",
    b"cookie",
    b"helicone-auth",
    b"helicone-fallbacks",
    b"helicone-jwt",
    b"helicone-openai-api-key",
    b"helicone-target-url",
    b"ocp-apim-subscription-key",
    b"proxy-authorization",
    b"sec-websocket-protocol",
    b"set-cookie",
    b"streamgauge-auth",
    b"streamgauge-fallbacks",
    b"x-amz-security-token",
    b"x-auth-token",
    b"xi-api-key",
)
KEPT = (
    b"anthropic-ratelimit-input-tokens-remaining",
    b"content-type",
    b"helicone-property-api-key",
    b"helicone-user-id",
    b"idempotency-key",
    b"openai-organization",
    b"streamgauge-property-token",
    b"x-ratelimit-remaining-tokens",
    b"x-request-id",
)


@pytest.mark.parametrize("name", SECRET)
def test_what_holds_a_key_is_not_kept(name: bytes) -> None:
    """Whichever provider, proxy or cloud it is for."""
    assert is_secret(name)


@pytest.mark.parametrize("name", KEPT)
def test_what_only_sounds_like_a_key_is_kept(name: bytes) -> None:
    """Counts of tokens, and labels that users name as they like."""
    assert not is_secret(name)


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
        (b"/x?subscription-key=1&max_tokens=5", "/x?subscription-key=REDACTED&max_tokens=5"),
        (b"/x?access_token=1;b=2", "/x?access_token=REDACTED;b=2"),
    ],
)
def test_secrets_in_queries_are_replaced(path: bytes, kept: str) -> None:
    """What is left still tells which call it was."""
    assert redacted(path).decode() == kept


def test_a_key_is_named_without_being_told() -> None:
    """The same key has the same name, with or without `Bearer`; another secret, another name."""
    hasher = KeyHasher(b"one")
    assert hasher(b"Bearer sk-1") == hasher(b"sk-1")
    assert hasher(b"sk-1") != hasher(b"sk-2")
    assert hasher(b"sk-1") != KeyHasher(b"two")(b"sk-1")
    assert hasher(None) is None


def test_made_up_keys_do_not_grow_the_table() -> None:
    """It forgets rather than grow."""
    hasher = KeyHasher(b"one")
    for number in range(KeyHasher.MOST + 10):
        hasher(b"%d" % number)
    assert len(hasher._known) <= KeyHasher.MOST


def test_a_signature_is_for_one_record_and_one_time() -> None:
    """And nobody without the secret can make it."""
    signer = Signer(b"secret")
    signature = signer.sign("a", 100)
    assert signer.is_good("a", 100, signature, now=99)
    assert not signer.is_good("a", 100, signature, now=100)
    assert not signer.is_good("b", 100, signature, now=99)
    assert not signer.is_good("a", 101, signature, now=99)
    assert not signer.is_good("a", 100, "é", now=99)
    assert not Signer(b"other").is_good("a", 100, signature, now=99)
