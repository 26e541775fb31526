"""Where requests go."""

# ruff: noqa: E501 - a table of ways reads best with one way a line

from __future__ import annotations

import secrets

import pytest

from streamgauge.gateway.head import RequestHead
from streamgauge.gateway.routes import (
    LONGEST_KNOWN_TARGET,
    MOST_KNOWN_TARGETS,
    Origin,
    Refused,
    Route,
    Routes,
)
from streamgauge.keys import PREFIX, SECRET_BYTES
from streamgauge.settings import load


def routes() -> Routes:
    return Routes(
        load(
            environment={},
            overrides={"allowed_targets": ["https://allowed.example:8443"]},
            providers={"here": "http://127.0.0.1:9/base/"},
        )
    )


def resolve(target: str, **headers: str) -> Route:
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return routes().resolve(RequestHead(b"POST", target.encode(), "1.1", pairs))


OURS = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
BEDROCK = "AWS4-HMAC-SHA256 Credential=AKID/20261123/eu-west-1/bedrock/aws4_request, Signature=x"

WAYS = {
    "a provider": ("/openai/v1/chat/completions", {}, "https://api.openai.com", "/v1/chat/completions"),
    "its query": ("/google/v1beta/m:s?alt=sse&key=k", {}, "https://generativelanguage.googleapis.com", "/v1beta/m:s?alt=sse&key=k"),
    "a base path": ("/here/v1/x", {}, "http://127.0.0.1:9", "/base/v1/x"),
    "the default": ("/v1/models", {}, "https://api.openai.com", "/v1/models"),
    "Helicone's OpenAI": ("/v1/gateway/oai/v1/models", {}, "https://api.openai.com", "/v1/models"),
    "Helicone's Anthropic": ("/v1/gateway/anthropic/v1/messages", {}, "https://api.anthropic.com", "/v1/messages"),
    "Azure's resource": ("/azure/my-res/openai/deployments/d", {}, "https://my-res.openai.azure.com", "/openai/deployments/d"),
    "a resource like a key": ("/azure/sg-openai-prod/openai/x", {}, "https://sg-openai-prod.openai.azure.com", "/openai/x"),
    "Bedrock as signed": ("/bedrock/model/m/invoke", {"Authorization": BEDROCK}, "https://bedrock-runtime.eu-west-1.amazonaws.com", "/model/m/invoke"),
    "Bedrock by key": ("/bedrock/model/m/invoke", {"Authorization": "Bearer k"}, "https://bedrock-runtime.us-east-1.amazonaws.com", "/model/m/invoke"),
    "a key before the path": ("/sk-helicone-abcdefgh/v1/models?a=b", {}, "https://api.openai.com", "/v1/models?a=b"),
    "a key behind the provider": ("/anthropic/pk-helicone-abc-defg/v1/messages", {}, "https://api.anthropic.com", "/v1/messages"),
    "an allowed target": ("/v1/x", {"Streamgauge_Target_Url": "https://allowed.example:8443/ignored"}, "https://allowed.example:8443", "/v1/x"),
    "a provider as target": ("/v1/x", {"Helicone_Target_URL": "https://api.groq.com"}, "https://api.groq.com", "/v1/x"),
}  # fmt: skip


@pytest.mark.parametrize("place", ["/{}/v1/models", "/openai/{}/v1/models"])
@pytest.mark.parametrize("key", ["sk-helicone-abcdefgh", OURS], ids=["Helicone", "ours"])
def test_a_key_in_the_path_is_a_key_and_no_path(place: str, key: str) -> None:
    """It says who asks; a header says it louder."""
    for told, expected in ((None, f"Bearer {key}"), ("Bearer sg-told", "Bearer sg-told")):
        headers = [(b"Streamgauge-Auth", told.encode())] if told else []
        head = RequestHead(b"GET", place.format(key).encode(), "1.1", headers)
        route = routes().resolve(head)
        assert (route.provider, route.path) == ("openai", b"/v1/models")
        assert head.wishes[b"auth"] == expected.encode()


@pytest.mark.parametrize(("target", "headers", "url", "path"), WAYS.values(), ids=WAYS)
def test_a_request_goes_where_its_path_says(
    target: str, headers: dict[str, str], url: str, path: str
) -> None:
    """Origin, Host header and path, query included."""
    route = resolve(target, **headers)
    assert route.url == url
    assert route.host.decode() == url.partition("//")[2]
    assert route.path.decode() == path
    assert route.is_recorded


def test_a_target_that_is_a_provider_keeps_its_name() -> None:
    """The record says groq, not a host name."""
    assert resolve("/v1/x", Helicone_Target_URL="https://api.groq.com").provider == "groq"


