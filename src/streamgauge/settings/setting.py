"""One setting: its line in the table of them all, and how it reads a value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from streamgauge.errors import ConfigurationError
from streamgauge.settings.root import Settings

ENVIRONMENT_PREFIX = "STREAMGAUGE_"

# Settings that are tables of their own.
TABLES = ("providers", "routes", "prices", "privacy")

KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list[str]: "a list of texts",
}


class Setting(NamedTuple):
    """One line of the table."""

    name: str  # dotted, as in the TOML file
    type: Any
    meta: Meta
    default: Any

    @property
    def description(self) -> str:
        """What it is for."""
        return self.meta.description or ""

    @property
    def environment(self) -> str:
        """The variable that sets it."""
        return ENVIRONMENT_PREFIX + self.name.replace(".", "_").upper()

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if get_origin(self.type) is Literal:
            return " or ".join(get_args(self.type))
        if self.meta.pattern is not None:
            return f"text that matches {self.meta.pattern}"
        bounds = {
            "over": self.meta.gt,
            "of at least": self.meta.ge if self.meta.le is None else None,
            f"from {self.meta.ge} to": self.meta.le,
        }
        words = [f" {word} {bound}" for word, bound in bounds.items() if bound is not None]
        return KINDS[self.type] + "".join(words)

    def read(self, value: Any, *, place: str, is_text: bool) -> Any:
        """Return *value* as this setting's type; *is_text* for what is not typed yet.

        Raises `ConfigurationError` that begins with *place*.
        """
        if is_text and self.type == list[str] and isinstance(value, str):
            value = [one.strip() for one in value.split(",") if one.strip()]
        try:
            read = msgspec.convert(value, Annotated[self.type, self.meta], strict=not is_text)
        except msgspec.ValidationError:
            read = math.nan
        # TOML and floats know infinity, but the settings travel to the processes as JSON.
        if isinstance(read, float) and not math.isfinite(read):
            raise ConfigurationError(f"{place} must be {self.allowed}, not {value!r}")
        return read


def table() -> Iterator[Setting]:
    """Yield every setting that has one value."""
    yield from _fields(Settings, "")


def _fields(struct: type[Struct], prefix: str) -> Iterator[Setting]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, Struct):
            yield from _fields(hint, f"{prefix}{field.name}.")
        elif field.name not in TABLES:
            kind, meta = get_args(hint)[:2]
            has_factory = field.default is msgspec.NODEFAULT
            default = field.default_factory() if has_factory else field.default
            yield Setting(prefix + field.name, kind, meta, default)
