"""How often each model was asked, and whose turn it is to go wrong.

GET /simulator/attempts serves the counts, DELETE starts again from nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct, field

from streamgauge.simulator.faults import CONNECT, Fault
from streamgauge.simulator.script import Rule

# A soak with a model's name of its own for each request must not grow us.
MOST_MODELS = 10_000
MOST_TURNS = 100_000


class Count(Struct):
    """The attempts at one model, and how many of them met which fault."""

    attempts: int = 0
    faults: dict[str, int] = field(default_factory=dict)


class Turn(Struct):
    """How often one fault was played, and since when, in monotonic seconds."""

    since: float
    uses: int = 0


class Attempts:
    """Counts attempts, and chooses each one's fault from the rules of a script or a header."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = rules
        self.reset()

    def reset(self) -> None:
        """Forget all counts: faults that were used up are played again."""
        self._models: OrderedDict[str, Count] = OrderedDict()
        self._connections = Count()
        self._turns: OrderedDict[tuple[str, int, str], Turn] = OrderedDict()

    def counts(self) -> dict[str, object]:
        """Return what was counted."""
        return {"connections": self._connections, "models": self._models}

    def connected(self, now: float) -> Fault | None:
        """Count a connection, and return the fault that is to meet it."""
        return self._chosen(self._connections, self._rules, "", "", now)

    def asked(
        self, model: str, path: str, faults: tuple[Fault, ...] | None, *, text: str, now: float
    ) -> Fault | None:
        """Count an attempt, and return its fault: of the header, if it had one, or the script.

        *text* is the header as it came: equal headers are one list, counted on.
        """
        count = self._models.setdefault(model, Count())
        self._models.move_to_end(model)
        if len(self._models) > MOST_MODELS:
            self._models.popitem(last=False)
        rules = self._rules if faults is None else (Rule(text, faults),)
        return self._chosen(count, rules, model, path, now)

    def _chosen(
        self, count: Count, rules: Sequence[Rule], model: str, path: str, now: float
    ) -> Fault | None:
        count.attempts += 1
        is_connecting = count is self._connections
        for rule in rules:
            if not is_connecting and not rule.fits(model, path):
                continue
            for index, fault in enumerate(rule.faults):
                is_early = fault.after.kind == CONNECT
                if is_early is not is_connecting or not fault.fits(model):
                    continue
                if self._takes_turn(fault, (rule.name, index, model), now):
                    if fault.name == "none":
                        return None
                    count.faults[fault.name] = count.faults.get(fault.name, 0) + 1
                    return fault
        return None

    def _takes_turn(self, fault: Fault, key: tuple[str, int, str], now: float) -> bool:
        turn = self._turns.setdefault(key, Turn(now))
        if len(self._turns) > MOST_TURNS:
            self._turns.popitem(last=False)
        if fault.times is not None and turn.uses >= fault.times:
            return False
        if fault.period is not None:
            passed = now - turn.since
            if (passed % fault.every if fault.every else passed) >= fault.period:
                return False
        turn.uses += 1
        return True
