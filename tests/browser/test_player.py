"""A stream again: played, stepped through, compared, and copied."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.talking import ask, nonce
from tests.product import Product
from tests.simulating import until

HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg onload=\"document.title='owned'\">",
    "[click](javascript:document.title='owned')",
    "![x](https://127.0.0.1:1/steals.png)",
    "```html\n<iframe srcdoc='<script>parent.document.title=1</script>'></iframe>\n```",
    "# <b onmouseover=\"document.title='owned'\">x</b>",
    "<a href=\"javascript:document.title='owned'\">x</a>",
    "\N{RIGHT-TO-LEFT OVERRIDE}<style>*{display:none}</style>",
    "{{constructor.constructor('document.title=1')()}}",
]


def stored(product: Product, record_id: str) -> dict:
    """Return a record with its timeline, once it is stored."""

    def look() -> dict | None:
        found = product.http.get(f"/api/v1/records/{record_id}?timeline=true").json()
        return found if found.get("timeline") else None

    return until(look)


def test_the_player_shows_the_whole_text_at_the_end_and_nothing_at_the_beginning(
    visit: Visit, product: Product
):
    """Text and playhead move together, at the speed that was chosen."""
    record = stored(product, ask(product, nonce(), tokens=20, ttft_ms=80, itl_ms=20))
    page = visit(f"/records/{record['id']}")
    page.get_by_label("\N{MULTIPLICATION SIGN}10").check()
    page.get_by_role("button", name="Play").click()
    screen = page.locator(".screen")
    expect(page.locator(".playhead")).to_have_count(1)
    expect(screen).to_have_text(record["response_text"])
    expect(page.locator(".player-play")).to_have_text("Play")
    page.get_by_label("Position").fill("0")
    expect(screen).to_have_text("")


def test_one_can_step_from_chunk_to_chunk(visit: Visit, product: Product):
    """Each step brings the text of one more moment, back takes it away."""
    record = stored(product, ask(product, nonce(), tokens=8, ttft_ms=40, itl_ms=15))
    pieces = product.http.get(f"/api/v1/records/{record['id']}/replay").json()["pieces"]
    page = visit(f"/records/{record['id']}")
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".screen")).to_have_text(record["response_text"])
    expect(page.locator(".player-play")).to_have_text("Play")
    page.get_by_label("Position").fill("0")
    for _ in range(2):
        page.get_by_role("button", name="One step on").click()
    expect(page.locator(".screen")).to_have_text((pieces[0][2] + pieces[1][2]).strip())
    page.get_by_role("button", name="One step back").click()
    expect(page.locator(".screen")).to_have_text(pieces[0][2].strip())


def test_the_timeline_can_be_zoomed(visit: Visit, product: Product):
    """In, out, and back to the whole."""
    record = stored(product, ask(product, nonce(), tokens=10, ttft_ms=60, itl_ms=10))
    page = visit(f"/records/{record['id']}")
    axis = page.locator(".axis")
    whole = axis.inner_html()
    page.get_by_role("button", name="Zoom in").click()
    until(lambda: axis.inner_html() != whole or None)
    page.get_by_role("button", name="Whole").click()
    until(lambda: axis.inner_html() == whole or None)


def test_two_records_stand_side_by_side(visit: Visit, product: Product):
    """Chosen from the list, with what is different between them."""
    user = nonce()
    quick = stored(product, ask(product, user, tokens=5, ttft_ms=20, itl_ms=2))
    slow = stored(product, ask(product, user, tokens=5, ttft_ms=400, itl_ms=2))
    page = visit(f"/records/{quick['id']}")
    page.get_by_role("link", name="Compare with").click()
    page.locator(f'.compare-choose a[href$="b={slow["id"]}"]').click()
    expect(page).to_have_url(re.compile(f"a={quick['id']}&b={slow['id']}"))
    row = page.get_by_role("row", name="Time to first token")
    expect(row.locator("[data-better]")).to_have_attribute("data-better", "no")
    expect(page.locator(".timeline")).to_have_count(2)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_said_stays_text(visit: Visit, product: Product, text: str):
    """In request and conversation; the page runs and loads nothing of it (`visit` listens)."""
    record = stored(product, ask(product, nonce(), text=text, tokens=3))
    page = visit(f"/records/{record['id']}")
    expect(page.get_by_label("Request").locator(".turn").nth(1)).to_be_visible()
    assert page.title() == f"{record['model']} · Streamgauge"
    said = page.locator("main")
    assert said.locator("script, iframe, img, style, [onerror], [onload]").count() == 0
    assert said.locator('a[href^="javascript"]').count() == 0
