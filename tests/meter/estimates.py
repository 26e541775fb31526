"""How far estimates are from what providers report, over all recordings: docs/estimates.md.

``python -m tests.meter.estimates`` writes the page anew.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any, NamedTuple

from streamgauge.meter.bill import billed
from streamgauge.meter.estimate import output_tokens, prompt_of
from streamgauge.meter.media_rates import rate_of
from streamgauge.meter.picture import Size
from streamgauge.meter.tokenizer import counted_as, family_of
from streamgauge.meter.usage import usage_of
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.request import read_request
from tests.wire.cuts import whole
from tests.wire.goldens import FOLDER, MANIFEST
from tests.wire.reading import accumulated

# A model of somebody's tests: its usage is a round 60 tokens, whatever it says.
MADE_UP = ("vllm/openai_chat/chat_streaming.sse",)

# A guardrail put `{ADDRESS}` and the like into the answer after the model's tokens were counted.
MASKED = (
    "bedrock/bedrock_converse/guardrail_converse_stream.eventstream",
    "bedrock/bedrock_converse/nova_converse_stream.eventstream",
    "bedrock/bedrock_invoke/titan_invoke_stream_guardrail.eventstream",
)

PAGE = Path(__file__).parents[2] / "docs" / "estimates.md"


class Compared(NamedTuple):
    """One recording: the family of its model, and tokens as counted and as reported."""

    file: str
    family: str
    counted_input: int | None
    input: int | None
    counted_output: int | None
    output: int | None


def compared(recording: dict[str, Any]) -> Compared | None:
    if recording["dialect"] not in DIALECTS or not recording["usage_in_stream"]:
        return None
    if recording["file"] in MADE_UP:
        return None
    file = FOLDER / recording["file"]
    said = accumulated(recording["dialect"], recording["framing"], file.read_bytes(), whole)
    usage = usage_of(said.usage, dialect=recording["dialect"], final=said.is_usage_final)
    request = file.with_suffix(".request.json")
    body = request.read_bytes() if request.exists() else b""
    facts = read_request(body, recording["path"] or "")
    model = counted_as(said.model, facts.model, recording["model"])
    family = family_of(model)
    if usage.output_tokens is None or said.stream_faults:
        return None
    prompt = prompt_of(body, recording["dialect"], model)
    asked = next(billed(usage, said.usage or {}))
    return Compared(
        recording["file"],
        family.name,
        None if prompt is None else prompt.tokens,
        asked.input_tokens if usage.input_tokens is not None else None,
        output_tokens(said.reply(), recording["dialect"], model, family),
        None if recording["file"] in MASKED else usage.output_tokens,
    )


def error(counted: int | None, reported: int | None) -> float | None:
    if counted is None or not reported:
        return None
    return abs(counted - reported) / reported


def page() -> str:
    families: dict[str, list[Compared]] = defaultdict(list)
    for recording in MANIFEST:
        one = compared(recording)
        if one is not None:
            families[one.family].append(one)
    lines = [TOP]
    for name in sorted(families):
        ones = families[name]
        lines.append(f"| {name} | {_cells(ones, 'output')} | {_cells(ones, 'input')} |")
    lines += ["", *map(_note, NOTES), MEDIA]
    for model in SHOWN:
        rate = rate_of(model)
        assert rate is not None
        sizes = " | ".join(f"{rate.image(size, None):,}" for size in SIZES)
        seconds = f"{rate.audio or ''} | {rate.video or ''}"
        source = f"[{rate.source.read_on}]({rate.source.url})"
        lines.append(f"| `{model}` | {sizes} | {seconds} | {source} |")
    return "\n".join(lines) + "\n"


def _note(family: str) -> str:
    return fill(f"- **{family}**: {NOTES[family]}", 100, subsequent_indent="  ")


def _cells(ones: list[Compared], kind: str) -> str:
    pairs = [(getattr(one, f"counted_{kind}"), getattr(one, kind)) for one in ones]
    errors = [found for found in (error(*pair) for pair in pairs) if found is not None]
    unknown = sum(1 for counted, reported in pairs if counted is None and reported)
    if not errors:
        return f"0 | {unknown} | | "
    return f"{len(errors)} | {unknown} | {median(errors):.1%} | {max(errors):.1%}"


TOP = """# Estimated tokens

