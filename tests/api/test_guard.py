"""Who may do what: every address, with and without a key, and from whose page."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from streamgauge.api.guard import COOKIE, SCOPE
from streamgauge.keys import Keys, Scope

# All others are for admins.
OPEN = ("/healthz", "/readyz", "/api/v1/session")
FOR_LOG = (
    "/api/v1/log",
    "/api/v1/records/{record_id}/stop",
    "/custom/v1/log",
    "/oai/v1/log",
    "/anthropic/v1/log",
    "/googleapis/v1/log",
    "/v1/trace/custom/log",
    "/v1/trace/custom/log/typed",
    "/v1/traces",
    "/v1/trace/log",
    "/v1/trace/log-python",
    "/v1/feedback",
    "/v1/request/{request_id}/feedback",
    "/v1/request/{request_id}/score",
    "/v1/request/{request_id}/property",
)
FOR_READ = (
    "/metrics",
    "/api/v1/records",
    "/api/v1/records/export",
    "/api/v1/records/{record_id}",
    "/api/v1/records/{record_id}/bytes",
    "/api/v1/records/{record_id}/timeline",
    "/api/v1/records/{record_id}/replay",
    "/api/v1/stats",
    "/api/v1/heatmap",
    "/api/v1/live",
    "/api/v1/sessions",
    "/api/v1/users",
    "/api/v1/models",
    "/api/v1/properties",
    "/api/v1/sql",
    "/v1/request/query-clickhouse",
    "/v1/request/query",
    "/v1/request/count/query",
    "/v1/request/{request_id}",
    "/v1/session/query",
    "/v1/user/metrics/query",
    "/v1/property/query",
)
TAKES = dict.fromkeys(FOR_LOG, Scope.LOG) | dict.fromkeys(FOR_READ, Scope.READ)

CREATE = "/api/v1/keys"
WISH = {"name": "one", "scopes": ["admin"]}
RECORDS = "/api/v1/records"


@pytest.fixture(scope="module")
def folder(served) -> Path:
    return served.journal.directory.parent


@pytest.fixture
def keys(folder):
    """One key for each scope, by its name."""
    made = Keys(folder)
    return {scope: made.create(scope, [scope])[1] for scope in Scope}


@pytest.fixture
def open_again(served, folder):
    """A server that has never had a key."""
    (folder / "keys.json").unlink(missing_ok=True)
    served.parts.keys = Keys(folder)


def calls(api: httpx.Client):
    document = api.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            yield path, method, path.replace("{", "").replace("}", "")


def test_every_handler_says_whom_it_is_for(served):
    """None is for admins because somebody forgot."""
    for route in served.app.routes:
        for handler in getattr(route, "route_handlers", ()):
            methods = getattr(handler, "http_methods", set())
            assert methods == {"OPTIONS"} or SCOPE in handler.opt, route.path


def test_every_address_asks_for_its_scope(api, served, keys):
    """No key and a wrong one are 401, one of another scope is 403, and its own gets through."""
    seen = set()
    for path, method, address in calls(api):
        seen.add(path)
        if path in OPEN:
            assert api.request(method, address).status_code not in (401, 503), path
            continue
        takes = TAKES.get(path, Scope.ADMIN)
        assert api.request(method, address).status_code == 401, path
        wrong = api.request(method, address, headers={"Authorization": "Bearer sg-wrong"})
        assert wrong.status_code == 401, path
        for scope, key in keys.items():
            head = {"Authorization": f"Bearer {key}"}
            if path == "/api/v1/live":
                with api.stream(method, address, headers=head) as answer:
                    status = answer.status_code
            else:
                status = api.request(method, address, headers=head).status_code
            is_let_in = scope in (takes, Scope.ADMIN)
            assert (status not in (401, 403)) == is_let_in, (path, method, scope, status)
    assert seen >= {*OPEN, *TAKES}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"},
        {"Authorization": "{}"},
        {"Streamgauge-Auth": "Bearer {}"},
        {"Helicone-Auth": "bearer {}"},
        {"X-Api-Key": "{}"},
        {"Api-Key": "{}"},
        {"Authorization": "Bearer another", "Helicone-Auth": "Bearer {}"},
        {"Cookie": f'other={{"a": 1}}; {COOKIE}={{}}; more=2'},
    ],
    ids=lambda headers: " ".join(headers),
)
def test_a_key_may_stand_where_clients_put_it(api, keys, headers):
    """Also beside another's, and among cookies of others that are none."""
    told = {name: value.replace("{}", keys[Scope.READ]) for name, value in headers.items()}
    assert api.get(RECORDS, headers=told).status_code == 200


