"""Helicone's REST interface: questions in its filter trees, answers in its shapes."""

# ruff: noqa: E501 - tables read best with one case a line

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from streamgauge.record import Choice, Outcome, Reply
from tests.api.serving import Served
from tests.conftest import providers_of
from tests.product import PROMPT, Product
from tests.simulating import RunningSimulator, until
from tests.storing import put, record

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
IDS = [str(uuid4()) for _ in range(6)]
OWN = str(uuid4())

# What differs, and what Helicone would have written as its status.
ROWS: list[tuple[dict[str, Any], int]] = [
    ({"user_id": "ada", "session_id": "s1", "session_name": "visit", "properties": {"env": "prod"}}, 200),
    ({"user_id": "ada", "session_id": "s1", "model": "o3", "properties": {"env": "dev"}}, 200),
    ({"user_id": "bob", "session_id": "s2", "outcome": Outcome.CLIENT_LEFT}, -3),
    ({"user_id": "bob", "outcome": Outcome.STALLED, "client_request_id": OWN}, -2),
    ({"outcome": Outcome.HTTP_ERROR, "http_status": 429}, 429),
    ({"outcome": Outcome.FAULT_IN_STREAM, "error_type": "x", "error_message": "broke"}, 500),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def rows(served: Served) -> None:
    plain = {
        "provider": "openai",
        "model": "gpt-4o",
        "user_id": None,
        "session_id": None,
        "session_name": None,
        "client_request_id": None,
        "properties": {},
        "http_status": 200,
        "outcome": Outcome.COMPLETED,
        "error_type": None,
        "error_message": None,
        "duration_ms": 100.0,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_usd": 0.25,
        "reply": Reply(choices=(Choice(text="Hello", finish_reason="stop"),)),
        "response_text": "Hello",
    }
    for number, (fields, _) in enumerate(ROWS):
        started = START + timedelta(minutes=number)
        values = plain | fields | {"id": IDS[number], "started_at": started}
        put(served.store, record(number, **values))


def asked(api: httpx.Client, path: str, **body: Any) -> Any:
    answer = api.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    told = answer.json()
    assert told["error"] is None
    return told["data"]


def found(api: httpx.Client, tree: Any, **more: Any) -> list[int]:
    """Return the numbers of the rows that a tree finds, in the order of the answer."""
    data = asked(api, "/v1/request/query-clickhouse", filter=tree, **{"limit": 100, **more})
    return [IDS.index(one["response_id"]) for one in data]


def leaf(**conditions: Any) -> dict[str, Any]:
    return {"request_response_rmt": conditions}


def both(left: Any, right: Any, operator: str = "and") -> dict[str, Any]:
    return {"left": left, "operator": operator, "right": right}


PROD = leaf(properties={"env": {"equals": "prod"}})

TREES: dict[str, tuple[Any, list[int]]] = {
    "all": ("all", [0, 1, 2, 3, 4, 5]),
    "nothing said": ({}, [0, 1, 2, 3, 4, 5]),
    "equals": (leaf(user_id={"equals": "ada"}), [0, 1]),
    "not equals": (leaf(user_id={"not-equals": "ada"}), [2, 3, 4, 5]),
    "a status": (leaf(status={"equals": -3}), [2]),
    "a status as text": (leaf(status={"equals": "429"}), [4]),
    "statuses": (leaf(status={"gte": 429}), [4, 5]),
    "a time": (leaf(request_created_at={"gte": "2026-11-20T10:04:00Z"}), [4, 5]),
    "a span": (leaf(request_created_at={"gt": "2026-11-20T10:01:00.000Z", "lt": "2026-11-20T10:04:00"}), [2, 3]),
    "contains": (leaf(model={"contains": "GPT"}), [0, 2, 3, 4, 5]),
    "not contains": (leaf(model={"not-contains": "gpt"}), [1]),
    "like": (leaf(model={"like": "gpt%"}), [0, 2, 3, 4, 5]),
    "ilike": (leaf(model={"ilike": "O_"}), [1]),
    "a body": (leaf(response_body={"contains": "hello"}), [0, 1, 2, 3, 4, 5]),
    "a provider": (leaf(provider={"equals": "OPENAI"}), [0, 1, 2, 3, 4, 5]),
    "a property": (PROD, [0]),
    "a property at once": ({"properties": {"env": {"equals": "dev"}}}, [1]),
    "a session": (leaf(properties={"Helicone-Session-Id": {"equals": "s1"}}), [0, 1]),
    "an own id": (leaf(request_id={"equals": OWN}), [3]),
    "and": (both(leaf(user_id={"equals": "ada"}), leaf(model={"equals": "o3"})), [1]),
    "or": (both(PROD, leaf(status={"equals": 500}), "or"), [0, 5]),
    "and all": (both("all", PROD), [0]),
    "or all": (both("all", PROD, "or"), [0, 1, 2, 3, 4, 5]),
    "deeper": (both(both(PROD, leaf(user_id={"equals": "bob"}), "or"), leaf(status={"lt": 0})), [2, 3]),
    "quotes": (leaf(user_id={"equals": "' OR 1=1 --"}), []),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/request/query-clickhouse", "/v1/request/query"])
def test_the_envelope(api: httpx.Client, path: str) -> None:
    """201, data, and no error; ten requests where nobody says how many."""
    answer = api.post(path, json={"filter": "all"})
    assert answer.status_code == 201
    assert set(answer.json()) == {"data", "error"}
    assert len(answer.json()["data"]) == 6


@pytest.mark.parametrize("name", TREES)
def test_a_tree_finds_what_it_says(api: httpx.Client, name: str) -> None:
    """And the count agrees."""
    tree, expected = TREES[name]
    assert sorted(found(api, tree)) == expected
    assert asked(api, "/v1/request/count/query", filter=tree) == len(expected)


def test_order_and_pages(api: httpx.Client) -> None:
    """The newest first, unless sorted otherwise."""
    assert found(api, "all") == [5, 4, 3, 2, 1, 0]
    assert found(api, "all", sort={"created_at": "asc"}, limit=2, offset=1) == [1, 2]
    assert found(api, "all", sort={"model": "desc"}, limit=1) == [1]


@pytest.mark.parametrize(
    "body",
    [
        {"filter": "some"},
        {"filter": leaf(passwords={"equals": 1})},
        {"filter": leaf(status={"is": 1})},
        {"filter": leaf(status={"equals": "x"})},
        {"filter": leaf(request_created_at={"gt": "some day"})},
        {"filter": leaf(user_id={"equals": [1]})},
        {"filter": {"left": "all", "operator": "xor", "right": "all"}},
        {"filter": leaf(user_id=1)},
        {"filter": {"request_response_rmt": 1}},
        {"sort": {"created_at": "up"}},
        {"sort": {"1; DROP": "asc"}},
        {"limit": 1001},
        {"offset": -1},
        {"limit": "many"},
        [],
    ],
)
def test_what_makes_no_sense_is_refused(api: httpx.Client, body: Any) -> None:
    """In the envelope, with words."""
    answer = api.post("/v1/request/query-clickhouse", json=body)
    assert answer.status_code == 400
    assert answer.json()["data"] is None
    assert answer.json()["error"]


def test_a_tree_may_not_be_endless(api: httpx.Client) -> None:
    """Nor have too many leaves."""
    tree: Any = PROD
    for _ in range(60):
        tree = both(tree, PROD)
    assert api.post("/v1/request/query", json={"filter": tree}).status_code == 400


@pytest.mark.parametrize("number", range(6))
def test_a_request_has_helicones_shape(api: httpx.Client, number: int) -> None:
    """By its own id, or by ours."""
    fields, status = ROWS[number]
    name = fields.get("client_request_id") or IDS[number]
    data = api.get(f"/v1/request/{name}?includeBody=true").json()["data"]
    expected = {
        "request_id": name,
        "response_id": IDS[number],
        "response_status": status,
        "provider": "OPENAI",
        "request_model": fields.get("model", "gpt-4o"),
        "request_user_id": fields.get("user_id"),
        "delay_ms": 100,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "costUSD": 0.25,
        "scores": {},
        "feedback_rating": None,
    }
    assert {key: data[key] for key in expected} == expected
    assert data["request_created_at"].startswith(f"2026-11-20T10:0{number}")
    (choice,) = data["response_body"]["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello", "stop")
    if fields.get("session_id"):
        assert data["properties"]["Helicone-Session-Id"] == fields["session_id"]


def test_a_request_that_there_is_not(api: httpx.Client) -> None:
    """404, in the envelope."""
    answer = api.get(f"/v1/request/{uuid4()}")
    assert (answer.status_code, answer.json()["error"]) == (404, "Request not found")


SPAN = {"startTimeUnixMs": START.timestamp() * 1000, "endTimeUnixMs": 1e15}


def test_sessions_and_their_totals(api: httpx.Client) -> None:
    """The latest first; narrowed by name, words, time and tree."""
    first, second = asked(api, "/v1/session/query", filter="all", timeFilter=SPAN)
    assert (first["session_id"], second["session_id"]) == ("s2", "s1")
    expected = {
        "total_requests": 2,
        "total_cost": 0.5,
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "total_tokens": 30,
        "avg_latency": 100,
        "user_ids": ["ada"],
    }
    assert {name: second[name] for name in expected} == expected
    narrow = [{"search": "S1"}, {"nameEquals": "visit"}, {"filter": PROD}]
    for more in narrow:
        (only,) = asked(api, "/v1/session/query", **more)
        assert only["session_id"] == "s1"
    late = {"startTimeUnixMs": 1e15, "endTimeUnixMs": 2e15}
    assert asked(api, "/v1/session/query", timeFilter=late) == []


def test_users_and_their_totals(api: httpx.Client) -> None:
    """With how many there are beyond the page."""
    data = asked(api, "/v1/user/metrics/query", filter="all", limit=1)
    assert (data["count"], data["hasUsers"]) == (2, True)
    (user,) = data["users"]
    expected = {
        "user_id": "ada",
        "active_for": 1,
        "total_requests": 2,
        "average_tokens_per_request": 15,
        "total_prompt_tokens": 20,
        "cost": 0.5,
    }
    assert {name: user[name] for name in expected} == expected


def test_names_of_properties(api: httpx.Client) -> None:
    """Each once."""
    assert asked(api, "/v1/property/query") == [{"property": "env"}]


# -- said later ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_product(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    running = Product(
        tmp_path_factory.mktemp("told"), providers=providers_of(simulator), arguments=PROMPT
    )
    yield running
    assert running.stop() == 0


def called(product: Product, **headers: str) -> str:
    """Make a call through the gateway, and return its id."""
    answer = product.http.post(
        "/openai/v1/chat/completions",
        json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]},
        headers={"Simulate-Tokens": "3", "Helicone-Property-Env": "dev", **headers},
    )
    return answer.headers["helicone-id"]


