"""What the gateway's own work on the chunks of one exchange took."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

# The median is taken over so many chunks of an exchange, the maximum over all.
MAX_OVERHEADS = 16_384


class Overheads:
    """Notes times in ns."""

    __slots__ = ("_most", "_noted")

    def __init__(self) -> None:
        self._noted = array("I")
        self._most = 0

    def note(self, overheads_ns: Sequence[int]) -> None:
        """Note what each of some chunks took; 0 is unknown."""
        known = [overhead_ns for overhead_ns in overheads_ns if overhead_ns]
        if known:
            self._noted.extend(known[: MAX_OVERHEADS - len(self._noted)])
            self._most = max(self._most, *known)

    def listed(self) -> Sequence[int]:
        """Return what is noted, the longest of all included."""
        if len(self._noted) == MAX_OVERHEADS:
            return [*self._noted, self._most]
        return self._noted
