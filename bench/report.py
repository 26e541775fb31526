"""What the figures say: tables, ratios to nginx, and the targets with their marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from scenarios import SCENARIOS

OURS = "streamgauge"
YARDSTICK = "nginx"
# A proxy that somebody else started; it is held against our targets in our place.
OTHER = "other"
KIB = 1024

# A proxy may add so little that the difference to nginx's is noise; a ratio of two such figures
# says nothing. Below this many microseconds of nginx's own, the ratio is taken to this.
LEAST_ADDED_US = 5.0


@dataclass(frozen=True)
class Run:
    """One scenario against one contender, once; figures as the tools gave them."""

    scenario: str
    contender: str
    round: int
    figures: dict[str, Any]


Rounds = dict[str, dict[str, Any]]  # contender → its figures, of one round


def per_stream_bytes(figures: dict[str, Any]) -> float:
    """Return the memory that each open stream added to the proxy's process."""
    added = figures["rss_bytes"] - figures["rss_idle_bytes"]
    return float(added / figures["connections"])


# -- the figures shown for each scenario -----------------------------------------------------------


@dataclass(frozen=True)
class Metric:
    """One line of a scenario's table; None where a contender has no such figure."""

    label: str
    value: Callable[[dict[str, Any]], float | None]
    form: str = "{:,.1f}"


def _figure(key: str, label: str, *, scale: float = 1, form: str = "{:,.1f}") -> Metric:
    def value(figures: dict[str, Any]) -> float | None:
        found = figures.get(key)
        return None if found is None else found * scale

    return Metric(label, value, form)


def _of_the_proxy(key: str, label: str, *, scale: float = 1, form: str = "{:,.1f}") -> Metric:
    """Return a figure that was read from the proxy's processes, which direct has none of."""

    def value(figures: dict[str, Any]) -> float | None:
        return figures[key] * scale if figures["rss_idle_bytes"] else None

    return Metric(label, value, form)


CHUNKS = _figure("chunks_per_s", "chunks/s", form="{:,.0f}")
CPU = _of_the_proxy("cpu_share", "CPU, % of a core", scale=100, form="{:.0f}")
CPU_PER_CHUNK = _of_the_proxy("cpu_us_per_chunk", "CPU per chunk, µs")
TTFT_P50 = _figure("ttft_p50_us", "TTFT p50, µs", form="{:,.0f}")
TTFT_P99 = _figure("ttft_p99_us", "TTFT p99, µs", form="{:,.0f}")
P50 = _figure("latency_p50_us", "per chunk p50, µs", form="{:,.0f}")
P99 = _figure("latency_p99_us", "per chunk p99, µs", form="{:,.0f}")
RECORDER = (
    _figure("recorder_lag_s", "recorder done after, s"),
    _figure(
        "recorder_peak_rss_bytes", "recorder peak memory, MiB", scale=1 / KIB**2, form="{:.0f}"
    ),
)
RECORDER_PER_CHUNK = _figure("recorder_cpu_us_per_chunk", "recorder CPU per chunk, µs")

METRICS: dict[str, tuple[Metric, ...]] = {
    "paced": (
        CPU_PER_CHUNK,
        CPU,
        CHUNKS,
        TTFT_P50,
        TTFT_P99,
        P50,
        P99,
        RECORDER_PER_CHUNK,
        *RECORDER,
    ),
    "json": (
        _figure("requests_per_s", "requests/s", form="{:,.0f}"),
        _of_the_proxy("cpu_us_per_request", "CPU per request, µs"),
        CPU,
        _figure("request_p50_us", "request p50, µs", form="{:,.0f}"),
        _figure("request_p99_us", "request p99, µs", form="{:,.0f}"),
        _figure("recorder_cpu_us_per_request", "recorder CPU per request, µs"),
        *RECORDER,
    ),
    "latency": (
        TTFT_P50,
        TTFT_P99,
        P50,
        P99,
        CPU_PER_CHUNK,
        RECORDER_PER_CHUNK,
        *RECORDER,
    ),
    "memory": (
        Metric(
            "per open stream, KiB",
            lambda figures: per_stream_bytes(figures) / KIB if figures["rss_idle_bytes"] else None,
        ),
        _of_the_proxy("rss_idle_bytes", "idle, MiB", scale=1 / KIB**2),
        _of_the_proxy("rss_bytes", "with all streams, MiB", scale=1 / KIB**2),
        CHUNKS,
        *RECORDER,
    ),
    "saturation": (CHUNKS, CPU_PER_CHUNK, CPU, RECORDER_PER_CHUNK, *RECORDER),
}


# -- the targets -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """What one scenario must show; the value is taken in each round and the median counts."""

    scenario: str
    label: str
    value: Callable[[Rounds], float]
    needs: tuple[str, ...]
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    def is_met_by(self, value: float) -> bool:
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most

    @property
    def goal(self) -> str:
        sign, limit = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
        return f"{sign} {limit:g}{self.unit}"


def _ratio(better: str, worse: str, key: str) -> Callable[[Rounds], float]:
    def value(rounds: Rounds) -> float:
        return float(rounds[better][key] / max(rounds[worse][key], 1e-9))

    return value


def _added(key: str) -> Callable[[Rounds], float]:
    def value(rounds: Rounds) -> float:
        base = rounds["direct"][key]
        yardstick = max(rounds[YARDSTICK][key] - base, LEAST_ADDED_US)
        return float((rounds[OURS][key] - base) / yardstick)

    return value


