from __future__ import annotations

import pytest

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.script import read_script


def test_rules_are_read(tmp_path):
    """In order, with their models and paths; faults as text or as a list of it."""
    file = tmp_path / "faults.toml"
    file.write_text(
        '[[fault]]\nmodel = "gpt-*"\npath = "/v1/*"\ndo = ["cut; once", "rst, stall"]\n'
        '[[fault]]\ndo = "rst; after=connect"\n'
    )
    first, second = read_script(file)
    assert [fault.name for fault in first.faults] == ["cut", "rst", "stall"]
    assert first.fits("gpt-4o", "/v1/chat/completions")
    assert not first.fits("claude", "/v1/messages")
    assert not first.fits("gpt-4o", "/v2/chat")
    assert second.fits("anything", "/anywhere")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[fault]", "is not TOML"),
        ("", "a list of"),
        ('[fault]\ndo = "cut"', "a list of"),
        ('x = 1\n[[fault]]\ndo = "cut"', "a list of"),
        ('[[fault]]\nmodel = "m"', "fault 1 must have do"),
        ('[[fault]]\ndo = "cut"\n[[fault]]\ndo = "cut"\nwhen = "now"', "fault 2 must have do"),
        ("[[fault]]\ndo = 1", "are text"),
        ('[[fault]]\ndo = ["cut", 1]', "are text"),
        ('[[fault]]\ndo = "explode"', "fault 1 has no fault 'explode'"),
        ('[[fault]]\nmodel = "m"\ndo = "cut; after=connect"', "before there is a request"),
    ],
)
def test_nonsense_is_refused_with_its_place(tmp_path, text, said):
    """File, rule, and what is allowed."""
    file = tmp_path / "faults.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        read_script(file)
    assert str(file) in str(error.value)
    assert said in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    """In one line."""
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_script(tmp_path / "none.toml")