Where a provider reports no usage, tokens are counted with the vocabulary of the model's family
and marked `estimated`. This is how far such counts are from what the providers report, over all
recordings that have both. "Unknown" are those that are not estimated: answers of models that
reason without showing it, prompts with files, and prompts of which the provider keeps a part
itself. One recording, whose usage is made up, is left out. Short texts make large percentages:
one token more in a reply of five is 20 %.

The table is made by `python -m tests.meter.estimates`, and a test checks that it is current.

| family | outputs | unknown | median error | worst | inputs | unknown | median error | worst |
|---|---|---|---|---|---|---|---|---|"""

SIZES = (Size(512, 512), Size(1024, 1024), Size(1920, 1080), Size(4032, 3024))
SHOWN = (
    "gpt-5.6-sol", "gpt-5.5", "gpt-5.4", "gpt-5.2", "gpt-5.1", "gpt-5-mini", "gpt-5-nano",
    "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "o3", "o4-mini",
    "claude-opus-4-8", "claude-sonnet-5", "claude-sonnet-4-5", "claude-haiku-4-5",
    "gemini-3-flash", "gemini-2.5-flash", "gemini-2.0-flash",
)  # fmt: skip

COLUMNS = (*(f"{one.width} x {one.height}" for one in SIZES), "audio", "film", "as read on")
# Why a family is far off, here or at its worst. A test asks for those beyond a tenth.
NOTES = {
    "claude": "Anthropic's vocabulary is its own, and a schema that an answer has to keep is put "
    "into the prompt in words of Anthropic's. What tools add differs by model: Claude 3's less.",
    "command": "compared with what Cohere bills. The 60 to 900 tokens that it puts before a prompt "
    "are in its total, and free. The worst is a prompt with tools for an early model.",
    "deepseek": "V4 behind the Responses API has a preamble of 80 tokens, with tools of 330, that "
    "is not published. The others are within two tokens.",
    "gemini": "texts are exact. Tools and calls are not: 2.0 counts them shorter than we do, 2.5 "
    "longer. Since Gemini 3 the thoughts of earlier turns are billed again and nobody but Google "
    "can read them, so such prompts are unknown.",
    "gemma": "one prompt of 16 tokens, two of them off.",
    "gpt-4o": "the worst output is an answer of OpenRouter that another model helped with, whose "
    "tokens it reports too.",
    "gpt-oss": "the system message is the published one. Groq's prompts with tools and earlier "
    "turns differ from it in both directions, with a template that is not published.",
    "grok": "one prompt of three words: xAI had put 679 tokens before it, and reports them.",
    "nova": "the vocabulary and what Amazon puts around tools are not published; the 440 tokens of "
    "the latter are by our recordings.",
    "palmyra": "Writer puts about 25 tokens before a prompt, and more than 100 around tools, and "
    "publishes neither.",
    "titan": "its two answers, like one of Nova, were masked by a guardrail after they had been "
    "counted, so their outputs are not compared.",
    "unknown": "a prompt of 8 tokens, one of them off.",
}

MEDIA = f"""
## Images, audio and film

Media in a prompt count by the formula that the provider publishes: OpenAI's tiles and patches with
the detail asked for, Anthropic's visual tokens, Gemini's tiles, resolutions and seconds. The size
of a picture and the length of a recording are read from the file in the request (PNG, JPEG, GIF,
WebP; WAV, MP3, FLAC, MP4). What the request only names, by an address or an id, has no size there:
the prompt stays `unknown`, unless the size does not matter, as with OpenAI's low detail. So do
prompts with documents, with media for a model whose provider publishes no formula, and with audio
for OpenAI, which says how it counts for its Realtime API only.

Tokens of one picture at the default detail, and of a second:

| model | {" | ".join(COLUMNS)} |
|---|{"---|" * len(COLUMNS)}"""

if __name__ == "__main__":
    PAGE.write_text(page())
