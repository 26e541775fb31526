"""Scripts of other environments: JSON in, JSON out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.environments import NODE, ROOT, node_packages, python_of
from tests.product import plain_environment

HERE = Path(__file__).parent

# A large package takes its time to import on a machine that is busy.
START_S = 300


def run_python(environment: str, script: str, told: Any) -> Any:
    """Run a script of this folder with another environment's Python."""
    return _run([python_of(environment), HERE / script], told)


def run_node(script: str, told: Any) -> Any:
    """Run a script of the folder `node`."""
    return _run([ROOT / "scripts" / "node", "node", node_packages(NODE) / script], told)


def _run(command: list[Any], told: Any) -> Any:
    done = subprocess.run(
        command,
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        timeout=START_S,
        env=plain_environment() | {"NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
