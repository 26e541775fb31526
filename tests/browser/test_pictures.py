"""Pictures in what was sent and answered: drawn from the record, and never asked for elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import Visit
from tests.browser.talking import nonce, tell
from tests.conftest import providers_of
from tests.product import Product
from tests.simulating import RunningSimulator, until

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Er"
    "kJggg=="
)
SHOWN = f"data:image/png;base64,{PNG}"
BY_ADDRESS = {"type": "image_url", "image_url": {"url": SHOWN}}

SENT, DRAWN = "Sent along with the request", "Drawn by the model"

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
GEMINI = "/v1beta/models/gemini-2.5-flash-image:generateContent"
ANSWERED: dict[str, Any] = {
    "content_type": "application/json",
    "body": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Seen."}}]},
}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    """A message with these parts."""
    return {"role": "user", "content": list(content)}


def assert_drawn(picture: Locator) -> None:
    """It stands there, and its bytes came through."""
    expect(picture).to_be_visible()
    until(lambda: picture.evaluate("image => image.naturalWidth") or None)


ANTHROPIC = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
}
SENT_BY = {
    "chat": (CHAT, {"messages": [user(BY_ADDRESS)]}),
    "Responses": (RESPONSES, {"input": [user({"type": "input_image", "image_url": SHOWN})]}),
    "Messages": (MESSAGES, {"messages": [user(ANTHROPIC)]}),
    "a tool's result": (
        MESSAGES,
        {"messages": [user({"type": "tool_result", "tool_use_id": "t", "content": [ANTHROPIC]})]},
    ),
    "Gemini": (
        GEMINI,
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}]}]},
    ),
    "Ollama": ("/api/chat", {"messages": [{"role": "user", "content": "Look.", "images": [PNG]}]}),
}


@pytest.mark.parametrize("way", SENT_BY)
def test_what_was_sent_along_is_drawn(visit: Visit, product: Product, way: str):
    """Wherever the provider has it in a request."""
    path, request = SENT_BY[way]
    record = tell(product, path, request={"model": "m"} | request, response=ANSWERED)
    page = visit(f"/records/{record['id']}")
    assert_drawn(page.get_by_role("region", name="Request").get_by_role("img", name=SENT))


def chat(**message: Any) -> dict[str, Any]:
    """A whole answer with this message."""
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "choices": [choice]}


ITEM = {"id": "i", "type": "image_generation_call", "status": "completed", "result": PNG}
ANSWERS = {
    "images of a message": (CHAT, chat(content="Here.", images=[BY_ADDRESS])),
    "parts of the content": (CHAT, chat(content=[BY_ADDRESS])),
    "a call that draws": (RESPONSES, {"id": "r", "status": "completed", "output": [ITEM]}),
    "Gemini": (
        GEMINI,
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}],
                    },
                    "finishReason": "STOP",
                }
            ]
        },
    ),
}


@pytest.mark.parametrize("way", ANSWERS)
def test_what_a_model_has_drawn_is_drawn(visit: Visit, product: Product, way: str):
    """Wherever the provider has it in an answer; and nobody says that it said nothing."""
    path, body = ANSWERS[way]
    response = {"content_type": "application/json", "body": body}
    record = tell(product, path, request={"model": "m"}, response=response)
    page = visit(f"/records/{record['id']}")
    reply = page.get_by_role("region", name="Reply")
    assert_drawn(reply.get_by_role("img", name=DRAWN))
    expect(reply.get_by_text("No content.")).to_have_count(0)


def test_a_picture_of_a_stream_is_drawn(visit: Visit, product: Product):
    """As OpenRouter sends it: in a delta, after the words."""
    deltas = [{"role": "assistant", "content": "Here."}, {"content": "", "images": [BY_ADDRESS]}]
    chunks = [
        {"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
        for delta in deltas
    ]
    events = [f"data: {text}\n\n" for text in (*map(json.dumps, chunks), "[DONE]")]
    response = {
        "content_type": "text/event-stream",
        "chunks": [(10.0 * place, event) for place, event in enumerate(events)],
    }
    request = {"model": "m", "stream": True}
    record = tell(product, CHAT, request=request, response=response)
    page = visit(f"/records/{record['id']}")
    reply = page.get_by_role("region", name="Reply")
    expect(reply.get_by_text("Here.", exact=True)).to_be_visible()
    assert_drawn(reply.get_by_role("img", name=DRAWN))


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Product]:
    """A server whose provider draws a picture, and then says nothing for a long time."""
    delta = {"role": "assistant", "content": "Here.", "images": [BY_ADDRESS]}
    chunk = {
        "id": "1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta}],
    }
    stream = "".join(f"data: {text}\n\n" for text in (*[json.dumps(chunk)] * 2, "[DONE]"))
    file = tmp_path / "recordings" / "openai" / "openai_chat" / "drawn.sse"
    file.parent.mkdir(parents=True)
    file.write_text(stream)
    simulator = RunningSimulator(recordings=tmp_path / "recordings")
    running = Product(tmp_path, providers=providers_of(simulator))
    yield running
    assert running.stop() == 0
    simulator.stop()


def test_a_picture_is_drawn_while_its_stream_runs(browser: Browser, drawing: Product):
    """With what was asked for, and before anybody knows how it will end."""
    wishes = {"Simulate-Recording": "drawn", "Simulate-Fault": "stall; after=1 events"}
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Draw."}]}
    with (
        drawing.http.stream("POST", f"/openai{CHAT}", json=asked, headers=wishes) as answer,
        closing(Visit(browser, drawing.url)) as visit,
    ):
        pieces = answer.iter_raw()
        next(pieces)  # who lets go of it leaves
        page = visit(f"/records/{answer.headers['streamgauge-id']}")
        reply = page.get_by_role("region", name="Reply")
        expect(reply.get_by_text("Here.", exact=True)).to_be_visible()
        assert_drawn(reply.get_by_role("img", name=DRAWN))
        expect(page.locator(".outcome").first).to_contain_text("open")
        expect(page.get_by_role("region", name="Request")).to_contain_text("Draw.")


ELSEWHERE = [
    "https://pictures.example/cat.png",
    "//pictures.example/cat.png",
    "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoKT4=",
    "data:text/html;base64,PGI+",
    "javascript:alert()",
]


def test_what_lies_elsewhere_is_named_and_not_asked_for(visit: Visit, product: Product):
    """And what is no raster; `visit` fails where another host was asked, or the policy broken."""
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in ELSEWHERE]
    response = ANSWERED | {"body": chat(content=nonce(), images=parts)}
    request = {"model": "m", "messages": [user(*parts)]}
    record = tell(product, CHAT, request=request, response=response)
    page = visit(f"/records/{record['id']}")
    for name in ("Request", "Reply"):
        region = page.get_by_role("region", name=name)
        for url in ELSEWHERE:
            named = url if not url.startswith("data:") else url[:40]
            expect(region.get_by_text(f"[image, not loaded: {named}]")).to_be_visible()
        expect(region.locator("img")).to_have_count(0)


def test_a_damaged_picture_is_said_to_be_one(visit: Visit, product: Product):
    """Instead of a broken frame."""
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    request = {"model": "m", "messages": [user(*parts)]}
    record = tell(product, CHAT, request=request, response=ANSWERED)
    page = visit(f"/records/{record['id']}")
    expect(page.get_by_text("[image, damaged]")).to_be_visible()
