"""One record: what was said, what it cost, and its timeline."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.talking import ABSENT, CHAT, ask, asking, nonce, tell
from tests.product import Product
from tests.simulating import until

MARKS = (
    "connect_ms",
    "headers_ms",
    "first_byte_ms",
    "first_event_ms",
    "first_reasoning_ms",
    "ttft_ms",
    "last_token_ms",
    "duration_ms",
)
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def fact(page: Page, label: str) -> str:
    """Return the value of one fact."""
    facts = page.get_by_label("Facts")
    return facts.locator(f"dt:text-is('{label}') + dd").inner_text()


def stored(product: Product, path: str) -> httpx.Response:
    """Return the answer of *path*, once what it is about has reached the store."""

    def look() -> httpx.Response | None:
        answer = product.http.get(path)
        return answer if answer.status_code == 200 else None

    return until(look)


def test_request_reply_tokens_and_cost_are_there(visit: Visit, product: Product):
    """All as the API has it, the tokens and the cost with their sources."""
    record = product.record(ask(product, nonce(), text="What is a stream?", tokens=25))
    page = visit(f"/records/{record['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(record["model"])
    request = page.get_by_role("region", name="Request")
    expect(request.get_by_text("What is a stream?", exact=True)).to_be_visible()
    expect(request.get_by_text("Be brief.", exact=True)).to_be_visible()
    reply = page.get_by_role("region", name="Reply").locator(".turn .prose").first
    assert reply.inner_text().strip() == record["response_text"].strip()
    assert fact(page, "Output") == str(record["output_tokens"])
    assert fact(page, "Tokens are") == "reported by the provider"
    assert fact(page, "Cost").startswith("$")
    assert fact(page, "Cost is") == "usage \N{MULTIPLICATION SIGN} price list"
    assert fact(page, "of it reasoning") in (ABSENT, str(record["reasoning_tokens"]))
    assert fact(page, "First content (TTFT)") == f"{record['ttft_ms']:,.1f} ms"


def test_the_raw_json_unfolds(visit: Visit, product: Product):
    """The request as it was sent is one click away."""
    record = product.record(ask(product, nonce(), tokens=2))
    page = visit(f"/records/{record['id']}")
    raw = page.get_by_role("region", name="Request").locator("details .code .prose")
    expect(raw).not_to_be_visible()
    page.get_by_text("Raw request").click()
    expect(raw).to_contain_text('"include_usage": true')


def test_the_headers_that_were_kept_are_there_and_no_secret(visit: Visit, product: Product):
    """Of the request and of the answer, folded; the key is in neither."""
    record = product.record(ask(product, nonce(), tokens=2))
    assert record["response_headers"]["content-type"].startswith("text/event-stream")
    page = visit(f"/records/{record['id']}")
    for region, name in (("Request", "content-type"), ("Reply", "content-type")):
        part = page.get_by_role("region", name=region)
        kept = record[f"{'request' if region == 'Request' else 'response'}_headers"]
        part.get_by_text("Headers", exact=True).click()
        found = part.locator(f".headers dt:text-is('{name}') + dd")
        expect(found).to_have_text(kept[name])
        expect(part.locator(".headers dt")).to_have_count(len(kept))
    assert "Bearer" not in page.content().replace("$API_KEY", "")


def test_every_attempt_is_shown(visit: Visit, product: Product):
    """Whom it was, what came of it, and when; the last is the one that the record tells of."""
    body = {"model": "gpt-4o-mini", "stream": True, "messages": []}
    headers = {
        "Streamgauge-Retries": "2",
        "Simulate-Fault": "status; code=503; once",
        "Simulate-Tokens": "3",
    }
    answer = product.http.post("/openai/v1/chat/completions", json=body, headers=headers)
    record = product.record(answer.headers["streamgauge-id"])
    assert len(record["attempts"]) == 2
    page = visit(f"/records/{record['id']}")
    rows = page.get_by_role("region", name="Attempts").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("HTTP 503")
    expect(rows.last).to_contain_text("HTTP 200")


def test_the_raw_response_is_linked(visit: Visit, product: Product):
    """The link answers the bytes as they arrived."""
    record = product.record(ask(product, nonce(), tokens=4))
    page = visit(f"/records/{record['id']}")
    link = page.get_by_role("link", name="Raw response as it arrived").get_attribute("href")
    answer = stored(product, link)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert len(answer.content) == record["bytes_out"]


def test_a_response_that_is_not_kept_is_not_offered(visit: Visit, product: Product):
    """What was left out is said to be, not linked to nothing."""
    user = nonce()
    headers = {"Streamgauge-User-Id": user, "Streamgauge-Omit-Response": "true"}
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Say it."}]}
    answer = product.http.post(CHAT, json=body, headers=headers)
    record = product.record(answer.headers["streamgauge-id"])
    page = visit(f"/records/{record['id']}")
    reply = page.get_by_role("region", name="Reply")
    expect(reply.get_by_text("which are not kept.")).to_contain_text("Raw response: ")
    expect(reply.get_by_text("No reply was kept.")).to_be_visible()
    expect(reply.get_by_role("link")).to_have_count(0)
    expect(page.get_by_role("button", name="as simulator recording")).to_have_count(0)
    assert product.http.get(f"/api/v1/records/{record['id']}/bytes").status_code == 404


def test_the_timeline_shows_every_mark_and_reads_out_every_chunk(visit: Visit, product: Product):
    """Flags are the marks that are known; the arrow keys go from chunk to chunk."""
    record = product.record(ask(product, nonce(), tokens=30, ttft_ms=120, itl_ms=15))
    timeline = stored(product, f"/api/v1/records/{record['id']}/timeline").json()
    page = visit(f"/records/{record['id']}")
    known = [mark for mark in MARKS if record[mark] is not None]
    expect(page.locator(".flag")).to_have_count(len(known))

    chunks = page.get_by_role("slider", name="Chunk")
    expect(chunks).to_have_attribute("aria-valuemax", str(len(timeline["chunks"])))
    chunks.focus()
    page.keyboard.press("End")
    ms, _ = timeline["chunks"][-1]
    text = f"Chunk {len(timeline['chunks'])} of {len(timeline['chunks'])} at {ms:,.1f} ms: "
    expect(chunks).to_have_attribute("aria-valuetext", re.compile(re.escape(text)))
    page.keyboard.press("Home")
    expect(chunks).to_have_attribute("aria-valuetext", re.compile("^Chunk 1 of "))
    page.keyboard.press("ArrowRight")
    expect(chunks).to_have_attribute("aria-valuetext", re.compile("^Chunk 2 of .*after the one"))


def test_under_the_pointer_stands_what_the_chunk_said(visit: Visit, product: Product):
    """The chunk's number and moment, and its own words."""
    record = product.record(ask(product, nonce(), tokens=6, ttft_ms=300, itl_ms=300))
    replay = stored(product, f"/api/v1/records/{record['id']}/replay").json()["pieces"]
    page = visit(f"/records/{record['id']}")
    page.get_by_role("slider", name="Chunk").hover()
    said = page.locator(".readout q")
    expect(said).not_to_be_empty()
    assert said.inner_text().strip() in {text.strip() for _, _, text in replay}
    expect(page.locator(".readout")).to_contain_text(re.compile(r"Chunk \d+ of \d+ at"))


