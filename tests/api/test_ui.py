"""The page and its files."""

from __future__ import annotations

import pytest

from streamgauge.api.ui import HASHED
from tests.api.conftest import SCRIPT
from tests.api.serving import Served

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", ["/", "/records", "/records/abc", "/records/abc/def"])
def test_the_page_answers_for_every_view(api, path):
    answer = api.get(path)
    assert answer.status_code == 200
    assert "<title>Streamgauge</title>" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", f"/{SCRIPT}", "/favicon.svg"])
def test_everything_of_the_page_has_the_strict_headers(api, path):
    headers = api.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "type_", "cache"),
    [
        (f"/{SCRIPT}", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/plain.css", "text/css; charset=utf-8", "no-cache"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
    ],
)
def test_files_have_their_type_and_only_hashed_names_are_kept_forever(api, path, type_, cache):
    headers = api.get(path).headers
    assert headers["content-type"] == type_
    assert headers["cache-control"] == cache


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/link.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets//etc/passwd",
        "/assets/%00",
        "/assets/" + "x" * 5000,
        "/assets",
        "/assets/",
    ],
)
def test_nothing_outside_the_folder_is_served(api, path):
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.headers["streamgauge-error"] == "true"


@pytest.mark.parametrize(
    ("name", "is_hashed"),
    [
        ("index-Ab12Cd34.js", True),
        ("a-b-DkE_9-x1.css", True),
        ("plain.css", False),
        ("a-b.js", False),
    ],
)
def test_a_hashed_name_is_recognised(name, is_hashed):
    assert bool(HASHED.fullmatch(name)) == is_hashed


def test_without_a_built_page_it_says_how_to_get_one(served, tmp_path):
    import httpx

    from streamgauge.journal.writer import Writer

    for ui_dir in (None, tmp_path):
        journal = Writer(tmp_path / f"local-ingest-{ui_dir is None}")
        running = Served(served.store, ui_dir, journal)
        answer = httpx.get(running.url, timeout=30)
        running.stop()
        assert answer.status_code == 503
        assert "make ui" in answer.text


def test_a_page_that_is_built_meanwhile_is_shown(served, tmp_path):
    """The server that said how to get it needs no restart."""
    import httpx

    from streamgauge.journal.writer import Writer

    ui_dir = tmp_path / "ui"
    running = Served(served.store, ui_dir, Writer(tmp_path / "local-ingest"))
    try:
        assert httpx.get(running.url, timeout=30).status_code == 503
        ui_dir.mkdir()
        (ui_dir / "index.html").write_text("built")
        assert httpx.get(running.url, timeout=30).text == "built"
    finally:
        running.stop()


def test_a_person_at_an_unknown_address_gets_a_way_home_and_a_program_the_error(api):
    """Only what asks for HTML is a person, and nobody is one in the API."""
    person = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/nonsense", "/non/sense"):
        answer = api.get(path, headers=person)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src" not in answer.headers["content-security-policy"]
        assert '<a href="/">' in answer.text
    for path, headers in (
        ("/nonsense", {"Accept": "*/*"}),
        ("/nonsense", {"Accept": "application/json"}),
        ("/api/v1/nonsense", person),
        ("/api/v1/records/nonsense", person),
    ):
        answer = api.get(path, headers=headers)
        assert answer.json()["error"]["type"] in ("not_found", "invalid_request")
