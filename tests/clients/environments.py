"""Environments of their own for packages that cannot, or should not, stand beside ours.

Run as a script, or by the tests, it makes each once and keeps it.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NODE = HERE / "node"
NEXT = ROOT / "examples" / "nextjs-after"

# openai 0.28 is the last before the rewrite; LiteLLM is large, and its callback for Helicone
# needs words that later versions of anthropic do not have. What helicone-async needs takes pip
# very long to find out, so it is written down.
REQUIREMENTS = {
    "openai028": ("openai==0.28.1",),
    "helicone-async": ("--no-deps", "-r", str(HERE / "helicone_async.txt")),
    "litellm": ("litellm==1.106.2", "anthropic==0.125.0"),
}


def python_of(name: str) -> Path:
    """Return the interpreter of an environment, made first if need be."""
    folder = ROOT / f".venv-{name}"
    python = folder / "env" / "bin" / "python"

    def install() -> None:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder / "env"], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS[name]], check=True)

    wanted = (Path(one).read_text() if one.endswith(".txt") else one for one in REQUIREMENTS[name])
    _make(folder, "\n".join(wanted), install)
    return python


def node_packages(folder: Path) -> Path:
    """Return a folder with a package.json, its packages installed as its lock says."""

    def install() -> None:
        npm = [ROOT / "scripts" / "node", "npm", "ci", "--no-audit", "--no-fund"]
        subprocess.run([*npm, "--loglevel=error"], cwd=folder, check=True, stdout=sys.stderr)

    note = ROOT / f".venv-npm-{folder.name}"
    if not (folder / "node_modules").exists():
        (note / "installed.txt").unlink(missing_ok=True)
    _make(note, (folder / "package-lock.json").read_text(), install)
    return folder


def _make(folder: Path, content: str, install: Callable[[], None]) -> None:
    """Install unless a note in *folder* says that it has *content*."""
    folder.mkdir(exist_ok=True)
    done = folder / "installed.txt"
    # Several test processes may come here at once.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != content:
            print(f"making {folder.name} …", file=sys.stderr, flush=True)
            install()
            done.write_text(content)


if __name__ == "__main__":
    for one in REQUIREMENTS:
        python_of(one)
    for folder in (NODE, NEXT):
        node_packages(folder)
