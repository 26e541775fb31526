"""What a worker is called."""

from __future__ import annotations

import pytest

from streamgauge.journal.status import node_and_worker


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("local-0-18f3", ("local", "0")),
        ("my-host-12-18f3", ("my-host", "12")),
        ("odd", ("odd", "")),
    ],
)
def test_a_directory_tells_node_and_worker(directory: str, expected: tuple[str, str]) -> None:
    """A node's name may have hyphens."""
    assert node_and_worker(directory) == expected
