"""The frame around the views: where one can go, how, and how much has to be loaded for it."""

from __future__ import annotations

import gzip
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import BUILT, Visit
from tests.browser.talking import ask, nonce
from tests.product import Product

# What one waits for on a first visit, compressed as a web server would.
FIRST_LOAD_LIMIT = 250_000
VIEWS = {
    "Live": "/live",
    "Records": "/",
    "Overview": "/overview",
    "Sessions": "/sessions",
    "Users": "/users",
    "Models": "/models",
    "Health": "/health",
    "Keys": "/keys",
}


def test_every_view_can_be_reached_by_the_navigation(visit: Visit, product: Product):
    """Each has its address, and says where one is; back leads back."""
    page = visit("/live")
    for name, path in VIEWS.items():
        page.get_by_role("navigation", name="Views").get_by_role("link", name=name).click()
        expect(page).to_have_url(product.url + path)
        current = page.locator(".views [aria-current=page]")
        expect(current).to_have_text(name)
    names = list(VIEWS)
    page.go_back()
    expect(page.locator(".views [aria-current=page]")).to_have_text(names[-2])


@pytest.mark.parametrize("path", VIEWS.values())
def test_every_view_survives_a_reload(visit: Visit, path: str):
    """The server knows the addresses that the page draws."""
    page = visit(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_on_a_phone_the_current_view_is_to_be_seen_in_the_navigation(visit: Visit):
    """Not all of them fit; the last ones are reached by scrolling them."""
    page = visit("/health", viewport={"width": 390, "height": 800})
    expect(page.locator(".views [aria-current=page]")).to_have_text("Health")
    expect(page.locator(".views [aria-current=page]")).to_be_in_viewport(ratio=1)


CODE = "**/assets/live-page-*.js"


def test_a_view_comes_though_the_server_was_away_for_a_moment(visit: Visit):
    """Its code is asked for again, and it stands there as if nothing had been."""
    page = visit("/health", allowed=("Failed to load resource",))
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    page.route(CODE, lambda route: route.abort(), times=2)
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Live")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_view_that_does_not_come_can_be_tried_again(visit: Visit):
    """The rest of the page stays, and one button loads all of it."""
    page = visit("/health", allowed=("Failed to load resource", "Failed to fetch dynamically"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    page.route(CODE, lambda route: route.abort())
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Live").click()
    again = page.get_by_role("alert").get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.unroute(CODE)
    again.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Live")


def test_g_and_a_letter_go_to_a_view_and_a_question_mark_lists_the_keys(
    visit: Visit, product: Product
):
    """As the list of keys says."""
    page = visit("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page).to_have_url(f"{product.url}/live")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("next and previous row")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_first_load_is_small():
    """The page, and every script and style that it names."""
    html = BUILT.read_text()
    named = re.findall(r'(?:src|href)="/(assets/[^"]+)"', html)
    assert any(name.endswith(".js") for name in named)
    files = [BUILT, *(BUILT.parent / name for name in named)]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < FIRST_LOAD_LIMIT


def test_an_unknown_address_has_a_way_home(visit: Visit):
    """A small page of its own, under a policy as strict."""
    page = visit("/nonsense", allowed=("404",))
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    assert page.locator("body").evaluate("body => getComputedStyle(body).display") == "grid"
    page.get_by_role("link", name="records").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("nothing at this address")


def test_all_of_a_phone_can_be_reached(visit: Visit, product: Product):
    """The view one is in is within the row of views, and the table of workers within its panel."""
    page = visit("/health", viewport={"width": 390, "height": 800}, has_touch=True)
    workers = page.locator(".health-workers")
    expect(workers.get_by_text("at work").first).to_be_visible()
    assert workers.evaluate("box => box.scrollWidth <= box.clientWidth")
    nav = page.get_by_role("navigation", name="Views")
    assert nav.evaluate(
        """nav => {
            const row = nav.getBoundingClientRect();
            const link = nav.querySelector("[aria-current]").getBoundingClientRect();
            return row.left <= link.left && link.right <= row.right;
        }"""
    )
    record = product.record(ask(product, nonce(), tokens=3))
    page.goto(f"/compare?a={record['id']}&b={record['id']}")
    head = page.get_by_role("columnheader", name="Difference")
    expect(head).to_be_visible()
    assert head.evaluate("th => getComputedStyle(th).whiteSpace") == "nowrap"
    page.goto(f"/records/{record['id']}")
    expect(page.get_by_role("link", name="Records").first).to_be_visible()
    expect(page.locator(".back .keys")).to_be_hidden()
