"""Which pages may have a browser ask us."""

from __future__ import annotations

import pytest

from streamgauge.pages import is_foreign, is_near

HOST = "127.0.0.1:4284"


@pytest.mark.parametrize(
    ("site", "origin", "expected"),
    [
        (None, None, False),  # no browser
        ("same-origin", f"http://{HOST}", False),
        ("none", None, False),  # typed into the address bar
        ("same-site", f"http://{HOST}", True),
        ("cross-site", None, True),
        ("", None, True),
        (None, f"http://{HOST}", False),
        (None, "http://127.0.0.1:3000", True),
        (None, "null", True),  # a sandboxed frame
        (None, "", True),
    ],
)
def test_a_foreign_page_is_known_by_what_the_browser_says(site, origin, expected):
    """`Sec-Fetch-Site` where there is one, else the origin."""
    assert is_foreign(site=site, origin=origin, host=HOST) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost:1", True),
        ("127.0.0.1:4284", True),
        ("[::1]:4284", True),
        ("10.0.0.1", True),
        ("gauge.example", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_name_may_lead_anywhere(host, expected):
    """Addresses and localhost do not."""
    assert is_near(host) == expected
