"""A selection of records as a file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from streamgauge.errors import StoreError
from streamgauge.store import queries
from tests.api.serving import Served
from tests.storing import FULL, put, record


@pytest.fixture
def user(served: Served) -> str:
    """A user with five records."""
    name = f"exported-{uuid4()}"
    put(served.store, *(record(i, user_id=name, ttft_ms=float(i)) for i in range(1, 6)))
    return name


def fetch(api: httpx.Client, **wanted: str) -> httpx.Response:
    params = {"sort": "ttft_ms", **wanted}
    return api.get("/api/v1/records/export", params=params)


def test_as_csv(user: str, api: httpx.Client) -> None:
    answer = fetch(api, user_id=user)
    assert answer.headers["content-disposition"].endswith('"streamgauge-records.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [float(row["ttft_ms"]) for row in rows] == [1, 2, 3, 4, 5]
    assert "request_body" not in rows[0]


def test_as_json_lines_it_is_what_a_list_says(user: str, api: httpx.Client) -> None:
    rows = [json.loads(line) for line in fetch(api, user_id=user, format="jsonl").text.splitlines()]
    listed = api.get("/api/v1/records", params={"user_id": user, "sort": "ttft_ms"}).json()
    assert rows == listed["records"]


def test_as_parquet(user: str, api: httpx.Client) -> None:
    answer = fetch(api, user_id=user, format="parquet", limit="2")
    assert answer.content[:4] == answer.content[-4:] == b"PAR1"
    assert b"ttft_ms" in answer.content


def test_with_bodies(served: Served, api: httpx.Client) -> None:
    put(served.store, FULL)
    params = {"id": FULL.id, "format": "jsonl", "bodies": "true"}
    (line,) = api.get("/api/v1/records/export", params=params).text.splitlines()
    assert json.loads(line)["request_body"] == FULL.request_body


def test_a_file_is_sent_as_it_is_made(
    user: str, api: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Piece by piece, so nobody knows its length beforehand; and it is the same file."""
    whole = fetch(api, user_id=user)
    forms = []
    make = served.store.file

    def noted(*asked: Any, form: str) -> bytes:
        forms.append(form)
        return make(*asked, form=form)

    monkeypatch.setattr(queries, "PIECE_ROWS", 2)
    monkeypatch.setattr(served.store, "file", noted)
    answer = fetch(api, user_id=user)
    assert forms == ["CSVWithNames", "CSV", "CSV"]
    assert answer.content == whole.content
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "content-length" not in answer.headers


def test_a_file_that_is_cut_does_not_look_whole(
    user: str, api: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may fail on the way."""
    monkeypatch.setattr(queries, "PIECE_ROWS", 2)
    made = served.store.file

    def fails_later(*asked: Any, form: str) -> bytes:
        if form == "CSV":
            raise StoreError("the store is gone")
        return made(*asked, form=form)

    monkeypatch.setattr(served.store, "file", fails_later)
    with pytest.raises(httpx.RemoteProtocolError):
        fetch(api, user_id=user)


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"format": "xls"}, "format"),
        ({"limit": "100001"}, "limit"),
        ({"limit": "10001", "bodies": "true"}, "limit"),
        ({"sort": "reply"}, "sort"),
        ({"nonsense": "1"}, "nonsense"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: httpx.Client, wanted: dict[str, str], param: str
) -> None:
    answer = fetch(api, **wanted)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
