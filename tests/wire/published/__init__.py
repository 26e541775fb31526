"""Cases made from the providers' documentation: README.md says how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from streamgauge.meter.usage import usage_of
from streamgauge.wire.decoding import Decoding
from streamgauge.wire.detect import Choice
from tests.wire.cuts import Cut

FOLDER = Path(__file__).parent
# The paths are absolute, so that they are found from wherever recordings are.
PUBLISHED: list[dict[str, Any]] = [
    line | {"file": str(FOLDER / line["file"])}
    for line in map(json.loads, (FOLDER / "manifest.jsonl").read_text().splitlines())
]


def name_of(case: dict[str, Any]) -> str:
    return Path(case["file"]).name


def golden(case: dict[str, Any]) -> Path:
    return Path(case["file"]).with_suffix(".reply.json")


def answer_of(case: dict[str, Any], cut: Cut) -> dict[str, Any]:
    """Return what *case* says, as its golden answer has it."""
    decoding = Decoding(Choice(case["framing"], case["dialect"]))
    for chunk in cut(Path(case["file"]).read_bytes()):
        decoding.feed(chunk)
    decoding.close()
    reply, said = decoding.reply.reply(), decoding.reply
    usage = usage_of(reply.usage, dialect=case["dialect"], final=said.is_usage_final)
    answer = {
        "is_whole": decoding.is_whole,
        "usage": {name: n for name, n in msgspec.to_builtins(usage).items() if n is not None},
        "reply": msgspec.to_builtins(reply),
    }
    return json.loads(json.dumps(answer))
