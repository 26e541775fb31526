"""Golden replies: what each recording adds up to, kept beside it as ``<name>.reply.json``.

``python -m tests.wire.goldens`` writes them anew. Read the difference before you keep it:
the test can only tell that a reply has changed, not that it was right.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from streamgauge.record import Reply
from streamgauge.wire.dialects import DIALECTS
from tests.wire.cuts import whole
from tests.wire.reading import accumulated

FOLDER = Path(__file__).parents[1] / "recordings"
MANIFEST = [json.loads(line) for line in (FOLDER / "manifest.jsonl").read_text().splitlines()]
READABLE = [one for one in MANIFEST if one["dialect"] in DIALECTS]


def golden(recording: dict[str, Any]) -> Path:
    return (FOLDER / recording["file"]).with_suffix(".reply.json")


def reply_of(recording: dict[str, Any]) -> Reply:
    raw = (FOLDER / recording["file"]).read_bytes()
    return accumulated(recording["dialect"], recording["framing"], raw, whole).reply()


if __name__ == "__main__":
    for one in READABLE:
        text = msgspec.json.format(msgspec.json.encode(reply_of(one)), indent=1)
        golden(one).write_bytes(text + b"\n")
