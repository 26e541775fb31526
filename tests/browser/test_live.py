"""Streams as they run: their text, their pace, their end."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.talking import ABSENT, CHAT, MODEL, ask, asking, nonce
from tests.product import Product
from tests.simulating import until


def stream(page: Page, record_id: str) -> Locator:
    """Return the row of one stream."""
    return page.locator(f'.stream[data-id="{record_id}"]')


def number(row: Locator, name: str) -> str:
    """Return one of the numbers of a row."""
    return row.locator(f"dt:text-is('{name}') + dd").inner_text()


def tokens(row: Locator) -> int:
    """Return how many tokens the row shows, 0 while it shows none."""
    digits = re.sub(r"\D", "", number(row, "tokens"))
    return int(digits or 0)


def test_a_stream_moves_before_ones_eyes_and_fades(visit: Visit, product: Product):
    """Text, tokens and gaps grow while it runs; closed, it says how it ended."""
    user = nonce()
    page = visit(f"/live?find={user}")
    expect(page.get_by_text("No open stream matches.")).to_be_visible()
    with asking(product, user) as answer:
        answer.read(5)
        row = stream(page, answer.id)
        expect(row).to_contain_text("streaming")
        first = until(lambda: tokens(row) or None)
        text = row.locator(".stream-text").inner_text()
        until(lambda: tokens(row) > first or None)
        assert row.locator(".stream-text").inner_text() != text
        expect(row.locator(".spark-even")).to_have_attribute("d", re.compile(r"(M.*){5}"))
    expect(row).to_contain_text("client left")
    expect(row).to_have_count(0)


def test_the_model_is_there_before_the_answer(visit: Visit, product: Product):
    """As soon as the request is, which many clients send after its head."""
    user = nonce()
    page = visit(f"/live?find={user}")
    body = json.dumps({"model": MODEL, "messages": [], "stream": True}).encode()
    gateway = HTTPConnection(urlsplit(product.url).netloc, timeout=30)
    gateway.putrequest("POST", CHAT)
    gateway.putheader("Streamgauge-User-Id", user)
    gateway.putheader("Simulate-Ttft-Ms", "600000")
    gateway.putheader("Content-Length", str(len(body)))
    gateway.endheaders()
    try:
        row = page.locator(".stream")
        expect(row.get_by_role("link")).to_have_text("…")
        gateway.send(body)
        expect(row.get_by_role("link")).to_have_text(MODEL)
        expect(row).to_have_attribute("data-pace", "waiting")
        assert number(row, "TTFT") == number(row, "tokens") == ABSENT
    finally:
        gateway.close()
    expect(row).to_contain_text("client left")


def test_a_stream_that_stands_still_is_marked(visit: Visit, product: Product):
    """After two seconds of silence, and first where one asks for the longest silence."""
    user = nonce()
    page = visit(f"/live?find={user}")
    with asking(product, user, itl_ms=20) as flowing, asking(product, user, itl_ms=60_000) as still:
        flowing.read(3)
        expect(stream(page, flowing.id)).to_have_attribute("data-pace", "streaming")
        expect(stream(page, still.id)).to_have_attribute("data-pace", "stalled")
        page.get_by_label("Order").select_option("quietest")
        expect(page).to_have_url(re.compile("order=quietest"))
        expect(page.locator(".stream").first).to_have_attribute("data-id", still.id)


def test_a_late_visitor_sees_what_is_there_already(visit: Visit, product: Product):
    """The text so far, of a stream that began before the page was opened."""
    user = nonce()
    with asking(product, user) as answer:
        answer.read(5)
        page = visit(f"/live?find={user}")
        row = stream(page, answer.id)
        until(lambda: tokens(row) or None)
        row.get_by_role("link").click()
        expect(page).to_have_url(f"{product.url}/records/{answer.id}")


def test_the_view_comes_back_after_the_connection_was_lost(visit: Visit, product: Product):
    """It says so meanwhile, and asks again by itself."""
    user = nonce()
    page = visit(f"/live?find={user}", allowed=("Failed to load resource",))
    expect(page.get_by_text("No open stream matches.")).to_be_visible()
    expect(page.locator(".live-status")).to_have_attribute("data-status", "live")
    product.kill_recorder()
    expect(page.locator(".live-status")).to_have_attribute("data-status", "lost")
    expect(page.locator(".live-status")).to_have_attribute("data-status", "live")
    with asking(product, user) as answer:
        answer.read(3)
        expect(stream(page, answer.id)).to_be_visible()


def test_what_just_ended_stays_in_reach(visit: Visit, product: Product):
    """With how it ended, and a way to it."""
    page = visit("/live")
    expect(page.locator(".live-status")).to_have_attribute("data-status", "live")
    record_id = ask(product, nonce(), tokens=5)
    link = page.locator(f'.ended a[href="/records/{record_id}"]')
    expect(link).to_be_visible()


def test_a_stream_is_stopped_by_a_button(visit: Visit, product: Product):
    """Pressed twice; the record says that it was on purpose."""
    user = nonce()
    page = visit(f"/live?find={user}")
    with asking(product, user) as answer:
        answer.read(3)
        row = stream(page, answer.id)
        row.get_by_role("button", name="Stop").click()
        row.get_by_role("button", name="Stop it now?").click()
        expect(row).to_contain_text("stopped")
    assert product.record(answer.id)["outcome"] == "stopped"
