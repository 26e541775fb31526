"""Faults from a file: which model and path, and what goes wrong there, in order.

    [[fault]]
    model = "gpt-4o*"
    path = "/v1/chat/*"
    do = ["status; code=429; retry-after=1; once", "cut; after=3 events; times=2"]

Rules are tried from the top; the first fault that fits and is not used up is played.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.faults import CONNECT, Fault, read_script_faults

FIELDS = ("model", "path", "do")


class Rule(NamedTuple):
    """Faults in order, for the models and paths that fit; *name* keeps their counts apart."""

    name: str
    faults: tuple[Fault, ...]
    model: str = "*"
    path: str = "*"

    def fits(self, model: str, path: str) -> bool:
        """Return whether a request is meant."""
        return fnmatchcase(model, self.model) and fnmatchcase(path, self.path)


def read_script(file: Path) -> list[Rule]:
    """Read the rules in *file*; raises `ConfigurationError`, which names the rule."""
    try:
        script = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not TOML: {error}") from None
    rules = script.pop("fault", None)
    if script or not isinstance(rules, list):
        raise ConfigurationError(f"{file} must be a list of [[fault]] and nothing else")
    return [_rule(f"{file}, fault {number}", rule) for number, rule in enumerate(rules, 1)]


def _rule(name: str, rule: Any) -> Rule:
    if not isinstance(rule, dict) or not set(rule) <= set(FIELDS) or "do" not in rule:
        raise ConfigurationError(f"{name} must have do, and may have model and path")
    model, path = rule.get("model", "*"), rule.get("path", "*")
    texts = [rule["do"]] if isinstance(rule["do"], str) else rule["do"]
    if not _are_strings((model, path)) or not isinstance(texts, list) or not _are_strings(texts):
        raise ConfigurationError(f"{name}: model, path and do are text; do may be a list of it")
    try:
        faults = tuple(fault for text in texts for fault in read_script_faults(text))
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}") from None
    is_early = any(fault.after.kind == CONNECT for fault in faults)
    if is_early and (model, path) != ("*", "*"):
        raise ConfigurationError(f"{name}: nobody knows model and path before there is a request")
    return Rule(name, faults, model, path)


def _are_strings(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
