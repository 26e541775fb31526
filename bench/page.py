#!/usr/bin/env python3
"""Is the page fast with a million records, and smooth? `make bench-page`.

1. A store is filled with made-up records, each with its own request, reply and timeline, through
   the store's own insert.
2. A server on it is asked what the page asks: the newest, filters, other orders, a search, the
   overview. Then real Chromium opens the page, with nothing in its cache and again with it.
3. The list is scrolled, a wheel's turn in every frame; then 500 streams run through the gateway
   while the live view is open. Each frame's time is taken by the browser itself.

Chromium runs without a screen and without a GPU, on the cores that the server also needs: what is
smooth here is smooth on a desk.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from contenders import product
from loadtools import BenchError, build, load, upstream
from playwright.sync_api import Browser, Page, sync_playwright
from processes import raise_file_limit

from streamgauge.record import (
    Choice,
    ClosedBy,
    CostSource,
    Outcome,
    Record,
    Reply,
    Transcript,
    UsageSource,
)
from streamgauge.store.loader import open_store

BATCH = 10_000
# A frame that came half a frame late, at 60 a second.
LATE_MS = 25
SETTLE_MS = 1500
PATIENCE_S = 60
FRAME_MS = 1000 / 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

MODELS = (
    ("openai", "gpt-4o-mini", 300.0, 14.0),
    ("openai", "gpt-4.1", 550.0, 22.0),
    ("anthropic", "claude-sonnet-4-5", 820.0, 24.0),
    ("anthropic", "claude-haiku-4-5", 390.0, 16.0),
    ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", 220.0, 9.0),
)
OUTCOMES = (Outcome.COMPLETED,) * 93 + (
    *((Outcome.CLIENT_LEFT,) * 3),
    *((Outcome.HTTP_ERROR,) * 2),
    Outcome.STALLED,
    Outcome.TRUNCATED,
)
# As many words as a small vocabulary of a language has, so that a search has to look.
WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "io", "u") for c in "lmnrstx"]
RARE = "xylograph"  # in one of a hundred thousand


# -- records ---------------------------------------------------------------------------------


def fill(folder: Path, count: int) -> float:
    """Put *count* records of the last week into the store of *folder*; return the seconds."""
    chance = random.Random(1)
    store = open_store(f"chdb://{folder}/data/store")
    begun = time.monotonic()
    step = timedelta(days=7) / count
    first = datetime.now(UTC) - timedelta(days=7)
    try:
        for start in range(0, count, BATCH):
            size = min(BATCH, count - start)
            numbers = range(start, start + size)
            store.insert([made(first + step * number, number, chance) for number in numbers])
            print(f"\r{start + size:,} records", end="", flush=True)
    finally:
        store.close()
    print()
    return time.monotonic() - begun


def made(moment: datetime, number: int, chance: random.Random) -> tuple[Record, Transcript]:
    """Make one record up, with its timeline."""
    provider, model, usual_ttft, itl = chance.choice(MODELS)
    outcome = chance.choice(OUTCOMES)
    tokens = chance.randint(5, 60)
    ttft = usual_ttft * chance.lognormvariate(0, 0.4)
    times = [ttft + itl * at * chance.uniform(0.8, 1.2) for at in range(tokens)]
    said = " ".join(chance.choices(WORDS, k=tokens))
    asked = " ".join(chance.choices(WORDS, k=40)) + (f" {RARE}" if number % 100_000 == 7 else "")
    gap = 2600.0 if outcome is Outcome.STALLED else itl * chance.uniform(1.5, 6)
    end = times[-1] + 5
    record = Record(
        id=uuid7(moment),
        started_at=moment,
        ended_at=moment + timedelta(milliseconds=end),
        provider=provider,
        dialect="openai_chat" if provider != "anthropic" else "anthropic",
        method="POST",
        path="/v1/chat/completions" if provider != "anthropic" else "/v1/messages",
        model=model,
        response_model=model,
        streaming=True,
        http_status=429 if outcome is Outcome.HTTP_ERROR else 200,
        outcome=outcome,
        closed_by=ClosedBy.CLIENT if outcome is Outcome.CLIENT_LEFT else ClosedBy.UPSTREAM,
        first_byte_ms=ttft * 0.9,
        ttft_ms=ttft,
        last_token_ms=times[-1],
        duration_ms=end,
        itl_p50_ms=itl,
        itl_p95_ms=itl * 1.4,
        itl_p99_ms=itl * 1.8,
        max_gap_ms=gap,
        stalls=1 if gap > 2000 else 0,
        tokens_per_second=1000 / itl,
        overhead_p50_us=chance.uniform(60, 140),
        chunks=tokens,
        bytes_in=400,
        bytes_out=190 * tokens,
        input_tokens=60,
        output_tokens=tokens,
        usage_source=UsageSource.REPORTED,
        cost_usd=tokens * 1e-5,
        cost_source=CostSource.PRICED,
        finish_reasons=("stop",),
        user_id=f"user-{chance.randint(1, 5000)}",
        session_id=f"session-{number // 4}",
        session_path=f"/step/{number % 4}",
        properties={"feature": chance.choice(("chat", "search", "summary"))},
        request_body=f'{{"model":"{model}","messages":[{{"role":"user","content":"{asked}"}}]}}',
        reply=Reply(model=model, choices=(Choice(text=said, finish_reason="stop"),)),
        response_text=said,
    )
    raw = b"".join(b'data: {"delta":"%s"}\n\n' % word.encode() for word in said.split())
    return record, Transcript(raw=raw, chunk_ms=tuple(times), chunk_bytes=(190,) * len(times))


def uuid7(moment: datetime) -> str:
    """Return an id of *moment*."""
    value = int(moment.timestamp() * 1000) << 80 | 7 << 76 | secrets.randbits(12) << 64
    text = f"{value | 2 << 62 | secrets.randbits(62):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


# -- the server and the browser ----------------------------------------------------------------


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium, as the system has it."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise BenchError("no Chromium: install it, or say in CHROMIUM where it is")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


# -- questions ---------------------------------------------------------------------------------


def questions(count: int) -> dict[str, str]:
    """Return what the page asks, by what one does there."""
    hour = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    since = urllib.parse.quote(hour)
    return {
        "list: the newest 60": "/api/v1/records?limit=60",
        "list: one user": "/api/v1/records?limit=60&user_id=user-77",
        "list: max gap > 2 s": "/api/v1/records?limit=60&max_gap_ms.gt=2000",
        "list: slowest first token": "/api/v1/records?limit=60&sort=-ttft_ms",
        "chart above the list": "/api/v1/stats?bucket=auto&group_by=outcome",
        "search: a common word": f"/api/v1/records?limit=60&q={WORDS[5]}",
        f"search: a word of {max(1, count // 100_000)}": f"/api/v1/records?limit=60&q={RARE}",
        "overview: totals": "/api/v1/stats",
        "overview: series": "/api/v1/stats?bucket=auto",
        "overview: heat map": "/api/v1/heatmap",
        "overview: by model": "/api/v1/stats?group_by=model&groups=8",
        "overview: last hour": f"/api/v1/stats?bucket=auto&started_at.gte={since}",
        "sessions": "/api/v1/sessions?limit=100",
        "users": "/api/v1/users?limit=100",
        "models": "/api/v1/models?limit=100",
    }


def ask_all(port: int, count: int, rounds: int) -> None:
    """Print how long each question takes, asked alone."""
    print("\n| question | median ms | slowest ms |\n|---|---|---|")
    for words, path in questions(count).items():
        took = sorted(timed(port, path) for _ in range(rounds))
        print(f"| {words} | {median(took):,.0f} | {took[-1]:,.0f} |", flush=True)


def timed(port: int, path: str) -> float:
    """Ask, and return the milliseconds."""
    begun = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=120) as answer:
        answer.read()
    return (time.perf_counter() - begun) * 1000


# -- the page ------------------------------------------------------------------------------------

# When the first row was there, and painted; the same of the chart above it.
FIRST = """
window.firsts = {};
const seen = (name, selector) => new MutationObserver((_, watch) => {
    if (document.querySelector(selector) === null) return;
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => {
        window.firsts[name] = performance.now();
    }));
}).observe(document, { childList: true, subtree: true });
seen("row", "tbody tr[data-id]");
seen("chart", ".records-time canvas");
seen("overview", ".heat-cell");
"""

# The times between frames while *each* is done in every one of them, and all longer tasks.
FRAMES = """([frames, turn]) => new Promise(done => {
    const gaps = [];
    const long = [];
    const tasks = new PerformanceObserver(list => {
        long.push(...list.getEntries().map(one => one.duration));
    });
    tasks.observe({ type: "longtask" });
    let last = null;
    const tick = now => {
        if (last !== null) gaps.push(now - last);
        last = now;
        if (turn !== 0) scrollBy({ top: turn, behavior: "instant" });
        if (gaps.length < frames) requestAnimationFrame(tick);
        else done({ gaps, long, top: scrollY });
    };
    requestAnimationFrame(tick);
})"""


def open_page(browser: Browser, url: str, rounds: int) -> None:
    """Print how soon the list can be used, with an empty cache and with a full one."""
    print("\n| page | median ms | slowest ms |\n|---|---|---|")
    fresh: list[dict[str, float]] = []
    again: list[dict[str, float]] = []
    for _ in range(rounds):
        context = browser.new_context()
        context.add_init_script(FIRST)
        page = context.new_page()
        fresh.append(firsts(page, url))
        again.append(firsts(page, url))
        context.close()
    for words, runs in (("empty cache", fresh), ("full cache", again)):
        for name in ("row", "chart"):
            took = sorted(run[name] for run in runs)
            print(f"| first {name}, {words} | {median(took):,.0f} | {took[-1]:,.0f} |")
    context = browser.new_context()
    context.add_init_script(FIRST)
    page = context.new_page()
    page.goto(f"{url}/overview")
    wait_for(page, "'overview' in window.firsts")
    print(f"| overview with its heat map | {page.evaluate('firsts.overview'):,.0f} | |", flush=True)
    context.close()


def firsts(page: Page, url: str) -> dict[str, float]:
    """Open the list and return when its first row and its chart were there."""
    page.goto(url)
    wait_for(page, "'row' in window.firsts && 'chart' in window.firsts")
    found: dict[str, float] = page.evaluate("window.firsts")
    return found


def wait_for(page: Page, condition: str) -> None:
    """Ask now and then until it holds; a waiting function would be a breach of the policy."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise BenchError(f"the page does not come to {condition}")
        time.sleep(0.05)


