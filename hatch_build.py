"""Puts the page into the package: a wheel or sdist made from a checkout brings it along."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NO_NODE = """\
the page (src/streamgauge/ui) is not built, and there is no npm to build it with; run `make ui` \
first, which brings its own, or install Node.js 20.19 or newer"""


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the page unless it is there; an editable install leaves that to `make ui`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatch's signature
        """Build what is missing; *version* is ``editable`` or ``standard``."""
        root = Path(self.root)
        if version == "editable" or (root / "src" / "streamgauge" / "ui" / "index.html").exists():
            return
        self.app.display_info("Building the page …")
        try:
            for words in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
                subprocess.run(words, cwd=root / "ui", check=True)  # noqa: S603
        except FileNotFoundError:
            raise SystemExit(NO_NODE) from None
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"the page could not be built: {error}") from None
