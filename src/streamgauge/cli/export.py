"""`streamgauge export`: records of a running server as a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streamgauge.cli.asking import Pairs, Server
from streamgauge.errors import StreamgaugeError
from streamgauge.store.queries import FORMATS, MOST_EXPORTED, MOST_EXPORTED_WHOLE


def run(
    server: Server,
    wanted: Pairs,
    *,
    form: str,
    output: Path | None,
    sort: str,
    limit: int | None,
    with_bodies: bool,
) -> int:
    """Write the records that match to *output*, else to standard output, as they arrive."""
    if form not in FORMATS:
        raise StreamgaugeError(f"--format is one of {', '.join(FORMATS)}, not {form!r}")
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise StreamgaugeError("Parquet is nothing for a terminal: name a file with --output")
    asked: Pairs = [*wanted, ("format", form), ("sort", sort), ("bodies", with_bodies)]
    asked += [("limit", limit)] if limit else []
    with server.pieces("/api/v1/records/export", asked) as pieces, _opened(output) as file:
        for piece in pieces:
            file.write(piece)
    if limit is None:
        _say_what_is_left(server, wanted, MOST_EXPORTED_WHOLE if with_bodies else MOST_EXPORTED)
    return 0


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Give *output*, which is made now and not before the server has an answer."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with output.open("wb") as file:
            yield file
    except OSError as error:
        raise StreamgaugeError(f"cannot write {output}: {error.strerror}") from None


def _say_what_is_left(server: Server, wanted: Pairs, most: int) -> None:
    """An export has a limit of its own; what it leaves out is not left out in silence."""
    count = sum(row["count"] for row in server.ask("/api/v1/stats", wanted)["buckets"])
    if count > most:
        print(
            f"streamgauge: these are {most:,} of {count:,} records; "
            "the rest takes filters, as started_at.lt=TIME",
            file=sys.stderr,
        )
