"""The lists of sessions, users, models and properties, over HTTP."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from streamgauge.api.schemas import Models, Properties, Sessions, Users
from tests.api.serving import Served
from tests.storing import put, record


@pytest.mark.parametrize(
    ("path", "schema"),
    [("sessions", Sessions), ("users", Users), ("models", Models), ("properties", Properties)],
)
def test_an_answer_is_what_openapi_says(
    api: httpx.Client, served: Served, path: str, schema: type
) -> None:
    put(
        served.store,
        record(1, user_id=f"u-{path}", session_id="s", model="m", properties={"a": "b"}),
    )
    answer = api.get(f"/api/v1/{path}", params={"user_id": f"u-{path}"})
    assert answer.status_code == 200
    told = msgspec.convert(answer.json(), schema, strict=False)
    (one,) = getattr(told, path)
    assert one.count == 1
    assert answer.json()[path][0].keys() == {*one.__struct_fields__}


@pytest.mark.parametrize("path", ["sessions", "users", "models", "properties"])
def test_what_is_not_known_is_refused(api: httpx.Client, path: str) -> None:
    answer = api.get(f"/api/v1/{path}", params={"nonsense": "1"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "nonsense"
