"""Writes the golden answers of the published cases anew."""

from __future__ import annotations

import json

from tests.wire.cuts import whole
from tests.wire.published import PUBLISHED, answer_of, golden

for one in PUBLISHED:
    text = json.dumps(answer_of(one, whole), indent=1, ensure_ascii=False)
    golden(one).write_text(text + "\n", encoding="utf-8")
