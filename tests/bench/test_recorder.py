"""The measurement of whether the recorder keeps up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "recorder.py"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="it needs Linux and two cores",
)


@pytest.mark.long
def test_a_workers_journal_is_fed_and_recorded():
    """Every stream becomes a record; how fast it was is not for a test to say."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--seconds", "0.5", "--only", "paced"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    records = re.search(r"^ +records +([\d,]+) of ([\d,]+)$", done.stdout, re.M)
    assert records, done.stdout + done.stderr
    assert records[1] == records[2]
    assert re.search(r"^paced: [\d,]+ streams, [1-9][\d,]+ chunks", done.stdout, re.M)
