"""Loading: the file, the environment and the command line, one over the other."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from streamgauge.errors import ConfigurationError
from streamgauge.settings.checks import check
from streamgauge.settings.providers import BUILT_IN_PROVIDERS, Provider
from streamgauge.settings.root import Settings
from streamgauge.settings.setting import table
from streamgauge.settings.tables import read_prices, read_privacy, read_providers, read_routes


def load(
    config: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    providers: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings from the file, the environment and the command line.

    *environment*: `os.environ` unless given. *overrides* have dotted names, *providers* are
    URLs by name; both are what the command line says. Raises `ConfigurationError` with one
    line that names the place, the setting and what is allowed.
    """
    from_file = _read_file(config) if config is not None else {}
    bases = {name: Provider(url=url) for name, url in BUILT_IN_PROVIDERS.items()}
    bases |= read_providers(from_file.pop("providers", {}), f"{config}: ")
    bases |= read_providers(dict(providers or {}), "")
    routes = read_routes(from_file.pop("routes", {}), f"{config}: ")
    prices = read_prices(from_file.pop("prices", []), f"{config}: ")
    privacy = read_privacy(from_file.pop("privacy", []), f"{config}: ")
    values = _read_values(from_file, f"{config}: ", is_text=False)
    values |= _read_environment(os.environ if environment is None else environment)
    values |= _read_values(overrides or {}, "", is_text=True)
    tables = {"providers": bases, "routes": routes, "prices": prices, "privacy": privacy}
    settings = msgspec.convert(_nested(values) | tables, Settings)
    check(settings)
    return settings


def _read_file(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration {config}: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{config} is not TOML: {error}") from None


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    # Variables of ours that are no setting are left alone: Kubernetes sets some for every
    # service of that name.
    return {
        one.name: one.read(environment[one.environment], place=one.environment, is_text=True)
        for one in table()
        if one.environment in environment
    }


def _read_values(values: Mapping[str, Any], place: str, *, is_text: bool) -> dict[str, Any]:
    known = {setting.name: setting for setting in table()}
    sections = {name.rpartition(".")[0] for name in known if "." in name}
    read = {}
    for name, value in _flat(values, sections):
        if name in sections:
            raise ConfigurationError(f"{place}{name} is a section, write [{name}]; not {value!r}")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{place}there is no setting {name!r}{hint}")
        read[name] = known[name].read(value, place=place + name, is_text=is_text)
    return read


def _flat(values: Mapping[str, Any], sections: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield dotted names; sections that are no tables are left for the caller to refuse."""
    for name, value in values.items():
        if name in sections and isinstance(value, dict):
            yield from ((f"{name}.{key}", one) for key, one in value.items())
        else:
            yield name, value


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[key] = value
    return nested
