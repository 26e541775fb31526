"""What the command says, and that a mistake is one line and a code."""

from __future__ import annotations

import re
import signal
import socket
import subprocess

import httpx
import pytest

from streamgauge import __version__
from streamgauge.cli.commands import app, run
from streamgauge.settings import table
from tests.product import STREAMGAUGE, plain_environment
from tests.simulating import until

COMMANDS = {"serve", "simulate", "demo", "settings", "version"}
COMMANDS |= {"decode", "export", "import", "keys", "records", "replay", "sql", "stats", "tail"}
GROUPS = {"keys": ("create", "list", "revoke")}

MISTAKES: list[tuple[list[str], str]] = [
    (["serv"], "No such command 'serv'"),
    (["serve", "--prot", "1"], "No such option"),
    (["serve", "--port", "x"], "Invalid value for '--port'"),
    (["serve", "--port", "70000"], "port must be a whole number from 0 to 65535, not 70000"),
    (["serve", "--config", "missing.toml"], "cannot read the configuration missing.toml"),
    (["serve", "--set", "limits.x=1"], "there is no setting 'limits.x'"),
    (["serve", "--set", "port"], "--set must be NAME=VALUE, not 'port'"),
    (["serve", "--provider", "openai"], "--provider must be NAME=URL, not 'openai'"),
    (["serve", "--provider", "x=ftp://h"], "provider \"x\": 'ftp://h' must begin with http"),
    (["serve", "--host", "0.0.0.0"], "no API keys"),
    (["serve", "--host", "192.0.2.1", "--allow-remote"], "host: cannot listen on 192.0.2.1:4284"),
    (["simulate", "--recordings", "missing"], "missing"),
    (["simulate", "--itl-ms", "soon"], "--itl-ms: 'soon' is not a number of milliseconds"),
    (["keys", "create", "--name", "x"], "Missing option '--scope'"),
    (["keys", "create", "--name", "x", "--scope", "write"], "'write' is not one of"),
]


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Nothing is left where the tests run, and no variable of ours is set."""
    monkeypatch.chdir(tmp_path)
    for setting in table():
        monkeypatch.delenv(setting.environment, raising=False)
    return tmp_path


@pytest.mark.parametrize(("arguments", "fault"), MISTAKES)
def test_a_mistake_is_told_in_one_line(arguments, fault, capsys):
    """On standard error, with exit code 2."""
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("streamgauge: ")
    assert fault in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_keys_that_cannot_be_read_are_told_in_one_line(folder, capsys, host):
    """Before any process is started; otherwise nothing is made of them."""
    (folder / "keys.json").write_text("{")
    assert run(["serve", "--port=0", f"--host={host}", f"--data={folder}"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"streamgauge: cannot read the API keys in {folder / 'keys.json'}")
    assert told.err.count("\n") == 1
    assert [one.name for one in folder.iterdir()] == ["keys.json"]


def test_a_taken_port_is_told_in_one_line(capsys):
    """With the port, and before any process is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["serve", f"--port={port}"]) == 2
    assert capsys.readouterr().err == (
        f"streamgauge: port: {port} on 127.0.0.1 is taken; "
        "stop who listens there or choose another --port\n"
    )


def test_help_knows_every_command(capsys):
    """So does no argument at all; the list here is the list there."""
    assert run(["--help"]) == 0
    told = capsys.readouterr().out
    named = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert named | {group.name for group in app.registered_groups} == COMMANDS
    assert all(re.search(rf"^  {command} ", told, re.MULTILINE) for command in COMMANDS)
    assert run([]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(
    "words",
    [
        *([command] for command in sorted(COMMANDS)),
        *([group, command] for group, commands in GROUPS.items() for command in commands),
    ],
    ids=" ".join,
)
def test_every_command_and_option_has_a_help(words, capsys):
    """An option without words would be a riddle."""
    assert run([*words, "--help"]) == 0
    options = capsys.readouterr().out.partition("Options:")[2]
    assert re.findall(r"^  --[\w-]+ *(<\w+>|[A-Z=]+)?$", options, re.MULTILINE) == []


def test_the_version_is_the_packages(capsys):
    """`streamgauge version`."""
    assert run(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_settings_are_printed_with_all_one_needs_to_set_them(capsys):
    """Name, default, meaning, variable."""
    assert run(["settings"]) == 0
    told = capsys.readouterr().out
    for setting in table():
        assert f"\n{setting.name} = " in f"\n{told}"
        assert setting.description in told
        assert setting.environment in told


def test_the_simulator_runs_until_it_is_told_to_stop(folder):
    """It says where it is, answers there, and ends with 0."""
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [STREAMGAUGE, "simulate", "--port=0"], stdout=out, env=plain_environment()
        )
    try:
        url = until(lambda: next(iter(re.findall(r"http://[\d.:]+", log.read_text())), None))
        assert httpx.get(f"{url}/simulator", trust_env=False, timeout=30).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
