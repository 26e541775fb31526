"""The data folder of one server: ours alone, locked, and fit to be listened on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from streamgauge.errors import ConfigurationError, KeysError
from streamgauge.keys import Keys
from streamgauge.settings import Settings


@contextlib.contextmanager
def own_data_folder(settings: Settings) -> Iterator[None]:
    """Make the data folder and lock it; raises `ConfigurationError` if it is in use."""
    folder = settings.data_dir
    try:
        # What is in it was said between people and models; it is nobody else's.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("journal", "tmp"):
            # The folder itself may be older than we are, and open to others.
            (folder / name).mkdir(exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("wb")
    except FileExistsError as error:
        raise ConfigurationError(f"data: {error.filename} is no folder") from None
    except OSError as error:
        raise ConfigurationError(f"data: cannot write to {folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"data: another server runs on {folder}; stop it or name another folder with --data"
            ) from None
        facts_path(settings).unlink(missing_ok=True)
        _own_run_dir(settings.run_dir)
        yield


def check_keys(settings: Settings) -> bool:
    """Return whether there are API keys; raises `ConfigurationError` if it must not start so."""
    try:
        has_keys = Keys(settings.data_dir).exist
    except KeysError as error:
        raise ConfigurationError(str(error)) from None
    if settings.needs_keys and not has_keys:
        ours = shlex.quote(str(settings.data_dir))
        raise ConfigurationError(
            f"host: {settings.host} can be reached from other machines, and there are no API keys "
            "yet: everyone there could read the records. Make one with `streamgauge keys create "
            f"--name admin --scope admin --data {ours}`, "
            "listen on 127.0.0.1, or say --allow-remote if something else guards the port"
        )
    return has_keys


def _own_run_dir(folder: Path) -> None:
    """Make the folder of the sockets; where it lies in a shared folder, see that it is ours."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
            raise ConfigurationError(f"data: {folder}, for the sockets, belongs to someone else")
        folder.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(f"data: cannot write to {folder}: {error.strerror}") from None


def facts_path(settings: Settings) -> Path:
    """Where tools read the address and the process id of a server that is ready."""
    return settings.data_dir / "server.json"


def secret_of(data: Path) -> bytes:
    """Return this data folder's secret for hashing keys, made on first use."""
    path = data / "secret"
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    fresh = path.with_name(f"secret.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(os.urandom(32))
    # Whoever links first has made it; the others take that one.
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
    return path.read_bytes()