def test_refusals_have_the_shape_of_their_api(api, keys):
    """Ours, Helicone's word for its log calls, and its envelope for its questions."""
    ours = api.get(RECORDS)
    assert ours.headers["www-authenticate"] == "Bearer"
    assert ours.json()["error"]["type"] == "unauthorized"
    assert "streamgauge keys create" in ours.json()["error"]["message"]
    small = api.get(RECORDS, headers={"Authorization": f"Bearer {keys[Scope.LOG]}"})
    assert small.json()["error"]["type"] == "forbidden"
    assert "scope read" in small.json()["error"]["message"]
    wrong = {"Authorization": "Bearer sk-helicone-mine"}
    log = api.post("/custom/v1/log", json={}, headers=wrong)
    assert (log.status_code, log.text) == (401, "Unauthorized")
    question = api.post("/v1/request/query", json={}, headers=wrong)
    assert question.status_code == 401
    assert question.json()["data"] is None
    assert "unknown" in question.json()["error"]


def test_the_response_needs_a_key_to_read(api, keys):
    """The whole one as it is stored; reading on is for whom it was made for."""
    path = "/api/v1/records/one/bytes"
    assert api.get(path).status_code == 401
    allowed = api.get(path, headers={"Authorization": f"Bearer {keys[Scope.READ]}"})
    assert allowed.status_code == 404


def test_a_broken_file_lets_nobody_in(api, folder, keys):
    """503 in words, until it is whole again; health and the page are there meanwhile."""
    file = folder / "keys.json"
    whole = file.read_bytes()
    head = {"Authorization": f"Bearer {keys[Scope.ADMIN]}"}
    try:
        file.write_bytes(whole[:-5])
        for headers in ({}, head):
            told = api.get(RECORDS, headers=headers)
            assert told.status_code == 503
            assert "keys.json" in told.json()["error"]["message"]
        assert api.post(CREATE, json=WISH).status_code == 503
        assert api.get("/healthz").status_code == 200
        assert api.get("/").status_code == 200
        file.unlink()
        assert api.get(RECORDS).status_code == 503
    finally:
        file.write_bytes(whole)
    assert api.get(RECORDS, headers=head).status_code == 200


# -- pages of others -------------------------------------------------------------------------

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:3000"},
    {"Origin": "null"},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://gauge.example"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "{own}"},
]


def told_by(api: httpx.Client, headers: dict[str, str]) -> dict[str, str]:
    own = str(api.base_url).rstrip("/")
    return {name: value.replace("{own}", own) for name, value in headers.items()}


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CREATE),
        ("DELETE", "/api/v1/keys/one"),
        ("POST", "/api/v1/session"),
        ("DELETE", "/api/v1/session"),
        ("POST", "/api/v1/records/one/stop"),
        ("POST", "/api/v1/log"),
    ],
)
def test_another_origins_page_changes_nothing(api, keys, headers, method, path):
    """Though the browser has the cookie; a page cannot make it leave these headers out."""
    cookie = {"Cookie": f"{COOKIE}={keys[Scope.ADMIN]}"}
    refused = api.request(method, path, json=WISH, headers=told_by(api, headers) | cookie)
    assert refused.status_code == 403
    assert "another origin" in refused.json()["error"]["message"]


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_our_own_page_and_programs_do(api, keys, headers):
    """What is no browser sends none of it."""
    cookie = {"Cookie": f"{COOKIE}={keys[Scope.ADMIN]}"}
    made = api.post(CREATE, json=WISH, headers=told_by(api, headers) | cookie)
    assert made.status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_without_keys_a_form_of_another_page_makes_none(api, open_again, folder, kind):
    """A body that takes no preflight is not read, whatever else is said."""
    body = b'{"name": "mine", "scopes": ["admin"]}'
    answer = api.post(CREATE, content=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 415
    foreign = api.post(CREATE, json=WISH, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert not (folder / "keys.json").exists()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::1", "]"]
)
def test_without_keys_a_name_that_leads_here_gets_nothing(api, open_again, folder, host):
    """To the browser it is our origin; the Host header is what it cannot change."""
    told = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    for method, path in (("GET", RECORDS), ("GET", "/metrics"), ("POST", CREATE)):
        body = WISH if method == "POST" else None
        answer = api.request(method, path, headers=told, json=body)
        assert answer.status_code == 403, path
        assert "--allow-remote" in answer.json()["error"]["message"]
    assert not (folder / "keys.json").exists()


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:4284", "a.localhost", "127.0.0.1:1", "[::1]:80", "10.0.0.1"]
)
def test_without_keys_this_machines_names_are_good(api, open_again, host):
    """And addresses: nobody else can have one lead here."""
    assert api.get(RECORDS, headers={"Host": host}).status_code == 200


def test_something_else_may_guard_an_open_server(api, served, open_again):
    """`--allow-remote` says so; any name is good then."""
    served.parts.is_local = False
    try:
        assert api.get(RECORDS, headers={"Host": "gauge.example"}).status_code == 200
    finally:
        served.parts.is_local = True


def test_with_keys_any_name_is_good(api, keys):
    """The cookie belongs to one name, and another's page has no key."""
    told = {"Host": "gauge.example", "Authorization": f"Bearer {keys[Scope.READ]}"}
    assert api.get(RECORDS, headers=told).status_code == 200
