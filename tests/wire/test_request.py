"""What a request says."""

from __future__ import annotations

import pytest

from streamgauge.wire.request import RequestFacts, read_request


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (b'{"model":"m","stream":true,"user":"u"}', RequestFacts("m", True, "u")),
        (b'{"model":"m"}', RequestFacts("m", False, None)),
        (b'{"model":"m","metadata":{"user_id":"u"}}', RequestFacts("m", False, "u")),
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
