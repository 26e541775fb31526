"""How far estimates are from what providers report, over all recordings: docs/estimates.md.

``python -m tests.meter.estimates`` writes the page anew.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from streamgauge.meter.estimate import input_tokens, output_tokens
from streamgauge.meter.tokenizer import family_of
from streamgauge.meter.usage import usage_of
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.request import read_request
from tests.wire.cuts import whole
from tests.wire.goldens import FOLDER, MANIFEST
from tests.wire.reading import accumulated

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
    file = FOLDER / recording["file"]
    said = accumulated(recording["dialect"], recording["framing"], file.read_bytes(), whole)
    usage = usage_of(said.usage, dialect=recording["dialect"], final=said.is_usage_final)
    request = file.with_suffix(".request.json")
    body = request.read_bytes() if request.exists() else b""
    facts = read_request(body, recording["path"] or "")
    model = facts.model or recording["model"] or said.model
    family = family_of(model)
    if usage.output_tokens is None or said.stream_faults:
        return None
    return Compared(
        recording["file"],
        family.name,
        input_tokens(body, recording["dialect"], family),
        usage.input_tokens,
        output_tokens(said.reply(), recording["dialect"], model, family),
        usage.output_tokens,
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
    return "\n".join(lines) + "\n"


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
reason without showing it, prompts with images or files, and prompts of which the provider keeps
a part itself. Short texts make large percentages: one token more in a reply of five is 20 %.

The table is made by `python -m tests.meter.estimates`, and a test checks that it is current.

| family | outputs | unknown | median error | worst | inputs | unknown | median error | worst |
|---|---|---|---|---|---|---|---|---|"""

if __name__ == "__main__":
    PAGE.write_text(page())
