#!/usr/bin/env python3
"""Measure streamgauge against nginx on the same work: `make bench`, or this file with options.

Builds the load tools, starts the mock provider, and runs each scenario against each contender in
turn, several rounds, medians. See bench/README.md for what the figures mean.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contenders import CHAT_PATH, CONTENDERS, Contender, Cores, Running, existing, find_nginx
from loadtools import HERE, RESULTS, BenchError, Load, build, load, upstream
from processes import at_once, pin, raise_file_limit
from report import OTHER, OURS, Run, as_json, breakages, table, targets_table, verdicts
from scenarios import SCENARIOS, WARM_UP, Scenario

DEFAULT_ROUNDS = 3


def main() -> int:
    """Return the exit code: 0, or 1 when something broke (with --strict: or a target is missed)."""
    options = _parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we started ends with us
    try:
        _check_system()
        build()
        return 0 if options.build else _bench(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _check_system() -> None:
    if sys.platform != "linux":
        raise BenchError("the load tools use epoll and /proc: they run on Linux only")


def _bench(options: argparse.Namespace) -> int:
    contenders = _contenders(options)
    cores = _cores(options)
    if not at_once():
        print(
            "bench: the tools may have to wait for their core: delays are rough without root",
            file=sys.stderr,
        )
    raise_file_limit()
    pin(os.getpid(), cores.others)
    with upstream(port=options.upstream_port, core=cores.others) as port:
        runs = list(_all_runs(options, contenders, port, cores))
    found = verdicts(runs)
    broken = breakages(runs)
    _print_report(runs, options.only, found, broken)
    _keep(as_json(runs, found))
    is_missed = options.strict and not all(verdict.is_met for verdict in found)
    return 1 if broken or is_missed else 0


def _all_runs(
    options: argparse.Namespace, contenders: dict[str, Contender], port: int, cores: Cores
) -> Iterator[Run]:
    rounds = 1 if options.quick else options.rounds
    for number in range(1, rounds + 1):
        for name in options.only:
            scenario = SCENARIOS[name]
            for who, contender in contenders.items():
                if who == "direct" and not scenario.runs_direct(quick=options.quick):
                    continue
                print(f"round {number}/{rounds}: {name}, {who} …", flush=True)
                figures = _one_run(options, scenario, who, contender(port, cores), cores)
                yield Run(name, who, number, figures)


def _one_run(
    options: argparse.Namespace,
    scenario: Scenario,
    who: str,
    start: AbstractContextManager[Running],
    cores: Cores,
) -> Load:
    with start as running:
        where = running.port, running.path
        if scenario.name == "memory":
            running.settle(load(WARM_UP, *where, core=cores.others))
        work = scenario.options(quick=options.quick)
        with _profile(options, scenario, who, running, work):
            figures = load(work, *where, pids=running.pids, core=cores.others)
        return figures | running.settle(figures)


@contextmanager
def _profile(
    options: argparse.Namespace,
    scenario: Scenario,
    who: str,
    running: Running,
    work: dict[str, int | str],
) -> Iterator[None]:
    """Let py-spy watch our worker while it works, where that was asked for."""
    if not options.profile or who != OURS:
        yield
        return
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        raise BenchError("--profile needs py-spy: pip install py-spy")
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"profile-{scenario.name}.svg"
    seconds = (int(work["ramp_ms"]) + int(work["warm_ms"]) + int(work["measure_ms"])) // 1000
    command = [spy, "record", "--pid", str(running.pids[0]), "--duration", str(seconds)]
    with subprocess.Popen([*command, "--output", str(target)]) as process:
        yield
        process.wait()
    print(f"  profile: {target}")


# -- the plan --------------------------------------------------------------------------------------


def _contenders(options: argparse.Namespace) -> dict[str, Contender]:
    chosen = {name: CONTENDERS[name] for name in CONTENDERS if name not in options.without}
    if options.url:
        parts = urlsplit(options.url)
        if parts.hostname != "127.0.0.1" or not parts.port:
            raise BenchError("--url takes http://127.0.0.1:PORT/PATH; the tools stay on loopback")
        path = parts.path if parts.path not in ("", "/") else CHAT_PATH
        chosen.pop(OURS, None)
        chosen[OTHER] = existing(parts.port, path, options.pids)
    if "nginx" in chosen:
        find_nginx()
    return chosen


def _cores(options: argparse.Namespace) -> Cores:
    available = os.sched_getaffinity(0)
    if {options.proxy_core, options.tools_core} <= available:
        return Cores(options.proxy_core, options.tools_core)
    print(
        "bench: fewer cores than asked for: nothing is pinned, figures are rough", file=sys.stderr
    )
    return Cores(None, None)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, about a minute")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS, help="default %(default)s")
    parser.add_argument(
        "--only", type=_names(SCENARIOS), default=list(SCENARIOS), metavar="NAME,…",
        help=f"scenarios out of {', '.join(SCENARIOS)}",
    )  # fmt: skip
    parser.add_argument(
        "--without", type=_names(CONTENDERS), default=[], metavar="NAME,…",
        help=f"leave out some of {', '.join(CONTENDERS)}",
    )  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="a missed target is a failure")
    parser.add_argument(
        "--profile", action="store_true", help="py-spy on our worker (flame graphs)"
    )
    parser.add_argument(
        "--url", help="a running proxy in place of ours: http://127.0.0.1:PORT/PATH"
    )
    parser.add_argument("--pids", type=_pids, default=(), help="its processes: PID,PID")
    parser.add_argument(
        "--upstream-port", type=int, default=0, help="where the mock provider listens, for --url"
    )
    parser.add_argument("--proxy-core", type=int, default=0, help="default %(default)s")
    parser.add_argument("--tools-core", type=int, default=1, help="default %(default)s")
    parser.add_argument("--build", action="store_true", help="only build the load tools")
    return parser.parse_args(arguments)


def _names(known: dict[str, Any]) -> Any:
    def names(text: str) -> list[str]:
        chosen = text.split(",")
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return chosen

    return names


def _pids(text: str) -> tuple[int, ...]:
    return tuple(int(pid) for pid in text.split(","))


# -- the report ------------------------------------------------------------------------------------


def _print_report(
    runs: Sequence[Run], names: Sequence[str], found: Sequence[Any], broken: Sequence[str]
) -> None:
    for name in names:
        print(f"\n{table(runs, name)}")
    if found:
        print(f"\n{targets_table(found)}")
    print("\n" + ("broken:" if broken else "every answer was byte for byte the upstream's"))
    for sentence in broken:
        print(f"  ✗ {sentence}")


def _keep(results: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    target = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    target.write_text(json.dumps({"at": now.isoformat(), **_machine(), **results}, indent=1))
    print(f"\nkept in {os.path.relpath(target)}")


def _machine() -> dict[str, Any]:
    """Return what one must know to compare these figures with others."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(models),
        "load_before": os.getloadavg()[0],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "python_build": sysconfig.get_config_var("CONFIG_ARGS"),
        "tools_at_once": bool(at_once()),
        "commit": _said_by("git", "-C", str(HERE), "describe", "--always", "--dirty"),
        "uptime_s": time.clock_gettime(time.CLOCK_BOOTTIME),
    }


def _said_by(*command: str) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


if __name__ == "__main__":
    sys.exit(main())
