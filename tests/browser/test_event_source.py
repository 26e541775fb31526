"""A browser's own EventSource over a network that breaks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.faults.cutting import Cutting
from tests.product import Product

WATCH = """url => new Promise((resolve, reject) => {
    const source = new EventSource(url);
    const seen = [];
    let opened = 0;
    source.onopen = () => { opened += 1; };
    source.onmessage = message => {
        seen.push({ id: message.lastEventId, data: message.data });
        if (message.data === "[DONE]") { source.close(); resolve({ seen, opened }); }
    };
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) reject("closed"); };
})"""


@pytest.fixture
def network(product: Product) -> Iterator[Cutting]:
    """A network that breaks twice, on a loop of its own: the browser's driver has this one."""
    address = urlsplit(product.url)
    cutting = Cutting((address.hostname or "", address.port or 0), [2_500, 4_000])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(cutting.__aenter__(), loop).result(10)
    yield cutting
    asyncio.run_coroutine_threadsafe(cutting.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_it_reconnects_by_itself(product: Product, browser: Browser, network: Cutting) -> None:
    """Every event comes once, in order, and the browser needs no key."""
    headers = {
        "Authorization": "Bearer sk-mine",
        "Streamgauge-Resume": "true",
        "Simulate-Tokens": "60",
        "Simulate-Itl-Ms": "10",
    }
    ask = {"model": "gpt-4o-mini", "stream": True, "messages": []}
    path = "/openai/v1/chat/completions"
    with product.http.stream("POST", path, json=ask, headers=headers) as answer:
        url = answer.headers["streamgauge-resume-url"]
        page = browser.new_page()
        try:
            page.goto(f"{product.url}/healthz")  # a page of another origin
            place = f"http://127.0.0.1:{network.port}{url}&event_ids=true"
            watched = page.evaluate(WATCH, place)
        finally:
            page.close()
        whole = b"".join(answer.iter_raw())
    expected = [event[6:].decode() for event in whole.split(b"\n\n")[:-1]]
    assert [one["data"] for one in watched["seen"]] == expected
    assert int(watched["seen"][-1]["id"]) == len(whole)
    assert network.cut == 2
    assert watched["opened"] >= 2
