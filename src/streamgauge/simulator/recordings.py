"""Real streams from a folder: found by name, or by the model that a request asks for.

A folder with a `manifest.jsonl` says of each file what it is; without one the path does:
`provider/dialect/name.sse`. Nothing is read into memory until it is played.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.formats.base import Piece
from streamgauge.simulator.providers import Target

CONTENT_TYPES = {
    "sse": "text/event-stream; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "eventstream": "application/vnd.amazon.eventstream",
}

# Gemini ends its lines with CR LF, the others with LF.
BORDERS = {"sse": re.compile(rb"\r?\n\r?\n"), "ndjson": re.compile(rb"\n")}


class Recording(Struct, frozen=True, kw_only=True):
    """One file, and what is known of it: a line of the manifest."""

    file: str
    provider: str
    dialect: str
    framing: str
    path: str
    model: str | None = None
    http_status: int = 200
    bytes: int = 0
    sha256: str = ""

    @property
    def name(self) -> str:
        """The file's name without folder and suffix; not always unique."""
        return self.file.rpartition("/")[2].rpartition(".")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All the names it answers to, the whole one first."""
        stem = self.file.rpartition(".")[0]
        return self.file, stem, self.file.rpartition("/")[2], self.name

    @property
    def content_type(self) -> str:
        """What the provider called it."""
        return CONTENT_TYPES.get(self.framing, "application/octet-stream")


class Library:
    """The recordings of one folder; an empty one where there is no folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.recordings: Sequence[Recording] = sorted(
            _read(folder) if folder else (), key=lambda one: one.file
        )
        self._by_name: dict[str, list[Recording]] = {}
        for recording in self.recordings:
            for name in dict.fromkeys(recording.names):
                self._by_name.setdefault(name, []).append(recording)

    def named(self, name: str) -> Recording | None:
        """Return the recording of that name; the first by path where several share it."""
        found = self._by_name.get(name.strip("/"))
        return found[0] if found else None

    def fitting(
        self, target: Target, raw_path: str, model: str | None, seed: int
    ) -> Recording | None:
        """Choose a recording of this path and *model*; the same for the same *seed*."""
        paths = {unquote(target.path), unquote(raw_path)}
        models = {target.model, model, None}
        found = [
            one for one in self.recordings if unquote(one.path) in paths and one.model in models
        ]
        by_provider = [one for one in found if one.provider == target.provider]
        fitting = by_provider or found
        return Random(seed).choice(fitting) if fitting else None  # noqa: S311

    def read(self, recording: Recording) -> bytes:
        """Return the bytes as the provider sent them."""
        if self._folder is None:
            raise LookupError("an empty library has nothing to read")
        return (self._folder / recording.file).read_bytes()


def pieces_of(recording: Recording, data: bytes) -> Iterator[Piece]:
    """Yield a recording's frames; the times are made up, so each one waits for its turn."""
    start = 0
    while start < len(data):
        end = _border(recording.framing, data, start)
        yield Piece(data[start:end], is_content=True)
        start = end


def _border(framing: str, data: bytes, start: int) -> int:
    """Return where the frame that begins at *start* ends, or the end of the data."""
    if framing == "eventstream":
        # The prelude's first four bytes are the length of the whole message.
        length = int.from_bytes(data[start : start + 4], "big")
        return min(start + max(length, 1), len(data))
    border = BORDERS.get(framing)
    found = border.search(data, start) if border else None
    return found.end() if found else len(data)


# -- reading the folder ---------------------------------------------------------------------


def _read(folder: Path) -> Iterator[Recording]:
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder of recordings")
    manifest = folder / "manifest.jsonl"
    if not manifest.exists():
        yield from _walk(folder)
        return
    decoder = msgspec.json.Decoder(Recording)
    for number, line in enumerate(manifest.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{manifest}, line {number}: {error}") from None


def _walk(folder: Path) -> Iterator[Recording]:
    for file in folder.rglob("*"):
        framing = file.suffix[1:]
        if framing not in CONTENT_TYPES:
            continue
        parts = file.relative_to(folder).parts
        data = file.read_bytes()
        yield Recording(
            file="/".join(parts),
            provider=parts[0] if len(parts) > 1 else "",
            dialect=parts[1] if len(parts) > 2 else "",
            framing=framing,
            path="",
            bytes=len(data),
            sha256=sha256(data).hexdigest(),
        )
