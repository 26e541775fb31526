"""What was said already: providers repeat themselves a lot."""

from __future__ import annotations

from typing import Any

# So many sayings are remembered; who has more of them is heard twice.
MAX_SAID = 1000


class Said:
    """Remembers the last value of each thing."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}

    def is_new(self, thing: Any, value: Any) -> bool:
        """Whether *value* is another one than the last of *thing*; it is the last from now on."""
        if self._values.get(thing) == value:
            return False
        if len(self._values) >= MAX_SAID:
            self._values.clear()
        self._values[thing] = value
        return True
