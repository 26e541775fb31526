"""The routes: names with several targets behind them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from streamgauge.settings.providers import Own


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place where a route may send a request."""

    provider: str
    model: str = ""  # instead of the one that the client names
    key_env: str = ""  # the variable of the environment that holds the key


class RouteSettings(Own, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name with several targets behind it, tried in their order: /NAME/v1/…"""

    targets: Annotated[list[Target], Meta(min_length=1, max_length=20)]
    # Give the client nothing before the first content, so that silence can still fall over.
    hold: bool = False
    # A stream that breaks may be continued by a second answer, if that begins with the same.
    on_interruption: Literal["error", "retry"] = "error"