@pytest.mark.parametrize(
    "target", ["/", "/api/v1/records", "/healthz", "/records/1", "/openai", "/nobody/v1/x"]
)
def test_the_rest_is_the_recorders(target: str) -> None:
    """Dashboard, API and what nobody knows."""
    route = resolve(target)
    assert route.origin.scheme == "unix"
    assert not route.is_recorded
    assert route.path.decode() == target


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/custom/v1/log", "/custom/v1/log"),
        ("//custom/v1/log", "/custom/v1/log"),
        ("/a/prefix//oai/v1//log/", "/oai/v1/log"),
        ("/custom/v1/log/custom/v1/log", "/custom/v1/log"),
        ("/custom/v1/log/oai/v1/log?a=1", "/oai/v1/log?a=1"),
        ("/anthropic/v1/log", "/anthropic/v1/log"),
        ("/googleapis/v1/log", "/googleapis/v1/log"),
        ("/v1/trace/custom/v1/log", "/custom/v1/log"),
        ("/v1/trace/custom/log/typed", "/v1/trace/custom/log/typed"),
        ("/v1/traces", "/v1/traces"),
        ("/v1/request/query-clickhouse", "/v1/request/query-clickhouse"),
        ("/v1/user/metrics/query", "/v1/user/metrics/query"),
    ],
)
def test_helicones_calls_are_the_recorders(target: str, path: str) -> None:
    """Under one name each, whatever base its client was given."""
    route = resolve(target)
    assert not route.is_recorded
    assert route.path.decode() == path


@pytest.mark.parametrize(
    ("target", "provider"),
    [
        ("/anthropic/v1/messages", "anthropic"),
        ("/anthropic/v1/logs", "anthropic"),
        ("/anthropic/v1/log/1", "anthropic"),
        ("/anthropic/v1/messages?x=/custom/v1/log", "anthropic"),
        ("/openai/custom/v1/log", "openai"),
        ("/v1/tracesx", "openai"),
        ("/v1/requests", "openai"),
        ("/v1/session/querying", "openai"),
    ],
)
def test_they_take_nothing_else_from_a_provider(target: str, provider: str) -> None:
    """Even from one that has the same name."""
    assert resolve(target).provider == provider


REFUSED = {
    "no path": ("http://x/openai/v1", {}, 400),
    "star": ("*", {}, 400),
    "a dotted resource": ("/azure/evil.example/x", {}, 400),
    "no resource": ("/azure//x", {}, 400),
    "a resource with a slash": ("/azure/%2e%2e/x", {}, 400),
    "an unknown Helicone path": ("/v1/gateway/groq/v1", {}, 400),
    "a foreign target": ("/v1/x", {"Helicone_Target_URL": "https://evil.example"}, 403),
    "this machine": ("/v1/x", {"Streamgauge_Target_Url": "http://127.0.0.1:22"}, 403),
    "another port": ("/v1/x", {"Streamgauge_Target_Url": "https://allowed.example"}, 403),
    "no URL": ("/v1/x", {"Streamgauge_Target_Url": "allowed.example"}, 400),
    "a bad port": ("/v1/x", {"Streamgauge_Target_Url": "https://x:99999"}, 400),
    "not ASCII": ("/v1/x", {"Streamgauge_Target_Url": "https://bücher.example"}, 400),
}


@pytest.mark.parametrize(("target", "headers", "status"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_way_is_refused(target: str, headers: dict[str, str], status: int) -> None:
    """With a status and words that say what to do."""
    with pytest.raises(Refused) as refused:
        resolve(target, **headers)
    assert refused.value.status == status
    assert str(refused.value)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://a.example", "a.example"),
        ("https://a.example:443", "a.example"),
        ("http://a.example:443", "a.example:443"),
        ("http://[::1]:80", "[::1]"),
        ("http://[::1]:81", "[::1]:81"),
    ],
)
def test_the_host_header_names_a_port_only_where_it_must(url: str, authority: str) -> None:
    """RFC 9110 §7.2."""
    assert Origin.of(url).authority == authority


def test_a_target_keeps_its_route_and_no_other_gets_it() -> None:
    """What is remembered depends on nothing but the target."""
    table = routes()

    def ask(target: str, **headers: str) -> Route:
        pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        return table.resolve(RequestHead(b"POST", target.encode(), "1.1", pairs))

    first = ask("/openai/v1/chat/completions")
    assert ask("/openai/v1/chat/completions") is first
    assert ask("/openai/v1/chat").path == b"/v1/chat"
    for key, host in ((BEDROCK, "eu-west-1"), ("Bearer k", "us-east-1")):
        assert host in ask("/bedrock/model/m/invoke", Authorization=key).url
    asked = "https://allowed.example:8443"
    assert ask("/v1/models").provider == "openai"
    assert ask("/v1/models", Streamgauge_Target_Url=asked).url == asked


def test_made_up_targets_do_not_fill_the_memory() -> None:
    """The table is bounded, in number and in length."""
    table = routes()
    for number in range(MOST_KNOWN_TARGETS + 10):
        table.resolve(RequestHead(b"GET", b"/openai/%d" % number, "1.1", []))
    long = b"/openai/" + b"x" * LONGEST_KNOWN_TARGET
    one, other = (table.resolve(RequestHead(b"GET", long, "1.1", [])) for _ in range(2))
    assert one == other
    assert one is not other
    assert len(table._known) <= MOST_KNOWN_TARGETS
