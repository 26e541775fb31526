"""What an exchange took: its tokens and its cost.

Tokens are those that the answer reports, else those that somebody told beside it, else estimated
ones. The cost that somebody told comes before any that we could work out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from streamgauge.journal.format import TOLD_COST, TOLD_INPUT, TOLD_OUTPUT
from streamgauge.meter.cost import cost_of
from streamgauge.meter.estimate import estimated, is_whole
from streamgauge.meter.tokenizer import counted_as
from streamgauge.meter.usage import usage_of
from streamgauge.record import Cost, CostSource, Price, Usage, UsageSource
from streamgauge.recorder.labels import EVENT_TYPE, Labels
from streamgauge.wire.decoding import Decoding


def reported(decoding: Decoding | None, told: Mapping[str, int]) -> Usage:
    """Return the tokens that were reported by now; *told* are the numbers of marks."""
    if decoding is None:
        return Usage()
    reply = decoding.reply
    usage = usage_of(reply.usage, dialect=decoding.dialect_name, final=reply.is_usage_final)
    asked, said = told.get(TOLD_INPUT), told.get(TOLD_OUTPUT)
    if usage.usage_source is not UsageSource.UNKNOWN or (asked is None and said is None):
        return usage
    return Usage(input_tokens=asked, output_tokens=said, usage_source=UsageSource.REPORTED)


def counted(
    decoding: Decoding | None,
    told: Mapping[str, int],
    *,
    request: bytes,
    status: int | None,
    labels: Labels,
    provider: str,
    model: str | None,
    at: datetime,
    prices: Sequence[Price],
) -> tuple[Usage, Cost]:
    """Return the tokens and the cost of an exchange that has ended.

    *request* is its body, *model* the one that was asked for, *at* when it began, and *prices* are
    one's own.
    """
    usage = reported(decoding, told)
    if decoding is None:
        return usage, _told_cost(told) or Cost()
    # A refusal has no tokens, nor have a tool and a database, of which events tell.
    is_answer = decoding.is_read and status in (None, 200) and EVENT_TYPE not in labels.properties
    if is_answer and not is_whole(usage):
        usage = estimated(
            usage,
            request=request,
            reply=decoding.reply.reply(),
            dialect=decoding.dialect_name,
            # A router may have asked another model than the client did.
            model=counted_as(decoding.reply.model, model),
        )
    cost = _told_cost(told) or cost_of(
        usage,
        provider=provider,
        models=(labels.priced_as, decoding.reply.model, model),
        at=at,
        raw=decoding.reply.usage,
        about=decoding.reply.about,
        calls=decoding.reply.tool_calls(),
        own=prices,
    )
    return usage, cost


def _told_cost(told: Mapping[str, int]) -> Cost | None:
    billionths = told.get(TOLD_COST)
    if billionths is None:
        return None
    return Cost(cost_usd=billionths / 1e9, cost_source=CostSource.PROVIDER)
