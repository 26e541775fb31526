"""What the SDK sends on, and what it keeps as labels."""

from __future__ import annotations

from streamgauge.recorder import labels as of_the_recorder
from streamgauge.sdk import labels
from streamgauge.sdk.wrap import ID_HEADERS


def test_values_need_not_be_text():
    """A property has JSON's words for them; elsewhere None is nothing."""
    headers = {
        "Streamgauge-Property-Whole": 3,
        "Streamgauge-Property-Part": 0.5,
        "Helicone-Property-Is": True,
        "Helicone-Property-None": None,
        "Streamgauge-Omit-Request": True,
        "Streamgauge-Session-Id": 7,
        "Streamgauge-User-Id": None,
        "X-Proxy": None,
    }
    properties = {"whole": "3", "part": "0.5", "is": "true", "none": "null"}
    assert labels.labelled(headers) == (
        {"properties": properties, "omit_request": True, "session_id": "7"},
        {},
    )


def test_the_recorder_knows_the_same_names():
    """The SDK imports nothing of the server, so each has a table of its own."""
    for name in ("PREFIXES", "PROPERTY", "FIELDS", "FLAGS"):
        assert getattr(labels, name) == getattr(of_the_recorder, name)
    assert ID_HEADERS == of_the_recorder.PROVIDER_ID
