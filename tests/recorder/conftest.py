"""What the tests of the recorder share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamgauge.journal.writer import Writer
from tests.recorder.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(Desk(tmp_path)) as opened:
        yield opened


@pytest.fixture
def journal(desk: Desk) -> Iterator[Writer]:
    writer = desk.writer()
    yield writer
    writer.close()
