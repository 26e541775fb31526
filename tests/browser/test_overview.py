"""How it goes at large: numbers, charts, and the way from them to the records."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.talking import MODEL, ask, nonce, tell
from tests.product import Product
from tests.simulating import until


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


def test_a_number_leads_to_its_records(visit: Visit, product: Product):
    """That of the errors to just those, by what the API takes for one."""
    user = nonce()
    product.record(ask(product, user, tokens=3))
    failed = product.record(ask(product, user, status=500))
    page = visit(f"/overview?user_id={user}")
    tile = page.locator("dt:text-is('Errors') + dd")
    expect(tile).to_contain_text("50.0 %")
    tile.get_by_role("link").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator(f'tr[data-id="{failed["id"]}"]')).to_be_visible()
    page.go_back()
    page.locator("dt:text-is('Requests') + dd").get_by_role("link").click()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_cost_says_what_it_leaves_out(visit: Visit, product: Product):
    """A request that failed has no price, and is told apart."""
    user = nonce()
    product.record(ask(product, user, tokens=3))
    product.record(ask(product, user, status=500))
    page = visit(f"/overview?user_id={user}")
    tile = page.locator("dt:text-is('Cost') + dd")
    expect(tile).to_contain_text("1 not priced: 1 failed")


# How many pixels of a chart have just the colour of its last line, which is drawn over the others.
COLOURED = """figure => {
    const canvas = figure.querySelector("canvas");
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle([...figure.querySelectorAll(".chart-key rect")].at(-1)).fill;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let at = 0; at < data.length; at += 4)
        found += data[at] === r && data[at + 1] === g && data[at + 2] === b;
    return found;
}"""


def test_what_has_no_neighbour_in_time_is_seen(visit: Visit, product: Product):
    """Records far apart, as of an import: each is a point, for no line goes anywhere."""
    user = nonce()
    said = {"choices": [{"index": 0, "delta": {"content": "Yes."}}]}
    chunks = [[3.0, f"data: {json.dumps(said)}\n\n"], [4.0, "data: [DONE]\n\n"]]
    for hours in (1, 30, 60):
        tell(
            product,
            "/v1/chat/completions",
            request={"model": MODEL, "messages": [], "stream": True},
            response={"chunks": chunks},
            user=user,
            hours_ago=hours,
        )
    page = visit(f"/overview?user_id={user}", allowed=("getImageData",))
    expect(page.locator("dt:text-is('Requests') + dd")).to_contain_text("3")
    chart = page.get_by_role("figure", name=re.compile(r"Time to first token\. "))
    expect(chart.locator("canvas")).to_be_visible()
    until(lambda: chart.evaluate(COLOURED) > 0, within=20)