def test_marks_are_drawn_to_scale(visit: Visit, product: Product):
    """The first content's pole stands where its share of the duration says."""
    record = product.record(ask(product, nonce(), tokens=10, ttft_ms=300, itl_ms=30))
    page = visit(f"/records/{record['id']}")

    def pole(label: str) -> float:
        path = page.locator(f'.flag[data-mark="{label}"] path').get_attribute("d")
        return float(re.match(r"M([\d.]+) ", path).group(1))

    left, end = 8.0, pole("End")
    share = (pole("First content") - left) / (end - left)
    assert abs(share - record["ttft_ms"] / record["duration_ms"]) < 0.01


def test_a_gap_over_two_seconds_is_highlighted(visit: Visit, product: Product):
    """As many as the record counts, and said in words for those who do not see."""
    record = product.record(ask(product, nonce(), tokens=3, itl_ms=2300))
    assert record["stalls"] >= 1
    page = visit(f"/records/{record['id']}")
    expect(page.locator("rect.gap")).to_have_count(record["stalls"])
    noun = "gap" if record["stalls"] == 1 else "gaps"
    summary = page.get_by_text(f"{record['stalls']} {noun} of more than 2 s")
    expect(summary).to_have_count(1)


def test_what_was_said_is_never_markup(visit: Visit, product: Product):
    """Hostile text is text."""
    record = product.record(ask(product, nonce(), text=HOSTILE, tokens=2))
    page = visit(f"/records/{record['id']}")
    expect(page.get_by_role("region", name="Request").get_by_text(HOSTILE).first).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    assert page.title() != "owned"


