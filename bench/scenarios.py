"""What is measured: each scenario is one shape of load, run against every contender in turn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """One shape of load; times in milliseconds, as the load generator takes them."""

    name: str
    title: str
    connections: int
    mode: str = "stream"
    events: int = 1
    gap_us: int = 0
    ramp_ms: int = 500
    warm_ms: int = 1000
    measure_ms: int = 8000
    drain_ms: int = 30_000
    # The short form: same load, less of it.
    quick_events: int | None = None
    quick_ramp_ms: int | None = None
    quick_warm_ms: int = 500
    quick_measure_ms: int = 3000
    # What a proxy adds is its time less that of no proxy; elsewhere direct only shows how far the
    # tools themselves reach, which a quick run does without.
    needs_direct: bool = False
    has_direct: bool = True

    def runs_direct(self, *, quick: bool) -> bool:
        """Say whether the scenario is also run without a proxy."""
        return self.needs_direct or (self.has_direct and not quick)

    def options(self, *, quick: bool) -> dict[str, int | str]:
        """Return the load generator's options."""
        events, ramp_ms = self.events, self.ramp_ms
        if quick:
            events = self.quick_events or events
            ramp_ms = self.quick_ramp_ms or ramp_ms
        options: dict[str, int | str] = {
            "mode": self.mode,
            "connections": self.connections,
            "ramp_ms": ramp_ms,
            "warm_ms": self.quick_warm_ms if quick else self.warm_ms,
            "measure_ms": self.quick_measure_ms if quick else self.measure_ms,
            "drain_ms": self.drain_ms,
        }
        if self.mode == "stream":
            options |= {"events": events, "gap_us": self.gap_us}
        return options


# Long enough that no stream ends while 5,000 of them are counted.
ENDLESS = 1_000_000

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="paced",
            title="400 streams, an event each 20 ms (20,000 chunks/s)",
            connections=400,
            events=200,
            gap_us=20_000,
            ramp_ms=4000,  # one stream's length: their starts stay spread evenly
            quick_events=100,
            quick_ramp_ms=2000,
        ),
        Scenario(
            name="json",
            title="small JSON answers, 64 requests open",
            mode="json",
            connections=64,
            measure_ms=5000,  # each request becomes a record; this is 100,000 of them
            quick_measure_ms=2000,
        ),
        Scenario(
            name="latency",
            title="100 streams of 50 events, 20 ms apart (5,000 chunks/s)",
            connections=100,
            events=50,
            gap_us=20_000,
            ramp_ms=1000,
            needs_direct=True,
        ),
        Scenario(
            name="memory",
            title="5,000 open streams, an event each 2 s",
            connections=5000,
            events=ENDLESS,
            gap_us=2_000_000,
            ramp_ms=6000,
            warm_ms=2000,  # every stream has had its first events
            measure_ms=4000,
            drain_ms=0,  # nobody waits for the end of endless streams
            has_direct=False,  # no process, no memory
            quick_ramp_ms=4000,
            quick_warm_ms=2000,
            quick_measure_ms=1000,
        ),
        Scenario(
            name="saturation",
            title="64 streams of 2,000 events, as fast as they go (for information)",
            connections=64,
            events=2000,
            gap_us=0,
            measure_ms=4000,
            quick_measure_ms=2000,
        ),
    )
}

# Before memory is measured, so that what a proxy allocates once is not counted per stream.
WARM_UP: dict[str, int | str] = {
    "mode": "stream",
    "connections": 20,
    "events": 20,
    "gap_us": 5000,
    "warm_ms": 0,
    "measure_ms": 500,
    "drain_ms": 5000,
}
