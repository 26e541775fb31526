"""The list of records: live, filtered, in pages."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.talking import ABSENT, MODEL, ask, asking, nonce
from tests.product import Product
from tests.simulating import until


def row(page: Page, record_id: str) -> Locator:
    """Return the row of one record."""
    return page.locator(f'tr[data-id="{record_id}"]')


def cell(page: Page, found: Locator, column: str) -> str:
    """Return what stands in one column of a row."""
    head = page.get_by_role("columnheader", name=column, exact=True)
    at = head.evaluate("head => [...head.parentElement.children].indexOf(head)")
    return found.locator("td").nth(at).inner_text()


def test_a_closed_record_stands_in_the_list(visit: Visit, product: Product):
    """Its numbers are those of the API."""
    user = nonce()
    record = product.record(ask(product, user, tokens=12, ttft_ms=40, itl_ms=3))
    page = visit(f"/?user_id={user}")
    found = row(page, record["id"])
    expect(found).to_contain_text("completed")
    expect(found).to_contain_text(MODEL)
    expect(found).to_contain_text("openai")
    expect(found).to_contain_text(user)
    assert cell(page, found, "Out") == str(record["output_tokens"])
    assert cell(page, found, "In") == str(record["input_tokens"])
    assert cell(page, found, "Cost").startswith("$")
    expect(page).to_have_title("Records · Streamgauge")


def test_a_running_stream_is_seen_and_closes_before_ones_eyes(visit: Visit, product: Product):
    """It stands on top with its tokens growing, then becomes a record in the list."""
    user = nonce()
    ask(product, user, tokens=3)
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(1)
    with asking(product, user) as stream:
        found = row(page, stream.id)
        expect(found).to_contain_text("open")
        expect(page.locator("tbody tr").first).to_have_attribute("data-id", stream.id)

        def tokens() -> int:
            text = cell(page, found, "Out")
            return int(text.replace(",", "")) if text != ABSENT else 0

        stream.read(5)
        first = until(lambda: tokens() or None)
        stream.read(5)
        until(lambda: tokens() > first or None)
    expect(found).to_contain_text("client left")
    expect(page.locator("tr[data-open]")).to_have_count(0)


def test_a_first_stream_needs_no_reload_after_a_search_without_result(
    visit: Visit, product: Product
):
    """A text search can't be decided in the browser; the list asks the store when one closes."""
    user, marker = nonce(), nonce()
    ask(product, user, tokens=3)
    page = visit(f"/?q={marker}")
    expect(page.get_by_text("No record matches these filters.")).to_be_visible()
    record_id = ask(product, user, text=f"Say {marker}.", tokens=3)
    expect(row(page, record_id)).to_be_visible()


def test_filters_change_address_and_rows_and_survive_a_reload(visit: Visit, product: Product):
    """The address is the whole state, for a reload, for "back", and for a colleague."""
    user = nonce()
    good = product.record(ask(product, user, tokens=3))["id"]
    bad = product.record(ask(product, user, status=429, is_stream=False))["id"]
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(2)

    page.get_by_role("button", name="Outcome").click()
    page.get_by_role("checkbox", name="http error").check()
    expect(row(page, good)).to_have_count(0)
    expect(row(page, bad)).to_contain_text("HTTP 429")
    expect(page).to_have_url(re.compile("outcome=http_error"))
    page.keyboard.press("Escape")

    page.reload()
    expect(row(page, bad)).to_be_visible()
    expect(row(page, good)).to_have_count(0)
    page.go_back()
    expect(row(page, good)).to_be_visible()


def test_text_search_finds_what_was_said(visit: Visit, product: Product):
    """Typing is enough; the address follows."""
    user, marker = nonce(), nonce()
    other = product.record(ask(product, user, tokens=3))["id"]
    wanted = product.record(ask(product, user, text=f"Say {marker}.", tokens=3))["id"]
    page = visit(f"/?user_id={user}")
    expect(row(page, other)).to_be_visible()
    page.get_by_label("Search requests and replies").fill(marker)
    expect(row(page, other)).to_have_count(0)
    expect(row(page, wanted)).to_be_visible()
    expect(page).to_have_url(re.compile(f"q={marker}"))
    page.get_by_role("button", name="Clear all").click()
    expect(page).to_have_url(f"{product.url}/")


def test_a_filter_without_a_menu_is_a_chip_that_can_be_removed(visit: Visit, product: Product):
    """Whatever the API can filter by works in the address."""
    user = nonce()
    slow = product.record(ask(product, user, tokens=3, ttft_ms=900))["id"]
    fast = product.record(ask(product, user, tokens=3, ttft_ms=1))["id"]
    page = visit(f"/?user_id={user}&ttft_ms.gte=600")
    expect(row(page, slow)).to_be_visible()
    expect(row(page, fast)).to_have_count(0)
    page.get_by_role("button", name="ttft ≥ 600 ms").click()
    expect(row(page, fast)).to_be_visible()


