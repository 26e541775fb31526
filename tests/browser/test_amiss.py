"""What every view says while the gateway cannot keep what it streams."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit, visiting
from tests.browser.talking import CHAT, MODEL
from tests.browser.test_access import serious_faults
from tests.conftest import providers_of
from tests.faults.test_full_disk import let_files_grow
from tests.product import PROMPT, Product
from tests.simulating import RunningSimulator, until

WITHIN_S = 60.0


@pytest.fixture
def full(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory):
    """A server whose disk has no room, which has served a stream since."""
    running = Product(
        tmp_path_factory.mktemp("full"), providers=providers_of(simulator), arguments=PROMPT
    )
    (worker,) = running.pids("worker")
    let_files_grow(worker, 1)
    answer = running.http.post(CHAT, json={"model": MODEL, "messages": [], "stream": True})
    assert answer.text.rstrip().endswith("data: [DONE]")
    until(lambda: health_is(running, "degraded"), within=WITHIN_S)
    yield running
    assert running.stop() == 0


@pytest.fixture
def visit_full(browser: Browser, full: Product) -> Iterator[Visit]:
    """Pages of that server."""
    yield from visiting(browser, full)


def health_is(product: Product, status: str) -> bool:
    return product.http.get("/healthz").json()["status"] == status


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process: prlimit")
def test_a_loss_is_told_on_every_view_for_as_long_as_it_lasts(visit_full: Visit, full: Product):
    """The first page does not wait for a first request that was served, and Health says it all."""
    page = visit_full("/", bypass_csp=True)
    warning = page.get_by_role("complementary", name="Warning")
    expect(warning).to_contain_text("What streams now is not recorded.")
    expect(page.locator("main")).to_contain_text("1 request has come through, with no record here.")
    expect(page.locator("main")).not_to_contain_text("Waiting for the first request")
    assert serious_faults(page) == ""
    for view in ("/live", "/overview", "/sessions", "/users", "/models", "/keys", "/compare"):
        page.goto(view)
        expect(warning).to_be_visible()
    warning.get_by_role("link", name="See Health").click()
    expect(page.get_by_text("Something does not hold", exact=True)).to_be_visible()
    expect(warning).to_have_count(0)
    page.go_back()
    expect(warning).to_be_visible()
    (worker,) = full.pids("worker")
    let_files_grow(worker)
    until(lambda: health_is(full, "ok"), within=WITHIN_S)
    expect(warning).to_have_count(0)
    page.goto("/health")
    expect(page.get_by_text("Everything holds now, after losses")).to_be_visible()
    expect(page.get_by_text("but not kept")).to_be_visible()
