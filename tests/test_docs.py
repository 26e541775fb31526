"""What is written is so: blocks run, tables are the code's, links lead somewhere.

A fenced block is tested by its language. ``python`` runs as a program, ``python openai<1`` with
that library, ``js`` in Node; ``js nextjs-after`` is a part of that example; each line of ``sh``
is tried as `SHELL` says for its first word; ``toml`` is a configuration, ``toml faults`` a script
for the simulator, and ``json`` is JSON. The addresses in them are those of a fresh installation;
the tests put a running server and a simulator in their place.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from streamgauge.cli.commands import app
from streamgauge.record import Outcome
from streamgauge.settings import BUILT_IN_PROVIDERS, load, table
from streamgauge.simulator.script import read_script
from tests.clients.environments import NODE, node_packages, python_of
from tests.conftest import providers_of
from tests.product import PROMPT, STREAMGAUGE, Product, plain_environment
from tests.simulating import RunningSimulator, until
from tests.test_imports import MAY_IMPORT

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "bench" / "README.md"])

FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

GATEWAY, SIMULATOR = "http://127.0.0.1:4284", "http://127.0.0.1:4290"


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}: {self.text[:40].strip().splitlines()[0]}"


BLOCKS = [
    Block(page, match["language"].strip(), match["text"])
    for page in PAGES
    for match in FENCE.finditer(page.read_text())
]


def blocks(language: str) -> pytest.MarkDecorator:
    """Run a test with every block of a language."""
    found = [block for block in BLOCKS if block.language == language]
    assert found, f"no page has a block of {language}"
    return pytest.mark.parametrize("block", found, ids=str)


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Return the table under the header row *heading*: the first cell, and the others."""
    text = (ROOT / page).read_text()
    assert text.count(f"\n{heading}\n") == 1, f"{page} has no table {heading}"
    after = text.partition(f"\n{heading}\n")[2]
    lines = [line.strip("| ") for line in re.split(r"\n(?!\|)", after)[0].splitlines()[1:]]
    cells = [re.split(r" *\| *", line) for line in lines]
    return {first: rest for first, *rest in cells}


