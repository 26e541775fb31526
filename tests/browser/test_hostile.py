"""What people and models say is text: no tag, no link and no name of it is ever more than that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.talking import nonce, uuid7
from tests.browser.test_access import serious_faults
from tests.product import PROMPT, Product
from tests.simulating import until

# Each would set `owned` where it came to run. By the ways in which text becomes more than text:
# elements, attributes, addresses, Markdown, half-open quotes, encodings, templates.
CORPUS = [
    "<script>window.owned=1</script>",
    "</script><script>window.owned=1</script>",
    "<scr<script>ipt>window.owned=1</scr</script>ipt>",
    "<img src=x onerror=window.owned=1>",
    '<IMG SRC=x OnErRoR="window.owned=1">',
    "<svg onload=window.owned=1>",
    "<svg><animate onbegin=window.owned=1 attributeName=x dur=1s>",
    "<svg><foreignObject><iframe srcdoc='<script>parent.owned=1</script>'></foreignObject></svg>",
    "<math><mtext><img src=x onerror=window.owned=1></mtext></math>",
    "<details open ontoggle=window.owned=1><summary>x</summary></details>",
    "<video><source onerror=window.owned=1></video>",
    "<body onpageshow=window.owned=1>",
    "<input autofocus onfocus=window.owned=1>",
    '<iframe src="javascript:parent.owned=1"></iframe>',
    '<object data="data:text/html,<script>parent.owned=1</script>"></object>',
    '<embed src="data:text/html,<script>parent.owned=1</script>">',
    "<link rel=stylesheet href=https://elsewhere.example/x.css>",
    "<style>@import 'https://elsewhere.example/x.css';*{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=javascript:window.owned=1'>",
    "<base href=https://elsewhere.example/>",
    "<form action=https://elsewhere.example/><button>send</button></form>",
    "<template><script>window.owned=1</script></template>",
    '<noscript><p title="</noscript><img src=x onerror=window.owned=1>"></noscript>',
    '"><img src=x onerror=window.owned=1>',
    "' onmouseover='window.owned=1",
    "--><img src=x onerror=window.owned=1>",
    "]]><script>window.owned=1</script>",
    "&lt;script&gt;window.owned=1&lt;/script&gt;",
    "&#60;img src=x onerror=window.owned=1&#62;",
    "\\u003cscript\\u003ewindow.owned=1\\u003c/script\\u003e",
    "%3Cscript%3Ewindow.owned=1%3C/script%3E",
    "{{constructor.constructor('window.owned=1')()}}",
    "${window.owned=1}",
    "[click](javascript:window.owned=1)",
    "[click](JaVaScRiPt:window.owned=1)",
    "[click](java\tscript:window.owned=1)",
    "[click]( javascript:window.owned=1 )",
    "[click](data:text/html,<script>window.owned=1</script>)",
    "[click](vbscript:window.owned=1)",
    "<javascript:window.owned=1>",
    "![x](https://elsewhere.example/steals.png)",
    '![x]("onerror="window.owned=1)',
    "[a]: javascript:window.owned=1\n\n[a]",
    "```html\n<img src=x onerror=window.owned=1>\n```",
    '```"><img src=x onerror=window.owned=1>\ncode\n```',
    "`<img src=x onerror=window.owned=1>`",
    "# <b onmouseover=window.owned=1>x</b>",
    "> <img src=x onerror=window.owned=1>",
    "- <img src=x onerror=window.owned=1>",
    "**<img src=x onerror=window.owned=1>**",
    "\N{RIGHT-TO-LEFT OVERRIDE}<script>window.owned=1</script>",
    "\N{FULLWIDTH LESS-THAN SIGN}script\N{FULLWIDTH GREATER-THAN SIGN}window.owned=1",
    "\x00<img src=x onerror=window.owned=1>",
    "__proto__",
    "constructor",
]

# What none of it may have become, anywhere in a view.
FORBIDDEN = """() => {
    const tags = "script, iframe, object, embed, style, link, meta, base, form, video, math";
    const found = [...document.querySelectorAll(`#main :is(${tags})`)];
    for (const one of document.querySelectorAll("#main *")) {
        const hasHandler = [...one.attributes].some(({ name }) => name.startsWith("on"));
        const address = one.getAttribute("href") ?? one.getAttribute("src") ?? "/";
        if (hasHandler || !/^(\\/|https?:|#)/.test(address.trim())) found.push(one);
    }
    return { owned: "owned" in window, found: found.map(one => one.outerHTML.slice(0, 200)) };
}"""


# To another view as a link goes, without a load.
GO = """path => {
    history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
}"""


class Said(NamedTuple):
    """Where the hostile records are."""

    session: str
    ids: list[str]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A server of its own: what is logged here would stand in the lists of all other tests."""
    running = Product(tmp_path_factory.mktemp("hostile"), providers={}, arguments=PROMPT)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def said(product: Product) -> Said:
    """A record of each hostile text, which stands wherever a client can put text."""
    session = f"{CORPUS[3]} {nonce()}"
    for text in CORPUS:
        answer = product.http.post("/api/v1/log", json=log(text, session))
        assert answer.status_code == 200, answer.text

    def look() -> list[str] | None:
        found = product.records(session_id=session, limit="1000")
        return [one["id"] for one in found] if len(found) == len(CORPUS) else None

    return Said(session, until(look))


def log(text: str, session: str) -> dict[str, Any]:
    """A call that says *text* in its prompt, its reply, its names and its error."""
    call = {"type": "function", "function": {"name": text, "arguments": text}}
    message = {"role": "assistant", "content": text, "tool_calls": [call | {"id": text}]}
    asked = [{"role": text, "content": text}, {"role": "user", "content": [{"type": text}]}]
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": text}}]}
    return {
        "id": str(uuid7()),
        "started_at": datetime.now(UTC).isoformat(),
        "provider": None,
        "path": "/v1/chat/completions",
        "request": {"model": text, "messages": [*asked, image], "user": text, text: text},
        "response": {
            "status": 200,
            "content_type": "application/json",
            "body": {
                "model": text,
                "choices": [{"index": 0, "message": message, "finish_reason": text}],
            },
        },
        "ended_ms": 5.0,
        "error": {"type": text, "message": text},
        "labels": {
            "user_id": text,
            "session_id": session,
            "session_path": f"/{text}",
            "session_name": text,
            "properties": {"said": text, text: text},
        },
    }


def assert_harmless(page: Page) -> None:
    """Nothing ran, and nothing is there that could."""
    assert page.evaluate(FORBIDDEN) == {"owned": False, "found": []}


VIEWS = {
    "/?session_id={session}": "tbody tr",
    "/?session_id={session}&columns=session_id tool_calls error_type path": "tbody tr",
    "/overview?session_id={session}": ".breakdown tbody tr",
    "/sessions?session_id={session}": "table.rollup tbody tr",
    "/sessions/{session}": ".session-tree tbody tr",
    "/users?session_id={session}": "table.rollup tbody tr",
    "/models?session_id={session}": "table.rollup tbody tr",
}


@pytest.mark.parametrize("view", VIEWS)
def test_names_stay_text(visit: Visit, said: Said, view: str):
    """In every list: models, users, sessions, paths, tools, errors (`visit` listens, too)."""
    page = visit(view.format(session=quote(said.session, safe="")))
    expect(page.locator(VIEWS[view]).first).to_be_visible()
    assert_harmless(page)


@pytest.mark.parametrize("view", VIEWS)
def test_long_and_odd_names_are_good_to_everyone(visit: Visit, said: Said, view: str):
    """They are cut, not piled up: axe finds nothing serious."""
    place = view.format(session=quote(said.session, safe=""))
    page = visit(place, bypass_csp=True, reduced_motion="reduce")
    expect(page.locator(VIEWS[view]).first).to_be_visible()
    assert serious_faults(page) == ""


def test_what_is_said_stays_text(visit: Visit, said: Said):
    """In request, reply, raw JSON and every fact, folded out; one page lives through all."""
    page = visit(f"/records/{said.ids[0]}")
    for record_id in said.ids:
        page.evaluate(GO, f"/records/{record_id}")
        expect(page.get_by_role("region", name="Reply")).to_be_visible()
        expect(page.locator(".record")).to_contain_text(record_id)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert_harmless(page)


def test_what_is_compared_stays_text(visit: Visit, said: Said):
    """Side by side, too."""
    page = visit(f"/compare?a={said.ids[0]}&b={said.ids[1]}")
    expect(page.locator(".compare-table tbody tr").first).to_be_visible()
    assert_harmless(page)


def test_the_check_can_fail(visit: Visit):
    """Markup that is put in is found; or nothing above would mean anything."""
    page = visit("/health")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_harmless(page)
    page.evaluate("document.querySelector('#main').append(document.createElement('form'))")
    page.evaluate(
        "document.querySelector('#main').append("
        "Object.assign(document.createElement('a'), { href: 'javascript:1' }))"
    )
    assert len(page.evaluate(FORBIDDEN)["found"]) == 2
