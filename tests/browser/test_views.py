"""The frame around the views: where one can go, how, and how much has to be loaded for it."""

from __future__ import annotations

import gzip
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import BUILT, Visit
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
