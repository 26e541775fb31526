"""What a bill looks at beside the tokens of a record, where the provider's usage tells it.

How long a cache is kept, what was heard or drawn, how often the web was searched; and whether
the answer was made by a dearer or cheaper tier, or in a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import genai_prices
import msgspec

from streamgauge.meter.usage import MOST_TOKENS
from streamgauge.record import ToolCall, Usage

# Of Vertex AI's ``trafficType``, which tells the tier:
# https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse.
TRAFFIC = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}

# Where a usage tells how much of something there was, and the price list's name of it.
_PLACES = (
    # https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#1-hour-cache-duration
    ("cache_write_1h_tokens", ("cache_creation", "ephemeral_1h_input_tokens")),
    ("web_searches", ("server_tool_use", "web_search_requests")),
    # https://docs.perplexity.ai/getting-started/pricing
    ("web_searches", ("num_search_queries",)),
    ("output_image_tokens", ("output_tokens_details", "image_tokens")),
    ("input_image_tokens", ("input_tokens_details", "image_tokens")),
)

# Lists that count by kind: where, what tells the kind, what tells how much, and the names.
_BY_KIND = (
    # https://ai.google.dev/api/generate-content#UsageMetadata
    (
        "promptTokensDetails",
        "modality",
        "tokenCount",
        {"IMAGE": "input_image_tokens", "VIDEO": "input_video_tokens"},
    ),
    ("candidatesTokensDetails", "modality", "tokenCount", {"IMAGE": "output_image_tokens"}),
    (
        "cacheTokensDetails",
        "modality",
        "tokenCount",
        {
            "AUDIO": "cache_audio_read_tokens",
            "IMAGE": "cache_image_read_tokens",
            "VIDEO": "cache_video_read_tokens",
        },
    ),
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CacheDetail.html
    ("cacheDetails", "ttl", "inputTokens", {"1h": "cache_write_1h_tokens"}),
)

# What may be of two kinds at once. Where nobody says how much was, nothing was.
_BOTH = (
    ("input_audio_tokens", "cache_read_tokens", "cache_audio_read_tokens"),
    ("input_image_tokens", "cache_read_tokens", "cache_image_read_tokens"),
    ("input_video_tokens", "cache_read_tokens", "cache_video_read_tokens"),
    ("output_audio_tokens", "output_reasoning_tokens", "output_audio_reasoning_tokens"),
    ("output_image_tokens", "output_reasoning_tokens", "output_image_reasoning_tokens"),
)


# The tools of OpenAI's Responses that are billed by the call, by the type of the call:
# https://developers.openai.com/api/docs/pricing#built-in-tools. Its code interpreter is billed by
# the container, which an answer may share with others and which nobody prices.
_FEES = {"web_search_call": "web_searches", "file_search_call": "storage_searches"}


def billed(
    usage: Usage,
    raw: Mapping[str, Any],
    about: Mapping[str, Any] | None = None,
    calls: Sequence[ToolCall] = (),
) -> Iterator[genai_prices.Usage]:
    """Yield *usage* as the price list counts it: with all that *raw*, *about* the answer and the
    *calls* of tools tell, then without.

    The second is for counts that contradict each other where nobody needs to know.
    """
    plain: dict[str, int | None] = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    # "billed_units" (https://docs.cohere.com/v2/reference/chat): without what Cohere adds to
    # the prompt, which is in its tokens.
    for name in ("input_tokens", "output_tokens"):
        units = _count(raw, ("billed_units", name))
        plain[name] = plain[name] if units is None else units
    counts = plain | {
        "input_audio_tokens": usage.audio_input_tokens,
        "output_audio_tokens": usage.audio_output_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    counts |= _fees(about or {}, calls) | dict(_told(raw))
    for one, other, both in _BOTH:
        if counts.get(one) and counts.get(other):
            counts.setdefault(both, 0)
    yield genai_prices.Usage(**counts)
    yield genai_prices.Usage(**plain)


def tier_of(raw: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, str]:
    """Return what decides on the price of a token, in the words of the price list.

    *raw* is the usage as the provider sent it, *about* what else its answer says of itself.
    """
    named = [told.get(name) for told in (about, raw) for name in ("service_tier", "serviceTier")]
    tiers = map(_name, [*named, TRAFFIC.get(str(raw.get("trafficType")))])
    tier, speed = next(filter(None, tiers), ""), _name(raw.get("speed"))
    said = {"processing" if tier == "batch" else "service_tier": tier, "speed": speed}
    return {name: value for name, value in said.items() if value}


def _fees(about: Mapping[str, Any], calls: Sequence[ToolCall]) -> dict[str, int]:
    fees: dict[str, int] = {}
    for call in calls:
        unit = _FEES.get(call.type or "")
        if unit and not _is_reading(call):
            fees[unit] = fees.get(unit, 0) + 1
    # Newer answers tell it themselves.
    searches = _count(about, ("tool_usage", "web_search", "num_requests"))
    return fees if searches is None else fees | {"web_searches": searches}


def _is_reading(call: ToolCall) -> bool:
    """Whether a call of the web search opens a page or looks into it, which costs no fee."""
    try:
        action = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    kind = action.get("type") if isinstance(action, dict) else None
    return kind in ("open_page", "find", "find_in_page")


def _told(raw: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, path in _PLACES:
        count = _count(raw, path)
        if count:
            yield name, count
    for place, kind, size, names in _BY_KIND:
        listed = raw.get(place)
        for one in listed if isinstance(listed, list) else ():
            unit = names.get(str(one.get(kind))) if isinstance(one, dict) else None
            count = _count(one, (size,)) if unit else None
            if unit and count:
                yield unit, count


def _count(raw: Any, path: tuple[str, ...]) -> int | None:
    for key in path:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return int(raw) if 0 <= raw <= MOST_TOKENS else None


def _name(value: Any) -> str:
    # Bedrock has an object: {"type": "priority"}.
    named: Any = value.get("type") if isinstance(value, Mapping) else value
    return named.lower() if isinstance(named, str) else ""