def say_frames(words: str, found: dict[str, Any]) -> None:
    """Print how even a row of frames was."""
    gaps = sorted(found["gaps"])
    rate = 1000 * len(gaps) / sum(gaps)
    late = sum(gap > LATE_MS for gap in gaps)
    at = [gaps[int(len(gaps) * share)] for share in (0.5, 0.95, 0.99)]
    print(
        f"| {words} | {rate:.1f} | {at[0]:.1f} | {at[1]:.1f} | {at[2]:.1f} | {gaps[-1]:.0f} "
        f"| {late} of {len(gaps)} | {max(found['long'], default=0):.0f} |",
        flush=True,
    )


def scroll(browser: Browser, url: str, frames: int) -> None:
    """Scroll the list, slowly and fast."""
    for words, turn in (("list, 40 px a frame", 40), ("list, 200 px a frame", 200)):
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        page.goto(url)
        page.wait_for_selector("tbody tr[data-id]")
        page.wait_for_timeout(SETTLE_MS)
        found = page.evaluate(FRAMES, [frames, turn])
        say_frames(f"{words}, {found['top']:,.0f} px down", found)
        page.close()


def live(browser: Browser, url: str, port: int, *, streams: int, frames: int) -> None:
    """Watch the live view, and the list, while *streams* run."""
    options: dict[str, int | str] = {
        "mode": "stream",
        "connections": streams,
        "events": 100_000,
        "gap_us": 250_000,
        "ramp_ms": 2000,
        # Two views, two traces each, and as long again for opening them.
        "measure_ms": int(8 * frames * FRAME_MS) + 10_000,
    }
    work = threading.Thread(
        target=lambda: load(options, port, "/openai/v1/chat/completions"), daemon=True
    )
    work.start()
    for words, path in (("live view", "/live"), ("list", "/")):
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        page.goto(f"{url}{path}")
        wait_for(page, f"/\\b{streams} open/.test(document.querySelector('main')?.innerText)")
        for turn, how in ((0, "at rest"), (20, "scrolled")):
            say_frames(
                f"{words}, {streams} streams, {how}",
                page.evaluate(FRAMES, [frames, turn]),
            )
        page.close()
    work.join()


