"""Records over HTTP."""

from __future__ import annotations

import gzip
import re

import msgspec
import pytest

from streamgauge.api.answer import content_of
from streamgauge.api.schemas import RecordDetail, RecordPage
from streamgauge.record import Record, Transcript
from tests.storing import FULL, FULL_TRANSCRIPT, put, record

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture(scope="module", autouse=True)
def full(served):
    served.store.insert([(FULL, FULL_TRANSCRIPT)])
    put(served.store, *(record(10 + i, model="listed", id=f"r{i}") for i in range(7)))


def test_a_list_is_a_page_of_summaries(api):
    answer = api.get("/api/v1/records", params={"model": "listed", "limit": 3})
    assert answer.headers["content-type"] == "application/json"
    page = msgspec.json.decode(answer.content, type=RecordPage, strict=True)
    assert [row.id for row in page.records] == ["r6", "r5", "r4"]
    assert "request_body" not in answer.text
    assert TIME.fullmatch(answer.json()["records"][0]["started_at"])


def test_the_cursor_leads_to_the_next_page(api):
    question = {"model": "listed", "limit": 4, "sort": "started_at"}
    first = api.get("/api/v1/records", params=question).json()
    second = api.get("/api/v1/records", params=question | {"cursor": first["next_cursor"]}).json()
    assert [row["id"] for row in first["records"] + second["records"]] == [
        f"r{i}" for i in range(7)
    ]
    assert second["next_cursor"] is None


def test_filters_repeat_and_compare(api):
    rows = api.get("/api/v1/records?model=listed&model=gpt-4o&ttft_ms.gte=1").json()["records"]
    assert [row["id"] for row in rows] == [FULL.id]
    rows = api.get("/api/v1/records", params={"q": "☃", "property.env": "prod"}).json()["records"]
    assert [row["id"] for row in rows] == [FULL.id]


def test_a_single_record_has_everything(api):
    answer = api.get(f"/api/v1/records/{FULL.id}")
    msgspec.json.decode(answer.content, type=RecordDetail)
    assert msgspec.json.decode(answer.content, type=Record) == FULL
    assert "timeline" not in answer.json()
    assert answer.json()["bytes_kept"] == len(FULL_TRANSCRIPT.raw)


def test_a_single_record_has_its_timeline_on_demand(api):
    answer = api.get(f"/api/v1/records/{FULL.id}", params={"timeline": "true"}).json()
    alone = api.get(f"/api/v1/records/{FULL.id}/timeline").json()
    assert answer["timeline"] == alone
    assert alone["chunks"] == [[80.2, 500], [81.000001, 500], [1900.5, 24]]
    assert alone["marks"]["ttft_ms"] == FULL.ttft_ms


def test_an_exchange_that_still_runs_is_answered_from_the_live_view(api, served):
    started = "2026-11-23T12:00:00.000001Z"
    served.live.open["live-1"] = {
        "id": "live-1",
        "started_at": started,
        "provider": "openai",
        "model": "m",
        "elapsed_ms": 5,
    }
    found = api.get("/api/v1/records/live-1").json()
    assert (found["outcome"], found["model"], found["started_at"]) == ("open", "m", started)
    assert (found["closed_by"], found["output_tokens"]) == (None, None)
    msgspec.convert(found, RecordDetail)
    assert api.get("/api/v1/records/live-1?timeline=true").json() == found | {"timeline": None}
    late = api.get("/api/v1/records/live-1/bytes")
    assert late.status_code == 404
    assert "still open" in late.json()["error"]["message"]


def test_one_that_runs_is_told_as_it_is_now_not_as_it_was_announced(api, served):
    """The row in the store of one that is open has nothing of what is said."""
    [one] = put(served.store, record(outcome="open"))
    alone = api.get(f"/api/v1/records/{one.id}").json()
    assert (alone["outcome"], alone["response_text"], alone["bytes_kept"]) == ("open", None, None)
    served.live.open[one.id] = {
        "id": one.id,
        "started_at": alone["started_at"],
        "request_body": "{}",
        "response_text": "Hel",
        "reply": {"choices": [{"text": "Hel"}]},
    }
    found = api.get(f"/api/v1/records/{one.id}").json()
    assert (found["request_body"], found["response_text"]) == ("{}", "Hel")
    msgspec.convert(found, RecordDetail)


