"""The parent: starts the workers and the recorder, restarts what dies, ends them all.

A child gets the settings as the first line of its standard input and keeps that pipe: when
it ends, the parent is gone, and the child ends too. Each worker slot has its own listening
socket with ``SO_REUSEPORT`` (elsewhere than on Linux they share one), which the parent
keeps: connections that arrive while a worker is being replaced wait instead of failing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import http.client
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO

import msgspec

from streamgauge.errors import ConfigurationError, KeysError, StreamgaugeError
from streamgauge.keys import Keys
from streamgauge.settings import Settings, is_loopback

# A child that dies is started again at once, then after these pauses (seconds).
PAUSES = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)

# A child that has lived this long has recovered; the pauses begin anew.
RECOVERED_S = 30.0

# A child that never comes up is a fault that another start will not mend.
MOST_EARLY_DEATHS = 5
EARLY_S = 10.0

# The exit code of a child that cannot work with its settings; nor could the next one.
MISCONFIGURED = 2

READY_TIMEOUT_S = 60.0

# A child that does not end on SIGTERM within its grace and this is killed.
KILL_AFTER_S = 10.0

# An end that takes longer than this is explained.
SILENT_S = 1.5

LISTEN_BACKLOG = 4096


class Child:
    """One process of the tree, in its slot."""

    def __init__(self, role: str, arguments: list[str], listener: socket.socket | None) -> None:
        self.role = role
        self.arguments = arguments
        self.listener = listener
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.deaths = 0

    def start(self, settings: Settings) -> None:
        """Start the process; *settings* go through its standard input."""
        arguments = list(self.arguments)
        keep: tuple[int, ...] = ()
        if self.listener is not None:
            keep = (self.listener.fileno(),)
            arguments.append(str(self.listener.fileno()))
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -P: a file in the folder we were started from must not pass for a module.
            [sys.executable, "-P", "-m", "streamgauge.app", *arguments],
            stdin=subprocess.PIPE,
            pass_fds=keep,
            # A Ctrl-C on the terminal is for the parent, which ends its children in order.
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        # One that is dead already is noticed like any other.
        with contextlib.suppress(BrokenPipeError):
            self.pipe.write(msgspec.json.encode(settings) + b"\n")
            self.pipe.flush()

    @property
    def pipe(self) -> IO[bytes]:
        """The child's standard input."""
        assert self.process is not None  # noqa: S101 - only asked of a started child
        assert self.process.stdin is not None  # noqa: S101
        return self.process.stdin

    def has_died(self) -> int | None:
        """Return the exit code of a process that has ended, once."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        with contextlib.suppress(BrokenPipeError):
            self.pipe.close()
        self.process = None
        return code

    def close_listener(self) -> None:
        """Let go of our end of the listening socket; the process has its own."""
        if self.listener is not None:
            self.listener.close()

    def signal(self, number: int) -> None:
        """Send a signal if there is anyone to get it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


