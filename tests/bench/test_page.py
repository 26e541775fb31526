"""The measurement of the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "page.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its load tools need Linux")


@pytest.mark.long
def test_every_question_opening_and_trace_has_its_figures():
    """On a small store; how fast it was is not for a test to say."""
    few = ["--records", "2000", "--rounds", "1", "--frames", "20", "--streams", "20"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *few], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("| ")]
    names = [row[0].strip() for row in rows]
    for word in (
        "list: ",
        "search: ",
        "overview",
        "first row, empty cache",
        "live view, 20 streams",
    ):
        assert any(name.startswith(word) for name in names), names
    assert all(
        any(mark.isdigit() for mark in "".join(row[1:])) for row in rows if "ms" not in row[1]
    )
