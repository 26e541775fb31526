"""Questions in SQL over HTTP; what they can say is in tests/store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest

from streamgauge.api.sql import MAX_BODY, SqlAnswer
from tests.storing import put, record

SQL = "/api/v1/sql"


@pytest.fixture(scope="module", autouse=True)
def full(served):
    put(served.store, *(record(i, model=m, cost_usd=0.5) for i, m in enumerate("abb")))


@pytest.mark.parametrize("name", ["query", "sql"])
def test_rows_are_objects_under_typed_columns(api, name):
    question = "SELECT model, count() AS n, sum(cost_usd) AS usd FROM records GROUP BY 1 ORDER BY 1"
    answer = api.post(SQL, json={name: question})
    assert answer.status_code == 200, answer.text
    found = msgspec.json.decode(answer.content, type=SqlAnswer)
    assert found.rows == [{"model": "a", "n": 1, "usd": 0.5}, {"model": "b", "n": 2, "usd": 1.0}]
    assert [column.name for column in found.columns] == ["model", "n", "usd"]
    assert not found.truncated
    assert found.rows_read >= 3


def test_times_are_said_as_elsewhere(api):
    answer = api.post(SQL, json={"query": "SELECT min(started_at) AS at FROM records"})
    [first] = api.get("/api/v1/records?sort=started_at&limit=1").json()["records"]
    assert answer.json()["rows"] == [{"at": first["started_at"]}]


def test_a_limit_cuts_and_says_so(api):
    answer = api.post(SQL, json={"query": "SELECT id FROM records", "limit": 2}).json()
    assert (len(answer["rows"]), answer["truncated"]) == (2, True)


@pytest.mark.parametrize(
    ("body", "status", "param", "why"),
    [
        ({"query": "DROP TABLE records"}, 400, "query", "only a SELECT"),
        ({"query": "SELECT file('/etc/passwd')"}, 400, "query", "function file"),
        ({"query": "SELECT nothing FROM records"}, 400, "query", "nothing"),
        ({"query": "SELECT 1", "limit": 0}, 400, "limit", "from 1 to 10,000"),
        ({"query": "SELECT 1", "limit": "many"}, 400, None, "limit"),
        ({"query": "SELECT 1", "sql": "SELECT 2"}, 400, "query", 'one "query"'),
        ({"query": ""}, 400, "query", 'one "query"'),
        ({}, 400, "query", 'one "query"'),
        ({"query": "SELECT 1", "format": "CSV"}, 400, None, "format"),
        ({"query": "SELECT '" + "x" * MAX_BODY + "'"}, 413, None, "100,000 bytes"),
    ],
)
def test_what_is_wrong_is_said(api, body, status, param, why):
    answer = api.post(SQL, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["streamgauge-error"] == "true"
    error = answer.json()["error"]
    assert why in error["message"]
    assert error.get("param") == param


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_of_another_page_is_no_question(api, media_type):
    head = {"Content-Type": media_type}
    assert api.post(SQL, content=b'{"query": "SELECT 1"}', headers=head).status_code == 415


def test_many_may_ask_at_once(api, served):
    """They wait for each other; the rest of the API does not wait for them."""

    def ask(number: int) -> int:
        question = {"query": f"SELECT {number} AS n FROM records LIMIT 1"}
        return httpx.post(served.url + SQL, json=question, timeout=60).json()["rows"][0]["n"]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(48))) == list(range(48))
