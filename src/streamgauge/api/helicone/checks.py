"""What Helicone would refuse, in the order in which it looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

from streamgauge.api.log import FUTURE

# Each client counts its two times by two clocks and rounds; a call of less than a millisecond
# may end before it begins.
CLOCKS_DIFFER_MS = 2.0

NUMBER = (int, float)
OBJECT = (dict, list, type(None))  # as JavaScript's typeof has it

# Field, what it must be, and the complaint, in the order in which Helicone looks.
CHECKS: tuple[tuple[str, Any, str], ...] = (
    ("providerRequest.url", str, "Invalid providerRequest: 'url' should be a string"),
    ("providerRequest.meta", OBJECT, "Invalid providerRequest: 'meta' should be an object"),
    ("providerResponse.status", NUMBER, "Invalid providerResponse: 'status' should be a number"),
    ("providerResponse.headers", OBJECT, "Invalid providerResponse: 'headers' should be an object"),
)
TIME_CHECKS = tuple(
    (f"timing.{moment}.{unit}", f"Invalid timing: '{moment}.{unit}' should be a number")
    for moment in ("startTime", "endTime")
    for unit in ("seconds", "milliseconds")
)
NO_PARTS = "One of the required fields is missing, providerRequest or providerResponse"
NO_TIME = "Invalid timing structure or value type"
BACKWARDS = "startTime cannot be greater than endTime"
NEGATIVE = "startTime and endTime cannot be negative"
NOT_YET = "startTime cannot be in the future"

# Numbers in a text are seconds below this (the year 2100), milliseconds above.
LAST_SECOND = 4_102_444_800
LAST_MS = 253_402_300_799_000  # the year 9999

_ABSENT = object()


class Invalid(Exception):  # noqa: N818 - an answer more than an error
    """A log that Helicone would refuse; *field* is the one at fault."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def check(told: dict[str, Any]) -> None:
    """Raise `Invalid` for what Helicone would refuse, except what its own clients leave out."""
    for part in ("providerRequest", "providerResponse"):
        if not isinstance(told.get(part), dict):
            raise Invalid(NO_PARTS, part)
    for field, kinds, complaint in CHECKS:
        value = _at(told, field)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise Invalid(complaint, field)


def times_of(timing: Any) -> tuple[datetime, float | None]:
    """Return when it began, and after how many ms it ended; that is None where nobody says."""
    if timing is None:
        return datetime.now(UTC), None
    started, ended = (_ms(timing, name) for name in ("startTime", "endTime"))
    if started - ended > CLOCKS_DIFFER_MS:
        raise Invalid(BACKWARDS, "timing.startTime")
    if started < 0 or ended < 0:
        raise Invalid(NEGATIVE, "timing.startTime")
    if started > (time() + FUTURE.total_seconds()) * 1000:
        raise Invalid(NOT_YET, "timing.startTime")
    began = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=started)
    return began, max(ended - started, 0.0)


def _ms(timing: Any, name: str) -> float:
    """Return one of the times in ms since 1970: an object, or a text of digits or ISO 8601."""
    value = timing.get(name) if isinstance(timing, dict) else None
    if isinstance(value, str):
        return _in(_ms_of_text(value), name)
    for field, complaint in TIME_CHECKS:
        number = _at({"timing": timing}, field)
        if name in field and (not isinstance(number, NUMBER) or isinstance(number, bool)):
            raise Invalid(complaint, field)
    return _in(value["seconds"] * 1000 + value["milliseconds"], name)  # type: ignore[index]


def _ms_of_text(text: str) -> float:
    if text.isascii() and text.isdigit() and len(text) < 16:
        number = int(text)
        return number * 1000.0 if number < LAST_SECOND else float(number)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _in(ms: float, name: str) -> float:
    if not -LAST_MS < ms < LAST_MS:  # also false for what is no number
        raise Invalid(NO_TIME, f"timing.{name}")
    return float(ms)


def _at(value: Any, field: str) -> Any:
    for name in field.split("."):
        value = value.get(name, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value
