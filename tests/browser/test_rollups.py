"""Sessions, users, models and health: the numbers are the API's, and lead to their records."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.talking import ask, nonce, uuid7
from tests.product import Product
from tests.simulating import until


def cells(page: Page, row_id: str) -> dict[str, str]:
    """Return one row by the names of its columns."""
    row = page.locator(f'tr[data-id="{row_id}"]')
    expect(row).to_be_visible()
    names = page.locator("table.rollup thead th").all_inner_texts()
    texts = row.locator("td").all_inner_texts()
    return {
        name.split(" ↓")[0].split(" ↑")[0]: text for name, text in zip(names, texts, strict=True)
    }


def talk(product: Product, user: str, session: str, path: str, **wishes: object) -> dict:
    """Send a request of a session and return its record."""
    headers = {
        "Streamgauge-User-Id": user,
        "Streamgauge-Session-Id": session,
        "Streamgauge-Session-Name": "A walk",
        "Streamgauge-Session-Path": path,
        "Authorization": "Bearer none",
    } | {f"Simulate-{name.replace('_', '-')}": str(value) for name, value in wishes.items()}
    body = {
        "model": "gpt-4o-mini",
        "stream": True,
        "messages": [{"role": "user", "content": "Go."}],
        "stream_options": {"include_usage": True},
    }
    answer = product.http.post("/openai/v1/chat/completions", json=body, headers=headers)
    return product.record(answer.headers["streamgauge-id"])


def test_a_session_is_a_tree_with_its_waterfall(visit: Visit, product: Product):
    """Paths above their records, in the order in which they began."""
    user, session = nonce(), nonce()
    first = talk(product, user, session, "/plan", tokens=3, ttft_ms=30)
    second = talk(product, user, session, "/plan/search", tokens=3, ttft_ms=30)
    third = talk(product, user, session, "/answer", tokens=3, status=500)
    page = visit("/sessions")
    row = cells(page, session)
    assert row["Session"].startswith("A walk")
    assert row["Requests"] == "3"
    assert row["Errors"].startswith("1 ")
    assert row["User"] == user
    page.locator(f'tr[data-id="{session}"]').get_by_role("link", name="A walk").click()
    expect(page).to_have_url(f"{product.url}/sessions/{session}")
    expect(page.get_by_role("heading", level=1)).to_have_text("A walk")
    rows = page.locator(".session-tree tbody tr")
    expect(rows).to_have_count(6)
    order = [one.get_attribute("data-id") or one.get_attribute("data-path") for one in rows.all()]
    assert order == ["/plan", first["id"], "/plan/search", second["id"], "/answer", third["id"]]
    bars = page.locator(".session-tree tbody tr svg .shape-wait")
    starts = [float((bar.get_attribute("x") or "").rstrip("%")) for bar in bars.all()]
    assert starts == sorted(starts)
    assert starts[0] == 0
    page.locator(f'tr[data-id="{second["id"]}"] a').click()
    expect(page).to_have_url(f"{product.url}/records/{second['id']}")


def test_users_lead_to_their_records_and_their_errors(visit: Visit, product: Product):
    """The filter is in the address of the list."""
    user = nonce()
    good = product.record(ask(product, user, tokens=4))
    bad = product.record(ask(product, user, status=500, is_stream=False))
    page = visit("/users")
    row = cells(page, user)
    assert row["Requests"] == "2"
    assert row["Errors"].startswith("1 ")
    page.locator(f'tr[data-id="{user}"]').get_by_role("link", name=re.compile("50.0 %")).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator(f'tr[data-id="{bad["id"]}"]')).to_be_visible()
    page.go_back()
    page.locator(f'tr[data-id="{user}"]').get_by_role("link", name=user).click()
    expect(page).to_have_url(f"{product.url}/?user_id={user}")
    expect(page.locator(f'tr[data-id="{good["id"]}"]')).to_be_visible()


def test_more_users_than_a_page_has_are_a_button_away(visit: Visit, product: Product):
    """Each stands once, and none is left out."""
    model = f"model-{nonce()}"
    users = [f"{model}-{number:03}" for number in range(201)]
    for user in users:
        log = {
            "id": str(uuid7()),
            "started_at": datetime.now(UTC).isoformat(),
            "request": {"model": model},
            "response": {"status": 200, "body": {}},
            "labels": {"user_id": user},
        }
        assert product.http.post("/api/v1/log", json=log).status_code == 200
    asked = {"model": model, "limit": "1"}
    until(lambda: product.http.get("/api/v1/users", params=asked).json()["total"] == len(users))
    page = visit(f"/users?model={model}")
    rows = page.locator("table.rollup tbody tr")
    expect(rows).to_have_count(200)
    expect(page.get_by_text("201 users, the first 200")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(201)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    shown = rows.evaluate_all("rows => rows.map(row => row.dataset.id)")
    assert sorted(shown) == users


def test_models_stand_side_by_side_with_the_numbers_of_the_api(visit: Visit, product: Product):
    """In any order, which stands in the address."""
    model = f"model-{nonce()}"
    for _ in range(2):
        product.record(ask(product, nonce(), model=model, tokens=5, ttft_ms=40, itl_ms=5))
    told = product.http.get("/api/v1/models", params={"model": model}).json()["models"][0]
    page = visit("/models")
    row = cells(page, f"openai/{model}")
    assert row["Requests"] == str(told["count"]) == "2"
    assert row["TTFT p50"] == f"{round(told['ttft_p50_ms'])} ms"
    assert row["Out"] == str(told["output_tokens"])
    page.get_by_role("button", name="TTFT p50").click()
    expect(page).to_have_url(f"{product.url}/models?sort=-ttft_p50_ms")
    column = page.get_by_role("columnheader", name="TTFT p50")
    expect(column).to_have_attribute("aria-sort", "descending")
    rows = product.http.get("/api/v1/models", params={"sort": "-ttft_p50_ms"}).json()["models"]
    expected = [f"{one['provider'] or ''}/{one['model'] or ''}" for one in rows]
    expect(page.locator("table.rollup tbody tr").first).to_have_attribute("data-id", expected[0])


def test_a_time_without_records_says_what_to_do(visit: Visit):
    """In place of an empty table."""
    page = visit("/users?started_at.lte=2020-01-01T00:00:00Z")
    expect(page.get_by_text("Streamgauge-User-Id")).to_be_visible()


def test_health_shows_what_the_server_says_of_itself(visit: Visit, product: Product):
    """The recorder's lag, the journal, the store, each worker."""
    product.record(ask(product, nonce(), tokens=2))
    page = visit("/health")
    expect(page.get_by_text("Everything holds")).to_be_visible()
    told = product.http.get("/healthz").json()
    lag = page.locator("dt:text-is('Recorder lag') + dd")
    expect(lag).to_contain_text(re.compile(r"\d"))
    expect(page.locator("dt:text-is('Store') + dd")).to_contain_text(
        re.compile(r"[1-9][\d,]*\s*rows, ")
    )
    expect(page.locator("dt:text-is('Version') + dd")).to_contain_text(told["version"])
    for worker in told["workers"]:
        row = page.get_by_role("row", name=f"{worker['node']}/{worker['worker']}")
        expect(row).to_contain_text(str(worker["pid"]))
    expect(page.get_by_role("figure", name=re.compile("Recorder lag"))).to_be_visible()


