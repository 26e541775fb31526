"""How far each journal directory is stored, in one small file.

Everything that *ended* before ``high`` is in the store. ``low`` is where the earliest
exchange of ``open`` begins. After a restart reading begins at ``low``; up to ``high`` only
the entries of ``open`` count, from there on all do. The file is written after the batch it
speaks of: killed in between, the recorder makes the same records once more, and the store
keeps one row of each.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from streamgauge.journal.reader import Position

log = logging.getLogger("streamgauge.recorder")


class Progress(Struct, frozen=True, array_like=True):
    """What is stored of one directory; ``open`` holds exchange ids."""

    high: Position = Position()
    low: Position = Position()
    open: frozenset[bytes] = frozenset()


Progresses = dict[str, Progress]


def load(path: Path) -> Progresses:
    """Return the progress by directory name; empty without a file, or with one not to be read.

    Nothing is lost then: what is still in the journal is stored once more, as the same rows.
    """
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Progresses)
    except FileNotFoundError:
        return {}
    except msgspec.MsgspecError as error:
        log.warning("cannot read %s (%s): reading the whole journal again", path, error)
        return {}


def save(path: Path, progresses: Progresses) -> None:
    """Replace the file at once, and on the disk itself; raises `OSError`."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(msgspec.msgpack.encode(progresses))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
