"""The pictures in README: there, modest in size, and of every view that there is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"

# Who clones the project takes them along.
MOST_BYTES = 1_500_000


def test_every_picture_is_there_and_shown():
    """No broken picture, none that nobody sees, and not too much of them."""
    text = (ROOT / "README.md").read_text()
    named = {ROOT / path for path in re.findall(r'(?:src|srcset)="([^"]+\.png)"', text)}
    assert named == set(IMAGES.iterdir())
    assert sum(image.stat().st_size for image in named) < MOST_BYTES


def test_pictures_are_taken_of_every_view():
    """A view in the navigation is one in the script that takes them, too."""
    views = re.findall(r'path: "(/[a-z]*)"', (ROOT / "ui" / "src" / "views.ts").read_text())
    taken = (ROOT / "scripts" / "screenshots").read_text()
    assert len(views) > 5
    assert [view for view in views if f'"{view}' not in taken] == []
