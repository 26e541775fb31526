"""What the kernel knows about processes: /proc, cores and limits. Linux only."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

# Two connections for each of 5,000 streams, in the proxy; as much again for the rest of a run.
WANTED_FILES = 65_536

# How long a process may take to end when asked politely; the gateway writes its journal meanwhile.
STOP_TIMEOUT_S = 20.0


def raise_file_limit() -> int:
    """Raise the limit of open files, which children inherit, and return what was reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in ((max(WANTED_FILES, soft), max(WANTED_FILES, hard)), (hard, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, wanted)
        except (ValueError, PermissionError):
            continue  # only root raises the hard limit
        break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pin(pid: int, core: int | None) -> None:
    """Keep all threads of a process, and those they start later, on one core."""
    if core is None:
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(task.name), {core})


@cache
def at_once() -> tuple[str, ...]:
    """Return what stands before the command of a tool that must never wait for its core.

    The tools share theirs with our recorder: if they waited for it, its work would be measured as
    delay, and in bursts. Nothing where that is not permitted: it takes root.
    """
    words = ("chrt", "--rr", "1")
    if shutil.which(words[0]) is None:
        return ()
    done = subprocess.run([*words, "true"], capture_output=True, check=False)
    return () if done.returncode else words


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process, all its threads together."""
    # The command's name may hold spaces and brackets; the fields begin after the last bracket.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss_bytes(pid: int) -> int:
    """Return the most memory that a process has had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def children(pid: int) -> Iterator[tuple[int, str]]:
    """Yield the direct children of a process with their command lines."""
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in tasks.read_text().split():
            try:
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except FileNotFoundError:
                continue  # it has just ended
            yield int(child), b" ".join(words).decode(errors="replace").strip()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started: politely first, then for good."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
