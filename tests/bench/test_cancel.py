"""The measurement of how soon a provider is let go."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "bench" / "cancel.py"


def test_every_way_to_leave_is_measured():
    """Three moments, two ways each; how fast it was is not for a test to say."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--rounds", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    rows = re.findall(r"^\| (.+) \| (FIN|RST) \| [\d.]+ \| [\d.]+ \| [\d.]+ \|$", done.stdout, re.M)
    assert len(set(rows)) == 6, done.stdout + done.stderr
