"""Checks that types cannot make: whether settings can work together."""

from __future__ import annotations

from streamgauge.errors import ConfigurationError
from streamgauge.settings.faults import url_fault
from streamgauge.settings.root import Settings


def check(settings: Settings) -> None:
    """Raise `ConfigurationError` for settings that cannot work together."""
    known = settings.providers
    if settings.default_provider not in {*known, *settings.routes}:
        raise ConfigurationError(
            f"default_provider: there is no provider or route {settings.default_provider!r}"
        )
    for name, route in settings.routes.items():
        if name in known:
            raise ConfigurationError(f'route "{name}": there is a provider of that name')
        for target in route.targets:
            if target.provider not in known:
                raise ConfigurationError(
                    f'route "{name}": there is no provider {target.provider!r}'
                )
            if "{" in known[target.provider].url:
                raise ConfigurationError(
                    f'route "{name}": {target.provider} has a placeholder in its URL; name a '
                    "provider with the whole URL, and that one here"
                )
    for url in settings.allowed_targets:
        fault = url_fault(url)
        if fault:
            raise ConfigurationError(f"allowed_targets: {fault}")
