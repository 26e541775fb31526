"""What was acknowledged survives kill -9."""

from __future__ import annotations

import subprocess
import sys

# Insert batches of 20 and acknowledge each record, until killed.
INSERT = """
import sys
from streamgauge.store.loader import open_store
from tests.storing import record, put
store = open_store("chdb://" + sys.argv[1])
for batch in range(10_000):
    for one in put(store, *(record(batch * 20 + i, request_body="x" * 500) for i in range(20))):
        print(one.id)
    print("stored", flush=True)
"""
READ = """
import sys
from streamgauge.store.loader import open_store
store = open_store("chdb://" + sys.argv[1])
for row in store.query("SELECT id FROM records FINAL WHERE length(request_body) = 500"):
    print(row["id"])
"""


def test_every_acknowledged_record_is_there_exactly_once_after_kill_9(tmp_path):
    """Killed in the middle of work, three times over on the same folder."""
    acknowledged: list[str] = []
    for batches in (3, 17, 8):
        acknowledged += insert_until_killed(tmp_path, batches)
        seen = run(READ, tmp_path)
        assert len(seen) == len(set(seen))
        assert set(acknowledged) <= set(seen)
    assert len(acknowledged) >= 20 * (3 + 17 + 8)


def insert_until_killed(path, batches):
    ids: list[str] = []
    pending: list[str] = []
    command = [sys.executable, "-c", INSERT, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line != "stored\n":
                pending.append(line.strip())
                continue
            ids, pending = ids + pending, []
            batches -= 1
            if batches == 0:
                process.kill()
                break
        process.stdout.close()
    assert process.returncode == -9
    return ids


def run(script, path):
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()