def told_of(product: Product, name: str, **expected: Any) -> dict[str, Any]:
    """Return the request once it has what was said later."""

    def look() -> dict[str, Any] | None:
        data = product.http.get(f"/v1/request/{name}").json()["data"]
        return data if data and {key: data[key] for key in expected} == expected else None

    return until(look)


def test_feedback_scores_and_properties_are_kept(own_product: Product) -> None:
    """Right after the call, under its id or the caller's own; the last word counts."""
    product, own = own_product, str(uuid4())
    for name in (called(product), called(product, **{"Helicone-Request-Id": own})):
        path = f"/v1/request/{name}"
        for method, call, body in (
            ("POST", f"{path}/feedback", {"rating": True}),
            ("POST", "/v1/feedback", {"helicone-id": name, "rating": False}),
            ("POST", f"{path}/score", {"scores": {"depth": 7, "is_good": True}}),
            ("PUT", f"{path}/property", {"key": "Env", "value": "prod"}),
            ("PUT", f"{path}/property", {"key": "later", "value": name}),
        ):
            answer = product.http.request(method, call, json=body)
            assert answer.status_code == 201, answer.text
            assert answer.json() == {"data": None, "error": None}
        told_of(
            product,
            name,
            scores={"depth": 7, "is_good": 1, "helicone-score-feedback": 0},
            feedback_rating=False,
            properties={"env": "prod", "later": name},
        )
        trees = [
            leaf(properties={"env": {"equals": "prod"}, "later": {"equals": name}}),
            both(leaf(scores={"depth": {"gte": 7}}), leaf(request_id={"equals": name})),
        ]
        for tree in trees:
            assert asked(product.http, "/v1/request/count/query", filter=tree) == 1
        old = both(leaf(properties={"env": {"equals": "dev"}}), leaf(request_id={"equals": name}))
        assert asked(product.http, "/v1/request/count/query", filter=old) == 0
        as_it_stands(product.http, {"env": "prod", "later": name})
    assert {"property": "later"} in asked(product.http, "/v1/property/query")


