"""Who may import whom: the layers of the package, and nothing in a circle."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import streamgauge

ROOT = Path(streamgauge.__file__).parent

# Each part, and the parts it may import. A dot names one module of a part.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "secrets": set(),
    "record": set(),
    "wire": {"record", "errors"},
    "meter": {"record", "errors"},
    "journal": {"record", "errors"},
    "keys": {"errors"},
    "pages": set(),
    "settings": {"errors", "record"},
    "gateway": {
        "journal",
        "keys",
        "pages",
        "record",
        "errors",
        "secrets",
        "settings",
        "wire.detect",
        "wire.looks",
    },
    "store": {"record", "errors"},
    "recorder": {"wire", "meter", "journal", "store", "record", "errors", "settings"},
    "api": {
        "store",
        "journal",
        "recorder.health",
        "recorder.live",
        "recorder.labels",
        "recorder.replay",
        "wire.detect",
        "keys",
        "pages",
        "record",
        "errors",
        "secrets",
    },
    "simulator": {"errors", "secrets"},
    "sdk": {"errors"},
    "testing": {"sdk"},
    "helicone": {"sdk"},
}
# The assembly knows everybody.
MAY_IMPORT_ALL = {"app", "cli", "supervisor"}

# What comes with `streamgauge[server]` and must not be needed to import the package.
SERVER_ONLY = (
    "brotli", "certifi", "chdb", "clickhouse_connect", "genai_prices", "httptools", "litestar",
    "msgspec", "opentelemetry", "prometheus_client", "re2", "rich", "splintr", "typer",
    "uvicorn", "uvloop", "zstandard",
)  # fmt: skip

# The pure parts have no I/O, no clock and no threads.
PURE = ("wire", "meter")
IMPURE = {
    "asyncio",
    "os",
    "pathlib",
    "random",
    "select",
    "socket",
    "subprocess",
    "threading",
    "time",
}


def modules() -> dict[str, ast.Module]:
    """Return the syntax of every module by its dotted name below the package."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__")
        found[name.rstrip(".")] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


MODULES = modules()
PARTS = sorted({name.split(".")[0] for name in MODULES if name})


def imported(name: str, *, when_loaded: bool = False) -> set[str]:
    """Return what module *name* imports, all or only *when_loaded*, as absolute names."""
    names: set[str] = set()
    for node in nodes(MODULES[name], when_loaded=when_loaded):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import in line {node.lineno}"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def nodes(tree: ast.Module, *, when_loaded: bool) -> Iterator[ast.AST]:
    """Return the nodes of a module, all or only those that run *when_loaded*."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not (when_loaded and is_deferred(node)):
            waiting += ast.iter_child_nodes(node)


def is_deferred(node: ast.AST) -> bool:
    """Whether what is inside runs later than at import, or never: for type checkers only."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
        isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    )


def ours(names: set[str]) -> set[str]:
    """Return the modules of ours among imported *names*, without the names inside them."""
    below = {one.removeprefix("streamgauge.") for one in names if one.startswith("streamgauge.")}
    return {one if one in MODULES else one.rpartition(".")[0] for one in below} - {""}


def test_every_part_has_a_rule():
    """A new folder says where it stands, and no rule outlives its folder."""
    assert set(PARTS) == MAY_IMPORT.keys() | MAY_IMPORT_ALL


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_what_it_may(part):
    """Also inside functions and for type checkers: what is known is known."""
    allowed = MAY_IMPORT[part] | {part}
    wrong = [
        f"{name} imports {target}"
        for name in MODULES
        if name.split(".")[0] == part
        for target in ours(imported(name))
        if not any(target == one or target.startswith(one + ".") for one in allowed)
    ]
    assert wrong == []


def test_no_imports_go_in_a_circle():
    """A module can be understood, and loaded, after those that it imports."""
    graph = {name: ours(imported(name, when_loaded=True)) - {name} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("part", PURE)
def test_the_pure_parts_touch_nothing(part):
    """Bytes and times go in, events and numbers come out."""
    wrong = [
        f"{name} imports {one}"
        for name in MODULES
        if name.split(".")[0] == part
        for one in imported(name)
        if one.split(".")[0] in IMPURE
    ]
    assert wrong == []


def test_the_package_can_be_imported_without_the_server():
    """`pip install streamgauge` alone is enough for `import streamgauge`."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({SERVER_ONLY!r}))\n"
    run = [sys.executable, "-c", blocked + "import streamgauge; print(streamgauge.__version__)"]
    told = subprocess.run(run, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == streamgauge.__version__


def test_the_command_says_how_to_get_the_server():
    """One line instead of a traceback."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({SERVER_ONLY!r}))\n"
    run = [sys.executable, "-c", blocked + "from streamgauge.cli import main; main()"]
    told = subprocess.run(run, check=False, capture_output=True, text=True)
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert "pip install 'streamgauge[server]'" in told.stderr
