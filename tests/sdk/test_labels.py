"""What the SDK sends on, and what it keeps as labels."""

from __future__ import annotations

from streamgauge.recorder import labels as of_the_recorder
from streamgauge.sdk import labels
from streamgauge.sdk.wrap import ID_HEADERS


def test_the_recorder_knows_the_same_names():
    """The SDK imports nothing of the server, so each has a table of its own."""
    for name in ("PREFIXES", "PROPERTY", "FIELDS", "FLAGS"):
        assert getattr(labels, name) == getattr(of_the_recorder, name)
    assert ID_HEADERS == of_the_recorder.PROVIDER_ID
