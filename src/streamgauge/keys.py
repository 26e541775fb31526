"""API keys: who may tell of calls, read the records, and manage keys.

They are in ``keys.json`` of the data folder, as hashes: whoever reads the file cannot use them.
Every process reads it for itself and sees a change at its next question, so that a revoked key
is of no use from then on. Without a file everything is open, as on a machine of one's own; once
there is one nothing is, even if all keys are revoked. A file that cannot be read, or that is gone
under a running server, opens nothing either.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from streamgauge.errors import KeysError, QueryError

FILE, LOCK = "keys.json", "keys.lock"

# What every key begins with: secret scanners and people know it by that.
PREFIX = "sg-"
SECRET_BYTES = 32

MOST_KEYS = 10_000
LONGEST_NAME = 100


class Scope(StrEnum):
    """What a key is good for; `ADMIN` for everything."""

    LOG = "log"
    READ = "read"
    ADMIN = "admin"


class Key(Struct, frozen=True, kw_only=True):
    """One key without its secret; ``hash`` is the secret's SHA-256 in hex."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    hash: str

    def allows(self, scope: Scope) -> bool:
        """Whether it is good for *scope*."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


class _File(Struct, frozen=True):
    keys: tuple[Key, ...]


class Keys:
    """The keys of one data folder; *must_exist*: having none is a fault."""

    def __init__(self, folder: Path, *, must_exist: bool = False) -> None:
        self._path = folder / FILE
        self._lock = folder / LOCK
        self._address = os.fspath(self._path)  # pathlib's own stat takes twice as long
        self._must_exist = must_exist
        self._looking = threading.Lock()  # a change is made in a thread, beside questions
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()
        self._by_hash: dict[str, Key] = {}

    def all(self) -> tuple[Key, ...]:
        """Return every key that was ever made, the oldest first; raises `KeysError`."""
        self._look()
        return self._keys

    @property
    def exist(self) -> bool:
        """Whether a key was ever made; raises `KeysError` where nobody can tell."""
        self._look()
        return self._seen is not None

    def find(self, told: Iterable[str]) -> Key | None:
        """Return the key in force that one of *told* is the secret of; raises `KeysError`."""
        self._look()
        for secret in told:
            key = self._by_hash.get(_hash(secret))
            if key is not None:
                return key
        return None

    def create(self, name: str, scopes: Iterable[Scope]) -> tuple[Key, str]:
        """Make a key; return it and its secret, which is kept nowhere.

        Raises `QueryError` for a wish that makes no sense, and `KeysError`.
        """
        name, wanted = name.strip(), tuple(sorted(set(scopes)))
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            fault = f"a key needs a name of 1 to {LONGEST_NAME} printable characters"
            raise QueryError(fault, param="name")
        if not wanted:
            raise QueryError(f"a key needs a scope: {', '.join(Scope)}", param="scopes")
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        with self._changing() as keys:
            if len(keys) >= MOST_KEYS:
                raise QueryError(f"there are {MOST_KEYS:,} keys already")
            key = Key(
                id=secrets.token_hex(4),
                name=name,
                scopes=wanted,
                created_at=datetime.now(UTC),
                hash=_hash(secret),
            )
            keys.append(key)
        return key, secret

    def revoke(self, key_id: str) -> Key | None:
        """End a key at once and for good; None where there is none. Raises `KeysError`."""
        if all(key.id != key_id for key in self.all()):
            return None
        with self._changing() as keys:
            place = [key.id for key in keys].index(key_id)  # none is ever taken out
            if keys[place].revoked_at is None:
                keys[place] = msgspec.structs.replace(keys[place], revoked_at=datetime.now(UTC))
        return keys[place]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[Key]]:
        """Give the keys to change; one process at a time, and all of the change or none of it."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._lock.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                keys = list(self.all())
                yield keys
                self._write(_File(tuple(keys)))
        except OSError as error:
            raise KeysError(f"cannot write {self._path}: {error.strerror}") from None
        self._look()

    def _write(self, file: _File) -> None:
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(file)))
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _look(self) -> None:
        """Read the file if it is another than the last time."""
        with self._looking:
            self._read()

    def _read(self) -> None:
        try:
            facts = os.stat(self._address)  # noqa: PTH116 - see above
            self._must_exist = True  # also where it cannot be read
            found = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
            if found == self._seen:
                return
            keys = msgspec.json.decode(self._path.read_bytes(), type=_File).keys
        except (FileNotFoundError, NotADirectoryError):
            if self._must_exist:
                raise KeysError(f"the API keys are gone: there is no {self._path}") from None
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KeysError(f"cannot read the API keys in {self._path}: {error}") from None
        self._by_hash = {key.hash: key for key in keys if key.revoked_at is None}
        self._seen, self._keys = found, keys


def _hash(secret: str) -> str:
    # 256 random bits cannot be guessed, so nothing slower is needed.
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def bare(value: str) -> str:
    """Return the key in a header's *value*, ``Bearer KEY`` or the key alone."""
    scheme, space, rest = value.strip().partition(" ")
    return rest.strip() if space and scheme.lower() == "bearer" else value.strip()
