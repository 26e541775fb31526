"""The first page one sees, on a server that has recorded nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit, visiting
from tests.browser.talking import ask, nonce
from tests.conftest import providers_of
from tests.product import Product
from tests.simulating import RunningSimulator


@pytest.fixture
def fresh(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory):
    """A server of its own, with nothing in it."""
    running = Product(tmp_path_factory.mktemp("fresh"), providers=providers_of(simulator))
    yield running
    assert running.stop() == 0


@pytest.fixture
def visit_fresh(browser: Browser, fresh: Product) -> Iterator[Visit]:
    """Pages of that server."""
    yield from visiting(browser, fresh)


def test_it_tells_how_to_point_a_client_here_and_shows_the_first_request(
    visit_fresh: Visit, fresh: Product
):
    """The snippets carry the real address; the first request needs no reload."""
    page = visit_fresh("/")
    expect(page.get_by_role("heading", name="Point a client here", level=1)).to_be_visible()
    expect(page.locator("main pre")).to_contain_text(f'base_url="{fresh.url}/openai/v1"')
    page.locator("main").get_by_label("curl").check()
    expect(page.locator("main pre")).to_contain_text(f"{fresh.url}/openai/v1/chat/completions")
    ask(fresh, nonce(), tokens=5)
    expect(page.get_by_role("table")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
