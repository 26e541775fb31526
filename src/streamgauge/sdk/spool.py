"""What could not be delivered, in a folder: one file for each log, named by its id.

Several processes may share the folder. Two of them may send the same file; the server knows
an id that it has seen.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import deque
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

MAX_SPOOL_BYTES = 256 * 1024 * 1024

SUFFIX = ".log"


class Letter(NamedTuple):
    """A log ready to be sent: its id, the HTTP headers that go with it, and its body."""

    id: str
    headers: dict[str, str]
    body: bytes


class Spool:
    """A bounded folder of letters. Nothing here raises: a disk may be full or gone."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_SPOOL_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._names: deque[str] = deque()
        self._bytes = 0
        self.look()

    def __len__(self) -> int:
        return len(self._names)

    def look(self) -> None:
        """Look what is there, also from other processes and earlier runs."""
        found: list[tuple[str, int]] = []
        with suppress(OSError), os.scandir(self.folder) as entries:
            found = [(e.name, e.stat().st_size) for e in entries if e.name.endswith(SUFFIX)]
        # Ids sort by time, so the oldest comes first.
        self._names = deque(sorted(name for name, _ in found))
        self._bytes = sum(size for _, size in found)

    def add(self, letter: Letter) -> bool:
        """Keep a letter; tell whether there was room and the disk took it."""
        # The file is readable by its owner only. What may be a secret is not in it: the
        # logger that sends it later has its own headers.
        kept = {name: one for name, one in letter.headers.items() if name != "authorization"}
        data = json.dumps(kept).encode() + b"\n" + letter.body
        if self._bytes + len(data) > self._max_bytes:
            return False
        name = letter.id + SUFFIX
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number, unfinished = tempfile.mkstemp(dir=self.folder)
            with os.fdopen(number, "wb") as file:
                file.write(data)
            Path(unfinished).replace(self.folder / name)
        except OSError:
            return False
        self._names.append(name)
        self._bytes += len(data)
        return True

    def oldest(self, count: int) -> list[Letter]:
        """Return up to *count* letters, the oldest that can still be read."""
        found = []
        for name in list(islice(self._names, count)):
            try:
                head, _, body = (self.folder / name).read_bytes().partition(b"\n")
                found.append(Letter(name.removesuffix(SUFFIX), json.loads(head), body))
            except (OSError, ValueError):  # another process was faster, or it is no letter
                self._names.remove(name)
        return found

    def remove(self, letter: Letter) -> None:
        """Forget a letter that has arrived."""
        name = letter.id + SUFFIX
        self._names.remove(name)
        self._bytes = self._bytes - len(letter.body) if self._names else 0
        with suppress(OSError):
            (self.folder / name).unlink(missing_ok=True)
