"""A stream again: played, stepped through, compared, and copied."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.talking import CHAT, ask, nonce, tell
from tests.product import Product
from tests.simulating import until

# As long as a picture of the page's clock stands.
FRAME_MS = 16


def stored(product: Product, record_id: str) -> dict:
    """Return a record with its timeline, once it is stored and closed."""
    product.record(record_id)
    return product.http.get(f"/api/v1/records/{record_id}?timeline=true").json()


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


@pytest.mark.parametrize("speed", [0.5, 1, 10])
def test_the_player_takes_the_time_that_the_stream_took(
    visit: Visit, product: Product, speed: float
):
    """By its speed: not done a moment before, done a moment after. The page's clock is ours."""
    record = stored(product, ask(product, nonce(), tokens=30, ttft_ms=100, itl_ms=30))
    page = visit(f"/records/{record['id']}")
    page.get_by_label("Position").fill(str(record["duration_ms"]))
    expect(page.locator(".screen")).to_have_text(record["response_text"])
    page.get_by_label(f"\N{MULTIPLICATION SIGN}{speed:g}", exact=True).check()
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.get_by_role("button", name="Play").click()
    button = page.locator(".player-play")
    expect(button).to_have_text("Pause")
    whole_ms = record["duration_ms"] / speed
    page.clock.run_for(whole_ms * 0.9 - FRAME_MS)
    expect(button).to_have_text("Pause")
    expect(page.locator(".screen")).not_to_have_text(record["response_text"])
    page.clock.run_for(whole_ms * 0.1 + 4 * FRAME_MS)
    expect(button).to_have_text("Play")
    expect(page.locator(".screen")).to_have_text(record["response_text"])


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
    expect(page.locator('.flag[data-mark="End"]')).to_have_count(2)
    # On one scale the shorter one ends where it ended, and nothing is drawn behind it.
    ends = page.evaluate(ENDS)
    assert len(ends) == 2
    for band, flag in ends:
        assert abs(band - flag) <= 1


# Where the band of each timeline ends, and where the flag of its end stands.
ENDS = """() => [...document.querySelectorAll(".timeline")].map(one => [
    Math.max(...[...one.querySelectorAll(".band")].map(band => band.getBoundingClientRect().right)),
    one.querySelector('[data-mark="End"] path').getBoundingClientRect().left,
])"""


def test_where_nothing_came_there_is_nothing_to_play(visit: Visit, product: Product):
    """The time until the end is all there is of it."""
    record = tell(
        product,
        CHAT,
        request={"model": "gpt-4o-mini", "stream": True},
        response={"status": None},
        ended_ms=0.6,
        outcome="connect_failed",
    )
    assert record["chunks"] == 0
    page = visit(f"/records/{record['id']}")
    expect(page.get_by_text("No chunk arrived.")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_have_count(0)
    expect(page.locator(".flag")).to_have_count(1)
    ((band, flag),) = page.evaluate(ENDS)
    assert abs(band - flag) <= 1
