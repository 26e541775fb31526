"""The command `streamgauge`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; without the server's packages, say how to get them."""
    try:
        from streamgauge.cli.commands import run
    except ModuleNotFoundError as missing:
        if missing.name is not None and missing.name.startswith("streamgauge"):
            raise
        print(
            f"streamgauge: {missing.name} is not installed; the server needs "
            "pip install 'streamgauge[server]'",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.exit(run(sys.argv[1:]))
