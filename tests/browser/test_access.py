"""For everyone: by keyboard alone, in both themes, on a phone, with a screen reader."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import BUILT, Visit, visiting
from tests.browser.talking import ask, asking, nonce
from tests.product import Product

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES = ("light", "dark")

# Two seconds on a line of one megabit a second.
MOST_GZIPPED = 250_000


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
    for key, record_id in (("j", newest), ("j", middle), ("ArrowDown", oldest), ("k", middle)):
        page.keyboard.press(key)
        expect(page.locator(f'tr[data-id="{record_id}"] a')).to_be_focused()
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
    expect(dark.locator("body")).to_have_css("background-color", background(light))
    dark.reload()
    expect(dark.get_by_role("button", name="Theme: light")).to_be_visible()
    expect(dark.locator("body")).to_have_css("background-color", background(light))


@pytest.fixture(scope="module")
def an_answer_and_an_error(product: Product) -> tuple[str, str]:
    """The user who got both, and the id of the answer's record."""
    user = nonce()
    record = product.record(ask(product, user, tokens=20, ttft_ms=60, itl_ms=5))
    product.record(ask(product, user, status=500, is_stream=False))
    return user, record["id"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", ["list", "record", "menu", "columns"])
def test_axe_finds_nothing_serious(
    visit: Visit, an_answer_and_an_error: tuple[str, str], scheme: str, view: str
):
    """WCAG A and AA, in both themes. The policy is set aside here, or axe could not run."""
    user, record_id = an_answer_and_an_error
    path = f"/records/{record_id}" if view == "record" else f"/?user_id={user}"
    # At rest: a contrast measured in the middle of a fade is nobody's.
    page = visit(path, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(page.locator(".flag, tbody tr").first).to_be_visible()
    if view == "menu":
        page.get_by_role("button", name="Outcome").click()
        expect(page.get_by_role("checkbox", name="completed")).to_be_visible()
    if view == "columns":
        page.get_by_role("button", name="Columns").click()
        expect(page.get_by_role("checkbox", name=re.compile("^Finish reason"))).to_be_visible()
    assert serious_faults(page) == ""


# Every other place, and what is there once it has all that it shows.
OTHER_VIEWS = {
    "/live": ".stream[data-pace=streaming] .spark-even[d*=M]",
    "/overview": ".heat-cell",
    "/sessions": "table.rollup tbody tr",
    "/sessions/{session}": ".session-tree tbody tr",
    "/users": "table.rollup tbody tr",
    "/models": "table.rollup tbody tr",
    "/health": "table tbody tr",
    "/compare?a={first}": ".compare-choose li",
    "/compare?a={first}&b={second}": ".compare-table tbody tr",
}


@pytest.fixture(scope="module")
def talk(product: Product) -> dict[str, str]:
    """A session of two answers and an error: something to see in most views."""
    user, session = nonce(), nonce()
    first, second = (
        product.record(ask(product, user, session=session, tokens=20, ttft_ms=60, itl_ms=5))["id"]
        for _ in range(2)
    )
    product.record(ask(product, user, session=session, status=500, is_stream=False))
    return {"session": session, "first": first, "second": second}


@pytest.fixture
def filled(product: Product, talk: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """Something to see in every view, and a stream that runs; gives the address of one."""
    with asking(product, nonce()) as stream:
        stream.read(5)
        yield lambda path: path.format(**talk)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", OTHER_VIEWS)
def test_axe_finds_nothing_serious_in_the_other_views(
    visit: Visit, filled: Callable[[str], str], scheme: str, path: str
):
    """The same for every place that the navigation leads to, and for those behind it."""
    page = visit(filled(path), color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(page.locator(OTHER_VIEWS[path]).first).to_be_visible()
    assert serious_faults(page) == ""


def test_axe_sees_what_is_wrong(visit: Visit):
    """A page with faults put in is not passed: a check that cannot fail would check nothing."""
    page = visit("/health", bypass_csp=True)
    expect(page.locator(OTHER_VIEWS["/health"]).first).to_be_visible()
    page.evaluate("document.querySelector('main').innerHTML += '<button></button><img src=>'")
    found = serious_faults(page)
    assert "button-name" in found
    assert "image-alt" in found


@pytest.mark.parametrize("width", [360, 1024])
@pytest.mark.parametrize("path", OTHER_VIEWS)
def test_no_other_view_scrolls_sideways(
    visit: Visit, filled: Callable[[str], str], path: str, width: int
):
    """Nor does any other."""
    page = visit(filled(path), viewport={"width": width, "height": 740})
    expect(page.locator(OTHER_VIEWS[path]).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def long_names(product: Product) -> tuple[str, str]:
    """A user with a record that has a long name in it, whose id is the second, and an error."""
    user = nonce()
    model = "an-organisation/a-model-with-a-very-long-name-indeed-instruct-turbo"
    record = product.record(ask(product, user, model=model, tokens=20, ttft_ms=60, itl_ms=5))
    product.record(ask(product, user, status=500, is_stream=False))
    return user, record["id"]


@pytest.mark.parametrize("width", [360, 700, 1024, 1180, 1280, 1360])
@pytest.mark.parametrize("view", ["list", "record", "columns"])
def test_no_screen_scrolls_sideways(
    visit: Visit, long_names: tuple[str, str], view: str, width: int
):
    """From a phone to a desk, nothing is wider than the screen."""
    user, record_id = long_names
    path = f"/records/{record_id}" if view == "record" else f"/?user_id={user}"
    page = visit(path, viewport={"width": width, "height": 740})
    expect(page.locator(".flag, tbody tr").first).to_be_visible()
    if view == "columns":
        page.get_by_role("button", name="Columns").click()
        for column in ("Session", "Path", "Tools", "Answered by"):
            page.get_by_role("checkbox", name=re.compile(f"^{column}")).check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_plain_load_asks_nobody_else_and_breaks_no_rule(visit: Visit, product: Product):
    """The policy is there, and the page keeps it: `visit` fails on any complaint."""
    page = visit("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    policy = product.http.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


BREACHES = {
    "script": "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
    "style": "document.body.innerHTML += '<p style=color:red>x</p>'",
    "host": "fetch('https://elsewhere.example/').catch(() => {})",
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_the_policy_is_a_complaint(browser: Browser, product: Product, breach: str):
    """What all other tests rely on: a visit whose page breaks a rule fails."""
    visits = visiting(browser, product)
    page = next(visits)("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    with page.expect_console_message(lambda message: message.type == "error"):
        page.evaluate(f"() => {{ {BREACHES[breach]} }}")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        next(visits)


def test_the_first_load_is_small():
    """What stands between the address and a usable list: index.html and all that it names."""
    built = BUILT.parent
    html = BUILT.read_text()
    named = {built / path.lstrip("/") for path in re.findall(r'(?:src|href)="(/[^"]+)"', html)}
    scripts = {file for file in named if file.suffix == ".js"}
    assert scripts
    # The chart above the list comes right after it.
    later = {
        built / "assets" / name
        for script in scripts
        for name in re.findall(r"(?:time-chart|chart)-[\w-]{8}\.(?:js|css)", script.read_text())
    }
    assert later
    whole = sum(len(gzip.compress(file.read_bytes())) for file in {BUILT, *named, *later})
    assert whole < MOST_GZIPPED, f"{whole:,} bytes gzipped"
