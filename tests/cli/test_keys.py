"""Keys of a data folder, from a shell."""

from __future__ import annotations

import json

import pytest

from streamgauge.cli.commands import run
from streamgauge.keys import Keys, Scope


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def local(moment):
    """The day too: a key lives for months."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def test_a_key_is_made_listed_and_revoked(data, capsys):
    """The secret stands alone on the output, for a pipe; everything else beside it."""
    at = f"--data={data}"
    assert run(["keys", "list", at]) == 0
    assert "no keys" in capsys.readouterr().err
    assert run(["keys", "create", "--name", "me", "--scope", "read", "--scope", "log", at]) == 0
    told = capsys.readouterr()
    key = Keys(data).find([told.out.strip()])
    assert key is not None
    assert key.scopes == (Scope.LOG, Scope.READ)
    assert key.id in told.err
    assert "From now on" in told.err
    assert run(["keys", "list", at]) == 0
    shown = capsys.readouterr().out
    assert all(one in shown for one in (key.id, "me", "log, read"))
    assert told.out.strip() not in shown
    assert shown.count(local(key.created_at)) == 1
    assert run(["keys", "revoke", key.id, at]) == 0
    ended = Keys(data).all()[0].revoked_at
    assert run(["keys", "list", at]) == 0
    assert capsys.readouterr().out.rstrip().endswith(local(ended))
    assert Keys(data).find([told.out.strip()]) is None
    assert run(["keys", "revoke", "none", at]) == 1
    assert "no key none" in capsys.readouterr().err


def test_the_same_for_programs(data, capsys):
    """One object a line, without hashes."""
    assert run(["keys", "create", "--name=a", "--scope=admin", f"--data={data}", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert Keys(data).find([made.pop("key")]) is not None
    assert run(["keys", "list", f"--data={data}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == made
    assert made.keys() == {"id", "name", "scopes", "created_at", "revoked_at"}


def test_the_folder_may_come_from_the_servers_settings(tmp_path, data, capsys):
    """Also of one that would not start yet, because it listens to others and has no key."""
    config = tmp_path / "gauge.toml"
    config.write_text(f'host = "0.0.0.0"\ndata = "{data}"\n')
    assert run(["keys", "create", "--name=a", "--scope=admin", f"--config={config}"]) == 0
    assert Keys(data).find([capsys.readouterr().out.strip()]) is not None


def test_a_broken_file_is_said_in_one_line(data, capsys):
    """And left as it is."""
    data.mkdir()
    (data / "keys.json").write_text("{")
    assert run(["keys", "list", f"--data={data}"]) == 1
    assert "keys.json" in capsys.readouterr().err
