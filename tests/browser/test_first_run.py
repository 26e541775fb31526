"""The first page one sees, on a server that has recorded nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit, visiting
from tests.browser.talking import MODEL, asking, nonce
from tests.browser.test_access import serious_faults
from tests.conftest import providers_of
from tests.product import PROMPT, Product
from tests.simulating import RunningSimulator


@pytest.fixture(scope="module")
def unused(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory):
    """The same, for tests that send nothing to it."""
    running = Product(
        tmp_path_factory.mktemp("unused"), providers=providers_of(simulator), arguments=PROMPT
    )
    yield running
    assert running.stop() == 0


@pytest.fixture
def visit_unused(browser: Browser, unused: Product) -> Iterator[Visit]:
    """Pages of that one."""
    yield from visiting(browser, unused)


@pytest.fixture
def fresh(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory):
    """A server of its own, with nothing in it."""
    running = Product(
        tmp_path_factory.mktemp("fresh"), providers=providers_of(simulator), arguments=PROMPT
    )
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
    with asking(fresh, nonce()) as stream:
        row = page.locator(f'tr[data-id="{stream.id}"]')
        expect(row).to_contain_text("open")
        stream.read(5)
        expect(row).to_contain_text(MODEL)
    expect(row).to_contain_text("client left")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_views_that_have_nothing_yet_tell_it_below_their_titles(visit_unused: Visit):
    """One knows where one is."""
    for path, title in (("/overview", "Overview"), ("/live", "Live")):
        page = visit_unused(path)
        expect(page.get_by_role("heading", name="Point a client here", level=2)).to_be_visible()
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/live", "/overview", "/sessions", "/users", "/models"])
def test_every_empty_view_is_good_to_everyone(visit_unused: Visit, path: str, scheme: str):
    """axe finds nothing serious, and nothing is wider than a phone's screen."""
    page = visit_unused(
        path,
        color_scheme=scheme,
        bypass_csp=True,
        reduced_motion="reduce",
        viewport={"width": 360, "height": 740},
    )
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main").get_by_text("Loading")).to_have_count(0)
    assert serious_faults(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
