"""Who runs: nobody (direct), nginx, streamgauge, or a proxy that already runs somewhere.

A contender is a context manager that starts its processes for one run, on fresh folders and free
ports, and yields a `Running`. Starting anew for each run means that no run inherits another one's
memory or unfinished work.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from loadtools import BIN, HERE, BenchError, Load
from processes import (
    WANTED_FILES,
    children,
    cpu_seconds,
    free_port,
    peak_rss_bytes,
    pin,
    raise_file_limit,
    stop,
)

T = TypeVar("T")

CHAT_PATH = "/v1/chat/completions"

# A cold start of the gateway loads Python, the store and its tables.
START_TIMEOUT_S = 60.0
START_POLL_S = 0.05

# How long the recorder may work on after the load has ended before we call it behind.
CATCH_UP_TIMEOUT_S = 120.0
# Each look is a query in the recorder's own process; more of them would slow what they watch.
CATCH_UP_POLL_S = 0.5

# No proxy of the environment stands between us and 127.0.0.1.
_http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _nothing(load: Load) -> dict[str, float]:  # noqa: ARG001 - the shape of Running.settle
    return {}


@dataclass(frozen=True)
class Running:
    """A contender at work: where it listens and whose CPU and memory count."""

    port: int
    path: str = CHAT_PATH
    pids: tuple[int, ...] = ()
    # Of ours: the data folder, and the process that records.
    data: Path | None = None
    recorder: int | None = None
    # Called after the load: waits until everything is done with and returns further figures.
    settle: Callable[[Load], dict[str, float]] = _nothing


@dataclass(frozen=True)
class Cores:
    """Which core runs the proxy under test, and which all others; None leaves it to the kernel."""

    proxy: int | None
    others: int | None


Contender = Callable[[int, Cores], AbstractContextManager[Running]]


@contextmanager
def direct(upstream_port: int, cores: Cores) -> Iterator[Running]:  # noqa: ARG001 - Contender
    """Nobody in between: what the tools and the kernel cost alone."""
    yield Running(upstream_port)


# -- nginx ---------------------------------------------------------------------------------------


def find_nginx() -> str:
    """Return the path of nginx, fetching Debian's package when there is none."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which("nginx", path=path) or shutil.which("nginx", path=str(BIN))
    if found is None:
        found = _fetch_nginx()
    if found is None:
        raise BenchError(
            "nginx is the yardstick and was not found; install it (Debian: apt-get install nginx) "
            "or leave it out with --without nginx"
        )
    return found


def _fetch_nginx() -> str | None:
    """Unpack the binary of Debian's package; installing it would start a web server on port 80."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return None
    print("fetching Debian's nginx package …", flush=True)
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)  # a fresh image has no lists
    with tempfile.TemporaryDirectory() as folder:
        # Ubuntu before 24.04 has the binary in nginx-core; nginx depends on it there.
        for package in ("nginx", "nginx-core"):
            subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=False)
            for archive in Path(folder).glob(f"{package}_*.deb"):
                subprocess.run(["dpkg", "-x", archive, f"{folder}/root"], check=False)
            binary = Path(folder, "root/usr/sbin/nginx")
            if binary.exists():
                return str(shutil.copy(binary, BIN / "nginx"))
    return None


@contextmanager
def nginx(upstream_port: int, cores: Cores) -> Iterator[Running]:
    """Debian's nginx with `proxy_buffering off` and one worker, in a temporary folder."""
    port = free_port()
    words = {
        "USER": "user root;" if os.geteuid() == 0 else "",
        "FILES": str(min(WANTED_FILES, raise_file_limit())),
        "UPSTREAM": str(upstream_port),
        "PORT": str(port),
    }
    text = (HERE / "nginx.conf").read_text()
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder:
        Path(folder, "nginx.conf").write_text(text)
        process = subprocess.Popen(
            [find_nginx(), "-p", folder, "-c", "nginx.conf", "-e", "error.log"]
        )
        try:
            worker = _wait_for(
                lambda: _child(process.pid, "nginx: worker"), process, f"{folder}/error.log"
            )
            pin(worker, cores.proxy)
            yield Running(port, pids=(worker,))
        finally:
            stop(process)


# -- streamgauge ---------------------------------------------------------------------------------


