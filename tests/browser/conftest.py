"""A real Chromium in front of the real product."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

import streamgauge
from tests.product import Product

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
BUILT = Path(streamgauge.__file__).parent / "ui" / "index.html"

# Generous: the browser shares its cores with the server that it asks.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


# Not for the whole session: while it lives, the thread has a running event loop, and the
# asynchronous tests of other files could not start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as the system has it."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "no Chromium: install it, or say in CHROMIUM where it is"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, headless=True, args=ARGUMENTS)
        yield running
        running.close()


class Visit:
    """Pages of the product, each in a browser profile of its own, and what they complained of."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self._browser = browser
        self._contexts: list[Any] = []
        self._complaints: list[str] = []

    def __call__(self, path: str = "/", *, allowed: tuple[str, ...] = (), **options: Any) -> Page:
        """Open *path* in a new profile; complaints with one of the *allowed* words are none."""
        context = self._browser.new_context(base_url=self.url, **options)
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        self._listen(page, allowed)
        page.goto(path)
        return page

    def _listen(self, page: Page, allowed: tuple[str, ...]) -> None:
        def complain(text: str) -> None:
            if not any(word in text for word in allowed):
                self._complaints.append(text)

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):  # a violated policy is an error here, too
                complain(message.text)

        def asked(request: Request) -> None:
            if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
                complain(f"asked another host: {request.url}")

        page.on("console", said)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("request", asked)

    def close(self) -> None:
        """Close all pages; fails when one of them complained."""
        for context in self._contexts:
            context.close()
        assert self._complaints == []


@pytest.fixture
def visit(browser: Browser, product: Product) -> Iterator[Visit]:
    """Open pages of the shared product; none may complain."""
    yield from visiting(browser, product)


def visiting(browser: Browser, product: Product) -> Iterator[Visit]:
    """Open pages of any product."""
    assert BUILT.is_file(), "the page is not built: run `make ui`"
    opened = Visit(browser, product.url)
    yield opened
    opened.close()
