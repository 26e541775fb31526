"""The parent of the tree: who runs, who is due again, and how all of it ends."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

import msgspec

from streamgauge.errors import StreamgaugeError
from streamgauge.settings import Settings, is_loopback
from streamgauge.supervisor.bell import Bell
from streamgauge.supervisor.child import AGAIN, MISCONFIGURED, STORE_AWAY, Child
from streamgauge.supervisor.folder import check_keys, facts_path, own_data_folder
from streamgauge.supervisor.listeners import check_host, listening

# A child that dies is started again at once, then after these pauses (seconds).
PAUSES = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)

# A child that has lived this long has recovered; the pauses begin anew.
RECOVERED_S = 30.0

# A child that never comes up is a fault that another start will not mend.
MOST_EARLY_DEATHS = 5
EARLY_S = 10.0

READY_TIMEOUT_S = 60.0

# How long one question whether it is ready may take; who dies meanwhile is noticed after it.
ASK_S = 2.0

# A child that does not end on SIGTERM within its grace and this is killed.
KILL_AFTER_S = 10.0

# An end that takes longer than this is explained.
SILENT_S = 1.5


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
        self._bell = Bell()  # rung by every signal, SIGCHLD among them: nobody polls
        self.url = ""

    def run(self, *, on_ready: Callable[[Supervisor], None] | None = None) -> int:
        """Run until SIGINT or SIGTERM; returns the exit code. Raises `StreamgaugeError`."""
        settings = self._settings
        check_host(settings)
        self._has_keys = check_keys(settings)
        with (
            contextlib.closing(self._bell),
            own_data_folder(settings),
            listening(settings) as listeners,
            self._hear_signals(),
        ):
            self._address, self.url = (listeners.host, listeners.port), listeners.url
            workers = [
                Child("worker", ["worker", str(number)], listener)
                for number, listener in enumerate(listeners.sockets)
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
                    self._bell.sleep(self._next_start())
            finally:
                self._end(workers, recorder)
                facts_path(settings).unlink(missing_ok=True)
        return self._exit_code

    def stop(self) -> None:
        """Ask the tree to end, from any thread."""
        self._note(signal.SIGTERM, None)

    # -- ready ---------------------------------------------------------------------------------

    def _announce(self, settings: Settings) -> None:
        facts = {"pid": os.getpid(), "port": self._address[1], "url": self.url}
        path = facts_path(settings)
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
            self._bell.sleep(0.05)
        return True

    def _is_ready(self) -> bool:
        """Ask through a worker: only the recorder's own answer has no ``reason``.

        A recorder that cannot work for now, because its store is away, is not waited for.
        """
        connection = http.client.HTTPConnection(*self._address, timeout=ASK_S)
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
        rope = signal.set_wakeup_fd(self._bell.rope, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(rope)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signals.append(number)
        self._bell.ring()

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
        if code == STORE_AWAY:  # of which it has said all that there is to say
            self._is_without_recorder = True
            child.arguments = [child.role, AGAIN]
            child.start_at = now + PAUSES[min(child.deaths, len(PAUSES)) - 1]
            return
        child.arguments = [one for one in child.arguments if one != AGAIN]
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
            self._bell.sleep(max(min(left, SILENT_S), 0.01))
