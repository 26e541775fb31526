"""How it goes at large: numbers, charts, and the way from them to the records."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.talking import ask, nonce
from tests.product import Product


def test_its_numbers_are_those_of_the_api(visit: Visit, product: Product):
    """And every chart says in words what it draws."""
    user = nonce()
    records = [product.record(ask(product, user, tokens=tokens)) for tokens in (4, 7)]
    page = visit(f"/overview?user_id={user}")
    for name, value in (
        ("Requests", "2"),
        ("Errors", "0.0 %"),
        ("Tokens out", str(sum(record["output_tokens"] for record in records))),
    ):
        expect(page.locator(f"dt:text-is('{name}') + dd")).to_contain_text(value)
    chart = page.get_by_role("figure", name=re.compile(r"Time to first token\. "))
    expect(chart).to_have_attribute("aria-label", re.compile(r"p50: \d"))
    expect(chart.locator("canvas")).to_be_visible()


def test_a_row_leads_to_its_records(visit: Visit, product: Product):
    """The filter is in the address of the list."""
    ask(product, nonce())
    page = visit("/overview")
    page.get_by_role("link", name="completed").click()
    expect(page).to_have_url(re.compile(r"outcome=completed"))
    expect(page.locator("table a.row-link").first).to_be_visible()


def test_what_a_property_costs_leads_to_its_records(visit: Visit, product: Product):
    """Which property is chosen beside the title; its values are those of the API."""
    name, user = f"team-{nonce()}", nonce()
    headers = {"Streamgauge-User-Id": user, f"Streamgauge-Property-{name}": "red"}
    body = {"model": "gpt-4o-mini", "messages": []}
    answer = product.http.post("/openai/v1/chat/completions", json=body, headers=headers)
    record = product.record(answer.headers["streamgauge-id"])
    ((key, value),) = record["properties"].items()
    page = visit(f"/overview?user_id={user}")
    page.get_by_label("By property").select_option(key)
    table = page.get_by_role("table", name="By property")
    expect(table.get_by_role("row").filter(has_text=value)).to_contain_text("1")
    table.get_by_role("link", name=value).click()
    expect(page).to_have_url(re.compile(rf"property\.{key}={value}"))
    expect(page.locator(f'tr[data-id="{record["id"]}"]')).to_be_visible()


def test_a_part_of_the_time_is_kept_in_the_address(visit: Visit, product: Product):
    """The last hour, and all of it again."""
    ask(product, nonce())
    page = visit("/overview")
    page.get_by_role("link", name="1 hour").click()
    expect(page).to_have_url(f"{product.url}/overview?last=hour")
    page.get_by_role("link", name="All", exact=True).click()
    expect(page).to_have_url(f"{product.url}/overview")


def test_a_field_of_the_heat_map_leads_to_its_records(visit: Visit, product: Product):
    """By mouse and by keyboard; the counts are those of the API."""
    user = nonce()
    for wait in (30, 30, 250):
        product.record(ask(product, user, tokens=3, ttft_ms=wait))
    cells = product.http.get("/api/v1/heatmap", params={"user_id": user}).json()["cells"]
    assert sum(cell["count"] for cell in cells) == 3
    page = visit(f"/overview?user_id={user}")
    fields = page.locator(".heat-cell")
    expect(fields).to_have_count(len(cells))
    slowest = max(cells, key=lambda cell: cell["from_ms"])
    fields.nth(cells.index(slowest)).click()
    expect(page).to_have_url(re.compile(rf"ttft_ms\.gte={slowest['from_ms']:g}&"))
    expect(page.locator("tbody tr")).to_have_count(slowest["count"])
    page.go_back()
    expect(fields).to_have_count(len(cells))
    fields.first.focus()
    page.keyboard.press("ArrowUp")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused != fields.first.get_attribute("aria-label")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/\?.*ttft_ms\.gte="))
