"""An environment of its own for openai 0.28, the last SDK before the rewrite.

Its `openai` package cannot stand beside today's. Run as a script, or by the tests, it makes
`.venv-openai028` once and keeps it.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

REQUIREMENT = "openai==0.28.1"
FOLDER = Path(__file__).parents[2] / ".venv-openai028"


def legacy_python() -> Path:
    """Return the interpreter of that environment, made first if need be."""
    python, done = FOLDER / "env" / "bin" / "python", FOLDER / "installed.txt"
    FOLDER.mkdir(exist_ok=True)
    # Several test processes may come here at once.
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != REQUIREMENT:
            print(f"making {FOLDER.name} with {REQUIREMENT} …", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER / "env"], check=True)
            pip = [python, "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "--disable-pip-version-check", REQUIREMENT], check=True)
            done.write_text(REQUIREMENT)
    return python


if __name__ == "__main__":
    print(legacy_python())