@contextmanager
def product(upstream_port: int, folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The whole product on the data in *folder*; yields its port and its parent process."""
    port = free_port()
    command = [
        _streamgauge_command(), "serve", "--port", str(port), "--workers", "1",
        "--provider", f"openai=http://127.0.0.1:{upstream_port}", "--data", f"{folder}/data",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait_for(lambda: _is_ready(port), process, log)
        yield port, process
    finally:
        stop(process)


@contextmanager
def streamgauge(upstream_port: int, cores: Cores) -> Iterator[Running]:
    """The whole product: gateway, journal and recorder, everything recorded."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder,
        product(upstream_port, Path(folder)) as (port, process),
    ):
        log = Path(folder, "log")
        worker = _wait_for(lambda: _child(process.pid, "streamgauge.app worker"), process, log)
        recorder = _wait_for(lambda: _child(process.pid, "streamgauge.app recorder"), process, log)
        pin(process.pid, cores.others)
        pin(recorder, cores.others)
        pin(worker, cores.proxy)
        yield Running(
            port,
            pids=(worker,),
            data=Path(folder, "data"),
            recorder=recorder,
            settle=_Recorder(port, recorder),
        )


def _streamgauge_command() -> str:
    beside = Path(sys.executable).with_name("streamgauge")
    found = str(beside) if beside.exists() else shutil.which("streamgauge")
    if found is None:
        raise BenchError("the command streamgauge was not found; run `make install` first")
    return found


class _Recorder:
    """Waits until the recorder has a record of every request, and says what that cost."""

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid
        self._cpu = cpu_seconds(pid)
        self._sent = 0
        self._chunks = 0

    def __call__(self, load: Load) -> dict[str, float]:
        start = time.monotonic()
        self._sent += load["sent"]
        self._chunks += load["chunks"]
        while (records := self._records()) < self._sent:
            if time.monotonic() - start > CATCH_UP_TIMEOUT_S:
                break
            time.sleep(CATCH_UP_POLL_S)
        cpu_us = (cpu_seconds(self._pid) - self._cpu) * 1e6
        return {
            "records": records,
            "records_expected": self._sent,
            "recorder_lag_s": time.monotonic() - start,
            "recorder_cpu_us_per_chunk": cpu_us / self._chunks if self._chunks else 0,
            "recorder_cpu_us_per_request": cpu_us / self._sent,
            "recorder_peak_rss_bytes": peak_rss_bytes(self._pid),
        }

    def _records(self) -> int:
        answer = get_json(self._port, "/api/v1/stats?outcome.not=open")
        return sum(int(bucket["count"]) for bucket in answer["buckets"])


# -- a proxy that already runs -------------------------------------------------------------------


def existing(port: int, path: str, pids: tuple[int, ...]) -> Contender:
    """Return a contender for a proxy that somebody else started; it is not pinned."""

    @contextmanager
    def other(upstream_port: int, cores: Cores) -> Iterator[Running]:  # noqa: ARG001
        yield Running(port, path=path, pids=pids)

    return other


CONTENDERS: dict[str, Contender] = {"direct": direct, "nginx": nginx, "streamgauge": streamgauge}


# -- waiting -------------------------------------------------------------------------------------


def _child(pid: int, words: str) -> int | None:
    return next((child for child, command in children(pid) if words in command), None)


def _is_ready(port: int) -> bool | None:
    try:
        with _http.open(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            # While there is no recorder the gateway answers by itself, with a reason.
            return (answer.status == 200 and b"reason" not in answer.read()) or None
    except OSError:
        return None


def get_json(port: int, path: str) -> Any:
    """Return what the server on *port* answers; raises `BenchError` if it does not."""
    try:
        with _http.open(f"http://127.0.0.1:{port}{path}", timeout=CATCH_UP_TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise BenchError(f"the gateway does not answer {path}: {error}: {said}") from error
    except OSError as error:
        raise BenchError(f"the gateway does not answer {path}: {error}") from error


def _wait_for(ask: Callable[[], T | None], process: subprocess.Popen[bytes], log: Path | str) -> T:
    """Ask until there is an answer; *log* is where the process says why there is none."""
    limit = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < limit and process.poll() is None:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(START_POLL_S)
    said = Path(log).read_text(errors="replace") if Path(log).exists() else ""
    raise BenchError(f"{process.args!r} did not start:\n{said[-2000:]}")
