"""Making, listing and revoking keys over HTTP, and signing a browser in."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from streamgauge.api.guard import COOKIE
from streamgauge.keys import Keys, Scope

KEYS, SESSION = "/api/v1/keys", "/api/v1/session"


@pytest.fixture
def folder(served):
    return served.journal.directory.parent


@pytest.fixture(autouse=True)
def keys(served, folder):
    """The server's keys: none."""
    (folder / "keys.json").unlink(missing_ok=True)
    served.parts.keys = Keys(folder)
    return served.parts.keys


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_life_of_keys(api):
    """The first without a key, the others with it; a revoked one stays listed and is of no use."""
    assert api.get(KEYS).json() == {"keys": []}
    first = api.post(KEYS, json={"name": "admin", "scopes": ["admin"]})
    assert first.status_code == 201
    assert first.headers["cache-control"] == "no-store"
    made = first.json()
    assert made["key"].startswith("sg-")
    assert api.get(KEYS).status_code == 401
    admin = bearer(made.pop("key"))
    assert api.get(KEYS, headers=admin).json() == {"keys": [made]}
    wish = {"name": "backend", "scopes": ["read", "log"]}
    second = api.post(KEYS, json=wish, headers=admin).json()
    assert (second["scopes"], second["revoked_at"]) == (["log", "read"], None)
    reader = bearer(second["key"])
    assert api.get("/api/v1/records", headers=reader).status_code == 200
    assert api.post(KEYS, json=wish, headers=reader).status_code == 403
    ended = api.delete(f"{KEYS}/{second['id']}", headers=admin)
    assert ended.status_code == 200
    assert ended.json()["revoked_at"] is not None
    assert api.get("/api/v1/records", headers=reader).status_code == 401
    listed = api.get(KEYS, headers=admin).json()["keys"]
    assert listed == [made, ended.json()]
    assert api.delete(f"{KEYS}/none", headers=admin).status_code == 404


def test_a_change_that_waits_holds_nobody_up(api, keys, folder):
    """Another process has the file; the recorder's loop goes on."""
    _, secret = keys.create("admin", [Scope.ADMIN])
    wish = {"name": "one", "scopes": ["log"]}
    with ThreadPoolExecutor() as pool, (folder / "keys.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        making = pool.submit(api.post, KEYS, json=wish, headers=bearer(secret))
        for _ in range(20):
            assert api.get("/healthz").status_code == 200
            assert api.get("/api/v1/records", headers=bearer(secret)).status_code == 200
        assert not making.done()
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert making.result(30).status_code == 201


def test_nobody_locks_himself_out_with_the_first_key(api):
    """It must be an admin's, or there would be no second one."""
    answer = api.post(KEYS, json={"name": "one", "scopes": ["log"]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "scopes"
    assert api.get(KEYS).json() == {"keys": []}


def test_the_first_key_is_not_made_from_outside(api, served, keys):
    """Where others can reach the server, anyone of them could be the first."""
    served.parts.is_local = False
    try:
        answer = api.post(KEYS, json={"name": "one", "scopes": ["admin"]})
        assert answer.status_code == 403
        assert "streamgauge keys create" in answer.json()["error"]["message"]
        assert not keys.exist
        _, secret = keys.create("admin", [Scope.ADMIN])
        more = api.post(KEYS, json={"name": "one", "scopes": ["log"]}, headers=bearer(secret))
        assert more.status_code == 201
    finally:
        served.parts.is_local = True


@pytest.mark.parametrize(
    "wish",
    [
        {},
        [],
        {"name": "one"},
        {"name": "one", "scopes": "admin"},
        {"name": "one", "scopes": ["write"]},
        {"name": "one", "scopes": []},
        {"name": "", "scopes": ["admin"]},
        {"name": 1, "scopes": ["admin"]},
        {"name": "one", "scopes": ["admin"], "key": "mine"},
    ],
    ids=str,
)
def test_a_wish_that_makes_no_sense_is_refused(api, keys, wish):
    """400, in words, and no key comes of it."""
    assert api.post(KEYS, json=wish).status_code == 400
    assert not keys.exist


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"\xff", 400), (b" " * 20_000, 413)],
    ids=["cut", "no text", "long"],
)
def test_a_body_that_is_no_wish_is_refused(api, keys, content, status):
    """Whatever its bytes."""
    answer = api.post(KEYS, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert not keys.exist


def test_a_browser_signs_in_and_out(served, keys):
    """The cookie is for the API alone, no script can read it, and no other site sends it."""
    key, secret = keys.create("me", [Scope.READ])
    nobody = {"has_keys": True, "id": None, "name": None, "scopes": []}
    with httpx.Client(base_url=served.url, timeout=30) as browser:
        assert browser.get(SESSION).json() == nobody
        assert browser.post(SESSION, json={"key": "sg-wrong"}).status_code == 401
        answer = browser.post(SESSION, json={"key": f" {secret}\n"})
        me = {"has_keys": True, "id": key.id, "name": "me", "scopes": ["read"]}
        assert answer.json() == me
        cookies = answer.headers.get_list("set-cookie")
        assert len(cookies) == 2
        for cookie in cookies:
            assert cookie.startswith(f"{COOKIE}=")
            assert "httponly" in cookie.lower()
            assert "samesite=strict" in cookie.lower()
            assert "max-age" not in cookie.lower()
            assert "secure" not in cookie.lower()
        assert browser.get(SESSION).json() == me
        assert browser.get("/api/v1/records").status_code == 200
        assert browser.get("/metrics").status_code == 200
        assert "cookie" not in browser.get("/openai/v1/models").request.headers
        keys.revoke(key.id)
        assert browser.get(SESSION).json() == nobody
        assert browser.get("/api/v1/records").status_code == 401
        assert browser.delete(SESSION).status_code == 204
        assert not browser.cookies


def test_behind_tls_the_cookie_keeps_to_it(api, keys):
    """As the proxy says that there is TLS."""
    _, secret = keys.create("me", [Scope.READ])
    answer = api.post(SESSION, json={"key": secret}, headers={"X-Forwarded-Proto": "https"})
    assert all("secure" in one.lower() for one in answer.headers.get_list("set-cookie"))


def test_without_keys_everybody_may_everything(api):
    """And the page knows that it need not ask."""
    told = {"has_keys": False, "id": None, "name": None, "scopes": ["log", "read", "admin"]}
    assert api.get(SESSION).json() == told
