"""Every error has the one shape."""

from __future__ import annotations

import pytest

from streamgauge.errors import StoreError


def shape(answer):
    """Check the shape and return the error."""
    assert answer.headers["streamgauge-error"] == "true"
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    assert {"type", "message"} <= set(answer.json()["error"]) <= {"type", "message", "param"}
    return answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "type_"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/nothing/at/all", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/records/x/nothing", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/api/v1/swagger", 404, "not_found"),
        ("POST", "/api/v1/records", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/records/x", 405, "method_not_allowed"),
        ("PUT", "/healthz", 405, "method_not_allowed"),
        ("GET", "/api/v1/records?x=%ff", 400, "invalid_request"),
    ],
)
def test_what_is_asked_wrongly_is_told_so(api, method, path, status, type_):
    answer = api.request(method, path)
    assert answer.status_code == status
    assert shape(answer)["type"] == type_


def test_405_says_what_is_allowed(api):
    assert "GET" in api.post("/api/v1/records").headers["allow"]


def test_a_store_that_fails_is_503_with_its_reason(api, served, monkeypatch):
    def refuse(*_):
        raise StoreError("the disk is gone")

    monkeypatch.setattr(served.store, "query", refuse)
    answer = api.get("/api/v1/records")
    assert answer.status_code == 503
    assert shape(answer)["message"] == "the disk is gone"


def test_a_fault_of_ours_is_500_in_the_log_and_not_in_the_answer(api, served, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(served.store, "query", fail)
    answer = api.get("/api/v1/records")
    assert answer.status_code == 500
    assert shape(answer)["type"] == "internal_error"
    assert "secret" not in answer.text
    assert "the secret inside" in caplog.text