def environment() -> dict[str, str]:
    keys = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "TOGETHER_API_KEY"), "unused")
    return plain_environment() | keys | {"NO_PROXY": "127.0.0.1"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """A simulator without recordings, as the reader has it: it answers with words."""
    running = RunningSimulator(recordings=None)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def product(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """A server in front of it."""
    running = Product(
        tmp_path_factory.mktemp("docs"), providers=providers_of(simulator), arguments=PROMPT
    )
    yield running
    assert running.stop() == 0


# -- blocks ----------------------------------------------------------------------------------


def test_every_block_has_a_language_that_is_tested():
    """A block that nobody runs is a promise that nobody keeps."""
    tested = {"python", "python openai<1", "sh", "toml", "toml faults", "json", "js"}
    tested |= {"js nextjs-after"}
    assert [str(block) for block in BLOCKS if block.language not in tested] == []


@blocks("python")
def test_python_blocks_run(block, product, simulator):
    """As a program of its own, against the product."""
    assert_runs([sys.executable, "-c"], block, product, simulator)


@blocks("js nextjs-after")
def test_blocks_of_the_nextjs_example_are_parts_of_it(block):
    """A test of its own builds and drives it."""
    assert block.text in (ROOT / "examples/nextjs-after/app/api/chat/route.js").read_text()


@blocks("python openai<1")
def test_python_blocks_for_the_old_library_run(block, product, simulator):
    """In the environment that has it."""
    assert_runs([python_of("openai028"), "-c"], block, product, simulator)


def assert_runs(
    command: list[str | Path],
    block: Block,
    product: Product,
    simulator: RunningSimulator,
    *,
    folder: Path = ROOT,
) -> None:
    text = block.text.replace(GATEWAY, product.url).replace(SIMULATOR, simulator.url)
    assert text != block.text or "streamgauge" in text
    told = subprocess.run(
        [*command, text],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env=environment()
        | {
            "STREAMGAUGE_BASE_URL": product.url,
            "OPENAI_BASE_URL": f"{simulator.url}/v1",
            "ANTHROPIC_BASE_URL": simulator.url,
            "TOGETHER_BASE_URL": f"{simulator.url}/together",
        },
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() or "print" not in block.text


@blocks("js")
def test_javascript_blocks_run(block, product, simulator):
    """As modules, beside the packages that Helicone's and the providers' users have."""
    command = [ROOT / "scripts" / "node", "node", "--input-type=module", "--eval"]
    assert_runs(command, block, product, simulator, folder=node_packages(NODE))


@blocks("json")
def test_json_blocks_are_json(block):
    """And nothing else."""
    json.loads(block.text)


@blocks("toml")
def test_toml_blocks_are_configurations(block, tmp_path):
    """That a server would start with."""
    file = tmp_path / "gauge.toml"
    file.write_text(block.text)
    settings = load(file, environment={})
    for name in tomllib.loads(block.text).get("providers", {}):
        assert name in settings.providers


@blocks("toml faults")
def test_scripts_of_faults_are_read(block, tmp_path):
    """By the simulator, and the example is the same."""
    file = tmp_path / "faults.toml"
    file.write_text(block.text)
    assert read_script(file)
    assert block.text == (ROOT / "examples" / "faults.toml").read_text()


@blocks("sh")
def test_shell_blocks_do_what_they_say(block, product, simulator, tmp_path):
    """Line by line; a word without a rule in `SHELL` fails."""
    text = block.text.replace(GATEWAY, product.url).replace(SIMULATOR, simulator.url)
    for line in text.replace("\\\n", " ").splitlines():
        word = line.split()[0]
        assert word in SHELL, f"how is {word} to be tried?"
        SHELL[word](line, product, simulator, tmp_path)


def try_make(line: str, *_: object) -> None:
    """The word is in the Makefile."""
    _, target = shlex.split(line)
    assert re.search(rf"^\.PHONY:.*\b{target}\b", (ROOT / "Makefile").read_text(), re.MULTILINE)


def try_pip(line: str, *_: object) -> None:
    """It is our package, and the extra is one of ours."""
    requirement = shlex.split(line)[-1]
    if requirement == "streamgauge":
        return
    found = re.fullmatch(r"streamgauge\[(\w+)\]", requirement)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert found is not None
    assert found[1] in extras


def try_curl(line: str, product: Product, *_: object) -> None:
    """The server answers, and without an error."""
    told = subprocess.run(
        line.replace("curl -s ", "curl -sS --fail-with-body --noproxy '*' "),
        shell=True,
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert told.returncode == 0, f"{line}\n{told.stderr}{told.stdout}"
    assert told.stdout


# What an import finds in its folder.
EXPORTED = [{"request_id": str(uuid4()), "request_created_at": "2026-11-20T10:00:00Z"}]


def try_streamgauge(line: str, product: Product, _: object, folder: Path) -> None:
    """A server starts, on a free port, and ends with 0 when told to; a question is answered."""
    if shlex.split(line)[1] not in SERVERS:
        (folder / "requests.json").write_text(json.dumps(EXPORTED))
        asked = {**environment(), "STREAMGAUGE_BASE_URL": product.url}
        command = [STREAMGAUGE, *shlex.split(line)[1:]]
        if command[1] == "keys":
            command.append(f"--data={folder / 'data'}")
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=asked)
        return
    arguments = re.sub(r"--port \d+", "", line)
    command = [STREAMGAUGE, *shlex.split(arguments)[1:], "--port=0"]
    if command[1] == "serve":
        command.append(f"--data={folder / 'data'}")
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=environment()
        )
    try:
        until(lambda: "listens on" in log.read_text() or process.poll(), within=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


SERVERS = ("serve", "simulate", "demo")

SHELL: dict[str, Callable[[str, Product, RunningSimulator, Path], None]] = {
    "make": try_make,
    "pip": try_pip,
    "curl": try_curl,
    "streamgauge": try_streamgauge,
}


# -- tables ----------------------------------------------------------------------------------


def test_every_setting_is_documented_as_the_table_has_it():
    """Name, default and meaning, in the same order."""
    documented = rows("docs/configuration.md", "| setting | default | what |")
    assert list(documented.items()) == [
        (f"`{one.name}`", [in_words(one.default), one.description]) for one in table()
    ]


def in_words(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    if isinstance(default, int):
        return str(default)
    return str(default) if default else "none" if isinstance(default, list) else "empty"


def test_every_provider_is_documented():
    """With its base URL, and by its path on the first page."""
    documented = rows("docs/configuration.md", "| provider | base URL |")
    assert documented == {f"`{name}`": [f"`{url}`"] for name, url in BUILT_IN_PROVIDERS.items()}
    paths = re.search(r"Each provider has a path:\n(.*?)\. What follows", readme(), re.DOTALL)
    assert paths is not None
    named = re.findall(r"`/([a-z]+)(?:/RESOURCE)?`", paths[1])
    assert sorted(named) == sorted(BUILT_IN_PROVIDERS)


def test_every_command_is_documented():
    """And none that there is not."""
    documented = rows("docs/index.md", "| command | what |")
    commands = {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    } | {group.name for group in app.registered_groups}
    assert documented.keys() == {f"`streamgauge {name}`" for name in commands}


def test_the_map_is_the_rule():
    """Who may import whom, for people, is what the test of imports holds."""
    documented = rows("CONTRIBUTING.md", "| folder | what | may import |")
    names = {
        part: set(re.findall(r"`([\w.]+)`", allowed))
        for folders, (_, allowed) in documented.items()
        for part in re.findall(r"`(\w+)`", folders)
        if allowed != "everybody"
    }
    leaves = {"record", "errors"}
    assert names == {part: may for part, may in MAY_IMPORT.items() if part not in leaves}


def test_every_endpoint_is_documented(product):
    """Those that OpenAPI lists, and OpenAPI itself."""
    known = product.http.get("/api/v1/openapi.json").json()["paths"]
    documented = " ".join(rows("docs/http.md", "| path | answer |"))
    named = set(re.findall(r"`(?:[A-Z]+ )?(/[^`]*)`", documented))
    assert {path.replace("{id}", "{record_id}") for path in named} == {
        *known,
        "/api/v1/openapi.json",
    }


def test_every_metric_is_documented(product):
    """With its own help text."""
    text = product.http.get("/metrics").text
    documented = rows("docs/http.md", "| metric | what |")
    assert documented == {
        f"`{name}`": [words]
        for name, words in re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE)
    }


def test_every_outcome_is_documented():
    """All that a stream can have."""
    documented = rows("docs/numbers.md", "| outcome | meaning |")
    assert documented.keys() == {f"`{one}`" for one in Outcome}


@pytest.mark.parametrize(
    ("page", "heading"),
    [("README.md", "| field | what |"), ("docs/numbers.md", "| field | moment |")],
)
def test_documented_fields_are_fields_of_a_record(page, heading, product):
    """Under the names that the API gives them."""
    columns = set(re.findall(r"\w+", json.dumps(product.http.get("/api/v1/openapi.json").json())))
    named = [name for cell in rows(page, heading) for name in re.findall(r"`(\w+)`", cell)]
    assert named
    assert set(named) <= columns


# -- links -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_of_the_repository(page):
    """What begins with https is somebody else's."""
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    local = [one for one in targets if not one.startswith("https://")]
    assert [one for one in local if not (page.parent / one).exists()] == []


def test_every_page_can_be_found():
    """The index lists the pages, and the first page links to them."""
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    index = (ROOT / "docs" / "index.md").read_text()
    assert {page for page in pages if f"]({page})" not in index} == set()
    assert {page for page in pages if f"](docs/{page})" not in readme()} == set()


def readme() -> str:
    return (ROOT / "README.md").read_text()