@pytest.mark.parametrize("tail", ["", "/timeline", "/bytes", "?timeline=true"])
def test_a_record_that_is_not_there_is_404(api, tail):
    answer = api.get(f"/api/v1/records/nothing{tail}")
    assert answer.status_code == 404
    assert answer.json()["error"] == {"type": "not_found", "message": "there is no record nothing"}


def test_raw_bytes_come_with_their_type_and_cannot_run(api):
    answer = api.get(f"/api/v1/records/{FULL.id}/bytes")
    assert answer.content == FULL_TRANSCRIPT.raw
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")


def test_bytes_that_are_not_kept_are_not_an_empty_answer(api, served):
    """Whether they were left out from the start or have become too old; an empty one is empty."""
    gone, empty = put(served.store, record(bytes_out=7, chunks=1), record(http_status=204))
    answer = api.get(f"/api/v1/records/{gone.id}/bytes")
    assert answer.status_code == 404
    assert "no longer kept" in answer.json()["error"]["message"]
    assert api.get(f"/api/v1/records/{gone.id}/timeline").json()["chunks"] == []
    assert api.get(f"/api/v1/records/{gone.id}/replay").json()["pieces"] == []
    detail = api.get(f"/api/v1/records/{gone.id}?timeline=true").json()
    assert detail["request_body"] is detail["reply"] is detail["response_text"] is None
    assert (detail["bytes_kept"], detail["bytes_out"]) == (0, 7)
    msgspec.convert(detail, RecordDetail)
    assert api.get(f"/api/v1/records/{empty.id}/bytes").content == b""


def test_encoded_bytes_come_with_their_encoding(api, served):
    packed = gzip.compress(b'{"hello": 1}')
    headers = {"content-type": "application/json", "Content-Encoding": "gzip"}
    transcript = Transcript(response_headers=headers, raw=packed)
    [one] = put(served.store, record(), transcript=transcript)
    with api.stream("GET", f"/api/v1/records/{one.id}/bytes") as answer:
        assert b"".join(answer.iter_raw()) == packed
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-length"] == str(len(packed))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "text/html; charset=x"}, ("text/html; charset=x", None)),
        ({}, ("application/octet-stream", None)),
        ({"content-type": "nonsense"}, ("application/octet-stream", None)),
        ({"content-type": "a/b\r\nx: y"}, ("application/octet-stream", None)),
        ({"content-type": "a/b", "content-encoding": "GZIP, br"}, ("a/b", "gzip, br")),
        ({"content-type": "a/b", "content-encoding": "x\r\ny"}, ("a/b", None)),
        ({"content-type": "a/b", "content-encoding": "aws-chunked"}, ("a/b", None)),
    ],
)
def test_only_sound_headers_are_passed_on(headers, expected):
    assert content_of(headers) == expected


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("records?nonsense=1", "nonsense"),
        ("records?limit=0", "limit"),
        ("records?limit=x", "limit"),
        ("records?limit=1&limit=2", "limit"),
        ("records?sort=nonsense", "sort"),
        ("records?cursor=nonsense", "cursor"),
        ("records?ttft_ms.gte=fast", "ttft_ms.gte"),
        (f"records/{FULL.id}?timeline=perhaps", "timeline"),
        (f"records/{FULL.id}?model=x", "model"),
        (f"records/{FULL.id}/bytes?x=1", "x"),
        (f"records/{FULL.id}/timeline?x=1", "x"),
        ("stats?limit=1", "limit"),
        ("stats?bucket=x", "bucket"),
        ("stats?group_by=x", "group_by"),
        ("stats?groups=x", "groups"),
        ("live?x=1", "x"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_400_and_named(api, path, param):
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 400
    assert answer.headers["streamgauge-error"] == "true"
    assert answer.json()["error"]["type"] == "invalid_request"
    assert answer.json()["error"]["param"] == param
