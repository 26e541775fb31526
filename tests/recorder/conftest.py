"""What the tests of the recorder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streamgauge.journal.writer import Writer
from tests.recorder.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def journal(desk: Desk) -> Iterator[Writer]:
    writer = desk.writer()
    yield writer
    writer.close()
