"""One folder for all tests of a file, a fresh store for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streamgauge.store.loader import Store
from tests.storing import Folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A chDB folder; closed after each file, since other tests open theirs in this process."""
    opened = Folder(tmp_path_factory.mktemp("store"))
    yield opened
    opened.close()


@pytest.fixture
def store(folder: Folder) -> Iterator[Store]:
    """An empty store."""
    with folder.store() as opened:
        yield opened
