"""Where segments lie, how they are named, and what a block may weigh."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from streamgauge.journal.format import BLOCK, ENTRY

SUFFIX = ".seg"

# The longest block that a writer makes and a reader believes. A request body of the default
# limit (100 MiB) fits in with its headers; a damaged length cannot ask for more memory.
MAX_BLOCK_BYTES = 128 * 1024 * 1024

# Several entries are joined up to this size. One damaged byte loses one block, and a reader
# has to have a whole block in memory to check it.
JOINED_BLOCK_BYTES = 1024 * 1024


def segment_path(directory: Path, number: int) -> Path:
    """Return where segment *number* lies; numbers count from 1."""
    return directory / f"{number:08d}{SUFFIX}"


def segment_numbers(directory: Path) -> list[int]:
    """Return the numbers of the segments in *directory*, in order; none if it does not exist."""
    try:
        names = [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(name[: -len(SUFFIX)]) for name in names if _is_segment(name))


def _is_segment(name: str) -> bool:
    return name.endswith(SUFFIX) and name[: -len(SUFFIX)].isdecimal()


def size_of(path: Path) -> int:
    """Return a file's bytes; 0 if it is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files in the directories of *folder*: the journals of all workers."""
    return sum(size_of(Path(file.path)) for file in _files(folder))


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as directories:
            paths = [entry.path for entry in directories if entry.is_dir()]
    except FileNotFoundError:
        return
    for path in paths:
        try:
            with os.scandir(path) as files:
                yield from list(files)
        except FileNotFoundError:  # the recorder has removed it meanwhile
            continue


def entries_of(block: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Take a block apart that is known to be sound: kind, exchange, and the entry as written."""
    at = BLOCK.size
    while at < len(block):
        length, kind, exchange, _ = ENTRY.unpack_from(block, at)
        end = at + 4 + length
        yield kind, exchange, block[at:end]
        at = end
