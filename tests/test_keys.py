"""The file of API keys: what is in it, and that no fault of it opens anything."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streamgauge.errors import KeysError, QueryError
from streamgauge.keys import Keys, Scope, bare

BROKEN = [b"", b"{", b"{}", b"[]", b'{"keys": [{}]}', b'{"keys": 1}', b'{"keys": ["\xff"]}']


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_a_key_is_found_by_its_secret_alone(tmp_path, file):
    """The file has the hash, and only its owner may read that."""
    keys = Keys(tmp_path)
    assert not keys.exist
    key, secret = keys.create("  backend ", [Scope.READ, Scope.LOG, Scope.LOG])
    assert keys.exist
    assert (key.name, key.scopes) == ("backend", (Scope.LOG, Scope.READ))
    assert keys.find(["wrong", secret]) == key
    assert keys.find([key.id, key.hash, secret[:-1], secret + " "]) is None
    assert secret.encode() not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("scope", Scope)
def test_admin_is_good_for_everything_and_the_others_for_themselves(tmp_path, scope):
    """No scope holds another, but for admin."""
    key, _ = Keys(tmp_path).create("one", [scope])
    allowed = {other for other in Scope if key.allows(other)}
    assert allowed == (set(Scope) if scope is Scope.ADMIN else {scope})


def test_a_revoked_key_is_of_no_use_to_any_process(tmp_path):
    """From the next question on; it stays in the list, and with it the server stays locked."""
    keys, others = Keys(tmp_path), Keys(tmp_path)
    key, secret = keys.create("one", [Scope.LOG])
    assert others.find([secret]) == key
    ended = keys.revoke(key.id)
    assert ended is not None
    assert ended.revoked_at is not None
    assert others.find([secret]) is None
    assert others.exist
    assert others.all() == (ended,)
    assert others.revoke(key.id) == ended, "a second time changes nothing"


def test_revoking_what_is_not_there_writes_nothing(tmp_path, file):
    """Else a slip of the finger would lock a server that has no keys."""
    assert Keys(tmp_path).revoke("12345678") is None
    assert not file.exists()


@pytest.mark.parametrize(
    ("name", "scopes", "param"),
    [
        ("", [Scope.LOG], "name"),
        (" ", [Scope.LOG], "name"),
        ("a\nb", [Scope.LOG], "name"),
        ("x" * 101, [Scope.LOG], "name"),
        ("one", [], "scopes"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(tmp_path, file, name, scopes, param):
    """And leaves nothing behind."""
    with pytest.raises(QueryError) as refused:
        Keys(tmp_path).create(name, scopes)
    assert refused.value.param == param
    assert not file.exists()


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_file_opens_nothing(tmp_path, file, content):
    """Nor is it written over: its keys may be saved yet."""
    file.write_bytes(content)
    keys = Keys(tmp_path)
    for ask in (keys.all, lambda: keys.exist, lambda: keys.find(["a"])):
        with pytest.raises(KeysError, match=r"keys\.json"):
            ask()
    with pytest.raises(KeysError):
        keys.create("one", [Scope.ADMIN])
    assert file.read_bytes() == content


def test_a_file_without_keys_lets_nobody_in(tmp_path, file):
    """Having no keys is having no file."""
    file.write_text('{"keys": []}')
    assert Keys(tmp_path).exist


def test_a_file_that_breaks_or_goes_later_opens_nothing(tmp_path, file):
    """Until it is whole again, and then the same keys are good."""
    keys = Keys(tmp_path)
    _, secret = keys.create("one", [Scope.ADMIN])
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    with pytest.raises(KeysError):
        keys.find([secret])
    file.unlink()
    with pytest.raises(KeysError, match="gone"):
        keys.find([secret])
    file.write_bytes(whole)
    assert keys.find([secret]) is not None


def test_a_file_that_was_never_whole_and_goes_opens_nothing(tmp_path, file):
    """There were keys; that is all one knows."""
    keys = Keys(tmp_path)
    file.write_text("{")
    for _ in range(2):
        with pytest.raises(KeysError):
            _ = keys.exist
        file.unlink(missing_ok=True)


def test_keys_that_must_exist_do(tmp_path):
    """A server that others can reach is not open to them because there is no file."""
    keys = Keys(tmp_path, must_exist=True)
    with pytest.raises(KeysError, match="gone"):
        _ = keys.exist


def test_keys_made_at_once_are_all_kept(tmp_path, file):
    """The lock makes one change of the file after the other."""

    def make(number: int) -> str:
        return Keys(tmp_path).create(f"key {number}", [Scope.LOG])[1]

    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(make, range(24)))
    keys = Keys(tmp_path)
    assert len(keys.all()) == 24
    assert all(keys.find([secret]) for secret in secrets)
    assert len({key["id"] for key in json.loads(file.read_bytes())["keys"]}) == 24


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    """In one line, with its name."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(KeysError, match="data"):
        Keys(tmp_path / "data").create("one", [Scope.ADMIN])


@pytest.mark.parametrize("value", ["sg-1", " sg-1 ", "Bearer sg-1", "bearer  sg-1 "])
def test_a_header_has_the_key_with_or_without_a_word(value):
    """As clients write it."""
    assert bare(value) == "sg-1"
