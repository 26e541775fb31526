"""What headers say about a request."""

from __future__ import annotations

import itertools

from streamgauge.recorder.labels import Labels, joined, labels_of, provider_request_id


def test_every_label_has_two_names() -> None:
    """Ours and Helicone's, in any case."""
    for prefix in ("Streamgauge-", "helicone-", "HELICONE-"):
        labels = labels_of(
            [
                (prefix + "User-Id", "u"),
                (prefix + "Session-Id", "s"),
                (prefix + "Session-Path", "/a/b"),
                (prefix + "Session-Name", "n"),
                (prefix + "Request-Id", "r"),
                (prefix + "Property-Team", "Blue"),
                (prefix + "Model-Override", "gpt-4o"),
                (prefix + "Omit-Request", "true"),
                (prefix + "Omit-Response", "false"),
                ("Team", "other"),
            ]
        )
        assert labels == Labels(
            user_id="u",
            session_id="s",
            session_path="/a/b",
            session_name="n",
            client_request_id="r",
            properties={"team": "Blue"},
            priced_as="gpt-4o",
            omit_request=True,
            omit_response=False,
        )


def test_ours_wins_whatever_the_order() -> None:
    """Where both are given."""
    headers = [("Helicone-User-Id", "theirs"), ("Streamgauge-User-Id", "ours")]
    more = [("Streamgauge-Property-X", "ours"), ("Helicone-Property-X", "theirs")]
    for order in itertools.permutations(headers + more):
        labels = labels_of(order)
        assert (labels.user_id, labels.properties) == ("ours", {"x": "ours"})


def test_the_most_specific_id_of_the_provider_counts() -> None:
    """There are many names for it."""
    assert provider_request_id({"request-id": "b", "x-request-id": "a"}) == "a"
    assert provider_request_id({"request-id": "b"}) == "b"
    assert provider_request_id({}) is None


def test_repeated_headers_are_joined() -> None:
    """As RFC 9110 has it."""
    assert joined([("A", "1"), ("b", "2"), ("a", "3")]) == {"a": "1, 3", "b": "2"}


def test_a_value_in_utf_8_is_read_as_such() -> None:
    """A header is Latin-1 until it turns out to be UTF-8, as curl and browsers send it."""
    as_read = "漢字".encode().decode("latin-1")
    labels = labels_of(
        [("Streamgauge-User-Id", as_read), ("Streamgauge-Property-City", "M\xfcnchen")]
    )
    assert (labels.user_id, labels.properties) == ("漢字", {"city": "München"})


def test_a_property_needs_a_name() -> None:
    """Without one nobody could ask for it."""
    assert labels_of([("Streamgauge-Property-", "x")]) == Labels()
