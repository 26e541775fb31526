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


@given(st.binary(max_size=100))
def test_no_body_is_an_error(body: bytes) -> None:
    """Bodies are whatever clients send."""
    assert isinstance(read_request(body), RequestFacts)