def test_an_open_exchange_is_followed_to_its_end(visit: Visit, product: Product):
    """Its text grows, and its record takes over without a reload."""
    with asking(product, nonce()) as stream:
        stream.read(5)
        page = visit(f"/records/{stream.id}", allowed=("404",))
        expect(page.locator(".outcome").first).to_have_text("open")
        expect(page.get_by_text("Running for")).to_be_visible()
        arriving = page.get_by_role("region", name="Reply").locator(".turn .prose").first
        expect(arriving).not_to_be_empty()
        before = arriving.inner_text()
        stream.read(10)
        expect(arriving).not_to_have_text(before)
    expect(page.locator(".outcome").first).to_contain_text("client left by client")
    expect(page.get_by_role("slider", name="Chunk")).to_be_visible()


def test_an_error_of_the_provider_is_said(visit: Visit, product: Product):
    """The status, and who it was."""
    record = product.record(ask(product, nonce(), status=500, is_stream=False))
    page = visit(f"/records/{record['id']}")
    expect(page.locator(".outcome").first).to_contain_text("HTTP 500 by upstream")
    assert fact(page, "First content (TTFT)") == ABSENT


def test_a_log_without_times_says_so(visit: Visit, product: Product):
    """Its answer came, and nobody knows when, nor from whom."""
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Seen."}}]}
    response = {"content_type": "application/json", "body": body}
    record = tell(product, CHAT, request={"model": "m"}, response=response)
    page = visit(f"/records/{record['id']}")
    expect(page.get_by_text("Nobody told when its chunk came.")).to_be_visible()
    expect(page.locator(".record-when")).to_have_text(re.compile(r"^\w"))


def test_a_response_that_is_no_reply_is_said_to_be_none(visit: Visit, product: Product):
    """It is there, and nobody can read it."""
    response = {"content_type": "application/json", "body": {"odd": 1}}
    record = tell(product, "", request={"model": "m"}, response=response)
    page = visit(f"/records/{record['id']}")
    reply = page.get_by_role("region", name="Reply")
    expect(reply.get_by_text("What arrived could not be read as a reply.")).to_be_visible()
    expect(reply.get_by_role("link", name="Raw response as it arrived")).to_be_visible()


def test_an_unknown_record_says_so(visit: Visit):
    """In the API's words, with a way to try again."""
    page = visit("/records/01900000-0000-7000-8000-000000000000", allowed=("404",))
    expect(page.get_by_role("alert")).to_contain_text("there is no record")
    expect(page.locator(".back").get_by_role("link", name="Records")).to_be_visible()


def test_only_a_stream_can_become_a_recording(visit: Visit, product: Product):
    """The simulator plays frames; an answer that was whole has none."""
    for is_stream in (True, False):
        record = product.record(ask(product, nonce(), tokens=3, is_stream=is_stream))
        page = visit(f"/records/{record['id']}")
        expect(page.get_by_role("button", name="Copy as curl")).to_be_visible()
        recording = page.get_by_role("button", name="as simulator recording")
        expect(recording).to_have_count(1 if is_stream else 0)
