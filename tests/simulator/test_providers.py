from __future__ import annotations

import pytest

from streamgauge.simulator.providers import ENDPOINTS, error_body, target_of
from tests.simulating import RECORDINGS


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: f"{row.provider}{row.path}")
def test_every_real_path_is_its_providers(row):
    """A real path tells provider, dialect and model."""
    target = target_of(row.path.replace("{model}", "a.b-c%3A0"))
    assert (target.provider, target.dialect) == (row.provider, row.dialect)
    assert target.model == ("a.b-c:0" if "{model}" in row.path else None)


@pytest.mark.parametrize(
    ("path", "provider", "dialect"),
    [
        ("/together/v1/chat/completions", "together", "openai_chat"),
        ("/mistral/v1/chat/completions", "mistral", "openai_chat"),
        ("/openai/v1/chat/completions", "groq", "openai_chat"),
        ("/groq/openai/v1/chat/completions", "groq", "openai_chat"),
        ("/groq/v1/chat/completions", "groq", "openai_chat"),
        ("/anthropic/v1/messages", "anthropic", "anthropic"),
        ("/cohere/v9/what", "cohere", None),
        ("/v1/what", "openai", None),
        ("/", "openai", None),
    ],
)
def test_a_leading_name_tells_providers_apart(path, provider, dialect):
    """Real paths come first, then the name in front."""
    target = target_of(path)
    assert (target.provider, target.dialect) == (provider, dialect)


def test_a_header_tells_providers_apart_too():
    """The path still tells the dialect."""
    target = target_of("/v1/chat/completions", "together")
    assert (target.provider, target.dialect) == ("together", "openai_chat")


def test_every_recorded_path_of_a_known_dialect_is_known():
    """What we know of the paths is what recordings show."""
    import msgspec

    unknown = {"openai_assistants", "replicate", "watsonx"}
    for line in (RECORDINGS / "manifest.jsonl").read_bytes().splitlines():
        recorded = msgspec.json.decode(line)
        target = target_of(recorded["path"])
        if recorded["dialect"] not in unknown and recorded["provider"] != "snowflake":
            assert target.dialect == recorded["dialect"], recorded["path"]


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        (
            "openai",
            {
                "error": {
                    "message": "Slow",
                    "type": "rate_limit_exceeded",
                    "param": None,
                    "code": "rate_limit_exceeded",
                }
            },
        ),
        ("anthropic", {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow"}}),
        ("google", {"error": {"code": 429, "message": "Slow", "status": "RESOURCE_EXHAUSTED"}}),
        ("cohere", {"message": "Slow"}),
        ("ollama", {"error": "Slow"}),
    ],
)
def test_errors_have_the_providers_shape(provider, body):
    """The same trouble, in each provider's words."""
    assert error_body(provider, 429, "Slow") == body


def test_a_rare_status_has_the_words_of_a_near_one():
    """Any status from 400 to 599 has a body."""
    assert error_body("anthropic", 418)["error"]["type"] == "invalid_request_error"
    assert error_body("anthropic", 502)["error"]["type"] == "api_error"
