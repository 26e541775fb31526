"""Keys in the page: made, shown once, revoked; and what one sees without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from streamgauge.keys import Keys, Scope
from tests.browser.conftest import Visit, visiting
from tests.browser.talking import asking, nonce
from tests.browser.test_access import SCHEMES, serious_faults
from tests.conftest import providers_of
from tests.product import PROMPT, Product
from tests.simulating import RunningSimulator

# What a browser says of a refused question, by itself.
REFUSED = ("401",)


@pytest.fixture(scope="module")
def locked(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """A server that has keys."""
    running = Product(
        tmp_path_factory.mktemp("locked"), providers=providers_of(simulator), arguments=PROMPT
    )
    Keys(running.data).create("first", [Scope.ADMIN])
    yield running
    assert running.stop() == 0


@pytest.fixture
def visit_locked(browser: Browser, locked: Product) -> Iterator[Visit]:
    """Its pages."""
    yield from visiting(browser, locked)


def make(product: Product, *scopes: Scope) -> tuple[str, str, str]:
    """Make a key; return its id, name and secret."""
    key, secret = Keys(product.data).create(nonce(), scopes)
    return key.id, key.name, secret


def name_field(page: Page) -> Locator:
    """Return the field of a new key's name; a key called a-name has it on its buttons."""
    return page.get_by_label("Name", exact=True)


def sign_in(page: Page, secret: str) -> None:
    page.get_by_label("API key").fill(secret)
    page.keyboard.press("Enter")


def test_the_first_key_is_made_in_the_page(
    browser: Browser, simulator: RunningSimulator, tmp_path
) -> None:
    """It is an admin's; this browser goes on with it, and every other one is asked for a key."""
    running = Product(tmp_path, providers=providers_of(simulator), arguments=PROMPT)
    try:
        for visit in visiting(browser, running):
            page = visit("/keys", permissions=["clipboard-read", "clipboard-write"])
            expect(page.get_by_text("There are no keys")).to_be_visible()
            expect(page.get_by_role("checkbox", name="admin")).to_be_checked()
            name_field(page).fill("me")
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", name="The key me")).to_be_focused()
            secret = page.locator(".key-secret-text").inner_text()
            page.get_by_role("button", name="Copy").click()
            expect(page.get_by_role("button", name="Copied")).to_be_visible()
            assert page.evaluate("navigator.clipboard.readText()") == secret
            expect(page.get_by_text("Signed in as me")).to_be_visible()
            expect(page.locator("tbody tr")).to_have_count(1)
            page.get_by_role("button", name="Done").click()
            expect(page.locator(".key-secret-text")).to_have_count(0)
            page.get_by_role("link", name="Overview").click()
            expect(page.get_by_role("heading", name="Overview")).to_be_visible()
            other = visit("/overview")
            expect(other.get_by_label("API key")).to_be_visible()
            assert secret not in other.content()
            key = Keys(running.data).find([secret])
            assert key is not None
            assert key.scopes == (Scope.ADMIN,)
    finally:
        assert running.stop() == 0