def test_a_wrong_filter_is_named(visit: Visit):
    """The API's own words say what to change."""
    page = visit("/?nonsense=1", allowed=("400",))
    expect(page.get_by_role("alert")).to_contain_text("nonsense")


def test_thousands_of_rows_are_a_page_of_constant_size(visit: Visit, product: Product):
    """Pages come as one scrolls; each record stands once, in order; few of the rows exist."""
    user = nonce()
    wanted = ask_many(product, user, 300)
    page = visit(f"/?user_id={user}")
    table = page.get_by_role("table", name="Records, newest first")
    expect(table).to_have_attribute("aria-rowcount", "-1")  # nobody knows yet
    seen: dict[int, str] = {}
    page.mouse.move(600, 600)

    def at_the_end() -> bool | None:
        rows = page.locator("tbody tr").evaluate_all(
            "rows => rows.map(row => [Number(row.ariaRowIndex), row.dataset.id])"
        )
        assert len(rows) < 60
        seen.update(rows)
        page.mouse.wheel(0, 500)
        return len(seen) == len(wanted) or None

    until(at_the_end)
    assert [seen[index] for index in sorted(seen)] == wanted
    assert sorted(seen) == list(range(2, len(wanted) + 2))
    expect(table).to_have_attribute("aria-rowcount", str(len(wanted) + 1))
    expect(page.get_by_text("300 records")).to_be_visible()


def ask_many(product: Product, user: str, count: int) -> list[str]:
    """Ask so often, and return the records' ids, newest first, once they are stored."""
    for _ in range(count):
        ask(product, user, is_stream=False, tokens=1)
    return until(lambda: stored_ids(product, user, count))


def stored_ids(product: Product, user: str, count: int) -> list[str] | None:
    """Return the ids of all *count* records, newest first; None while some are missing."""
    found = product.closed(user_id=user, limit="1000") or []
    return [one["id"] for one in found] if len(found) == count else None


TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def place_at_rest(page: Page, found: Locator) -> dict[str, float] | None:
    """Return where a row stands, once it stands there for longer than it takes to draw it."""

    def look() -> dict[str, float] | None:
        before = found.bounding_box()
        page.evaluate(TWO_FRAMES)
        return before if found.bounding_box() == before else None

    return until(look)


IS_ON_THE_SCREEN = """id => {
    const row = document.querySelector(`tr[data-id="${id}"]`);
    return row !== null && row.getBoundingClientRect().bottom <= innerHeight;
}"""


def wheel_to_the_end(page: Page, last: str) -> None:
    """Turn the wheel until the *last* record is on the screen; more of them come on the way."""
    page.mouse.move(600, 600)

    def is_there() -> bool | None:
        page.mouse.wheel(0, 600)
        return page.evaluate(IS_ON_THE_SCREEN, last) or None

    until(is_there)


