"""The application as a whole: HEAD, OpenAPI."""

from __future__ import annotations

import pytest

from streamgauge.store.columns import COLUMNS, HEADER_COLUMNS, SUMMARY_COLUMNS
from streamgauge.store.filters import read_filters
from tests.api.serving import assert_no_subscribers
from tests.storing import put, record

PATHS = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/records",
    "/api/v1/records/one",
    "/api/v1/records/one/timeline",
    "/api/v1/records/one/bytes",
    "/api/v1/records/one/replay",
    "/api/v1/stats",
    "/api/v1/heatmap",
    "/api/v1/openapi.json",
    "/nothing",
]


@pytest.fixture(scope="module", autouse=True)
def one(served):
    put(served.store, record(1, id="one"))


@pytest.fixture(scope="module")
def document(served):
    import httpx

    return httpx.get(f"{served.url}/api/v1/openapi.json", timeout=30).json()


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(api, path):
    wanted = api.get(path)
    head = api.head(path)
    assert head.status_code == wanted.status_code
    assert head.content == b""
    assert head.headers["content-type"] == wanted.headers["content-type"]
    if path not in ("/metrics", "/healthz"):  # their numbers grow, and so may their length
        assert head.headers["content-length"] == wanted.headers["content-length"]


def test_head_of_the_live_view_ends(api, served):
    head = api.head("/api/v1/live")
    assert head.status_code == 200
    assert head.headers["content-type"].startswith("text/event-stream")
    assert_no_subscribers(served)


def test_openapi_has_every_address_of_the_api(document):
    assert set(document["paths"]) == {
        "/api/v1/records",
        "/api/v1/records/{record_id}",
        "/api/v1/records/{record_id}/timeline",
        "/api/v1/records/{record_id}/bytes",
        "/api/v1/records/{record_id}/replay",
        "/api/v1/records/{record_id}/stop",
        "/api/v1/stats",
        "/api/v1/heatmap",
        "/api/v1/sql",
        "/api/v1/live",
        "/api/v1/keys",
        "/api/v1/keys/{key_id}",
        "/api/v1/session",
        "/api/v1/log",
        "/api/v1/records/export",
        "/api/v1/sessions",
        "/api/v1/users",
        "/api/v1/models",
        "/api/v1/properties",
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
        "/v1/property/query",
        "/v1/request/query",
        "/v1/request/query-clickhouse",
        "/v1/request/count/query",
        "/v1/request/{request_id}",
        "/v1/request/{request_id}/feedback",
        "/v1/request/{request_id}/property",
        "/v1/request/{request_id}/score",
        "/v1/session/query",
        "/v1/user/metrics/query",
        "/healthz",
        "/readyz",
        "/metrics",
    }


@pytest.mark.parametrize("path", ["/api/v1/records", "/api/v1/stats"])
def test_openapi_describes_every_parameter_and_each_is_understood(document, path):
    found = document["paths"][path]["get"]["parameters"]
    assert all(one["description"] and one["schema"] for one in found)
    names = {one["name"] for one in found}
    for column in COLUMNS.values():
        assert (column.name in names) == column.is_filter
        assert (f"{column.name}.exists" in names) == column.may_be_absent
    own = {"sort", "limit", "cursor", "bucket", "group_by", "groups"}
    read_filters([(name.replace("{name}", "env"), "") for name in names - own])


def test_openapi_describes_records_column_by_column(document):
    schemas = document["components"]["schemas"]
    assert set(schemas["RecordSummary"]["properties"]) == set(SUMMARY_COLUMNS)
    assert set(schemas["RecordDetail"]["properties"]) == {
        *COLUMNS,
        *HEADER_COLUMNS,
        "bytes_kept",
        "timeline",
    }
    started = schemas["RecordSummary"]["properties"]["started_at"]
    assert (started["type"], started["format"]) == ("string", "date-time")
    assert "outcome" in schemas["RecordSummary"]["required"]


def test_openapi_names_the_answer_of_every_operation(document):
    expected = {
        "listRecords": "RecordPage",
        "getRecord": "RecordDetail",
        "getTimeline": "Timeline",
        "getReplay": "Replay",
        "getStats": "Stats",
        "getHealth": "Health",
        "logCall": "Logged",
    }
    for operation in (one for item in document["paths"].values() for one in item.values()):
        if operation["operationId"] in expected:
            content = operation["responses"]["200"]["content"]["application/json"]
            name = expected[operation["operationId"]]
            assert content["schema"]["$ref"].endswith(f"/{name}")


def test_openapi_mentions_no_foreign_host(api):
    text = api.get("/api/v1/openapi.json").text
    assert "http://" not in text
    assert "https://" not in text
