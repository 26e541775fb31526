"""What each fault does to the pieces of a body: one function, from pieces to pieces.

A function gets the pieces before its place and those after it. What it wants done to the
connection is a piece with a *deed*; the player does it. The rest follows a deed that nothing
can follow, so that the length of the whole can still be counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from math import inf
from typing import NamedTuple

from streamgauge.simulator import events
from streamgauge.simulator.events import Voice
from streamgauge.simulator.faults import MAX_SECONDS, Fault, Place
from streamgauge.simulator.timing import Timed

Pieces = Iterator[Timed]


class Scene(NamedTuple):
    """A fault, the pieces before its place and after it, and how the stream speaks."""

    fault: Fault
    before: Pieces
    rest: Pieces
    voice: Voice


def damaged(pieces: Iterable[Timed], fault: Fault, voice: Voice, head_due: float) -> Pieces:
    """Return *pieces* with *fault* in them; the head leaves at *head_due* where it leaves."""
    play = DAMAGE.get(fault.name)
    if play is None:  # what breaks the head, the coding or the cuts only
        return iter(pieces)
    parts = _Parts(iter(pieces), fault.after, head_due)
    return play(Scene(fault, parts.before(), parts.rest(), voice))


class _Parts:
    """The pieces up to a place, then those from there on; *before* is to be read first."""

    def __init__(self, pieces: Pieces, place: Place, head_due: float) -> None:
        self._pieces = pieces
        self._place = place
        self._head = Timed(head_due, b"", is_content=False)
        self._held: deque[Timed] = deque()

    def before(self) -> Pieces:
        kind, count = self._place
        if kind == "request":
            return
        yield self._head  # an empty piece: with it, the head leaves
        for piece in self._pieces if kind != "head" else ():
            if (kind == "opening" and piece.is_content) or (kind == "events" and not count):
                self._held.append(piece)
                return
            if kind == "bytes" and len(piece.data) > count:
                yield piece._replace(data=piece.data[:count])
                self._held.append(piece._replace(data=piece.data[count:]))
                return
            yield piece
            count -= {"events": 1, "bytes": len(piece.data)}.get(kind, 0)
        if kind == "end":
            yield _deed("end")

    def rest(self) -> Pieces:
        yield from self._held
        yield from self._pieces


# -- the connection ---------------------------------------------------------------------


def _breaking(deed: str) -> Callable[[Scene], Pieces]:
    def play(scene: Scene) -> Pieces:
        yield from scene.before
        yield _deed(deed)
        yield from scene.rest

    return play


def _stall(scene: Scene) -> Pieces:
    yield from scene.before
    lasting = scene.fault.lasting or MAX_SECONDS
    # An empty piece keeps the end of the body waiting, too.
    due = 0.0
    for piece in chain(scene.rest, (Timed(due, b"", is_content=False),)):
        due = max(due, piece.due)
        yield piece._replace(due=due + lasting)


def _drip(scene: Scene) -> Pieces:
    yield from scene.before
    size, due = scene.fault.bytes, 0.0
    for piece in scene.rest:
        for at in range(0, len(piece.data), size):
            due = max(due + scene.fault.gap, piece.due)
            yield piece._replace(due=due, data=piece.data[at : at + size])


# -- the body ---------------------------------------------------------------------------


def _end(scene: Scene) -> Pieces:
    yield from scene.before


def _length(scene: Scene) -> Pieces:
    yield from scene.before
    yield from scene.rest
    if scene.fault.by > 0:
        yield _deed("close")


def _gzip_cut(scene: Scene) -> Pieces:
    yield from scene.before
    yield _deed("cease")


# -- the events -------------------------------------------------------------------------


def _error(scene: Scene) -> Pieces:
    due = 0.0
    for piece in scene.before:
        due = piece.due
        yield piece
    data = events.error(scene.voice, scene.fault.code, scene.fault.kind)
    yield Timed(due, data, is_content=False)


def _garbage(scene: Scene) -> Pieces:
    if scene.fault.after.kind == "request":
        yield _deed("babble")
        return
    due = 0.0
    for piece in scene.before:
        due = piece.due
        yield piece
    yield Timed(due, events.garbage(scene.voice), is_content=False)
    yield from scene.rest


def _pings(scene: Scene) -> Pieces:
    start = 0.0
    for piece in scene.before:
        start = piece.due
        yield piece
    lasting, passed = scene.fault.lasting or inf, 0.0
    while passed < lasting:
        yield Timed(start + passed, events.ping(scene.voice), is_content=False)
        passed += scene.fault.gap
    for piece in scene.rest:
        yield piece._replace(due=piece.due + lasting)


def _giant(scene: Scene) -> Pieces:
    yield from scene.before
    for piece in scene.rest:
        if piece.is_content:
            yield piece._replace(data=events.padded(scene.voice, piece.data, scene.fault.bytes))
            break
        yield piece
    yield from scene.rest


def _drop(scene: Scene) -> Pieces:
    held: deque[Timed] = deque()
    for piece in chain(scene.before, scene.rest):
        held.append(piece)
        if len(held) > scene.fault.last:
            yield held.popleft()


def _crlf(scene: Scene) -> Pieces:
    for piece in chain(scene.before, scene.rest):
        lf = piece.data.replace(b"\r\n", b"\n")
        yield piece._replace(data=lf.replace(b"\n", b"\r\n"))


def _deed(deed: str) -> Timed:
    return Timed(0.0, b"", is_content=False, deed=deed)


DAMAGE: dict[str, Callable[[Scene], Pieces]] = {
    "cut": _breaking("close"),
    "rst": _breaking("reset"),
    "tls-abort": _breaking("abandon"),
    "overrun": _breaking("end"),
    "stall": _stall,
    "drip": _drip,
    "end": _end,
    "length": _length,
    "gzip-cut": _gzip_cut,
    "error": _error,
    "garbage": _garbage,
    "pings": _pings,
    "giant": _giant,
    "drop": _drop,
    "crlf": _crlf,
}