def test_one_signs_in_and_out(visit_locked: Visit, locked: Product) -> None:
    """A wrong key is said to be one; the right one is out of every script's reach."""
    _, name, secret = make(locked, Scope.READ)
    page = visit_locked("/health", allowed=REFUSED)
    sign_in(page, "sg-wrong")
    expect(page.get_by_role("alert")).to_contain_text("unknown")
    sign_in(page, secret)
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    assert page.evaluate("document.cookie + JSON.stringify({...localStorage})").count(secret) == 0
    page.reload()
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    expect(page.get_by_text("rows,")).to_be_visible()  # from /metrics, which needs the key, too
    page.get_by_role("link", name="Keys").click()
    expect(page.get_by_text(f"Signed in as {name}")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()


def test_keys_are_made_and_revoked_by_keyboard(visit_locked: Visit, locked: Product) -> None:
    """Revoking asks first, and Escape is no; what is revoked stays in the list."""
    _, _, secret = make(locked, Scope.ADMIN)
    page = visit_locked("/keys")
    sign_in(page, secret)
    create = page.get_by_role("button", name="Create key")
    expect(create).to_be_disabled()
    name = nonce()
    name_field(page).focus()
    page.keyboard.type(name)
    for _ in ("log", "read"):
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    made = page.locator(".key-secret-text")
    expect(made).to_be_visible()
    row = page.locator("tbody tr", has_text=name)
    expect(row).to_contain_text("log")
    expect(row).to_contain_text("read")
    key = Keys(locked.data).find([made.inner_text()])
    assert key is not None
    assert key.scopes == (Scope.LOG, Scope.READ)
    row.get_by_role("button", name=f"Revoke {name}").focus()
    page.keyboard.press("Enter")
    sure = row.get_by_role("button", name=f"Revoke for good: {name}")
    expect(sure).to_be_focused()
    page.keyboard.press("Escape")
    expect(sure).to_have_count(0)
    expect(row.get_by_role("button", name=f"Revoke {name}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(sure).to_be_focused()
    page.keyboard.press("Enter")
    expect(row.get_by_text("revoked")).to_be_visible()
    assert Keys(locked.data).find([made.inner_text()]) is None


def test_a_key_that_may_only_read_manages_nothing(visit_locked: Visit, locked: Product) -> None:
    """It stops nothing, and the view of keys says what is missing and takes another key."""
    _, name, reader = make(locked, Scope.READ)
    _, _, admin = make(locked, Scope.ADMIN)
    user = nonce()
    with asking(locked, user) as stream:
        stream.read(3)
        page = visit_locked("/live")
        sign_in(page, reader)
        expect(page.locator(".stream").first).to_be_visible()
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        page.get_by_role("link", name="Keys").click()
        expect(page.get_by_text("This takes a key with the scope admin")).to_contain_text(name)
        sign_in(page, admin)
        expect(page.locator("tbody tr").first).to_be_visible()
        page.get_by_role("link", name="Live").click()
        expect(page.get_by_role("button", name="Stop").first).to_be_visible()


def test_a_key_that_may_only_log_sees_nothing(visit_locked: Visit, locked: Product) -> None:
    """And is told why."""
    _, name, secret = make(locked, Scope.LOG)
    page = visit_locked("/")
    sign_in(page, secret)
    expect(page.get_by_text("This takes a key with the scope read")).to_contain_text(name)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("sign in with one")).to_be_visible()


def test_whose_key_is_revoked_is_asked_for_another(visit_locked: Visit, locked: Product) -> None:
    """With the next question."""
    key_id, _, secret = make(locked, Scope.READ)
    page = visit_locked("/overview", allowed=REFUSED)
    sign_in(page, secret)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    Keys(locked.data).revoke(key_id)
    page.get_by_role("link", name="Users").click()
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_page_of_another_origin_changes_nothing(
    browser: Browser, locked: Product, simulator: RunningSimulator
) -> None:
    """Not even from another port of this machine, which is the same site to the cookie."""
    _, _, secret = make(locked, Scope.ADMIN)
    context = browser.new_context()
    try:
        own = context.new_page()
        own.goto(f"{locked.url}/keys")
        sign_in(own, secret)
        expect(own.locator("tbody tr").first).to_be_visible()
        foreign = context.new_page()
        foreign.goto(simulator.url)
        for path in ("/api/v1/session", "/api/v1/keys", "/api/v1/log"):
            with foreign.expect_response(locked.url + path) as answered:
                foreign.evaluate(
                    "url => fetch(url, {method: 'POST', mode: 'no-cors', body: '{}',"
                    " credentials: 'include'}).catch(String)",
                    locked.url + path,
                )
            assert answered.value.status == 403
        before = len(Keys(locked.data).all())
        foreign.evaluate(
            "url => fetch(url, {method: 'DELETE', credentials: 'include'}).catch(String)",
            f"{locked.url}/api/v1/session",
        )
        own.reload()
        expect(own.locator("tbody tr")).to_have_count(before)
    finally:
        context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_serious(visit_locked: Visit, locked: Product, scheme: str) -> None:
    """In front of the page, and in the view, with a new secret and a question open."""
    _, _, secret = make(locked, Scope.ADMIN)
    page = visit_locked("/keys", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    expect(page.get_by_label("API key")).to_be_visible()
    assert serious_faults(page) == ""
    sign_in(page, secret)
    name = nonce()
    name_field(page).fill(name)
    page.get_by_role("checkbox", name="read").check()
    page.get_by_role("button", name="Create key").click()
    expect(page.locator(".key-secret-text")).to_be_visible()
    page.get_by_role("button", name=f"Revoke {name}").click()
    expect(page.get_by_role("button", name=f"Revoke for good: {name}")).to_be_visible()
    assert serious_faults(page) == ""


@pytest.mark.parametrize("width", [360, 1024, 1120, 1180])
def test_nothing_scrolls_sideways(visit_locked: Visit, locked: Product, width: int) -> None:
    """From a phone to a desk, with a long name as well."""
    _, _, secret = make(locked, Scope.ADMIN)
    Keys(locked.data).create("a-name-as-long-as-a-name-may-be-" + "x" * 60, list(Scope))
    page = visit_locked("/keys", viewport={"width": width, "height": 740})
    expect(page.get_by_label("API key")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sign_in(page, secret)
    expect(page.locator("tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
