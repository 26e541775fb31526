"""One API for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from streamgauge.journal.writer import Writer
from tests.api.serving import HEALTHY, Served
from tests.storing import Folder

SCRIPT = "assets/index-Ab12Cd34.js"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API over an empty store and a small built page."""
    ui_dir = tmp_path_factory.mktemp("ui") / "built"
    (ui_dir / "assets").mkdir(parents=True)
    (ui_dir / "index.html").write_text("<!doctype html><title>Streamgauge</title>")
    (ui_dir / "favicon.svg").write_text("<svg/>")
    (ui_dir / SCRIPT).write_text("export {}")
    (ui_dir / "assets" / "plain.css").write_text("a{}")
    (ui_dir.parent / "secret.txt").write_text("not for you")
    (ui_dir / "link.txt").symlink_to(ui_dir.parent / "secret.txt")
    with closing(Folder(tmp_path_factory.mktemp("store"))) as folder, folder.store() as store:
        journal = Writer(tmp_path_factory.mktemp("journal") / "local-ingest-1")
        running = Served(store, ui_dir, journal)
        yield running
        running.stop()


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    """A client of the API."""
    with httpx.Client(base_url=served.url, timeout=30) as client:
        yield client
    served.health = HEALTHY
    served.live.open.clear()
