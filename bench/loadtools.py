"""The two C programs: building them, and running them from Python.

One run of the load generator gives one `Load`; its fields are those of the tool's line of JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processes import at_once, pin, stop

HERE = Path(__file__).resolve().parent
BIN = HERE / "bin"
RESULTS = HERE / "results"

TOOLS = ("stream_upstream", "stream_load")
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")

# Beside what a run takes by its own plan: connecting, and reading the answers that are still open.
LOAD_TIMEOUT_S = 120

Load = dict[str, Any]


class BenchError(Exception):
    """Something is missing or broke; the message says what to do."""


def build() -> None:
    """Compile the tools that are older than their sources."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise BenchError("no C compiler found; on Debian: apt-get install gcc libc6-dev")
    BIN.mkdir(exist_ok=True)
    for tool in TOOLS:
        if not _is_current(tool):
            _compile(compiler, tool)


def _is_current(tool: str) -> bool:
    target = BIN / tool
    sources = (HERE / f"{tool}.c", HERE / "script.h")
    return target.exists() and all(
        source.stat().st_mtime < target.stat().st_mtime for source in sources
    )


def _compile(compiler: str, tool: str) -> None:
    # Two builds at once (parallel tests) must not see each other's half-written file.
    unfinished = BIN / f"{tool}.{os.getpid()}"
    command = [compiler, *FLAGS, "-o", str(unfinished), str(HERE / f"{tool}.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stderr}")
    unfinished.replace(BIN / tool)


@contextmanager
def upstream(*, port: int = 0, core: int | None = None) -> Iterator[int]:
    """Run the mock provider and yield its port."""
    command = [*at_once(), str(BIN / "stream_upstream"), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        if not line.startswith("listening on "):
            raise BenchError(f"the mock provider did not start on port {port}")
        pin(process.pid, core)
        yield int(line.rpartition(":")[2])
    finally:
        stop(process)
        assert process.stdout is not None
        process.stdout.close()


def load(
    options: dict[str, int | str],
    port: int,
    path: str,
    *,
    pids: Sequence[int] = (),
    core: int | None = None,
) -> Load:
    """Run the load generator with *options* (`mode`, `connections`, … as on its command line)."""
    words = {"port": port, "path": path, **options}
    command = [*at_once(), str(BIN / "stream_load")]
    for name, value in words.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    if pids:
        command += ["--pids", ",".join(map(str, pids))]
    if core is not None:
        command = ["taskset", "-c", str(core), *command]
    planned_s = sum(int(value) for name, value in options.items() if name.endswith("_ms")) / 1000
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=planned_s + LOAD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise BenchError(f"the load generator hangs: {' '.join(command)}") from late
    if done.returncode:
        raise BenchError(f"{' '.join(command)}\n{done.stderr}")
    answer: Load = json.loads(done.stdout)
    if done.stderr:
        answer["first_errors"] = done.stderr
    return answer
