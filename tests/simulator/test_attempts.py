from __future__ import annotations

import msgspec
import pytest

from streamgauge.simulator.attempts import Attempts
from streamgauge.simulator.faults import read_faults, read_script_faults
from streamgauge.simulator.script import Rule


def played(attempts: Attempts, text: str | None, *times: float, model: str = "m") -> list[str]:
    """Ask at *times* with the header *text*, and return the names of the faults."""
    faults = None if text is None else read_faults(text)
    found = [attempts.asked(model, "/", faults, text=text or "", now=now) for now in times]
    return [fault.name if fault else "" for fault in found]


@pytest.mark.parametrize(
    ("text", "times", "faults"),
    [
        ("cut", (0, 1, 2), ["cut", "cut", "cut"]),
        ("cut; once", (0, 1, 2), ["cut", "", ""]),
        ("cut; times=2, rst; once", (0, 1, 2, 3), ["cut", "cut", "rst", ""]),
        ("none; times=2, cut", (0, 1, 2, 3), ["", "", "cut", "cut"]),
        ("status; for=5s", (0, 4.9, 5, 9), ["status", "status", "", ""]),
        ("status; for=5s, cut", (0, 5, 9), ["status", "cut", "cut"]),
        ("status; for=2s; every=10s", (0, 1, 2, 9, 10, 11.9, 12), ["status"] * 2 + [""] * 2
            + ["status"] * 2 + [""]),
        ("cut; model=other", (0,), [""]),
        ("cut; model=other, rst; model=m*", (0,), ["rst"]),
    ],
)  # fmt: skip
def test_faults_take_turns(text, times, faults):
    """In the order of the list; what is used up makes room for the next."""
    assert played(Attempts(), text, *times) == faults


def test_models_have_their_own_turns():
    """Once is once for each."""
    attempts = Attempts()
    assert played(attempts, "cut; once", 0, model="a") == ["cut"]
    assert played(attempts, "cut; once", 0, model="b") == ["cut"]
    assert played(attempts, "cut; once", 0, model="a") == [""]


def test_attempts_and_faults_are_counted():
    """Also those without a fault; a reset forgets them, and what was used up."""
    attempts = Attempts()
    played(attempts, "cut; once", 0, 1, 2)
    counts = msgspec.to_builtins(attempts.counts())
    assert counts["models"] == {"m": {"attempts": 3, "faults": {"cut": 1}}}
    attempts.reset()
    assert attempts.counts()["models"] == {}
    assert played(attempts, "cut; once", 0) == ["cut"]


def test_a_header_stands_before_the_script():
    """Also one that asks for no fault."""
    attempts = Attempts([Rule("1", read_script_faults("cut"), model="m*", path="/")])
    assert played(attempts, None, 0) == ["cut"]
    assert played(attempts, "rst", 0) == ["rst"]
    assert played(attempts, "none", 0) == [""]
    assert played(attempts, None, 0, model="other") == [""]


def test_connections_have_faults_of_their_own():
    """They are not requests, and requests are not they."""
    attempts = Attempts([Rule("1", read_script_faults("rst; after=connect; once, cut"))])
    assert [fault and fault.name for fault in (attempts.connected(0), attempts.connected(1))] == [
        "rst",
        None,
    ]
    assert played(attempts, None, 2) == ["cut"]
