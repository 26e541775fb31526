"""Media in prompts: found in every provider's form, counted, or unknown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streamgauge.meter.estimate import estimated, prompt_of
from streamgauge.record import Choice, Reply, Usage, UsageSource
from tests.meter import files

SQUARE = files.png(1024, 1024)
CLIP = files.wav(2.5)
FILM = files.mp4(10_000, 1_000)

# Dialect, model, the part, and its tokens; None: the prompt cannot be known.
PARTS: list[tuple[str, str, dict[str, Any], int | None]] = [
    (
        "openai_chat",
        "gpt-4o",
        {"type": "image_url", "image_url": {"url": files.url(SQUARE), "detail": "high"}},
        765,
    ),
    ("openai_chat", "gpt-4o", {"type": "image_url", "image_url": files.url(SQUARE)}, 765),
    (
        "openai_responses",
        "gpt-5.4",
        {"type": "input_image", "image_url": files.url(SQUARE), "detail": "high"},
        1229,
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/jpeg",
                "data": files.text(files.jpeg(1000, 1000)),
            },
            "cache_control": {"type": "ephemeral"},
        },
        1296,
    ),
    (
        "bedrock_converse",
        "us.anthropic.claude-haiku-4-5-v1:0",
        {"image": {"format": "png", "source": {"bytes": files.text(files.png(1000, 1000))}}},
        1296,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        {
            "inlineData": {
                "mimeType": "image/webp",
                "data": files.text(files.webp(b"VP8X", 960, 540)),
            }
        },
        1548,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        {"inline_data": {"mime_type": "audio/wav", "data": files.text(CLIP)}},
        80,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        {"inlineData": {"mimeType": "video/mp4", "data": files.text(FILM)}},
        2630,
    ),
    (
        "gemini",
        "gemini-3-flash",
        {
            "inlineData": {"mimeType": "image/png", "data": files.text(SQUARE)},
            "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"},
        },
        280,
    ),
    # The size is not in the request: it matters, or it does not.
    (
        "openai_chat",
        "gpt-4o",
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        None,
    ),
    (
        "openai_chat",
        "gpt-4o",
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        85,
    ),
    ("openai_responses", "gpt-5.4", {"type": "input_image", "file_id": "file-1"}, None),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        None,
    ),
    (
        "gemini",
        "gemini-3-flash",
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a"}},
        1120,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a"}},
        None,
    ),
    # No formula, no file, no base64.
    (
        "openai_chat",
        "gpt-4o-audio-preview",
        {"type": "input_audio", "input_audio": {"data": files.text(CLIP), "format": "wav"}},
        None,
    ),
    (
        "gemini",
        "gemini-3-flash",
        {"inlineData": {"mimeType": "video/mp4", "data": files.text(FILM)}},
        None,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        {
            "inlineData": {"mimeType": "video/mp4", "data": files.text(FILM)},
            "videoMetadata": {"fps": 5},
        },
        None,
    ),
    (
        "gemini",
        "gemini-2.5-flash",
        {"inlineData": {"mimeType": "application/pdf", "data": files.text(b"%PDF-1.7")}},
        None,
    ),
    ("anthropic", "claude-haiku-4-5", {"type": "document", "source": {"type": "text"}}, None),
    ("openai_chat", "gpt-4o", {"type": "image_url", "image_url": {"url": "data:,x"}}, None),
    ("openai_chat", "gpt-4o", {"type": "image_url", "image_url": {"url": 5}}, None),
    ("openai_chat", "llama-4", {"type": "image_url", "image_url": files.url(SQUARE)}, None),
    ("openai_chat", "gpt-4o", {"type": "image_url", "image_url": files.url(b"no picture")}, None),
]


def ask(dialect: str, *parts: dict[str, Any], **more: Any) -> bytes:
    if dialect == "gemini":
        return msgspec.json.encode({"contents": [{"role": "user", "parts": parts}], **more})
    where = "input" if dialect == "openai_responses" else "messages"
    return msgspec.json.encode({where: [{"role": "user", "content": parts}], **more})


@pytest.mark.parametrize(("dialect", "model", "part", "tokens"), PARTS)
def test_a_medium_counts_or_leaves_the_prompt_unknown(
    dialect: str, model: str, part: dict[str, Any], tokens: int | None
) -> None:
    """Beside what the rest of the prompt is."""
    rest = prompt_of(ask(dialect, {"text": "What is it?"}), dialect, model)
    assert rest is not None
    prompt = prompt_of(ask(dialect, {"text": "What is it?"}, part), dialect, model)
    assert (prompt and prompt.tokens - rest.tokens) == tokens


def test_a_picture_in_a_tools_result_counts() -> None:
    """However deep it stands."""
    source = {"type": "base64", "media_type": "image/png", "data": files.text(files.png(200, 200))}
    result = {"type": "tool_result", "content": [{"type": "image", "source": source}]}
    empty = prompt_of(ask("anthropic", {"type": "tool_result"}), "anthropic", "claude-haiku-4-5")
    seen = prompt_of(ask("anthropic", result), "anthropic", "claude-haiku-4-5")
    assert empty is not None
    assert seen is not None
    assert seen.tokens - empty.tokens == 64


def test_geminis_resolution_holds_for_all_and_a_parts_own_wins() -> None:
    """As in its documentation."""
    picture = {"inlineData": {"mimeType": "image/png", "data": files.text(SQUARE)}}
    close = {**picture, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}}
    config = {"mediaResolution": "MEDIA_RESOLUTION_MEDIUM"}
    body = ask("gemini", picture, close, generationConfig=config)
    assert prompt_of(body, "gemini", "gemini-3-pro") == (1 + 560 + 1120, 0)


def test_audio_is_told_apart_for_its_price() -> None:
    """It has one of its own."""
    part = {"inlineData": {"mimeType": "audio/wav", "data": files.text(CLIP)}}
    usage = estimated(
        Usage(),
        request=ask("gemini", {"text": "What is said?"}, part),
        reply=Reply(choices=(Choice(text="Nothing."),)),
        dialect="gemini",
        model="gemini-2.0-flash",
    )
    assert usage.usage_source is UsageSource.ESTIMATED
    assert usage.audio_input_tokens == 80
    assert usage.input_tokens is not None
    assert usage.input_tokens > 80
