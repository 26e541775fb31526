"""What a request says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.request import RequestFacts, read_request


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (b'{"model":"m","stream":true,"user":"u"}', RequestFacts("m", True, "u")),
        (b'{"model":"m"}', RequestFacts("m", False, None)),
        (b'{"model":"m","metadata":{"user_id":"u"}}', RequestFacts("m", False, "u")),
        (b'{"user":"u","metadata":{"user_id":"v"}}', RequestFacts(user="u")),
        (b'{"safety_identifier":"u"}', RequestFacts(user="u")),
        (b'{"model":"m","stream":null,"metadata":[]}', RequestFacts("m")),
        (b'{"model":7,"stream":"yes","user":{}}', RequestFacts()),
        (b"", RequestFacts()),
        (b"not json", RequestFacts()),
        (b"[" * 100_000, RequestFacts()),
        (b'{"model":"\xff"}', RequestFacts()),
        (b'["a"]', RequestFacts()),
    ],
)
def test_facts_are_read_and_nothing_else_matters(body: bytes, facts: RequestFacts) -> None:
    """What is not there, or not JSON, is absent."""
    assert read_request(body) == facts


@pytest.mark.parametrize(
    ("path", "body", "facts"),
    [
        ("/v1beta/models/g-2.5:streamGenerateContent?alt=sse", b"{}", RequestFacts("g-2.5", True)),
        ("/v1beta/models/g-2.5:generateContent", b"{}", RequestFacts("g-2.5")),
        ("/v1/projects/p/publishers/google/models/g:generateContent", b"", RequestFacts("g")),
        ("/model/a.claude-v1%3A0/converse-stream", b"{}", RequestFacts("a.claude-v1:0", True)),
        ("/model/a.claude-v1:0/invoke", b"{}", RequestFacts("a.claude-v1:0")),
        ("/model/m/invoke-with-response-stream", b"", RequestFacts("m", True)),
        ("/v1/models/o/m/predictions", b'{"stream":true}', RequestFacts("o/m", True)),
        ("/ml/v1/text/generation_stream?v=1", b'{"model_id":"i/m"}', RequestFacts("i/m", True)),
        ("/v1/chat/completions", b'{"model":"m"}', RequestFacts("m")),
    ],
)
def test_the_path_may_name_the_model_and_say_that_it_is_a_stream(
    path: str, body: bytes, facts: RequestFacts
) -> None:
    """As those of Google, AWS, Replicate and IBM do."""
    assert read_request(body, path) == facts


@given(st.binary(max_size=100))
def test_no_body_is_an_error(body: bytes) -> None:
    """Bodies are whatever clients send."""
    assert isinstance(read_request(body), RequestFacts)
