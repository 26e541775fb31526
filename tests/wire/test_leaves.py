"""Nothing that a provider said is lost: change a leaf of it, and the reply changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.wire.goldens import READABLE
from tests.wire.ignored import IGNORED, LATER
from tests.wire.leaves import Recording
from tests.wire.published import PUBLISHED

ANSWERS = READABLE + PUBLISHED


def matches(pattern: str, path: str) -> bool:
    """``*`` stands for anything."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), path) is not None


@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: line["file"].rpartition("/")[2])
def test_every_leaf_is_in_the_reply_or_ignored_for_a_reason(line: dict[str, Any]) -> None:
    """Text, numbers and truths of every frame."""
    recording = Recording(line)
    table = IGNORED.get(line["dialect"], {})
    lost = []
    for path in recording.paths:
        reasons = {reason for pattern, reason in table.items() if matches(pattern, path)}
        is_lost = reasons <= {LATER} and not recording.is_used(path)
        if is_lost and not (reasons and recording.is_used_meanwhile(path)):
            lost.append(path)
    assert lost == []


ENTRIES = [(dialect, pattern) for dialect, table in IGNORED.items() for pattern in table]


@pytest.mark.parametrize(("dialect", "pattern"), ENTRIES)
def test_what_is_ignored_is_sent_by_somebody_and_changes_nothing(
    dialect: str, pattern: str
) -> None:
    """An entry that nobody needs would hide the loss of tomorrow."""
    assert any(
        not recording.is_used(path)
        for line in ANSWERS
        if line["dialect"] == dialect
        for recording in [Recording(line)]
        for path in recording.paths
        if matches(pattern, path)
    )