BOTH = (YARDSTICK, OURS)
ALL = ("direct", YARDSTICK, OURS)

TARGETS = (
    Target(
        "paced",
        "CPU per chunk, nginx's over ours",
        # Less is better, so nginx's stands above the line.
        _ratio(YARDSTICK, OURS, "cpu_us_per_chunk"),
        BOTH,
        at_least=0.75,
    ),
    Target(
        "json",
        "small JSON requests/s, ours over nginx's",
        _ratio(OURS, YARDSTICK, "requests_per_s"),
        BOTH,
        at_least=0.45,
    ),
    Target(
        "latency",
        "added TTFT p50, ours over nginx's",
        _added("ttft_p50_us"),
        ALL,
        at_most=1.5,
    ),
    Target(
        "latency",
        "added per-chunk p50, ours over nginx's",
        _added("latency_p50_us"),
        ALL,
        at_most=1.5,
    ),
    Target(
        "memory",
        "memory per stream at 5,000 open",
        lambda rounds: per_stream_bytes(rounds[OURS]) / KIB,
        (OURS,),
        at_most=12,
        unit=" KiB",
    ),
)


@dataclass(frozen=True)
class Verdict:
    """A target with what was measured."""

    target: Target
    value: float

    @property
    def is_met(self) -> bool:
        return self.target.is_met_by(self.value)


def verdicts(runs: Sequence[Run]) -> list[Verdict]:
    """Return the targets for which there are figures, with the medians of the rounds."""
    found = []
    for target in TARGETS:
        values = [
            target.value(rounds)
            for rounds in _rounds(runs, target.scenario)
            if all(name in rounds for name in target.needs)
        ]
        if values:
            found.append(Verdict(target, median(values)))
    return found


def _rounds(runs: Iterable[Run], scenario: str) -> list[Rounds]:
    rounds: dict[int, Rounds] = {}
    for run in runs:
        if run.scenario == scenario:
            name = OURS if run.contender == OTHER else run.contender
            rounds.setdefault(run.round, {})[name] = run.figures
    return list(rounds.values())


# -- what broke ------------------------------------------------------------------------------------


def breakages(runs: Iterable[Run]) -> list[str]:
    """Return one sentence for each thing that must never happen and did."""
    found = []
    for run in runs:
        where = f"{run.scenario}, {run.contender}, round {run.round}"
        for key, what in (
            ("errors", "requests failed"),
            ("wrong_count", "streams had a wrong number of events"),
            ("altered", "answers were not byte for byte the upstream's"),
        ):
            if run.figures[key]:
                found.append(f"{where}: {run.figures[key]:,} {what}")
        records, expected = run.figures.get("records"), run.figures.get("records_expected")
        if records != expected:
            found.append(f"{where}: {records:,} of {expected:,} records")
        if "first_errors" in run.figures:
            found.append(f"{where}: the first bad answers were:\n{run.figures['first_errors']}")
    return found


# -- on paper --------------------------------------------------------------------------------------


def medians(runs: Sequence[Run], scenario: str) -> dict[str, dict[str, float]]:
    """Return for each contender the median of every number it has in this scenario."""
    of_each: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        if run.scenario == scenario:
            of_each.setdefault(run.contender, []).append(run.figures)
    return {
        contender: {
            key: median(figures[key] for figures in all_figures)
            for key, value in all_figures[0].items()
            if isinstance(value, int | float) and all(key in figures for figures in all_figures)
        }
        for contender, all_figures in of_each.items()
    }


def table(runs: Sequence[Run], scenario: str) -> str:
    """Return a scenario's table: a line for each figure, a column for each contender."""
    figures = medians(runs, scenario)
    lines = [f"{scenario}: {SCENARIOS[scenario].title}", _row("", figures)]
    for metric in METRICS[scenario]:
        values = [metric.value(of_one) for of_one in figures.values()]
        if any(value is not None for value in values):
            shown = ("-" if value is None else metric.form.format(value) for value in values)
            lines.append(_row(metric.label, shown))
    return "\n".join(lines)


def _row(label: str, cells: Iterable[str]) -> str:
    return f"  {label:<28}" + "".join(f"{cell:>14}" for cell in cells)


def targets_table(found: Sequence[Verdict]) -> str:
    """Return the targets with their values and marks."""
    lines = ["targets (median of the rounds)"]
    for verdict in found:
        mark = "✓" if verdict.is_met else "✗"
        value = f"{verdict.value:.2f}{verdict.target.unit}"
        lines.append(f"  {mark} {verdict.target.label:<42}{value:>12}   {verdict.target.goal}")
    return "\n".join(lines)


def as_json(runs: Sequence[Run], found: Sequence[Verdict]) -> dict[str, Any]:
    """Return everything as it is kept in bench/results."""
    names = list(dict.fromkeys(run.scenario for run in runs))
    return {
        "targets": [
            {
                "scenario": verdict.target.scenario,
                "target": verdict.target.label,
                "goal": verdict.target.goal,
                "value": verdict.value,
                "is_met": verdict.is_met,
            }
            for verdict in found
        ],
        "medians": {name: medians(runs, name) for name in names},
        "runs": [vars(run) for run in runs],
    }