def as_it_stands(api: httpx.Client, properties: dict[str, str]) -> None:
    """The one record of ours that has *properties* has them wherever one asks."""
    mine = {f"property.{name}": value for name, value in properties.items()}
    (row,) = api.get("/api/v1/records", params=mine).json()["records"]
    exported = api.get("/api/v1/records/export", params={**mine, "format": "jsonl"}).json()
    assert row["properties"] == exported["properties"] == properties
    for name, value in properties.items():
        by = {**mine, "group_by": f"property.{name}"}
        (bucket,) = api.get("/api/v1/stats", params=by).json()["buckets"]
        assert (bucket["group"], bucket["count"]) == (value, 1)
    known = api.get("/api/v1/properties", params=mine).json()["properties"]
    assert {one["name"]: one["values"] for one in known} == {k: [v] for k, v in properties.items()}


def test_what_was_said_later_survives(own_product: Product) -> None:
    """The recorder is killed right after its answer."""
    name = called(own_product)
    path = f"/v1/request/{name}/property"
    assert own_product.http.put(path, json={"key": "k", "value": "v"}).status_code == 201
    own_product.kill_recorder()
    until(lambda: own_product.http.get("/api/v1/stats").status_code == 200 or None)
    told_of(own_product, name, properties={"env": "dev", "k": "v"})
    assert own_product.record(name)["properties"] == {"env": "dev", "k": "v"}


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("score", {"scores": {"a": 0.5}}),
        ("score", {}),
        ("feedback", {"rating": "good"}),
        ("feedback", []),
    ],
)
def test_what_cannot_be_said_is_refused(api: httpx.Client, call: str, body: Any) -> None:
    """Scores are whole numbers and booleans, a rating is a boolean."""
    answer = api.post(f"/v1/request/{uuid4()}/{call}", json=body)
    assert (answer.status_code, answer.json()["data"]) == (400, None)
    named = api.post(f"/v1/request/nobody/{call}", json={"rating": True, "scores": {"a": 1}})
    assert named.status_code == 400


def test_a_full_disk_is_no_acknowledgement(
    api: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said to be kept that is not."""
    lost = iter([0, 5])
    monkeypatch.setattr(served.journal, "lost", lambda: next(lost))
    answer = api.post(f"/v1/request/{uuid4()}/feedback", json={"rating": True})
    assert answer.status_code == 503