class Supervisor:
    """Runs the process tree for one data folder, from the main thread."""

    def __init__(self, settings: Settings, *, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._signals: list[int] = []
        self._children: list[Child] = []
        self._exit_code = 0
        self._has_been_ready = False
        self._is_without_recorder = False
        self._has_keys = False
        # A signal, SIGCHLD among them, writes a byte here: nobody polls.
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._rope, False)
        self.url = ""

    def run(self, *, on_ready: Callable[[Supervisor], None] | None = None) -> int:
        """Run until SIGINT or SIGTERM; returns the exit code. Raises `StreamgaugeError`."""
        settings = self._settings
        self._has_keys = check_keys(settings)
        with own_data_folder(settings), self._listen(settings) as listeners, self._hear_signals():
            workers = [
                Child("worker", ["worker", str(number)], listener)
                for number, listener in enumerate(listeners)
            ]
            recorder = Child("recorder", ["recorder"], None)
            self._children = [recorder, *workers]
            try:
                for child in self._children:
                    child.start(settings)
                if self._becomes_ready():
                    self._has_been_ready = True
                    self._announce(settings)
                    if on_ready is not None:
                        on_ready(self)
                while not self._signals:
                    self._tend()
                    self._wait(self._next_start())
            finally:
                self._end(workers, recorder)
                _facts_path(settings).unlink(missing_ok=True)
        return self._exit_code

    def stop(self) -> None:
        """Ask the tree to end, from any thread."""
        self._note(signal.SIGTERM, None)

    # -- addresses ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def _listen(self, settings: Settings) -> Iterator[list[socket.socket]]:
        """Bind one socket per worker; says so in one line if the port cannot be had."""
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with contextlib.ExitStack() as stack:
            # The first without SO_REUSEPORT: with it, a second server would share the port.
            with _bound(family, settings.host, settings.port, shared=False) as probe:
                port = probe.getsockname()[1]
            count = settings.workers if sys.platform == "linux" else 1
            sockets = [
                stack.enter_context(_bound(family, settings.host, port, shared=count > 1))
                for _ in range(count)
            ]
            for one in sockets:
                one.listen(LISTEN_BACKLOG)
            host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
            self._address = (host, port)
            self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            yield [sockets[number % count] for number in range(settings.workers)]

    def _announce(self, settings: Settings) -> None:
        facts = {"pid": os.getpid(), "port": self._address[1], "url": self.url}
        path = _facts_path(settings)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(facts) + b"\n")
        fresh.rename(path)
        self._say(f"Streamgauge listens on {self.url}, and that is its page too")
        if not is_loopback(settings.host) and not self._has_keys:
            self._say("warning: other machines can reach it, and it asks nobody for a key")

    def _becomes_ready(self) -> bool:
        """Wait until the workers accept and the recorder answers; False if told to stop."""
        until = time.monotonic() + READY_TIMEOUT_S
        while not self._is_ready():
            self._tend()
            if self._signals:
                return False
            if time.monotonic() > until:
                raise StreamgaugeError(
                    f"the server was not ready after {READY_TIMEOUT_S:g} s; see the lines above"
                )
            self._wait(0.05)
        return True

    def _is_ready(self) -> bool:
        """Ask through a worker: only the recorder's own answer has no ``reason``.

        A recorder that cannot work for now, because its store is away, is not waited for.
        """
        connection = http.client.HTTPConnection(*self._address, timeout=2)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            is_recording = b'"reason"' not in answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return answer.status == 200 and (is_recording or self._is_without_recorder)

    # -- the life of the tree ----------------------------------------------------------------

    @contextlib.contextmanager
    def _hear_signals(self) -> Iterator[None]:
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, self._note),
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._note),
            # Only a signal with a handler of ours rings the bell.
            signal.SIGCHLD: signal.signal(signal.SIGCHLD, lambda *_: None),
        }
        rope = signal.set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(rope)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signals.append(number)
        with contextlib.suppress(BlockingIOError):
            os.write(self._rope, b"!")

    def _wait(self, seconds: float | None) -> None:
        """Sleep until a signal comes, at most *seconds*."""
        if select.select([self._bell], [], [], seconds)[0]:
            os.read(self._bell, 4096)

    def _tend(self) -> None:
        """Notice who has died, and start again who is due."""
        now = time.monotonic()
        for child in self._children:
            code = child.has_died()
            if code is not None:
                self._mourn(child, code, now)
            if child.process is None and now >= child.start_at and not self._signals:
                self._restart(child, now)

    def _restart(self, child: Child, now: float) -> None:
        try:
            child.start(self._settings)
        except OSError as error:
            # Out of memory or processes for the moment; the others must not end for that.
            child.deaths += 1
            pause = PAUSES[min(child.deaths, len(PAUSES)) - 1]
            child.start_at = now + pause
            self._say(f"cannot start the {child.role} ({error}); trying again in {pause:g} s")

    def _next_start(self) -> float | None:
        """Return the seconds until a child is due, None if all are running."""
        due = [child.start_at for child in self._children if child.process is None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _mourn(self, child: Child, code: int, now: float) -> None:
        """Say that a child has died, and when the next shall start, if ever."""
        lived = now - child.started_at
        child.deaths = 1 if lived > RECOVERED_S else child.deaths + 1
        # What has worked may work again, a store that is away comes back; until then the
        # others go on. Only a worker that never worked is given up.
        if not self._has_been_ready:
            if code == MISCONFIGURED:
                self._exit_code = code
                self.stop()
                return
            if code > 0 and lived < EARLY_S and child.deaths >= MOST_EARLY_DEATHS:
                fault = (
                    f"the {child.role} has failed {child.deaths} times in a row with exit code "
                    f"{code}; see the lines above"
                )
                if child.role != "recorder":
                    raise StreamgaugeError(fault)
                self._is_without_recorder = True
                self._say(f"{fault}; streams go on, and the journal keeps them until it is back")
        child.start_at = now + PAUSES[min(child.deaths, len(PAUSES)) - 1]
        cause = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self._say(f"the {child.role} {cause}; starting another")

    def _end(self, workers: list[Child], recorder: Child) -> None:
        """End the workers, then the recorder, which stores what they have left."""
        heard = len(self._signals)
        # With ours still open, connections would wait for a worker that never comes.
        for worker in workers:
            worker.close_listener()
        grace = self._settings.limits.stop_grace_s
        why = f"open streams have up to {grace:g} s to end; Ctrl-C again ends them at once"
        self._end_some(workers, heard, grace + KILL_AFTER_S, why=why)
        why = "the recorder stores what is left; Ctrl-C again leaves it for the next start"
        self._end_some([recorder], heard, KILL_AFTER_S + grace, why=why)

    def _end_some(self, children: list[Child], heard: int, patience_s: float, *, why: str) -> None:
        for child in children:
            child.signal(signal.SIGTERM)
        now = time.monotonic()
        until, silent_until = now + patience_s, now + SILENT_S
        while running := [
            child for child in children if child.has_died() is None and child.process
        ]:
            left = until - time.monotonic()
            if silent_until and time.monotonic() > silent_until:
                silent_until = 0.0
                self._say(why)
            # A second Ctrl-C is meant: no more patience.
            if left < 0 or len(self._signals) > max(heard, 1):
                for child in running:
                    child.signal(signal.SIGKILL)
            self._wait(max(min(left, SILENT_S), 0.01))


# -- what one server needs for itself ----------------------------------------------------------


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
        _facts_path(settings).unlink(missing_ok=True)
        _own_run_dir(settings.run_dir)
        yield


def check_keys(settings: Settings) -> bool:
    """Return whether there are API keys; raises `ConfigurationError` if it must not start so."""
    try:
        has_keys = Keys(settings.data_dir).exist
    except KeysError as error:
        raise ConfigurationError(str(error)) from None
    if settings.needs_keys and not has_keys:
        raise ConfigurationError(
            f"host: {settings.host} can be reached from other machines, and there are no API keys "
            "yet: everyone there could read the records. Make one with `streamgauge keys create`, "
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


def _facts_path(settings: Settings) -> Path:
    """Where tools read the address and the process id of a server that is ready."""
    return settings.data_dir / "server.json"


@contextlib.contextmanager
def _bound(
    family: socket.AddressFamily, host: str, port: int, *, shared: bool
) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            one.bind((host, port))
            if not shared:
                one.listen(1)
        except OSError as error:
            raise ConfigurationError(_bind_fault(host, port, error)) from None
        except OverflowError:
            raise ConfigurationError(f"port: {port} is not a port") from None
        yield one


def _bind_fault(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port: {port} on {host} is taken; stop who listens there or choose another --port"
    return f"host: cannot listen on {host}:{port}: {error.strerror or error}"


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
