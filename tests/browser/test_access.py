"""For everyone: by keyboard alone, in both themes, on a phone, with a screen reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.talking import ask, nonce
from tests.product import Product

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES = ("light", "dark")


def focused_row(page: Page) -> str | None:
    """Return the id of the row that has the focus."""
    return page.evaluate("document.activeElement.closest('tr')?.dataset.id ?? null")


def background(page: Page) -> str:
    """Return the colour of the page."""
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def serious_faults(page: Page) -> str:
    """Return what axe has to say against the page as it stands; empty if it is good."""
    page.evaluate(AXE.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run({ runOnly: tags })", tags)
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    return json.dumps(serious, indent=1)[:4000] if serious else ""


def test_from_the_list_to_a_record_and_back_by_keyboard(visit: Visit, product: Product):
    """j and k move, Enter opens, Escape returns to the same row."""
    user = nonce()
    ids = [product.record(ask(product, user, tokens=2))["id"] for _ in range(3)]
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(3)
    newest, middle, oldest = reversed(ids)
    page.keyboard.press("j")
    assert focused_row(page) == newest
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert focused_row(page) == oldest
    page.keyboard.press("k")
    assert focused_row(page) == middle
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{product.url}/records/{middle}")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{product.url}/?user_id={user}")
    expect(page.locator(f'tr[data-id="{middle}"] a')).to_be_focused()


def test_slash_goes_to_the_search_and_typing_j_types(visit: Visit, product: Product):
    """Keys of the list are letters in a field."""
    user = nonce()
    product.record(ask(product, user, tokens=2))
    page = visit(f"/?user_id={user}")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("/")
    search = page.get_by_label("Search requests and replies")
    expect(search).to_be_focused()
    page.keyboard.type("jk")
    expect(search).to_have_value("jk")


def test_a_filter_menu_works_by_keyboard(visit: Visit, product: Product):
    """Enter opens it, space ticks, Escape closes it and gives the focus back."""
    user = nonce()
    product.record(ask(product, user, tokens=2))
    page = visit(f"/?user_id={user}")
    button = page.get_by_role("button", name="Provider")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Provider").locator("input").first).to_be_focused()
    page.keyboard.press("Space")
    expect(page).to_have_url(f"{product.url}/?user_id={user}&provider=openai")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_the_theme_follows_the_system_until_one_chooses(visit: Visit, product: Product):
    """The choice is remembered."""
    product.record(ask(product, nonce(), tokens=2))
    light, dark = (visit("/", color_scheme=scheme) for scheme in SCHEMES)
    assert background(light) != background(dark)
    toggle = dark.get_by_role("button", name="Theme: auto")
    toggle.click()
    assert background(dark) == background(light)
    dark.reload()
    expect(dark.get_by_role("button", name="Theme: light")).to_be_visible()
    assert background(dark) == background(light)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", ["list", "record", "menu", "columns"])
def test_axe_finds_nothing_serious(visit: Visit, product: Product, scheme: str, view: str):
    """WCAG A and AA, in both themes. The policy is set aside here, or axe could not run."""
    user = nonce()
    record = product.record(ask(product, user, tokens=20, ttft_ms=60, itl_ms=5))
    product.record(ask(product, user, status=500, is_stream=False))
    path = f"/records/{record['id']}" if view == "record" else f"/?user_id={user}"
    # At rest: a contrast measured in the middle of a fade is nobody's.
    page = visit(path, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(page.locator(".flag, tbody tr").first).to_be_visible()
    if view == "menu":
        page.get_by_role("button", name="Outcome").click()
        expect(page.get_by_label("completed")).to_be_visible()
    if view == "columns":
        page.get_by_role("button", name="Columns").click()
        expect(page.get_by_label("Finish reason")).to_be_visible()
    assert serious_faults(page) == ""


OTHER_VIEWS = ("/live", "/overview", "/sessions", "/users", "/models", "/health")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", OTHER_VIEWS)
def test_axe_finds_nothing_serious_in_the_other_views(
    visit: Visit, product: Product, scheme: str, path: str
):
    """The same for every place that the navigation leads to."""
    product.record(ask(product, nonce(), tokens=5))
    page = visit(path, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_timeout(500)
    assert serious_faults(page) == ""


@pytest.mark.parametrize("width", [360, 1024])
@pytest.mark.parametrize("path", OTHER_VIEWS)
def test_no_other_view_scrolls_sideways(visit: Visit, product: Product, path: str, width: int):
    """Nor does any other."""
    product.record(ask(product, nonce(), tokens=5))
    page = visit(path, viewport={"width": width, "height": 740})
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 700, 1024, 1180, 1280, 1360])
@pytest.mark.parametrize("view", ["list", "record", "columns"])
def test_no_screen_scrolls_sideways(visit: Visit, product: Product, view: str, width: int):
    """From a phone to a desk, nothing is wider than the screen."""
    user = nonce()
    model = "an-organisation/a-model-with-a-very-long-name-indeed-instruct-turbo"
    record = product.record(ask(product, user, model=model, tokens=20, ttft_ms=60, itl_ms=5))
    product.record(ask(product, user, status=500, is_stream=False))
    path = f"/records/{record['id']}" if view == "record" else f"/?user_id={user}"
    page = visit(path, viewport={"width": width, "height": 740})
    expect(page.locator(".flag, tbody tr").first).to_be_visible()
    if view == "columns":
        page.get_by_role("button", name="Columns").click()
        for column in ("Session", "Path", "Tools", "Answered by"):
            page.get_by_label(column).check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_plain_load_asks_nobody_else_and_breaks_no_rule(visit: Visit, product: Product):
    """The policy is there, and the page keeps it: `visit` fails on any complaint."""
    page = visit("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    policy = product.http.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