def test_health_says_what_does_not_hold(visit: Visit, product: Product):
    """In words, and as an alert."""
    told = product.http.get("/healthz").json()
    told["status"] = "degraded"
    told["recorder"] |= {"lag_s": 75.0, "frames_dropped": 3}
    told["workers"][0]["journal"] |= {"lost_entries": 1200, "full": True}
    page = visit("/overview")
    page.route("**/healthz", lambda route: route.fulfill(body=json.dumps(told)))
    page.goto("/health")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(
        "1,200 journal entries were streamed to their clients but not kept"
    )
    expect(alert).to_contain_text("3 parts of the journal could not be read")
    expect(alert).to_contain_text("The recorder is 1 m 15 s behind")
    expect(alert).to_contain_text("The journal is at its limit")


def test_a_chart_follows_the_theme(visit: Visit, product: Product):
    """Also the part that is drawn on a canvas."""
    product.record(ask(product, nonce(), tokens=2))
    page = visit("/overview", color_scheme="light")
    chart = page.get_by_role("figure", name=re.compile("Traffic")).locator("canvas")
    expect(chart).to_be_visible()
    before = chart.evaluate("canvas => canvas.toDataURL()")
    page.emulate_media(color_scheme="dark")
    changed = "before => document.querySelector('figure canvas')?.toDataURL() !== before"
    page.wait_for_function(changed, arg=before)
    assert chart.evaluate("canvas => canvas.toDataURL()") != before
