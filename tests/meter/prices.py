"""What recorded answers cost, by the list and by prices of one's own: docs/prices.md.

``python -m tests.meter.prices`` writes the page anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from streamgauge.meter.cost import cost_of
from streamgauge.meter.estimate import estimated
from streamgauge.meter.usage import usage_of
from streamgauge.record import Cost, Price, Usage
from streamgauge.wire.request import read_request
from tests.wire.cuts import whole
from tests.wire.goldens import FOLDER, MANIFEST
from tests.wire.published import PUBLISHED
from tests.wire.reading import accumulated

PAGE = Path(__file__).parents[2] / "docs" / "prices.md"

# Prices have dates: all examples are of this day.
AT = datetime(2026, 11, 1, tzinfo=UTC)


class Example(NamedTuple):
    """One recording, cut off or whole, and prices of one's own, as the settings have them."""

    what: str
    file: str
    prices: tuple[Price, ...] = ()
    kept_bytes: int | None = None


class Priced(NamedTuple):
    """What an example came to."""

    model: str
    usage: Usage
    cost: Cost


def priced(example: Example) -> Priced:
    found = (one for one in MANIFEST + PUBLISHED if one["file"].endswith(example.file))
    recording = next(found)
    file = FOLDER / recording["file"]
    raw = file.read_bytes()[: example.kept_bytes]
    said = accumulated(recording["dialect"], recording["framing"], raw, whole)
    request = file.with_suffix(".request.json")
    body = request.read_bytes() if request.exists() else b""
    asked = read_request(body, recording["path"] or "").model or recording.get("model")
    usage = estimated(
        usage_of(said.usage, dialect=recording["dialect"], final=said.is_usage_final),
        request=body,
        reply=said.reply(),
        dialect=recording["dialect"],
        model=asked or said.model,
    )
    cost = cost_of(
        usage,
        provider=recording["provider"],
        models=(said.model, asked),
        at=AT,
        raw=said.usage,
        about=said.about,
        calls=said.tool_calls(),
        own=example.prices,
    )
    return Priced(said.model or asked or "", usage, cost)


def page() -> str:
    return TOP + "\n".join(_row(example) for example in EXAMPLES) + "\n" + _own()


def _row(example: Example) -> str:
    model, usage, cost = priced(example)
    counts = (
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    )
    cells = " | ".join("" if count is None else f"{count:,}" for count in counts)
    dollars = "`null`" if cost.cost_usd is None else f"{cost.cost_usd:.7f}"
    sources = f"`{usage.usage_source}` | {dollars} | `{cost.cost_source}`"
    return f"| {example.what} | `{model}` | {cells} | {sources} |"


def _own() -> str:
    (price,) = OWN
    known = msgspec.structs.asdict(price)
    lines = [f"{name} = {_toml(value)}" for name, value in known.items() if value not in (None, "")]
    return OWN_TOP + "\n".join(["```toml", "[[prices]]", *lines, "```"]) + "\n"


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


OWN = (Price(model="gpt-4o*", input=2, cached_input=1, output=8),)
EXAMPLES = (
    Example("a plain answer", "openai/openai_chat/complex_agent_run.2.sse"),
    Example(
        "reasoning is output",
        "openai/openai_responses/openai_responses_model_mcp_server_tool_stream.sse",
    ),
    Example(
        "a prompt written to the cache costs more",
        "anthropic/anthropic/anthropic_prompt_caching_async_stream_legacy.sse",
    ),
    Example(
        "read from the cache, less",
        "anthropic/anthropic/anthropic_prompt_caching_async_stream_legacy.1.sse",
    ),
    Example(
        "a long prompt has a dearer tier",
        "anthropic/anthropic/pause_turn_web_search_streaming_vcr.sse",
    ),
    Example(
        "cached input and hidden thoughts",
        "deepseek/openai_responses/deepseek_responses_function_tool_stream_.sse",
    ),
    Example("Gemini's thoughts are output", "google/gemini/code_execution_stream.sse"),
    Example(
        "the provider states the cost, a tool's included",
        "openrouter/openai_chat/openrouter_advisor_tool_stream.sse",
    ),
    Example(
        "no usage: counted", "openai/openai_chat/chat_streaming_exception_during_consumption.sse"
    ),
    Example(
        "the client left: what had come by then",
        "anthropic/anthropic/anthropic_message_stream_manager_legacy.sse",
        kept_bytes=4000,
    ),
    Example(
        "a search of the web, a cent beside the tokens",
        "openai/openai_responses/openai_include_raw_annotations_streaming.1.sse",
    ),
    Example("a batch", "anthropic-batch.json"),
    Example("the flex tier, half the price", "openai-flex.sse"),
    Example("an hour in the cache, dearer than five minutes", "anthropic-cache-ttl.sse"),
    Example("nobody prices it", "ollama/ollama_chat/ollama_streaming_chat_legacy.ndjson"),
    Example(
        "the first again, at a price of one's own",
        "openai/openai_chat/complex_agent_run.2.sse",
        OWN,
    ),
)

TOP = f"""# What it costs, by example

Answers of providers, nearly all of them recorded, priced as records are: tokens as reported,
times the list of genai-prices {version("genai-prices")} as of {AT:%d %B %Y}, in dollars. [How the numbers are
made](numbers.md) has the rules, [the configuration](configuration.md) prices of your own.

The tables are made by `python -m tests.meter.prices`, and a test checks that they are current.

| what | model | input | of it cached | of it written | output | of it reasoning | tokens | cost | source |
|---|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501 - a row of a table is a line

OWN_TOP = """
The price of one's own in the example, per million tokens:

"""

if __name__ == "__main__":
    PAGE.write_text(page())
