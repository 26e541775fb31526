from __future__ import annotations

import pytest

from streamgauge.simulator.damage import DAMAGE
from streamgauge.simulator.faults import (
    COMMON,
    KINDS,
    OPTIONS,
    Fault,
    Place,
    read_faults,
    read_script_faults,
)

# What has no function in `DAMAGE`: it is done to the head, the coding or the cuts.
ELSEWHERE = {"none", "status", "split"}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("cut", [Fault(name="cut")]),
        ("cut; after=3 events", [Fault(name="cut", after=Place("events", 3))]),
        ("rst;after=1 byte", [Fault(name="rst", after=Place("bytes", 1))]),
        ("stall; after=opening; lasting=1.5s", [
            Fault(name="stall", after=Place("opening"), lasting=1.5)
        ]),
        ("status; code=429; retry-after=2; once", [
            Fault(name="status", code=429, retry_after=2, times=1)
        ]),
        ("status; code=503; for=250ms; every=2s", [
            Fault(name="status", code=503, period=0.25, every=2.0)
        ]),
        ("none; times=2, length; by=-3, cut; always; model=gpt-*", [
            Fault(name="none", times=2),
            Fault(name="length", by=-3),
            Fault(name="cut", model="gpt-*"),
        ]),
    ],
)  # fmt: skip
def test_a_list_is_read(text, faults):
    """Commas between faults, semicolons between options; what is left out has its default."""
    assert list(read_faults(text)) == faults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no fault ''"),
        ("explode", "there are none, cut"),
        ("cut,", "no fault ''"),
        ("cut; code=500", "'code', which cut does not know"),
        ("cut; after=noon", "after=noon"),
        ("cut; after=-1 events", "after=-1 events"),
        ("cut; after=connect", "only a script"),
        ("error; after=request", "it may come after head"),
        ("status; code=200", "from 400 to 599"),
        ("status; retry-after=soon", "'soon'"),
        ("stall; lasting=5", "write 250ms or 1.5s"),
        ("stall; lasting=2000000s", "up to a day"),
        ("cut; once=1", "where no value belongs"),
        ("cut; every=5s", "wants a for="),
        ("cut; for=5s; every=5s", "shorter"),
        ("giant; bytes=99999999999", "99999999999"),
    ],
)
def test_nonsense_is_refused_in_words(text, said):
    """A misspelt fault never passes as none."""
    with pytest.raises(ValueError, match=r".+") as error:
        read_faults(text)
    assert said in str(error.value)


def test_a_script_may_name_what_comes_before_a_request():
    """Where there is no header yet."""
    (fault,) = read_script_faults("rst; after=connect; once")
    assert fault.after == Place("connect")


def test_the_tables_agree():
    """Every fault is done somewhere, and every option is one of the table's."""
    assert KINDS.keys() - ELSEWHERE == DAMAGE.keys()
    assert all(option in OPTIONS for row in KINDS.values() for option in (*row.options, *COMMON))
    assert {row.field for row in OPTIONS.values()} == set(Fault.__struct_fields__) - {"name"}