def test_who_reads_further_below_is_not_disturbed(visit: Visit, product: Product):
    """A new record comes on top, and the rows on the screen stay where they are."""
    user = nonce()
    ids = ask_many(product, user, 80)
    page = visit(f"/?user_id={user}")
    expect(row(page, ids[0])).to_be_visible()
    for record_id in ids[:41]:
        page.keyboard.press("j")
        expect(row(page, record_id).locator("a")).to_be_focused()
    reading = row(page, ids[40])
    before = place_at_rest(page, reading)
    assert page.evaluate("scrollY") > 0
    ask(product, user, is_stream=False, tokens=1)
    expect(reading).to_have_attribute("aria-rowindex", str(40 + 2 + 1))
    assert place_at_rest(page, reading) == before
    expect(reading.locator("a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(reading.locator("a")).to_be_focused()
    expect(reading).to_be_in_viewport()


def test_the_row_with_the_focus_outlives_scrolling(visit: Visit, product: Product):
    """However far one scrolls away, the next key goes on from there."""
    user = nonce()
    ids = ask_many(product, user, 100)
    page = visit(f"/?user_id={user}")
    expect(row(page, ids[0])).to_be_visible()
    page.keyboard.press("j")
    expect(row(page, ids[0]).locator("a")).to_be_focused()
    wheel_to_the_end(page, ids[-1])
    expect(row(page, ids[0]).locator("a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(row(page, ids[1]).locator("a")).to_be_focused()
    expect(row(page, ids[1])).to_be_in_viewport()


def test_columns_are_chosen_by_keyboard_and_stand_in_the_address(visit: Visit, product: Product):
    """Their values are those of the API; a reload keeps them, one button takes them back."""
    user = nonce()
    record = product.record(ask(product, user, tokens=9, itl_ms=4))
    page = visit(f"/?user_id={user}")
    expect(row(page, record["id"])).to_be_visible()
    usual = page.locator("thead th").all_inner_texts()
    assert "Finish reason" not in usual
    page.get_by_role("button", name="Columns").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Model", exact=True)).to_be_focused()
    page.keyboard.press("Space")
    for name in ("Finish reason", "Max gap", "ITL p95", "Closed by", "Attempts", "Chunks"):
        page.get_by_role("checkbox", name=re.compile(f"^{name}")).focus()
        page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Columns")).to_be_focused()
    expect(page).to_have_url(re.compile("columns="))
    page.reload()
    found = row(page, record["id"])
    expect(found).to_be_visible()
    columns = page.locator("thead th").all_inner_texts()
    assert set(usual) - set(columns) == {"Model"}
    assert cell(page, found, "Finish reason") == record["finish_reasons"][0]
    assert cell(page, found, "Closed by") == record["closed_by"]
    assert cell(page, found, "Attempts") == "1"
    assert cell(page, found, "Chunks") == str(record["chunks"])
    assert cell(page, found, "Max gap").endswith("ms")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="The usual columns").click()
    expect(page).to_have_url(f"{product.url}/?user_id={user}")
    assert page.locator("thead th").all_inner_texts() == usual


def test_pause_keeps_the_rows_still(visit: Visit, product: Product):
    """What comes meanwhile is there when one goes on."""
    user = nonce()
    ask(product, user, tokens=3)
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    later = ask(product, user, tokens=3)
    product.record(later)
    expect(row(page, later)).to_have_count(0)
    page.get_by_role("button", name="Resume").click()
    expect(row(page, later)).to_be_visible()


def test_a_bound_is_added_as_a_chip(visit: Visit, product: Product):
    """It changes the address and the rows, and goes away again."""
    user = nonce()
    quick = product.record(ask(product, user, tokens=2, ttft_ms=20))
    slow = product.record(ask(product, user, tokens=2, ttft_ms=400))
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="More").click()
    expect(page.get_by_label("What")).to_be_focused()
    page.get_by_label("Value in ms").fill("300")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{product.url}/?user_id={user}&ttft_ms.gte=300")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator(f'tr[data-id="{slow["id"]}"]')).to_be_visible()
    page.get_by_role("button", name="ttft ≥ 300 ms").click()
    expect(page.locator(f'tr[data-id="{quick["id"]}"]')).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_label("What").select_option("Longest gap")
    page.get_by_label("Bound").select_option("at most")
    page.get_by_label("Value in s").fill("2.5")
    page.get_by_role("button", name="Add").click()
    expect(page).to_have_url(f"{product.url}/?user_id={user}&max_gap_ms.lte=2500")


def test_the_slowest_come_first_where_that_is_asked(visit: Visit, product: Product):
    """The order stands in the address, and what ends later takes its place in it."""
    user = nonce()
    waits = (150, 20, 400)
    records = [product.record(ask(product, user, tokens=2, ttft_ms=wait)) for wait in waits]
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Order").select_option("Slowest first token")
    expect(page).to_have_url(f"{product.url}/?user_id={user}&sort=-ttft_ms")
    slowest_first = sorted(records, key=lambda one: -one["ttft_ms"])
    for place, record in enumerate(slowest_first):
        expect(page.locator("tbody tr").nth(place)).to_have_attribute("data-id", record["id"])
    later = product.record(ask(product, user, tokens=2, ttft_ms=250))
    # The second, but on a machine that is busy just then.
    place = sum(one["ttft_ms"] > later["ttft_ms"] for one in records)
    expect(page.locator("tbody tr").nth(place)).to_have_attribute("data-id", later["id"])
    expect(page.locator("tbody tr")).to_have_count(4)


def test_another_order_says_what_still_runs(visit: Visit, product: Product):
    """It has no place before its end, so it is counted, and a button shows it."""
    user = nonce()
    ended = product.record(ask(product, user, tokens=2))
    page = visit(f"/?user_id={user}&sort=-ttft_ms")
    expect(row(page, ended["id"])).to_be_visible()
    expect(page.get_by_text("None is running now.")).to_be_visible()
    with asking(product, user) as answer:
        answer.read(3)
        expect(page.get_by_text("1 still running, listed here once ended.")).to_be_visible()
        expect(row(page, answer.id)).to_have_count(0)
        page.get_by_role("button", name="Newest first").click()
        expect(page).to_have_url(f"{product.url}/?user_id={user}")
        expect(row(page, answer.id)).to_be_visible()
        page.get_by_label("Order").select_option("Slowest first token")
        expect(row(page, answer.id)).to_have_count(0)
    expect(row(page, answer.id)).to_be_visible()
    expect(page.get_by_text("None is running now.")).to_be_visible()


def draw_over(page: Page, begin: float, end: float) -> None:
    """Draw over a part of the chart, from and to a share of its width."""
    box = page.locator(".records-time .u-over").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=4)
    page.mouse.up()


def test_the_chart_above_counts_by_outcome(visit: Visit, product: Product):
    """In words, too; and the values under the pointer stand above it."""
    user = nonce()
    for wish in ({"tokens": 2}, {"tokens": 2}, {"status": 500}):
        product.record(ask(product, user, is_stream=False, **wish))
    page = visit(f"/?user_id={user}")
    words = re.compile(r"Records over time\. failed: 1, completed: 2$")
    chart = page.get_by_role("figure", name=words)
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart.locator("time")).to_have_count(0)
    chart.locator(".u-over").hover()
    expect(chart.locator("time")).to_be_visible()