def main() -> int:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="a folder to keep the data in, for another run")
    parser.add_argument("--rounds", type=int, default=10, help="of each question and opening")
    parser.add_argument("--frames", type=int, default=600, help="of each trace")
    parser.add_argument("--streams", type=int, default=500, help="that run in the live view")
    parser.add_argument("--only", default="ask,open,frames", help="ask, open, frames")
    asked = parser.parse_args()
    wanted = asked.only.split(",")
    raise_file_limit()
    build()
    with tempfile.TemporaryDirectory(prefix="bench-page-", ignore_cleanup_errors=True) as scratch:
        folder = asked.keep or Path(scratch)
        if not (folder / "data").exists():
            (folder / "data").mkdir(parents=True)
            took = fill(folder, asked.records)
            print(f"{asked.records:,} records stored in {took:,.0f} s")
        with upstream() as provider, product(provider, folder) as (port, _):
            url = f"http://127.0.0.1:{port}"
            if "ask" in wanted:
                ask_all(port, asked.records, asked.rounds)
            with chromium() as browser:
                if "open" in wanted:
                    open_page(browser, url, asked.rounds)
                if "frames" in wanted:
                    print(
                        "\n| frames | per s | p50 ms | p95 | p99 | longest | late | longest task |"
                    )
                    print("|---|---|---|---|---|---|---|---|")
                    scroll(browser, url, asked.frames)
                    live(browser, url, port, streams=asked.streams, frames=asked.frames)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench-page: {error}")
