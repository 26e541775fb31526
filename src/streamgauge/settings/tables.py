"""The settings that are tables of their own: providers, routes, prices, privacy."""

from __future__ import annotations

from typing import Any

import msgspec

from streamgauge.errors import ConfigurationError
from streamgauge.record import Price
from streamgauge.settings.faults import name_fault, url_fault
from streamgauge.settings.privacy import PrivacyRule
from streamgauge.settings.providers import Provider
from streamgauge.settings.routes import RouteSettings


def read_providers(given: Any, place: str) -> dict[str, Provider]:
    """Return the providers of a table by name; faults begin with *place*."""
    if not isinstance(given, dict):
        raise ConfigurationError(f'{place}providers must be a table of NAME = "URL"')
    read = {}
    for name, one in given.items():
        try:
            read[name] = msgspec.convert({"url": one} if isinstance(one, str) else one, Provider)
        except msgspec.ValidationError:
            raise ConfigurationError(
                f'{place}provider "{name}" must be a URL, or a table with url, and if '
                "wanted stream_usage (true or false), connect_timeout_s, first_token_timeout_s, "
                "idle_timeout_s, total_timeout_s (seconds), on_disconnect (cancel, detach or "
                "grace=SECONDS), retries (0 to 10)"
            ) from None
        fault = name_fault(name) or url_fault(read[name].url)
        if fault:
            raise ConfigurationError(f'{place}provider "{name}": {fault}')
    return read


def read_routes(given: Any, place: str) -> dict[str, RouteSettings]:
    """Return the routes of a table by name; faults begin with *place*."""
    if not isinstance(given, dict):
        raise ConfigurationError(f"{place}routes must be tables: [routes.NAME]")
    read = {}
    for name, one in given.items():
        try:
            read[name] = msgspec.convert(one, RouteSettings)
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f'{place}route "{name}": {error}; it needs targets, a list of '
                '{ provider = "NAME" } with, if wanted, model and key_env, and may have retries '
                "(0 to 10), hold (true or false), on_interruption (error or retry) and a "
                "provider's timeouts and on_disconnect"
            ) from None
        fault = name_fault(name)
        if fault:
            raise ConfigurationError(f'{place}route "{name}": {fault}')
    return read


def read_prices(given: Any, place: str) -> list[Price]:
    """Return the prices of a list of tables; faults begin with *place*."""
    if not isinstance(given, list):
        raise ConfigurationError(f"{place}prices must be a list of tables: [[prices]]")
    read = []
    for number, one in enumerate(given, 1):
        try:
            read.append(msgspec.convert(one, Price))
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f"{place}prices, table {number}: {error}; it needs model, input and output (USD "
                "per million tokens), and may have provider, cached_input, cache_write, "
                "reasoning, audio_input and audio_output"
            ) from None
    return read


def read_privacy(given: Any, place: str) -> list[PrivacyRule]:
    """Return the rules of a list of tables; faults begin with *place*."""
    if not isinstance(given, list):
        raise ConfigurationError(f"{place}privacy must be a list of tables: [[privacy]]")
    read = []
    for number, one in enumerate(given, 1):
        where = f"{place}privacy, table {number}"
        try:
            rule = msgspec.convert(one, PrivacyRule)
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f"{where}: {error}; it may have provider, path and properties to say what it is "
                "for, and omit_request, omit_response (true or false) and redact, a list of "
                "regular expressions"
            ) from None
        fault = rule.fault()
        if fault:
            raise ConfigurationError(f"{where}: {fault}")
        read.append(rule)
    return read