def test_where_nothing_matches_there_is_no_room_for_a_chart(visit: Visit):
    """The answer stands where one looks for it."""
    page = visit(f"/?user_id={nonce()}")
    expect(page.get_by_text("No record matches these filters.")).to_be_visible()
    expect(page.locator(".records-time > *")).to_have_count(0)


def test_drawing_over_the_chart_is_a_part_of_the_time(visit: Visit, product: Product):
    """The address has its bounds, the rows are those within; a chip or two clicks undo it."""
    user = nonce()
    for _ in range(3):
        last = ask(product, user, tokens=2, ttft_ms=1600)
    product.record(last)
    whole = f"{product.url}/?user_id={user}"
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(3)
    for undo in ("chip", "clicks"):
        draw_over(page, 0.0, 0.6)
        expect(page).to_have_url(re.compile(r"started_at\.gte=.*&started_at\.lte="))
        bounds = dict(parse_qsl(urlsplit(page.url).query))
        within = product.records(**bounds)
        assert 0 < len(within) < 3
        expect(page.locator("tbody tr")).to_have_count(len(within))
        chip = page.get_by_role("link", name="remove")
        expect(chip).to_contain_text(ABSENT)  # the dash between its bounds
        if undo == "chip":
            chip.click()
        else:
            page.locator(".records-time .u-over").dblclick()
        expect(page).to_have_url(whole)
        expect(page.locator("tbody tr")).to_have_count(3)


def test_the_last_hour_is_one_key_away(visit: Visit, product: Product):
    """What the chart does with a pointer, the links beside the title do by keyboard."""
    user = nonce()
    record_id = product.record(ask(product, user, tokens=2))["id"]
    page = visit(f"/?user_id={user}")
    page.get_by_role("link", name="1 hour").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{product.url}/?user_id={user}&last=hour")
    expect(row(page, record_id)).to_be_visible()
    expect(page.get_by_role("link", name="1 hour")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("form", ["CSV", "JSON lines", "Parquet"])
def test_the_selection_can_be_taken_along(visit: Visit, product: Product, form: str):
    """Every form holds the records that the filters leave, and no other."""
    user = nonce()
    ids = {product.record(ask(product, user, tokens=2))["id"] for _ in range(2)}
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=form).click()
    data = Path(download.value.path()).read_bytes()
    if form == "CSV":
        found = {row["id"] for row in csv.DictReader(data.decode().splitlines())}
    elif form == "JSON lines":
        found = {json.loads(line)["id"] for line in data.splitlines()}
    else:
        assert data[:4] == data[-4:] == b"PAR1"
        found = {one for one in ids if one.encode() in data}
    assert found == ids


def test_what_runs_has_its_own_place_among_the_newest(visit: Visit, product: Product):
    """A stream that began before another one stands below it, though it still runs."""
    user = nonce()
    with asking(product, user) as stream:
        stream.read(2)
        later = product.record(ask(product, user, tokens=3))
        page = visit(f"/?user_id={user}")
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_have_attribute("data-id", later["id"])
        expect(rows.nth(1)).to_have_attribute("data-id", stream.id)
        expect(rows.nth(1)).to_contain_text("open")


def test_a_small_cost_is_whole_where_there_is_little_room(visit: Visit, product: Product):
    """At the width of a small laptop; its title has it, too."""
    user = nonce()
    record = product.record(ask(product, user, text="Go.", tokens=1))
    assert record["cost_usd"] < 0.0001
    page = visit(f"/?user_id={user}", viewport={"width": 1240, "height": 800})
    cost = page.locator(f'tr[data-id="{record["id"]}"] td', has_text="$")
    expect(cost).to_be_visible()
    assert cost.evaluate("cell => cell.scrollWidth <= cell.clientWidth")
    expect(cost.locator("[title]")).to_have_attribute("title", cost.inner_text())
