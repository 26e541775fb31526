"""Who writes a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streamgauge.errors import JournalError
from streamgauge.journal.owner import OWNER, is_owned, own

CHILD = """
import sys
from pathlib import Path
from streamgauge.journal.owner import own
own(Path(sys.argv[1]))
print("owned", flush=True)
sys.stdin.read()
"""


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    """Killed or not, nobody has to clean up."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"owned\n"
    assert is_owned(tmp_path)
    with pytest.raises(JournalError):
        own(tmp_path)
    assert (tmp_path / OWNER).read_text() == f"{child.pid}\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert not is_owned(tmp_path)
    os.close(own(tmp_path))


def test_a_directory_that_is_just_being_made_is_not_dead(tmp_path: Path) -> None:
    """Its writer has not come to taking the lock."""
    assert is_owned(tmp_path)
    os.close(own(tmp_path))
    assert not is_owned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [OWNER]
