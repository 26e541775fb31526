"""The demo: simulator, server and made-up traffic, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from streamgauge.errors import StreamgaugeError
from streamgauge.settings import load
from streamgauge.simulator.server import Simulator
from streamgauge.simulator.server import run as run_simulator
from streamgauge.simulator.traffic import run_traffic
from streamgauge.supervisor import Supervisor
from streamgauge.supervisor.listeners import listening

SIMULATOR_START_S = 30.0

# Who is played by the simulator, and under which of its paths.
PLAYED = {
    "openai": "",
    "anthropic": "",
    "together": "/together",
    "groq": "/groq",
    "openrouter": "/openrouter",
}


def run(*, port: int, data: Path | None, seconds: float | None, say: Callable[[str], None]) -> int:
    """Run until Ctrl-C, or for *seconds*; returns the exit code.

    Without *data* the records live in a folder that is gone afterwards.
    """
    faults: list[StreamgaugeError] = []
    with contextlib.ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="streamgauge-")))
        own = {"port": port, "data": str(data)}
        # A port that is taken shall be known before everything starts, not after.
        with listening(load(environment={}, overrides=own)):
            pass
        say("Starting a simulated provider …")
        provider = stack.enter_context(_simulator())
        say("Starting the server …")
        settings = load(
            environment={},
            overrides=own,
            providers={name: provider + path for name, path in PLAYED.items()},
        )

        def on_ready(server: Supervisor) -> None:
            stack.enter_context(_traffic(server, faults))
            say("")
            say(f"  Open {server.url} and watch streams come in. Ctrl-C ends everything.")
            say("")
            if seconds is not None:
                timer = threading.Timer(seconds, server.stop)
                timer.daemon = True
                timer.start()
                stack.callback(timer.cancel)

        code = Supervisor(settings, say=say).run(on_ready=on_ready)
    if faults:
        raise faults[0]
    return code


# -- the parts -------------------------------------------------------------------------------


def _play(told: Connection) -> None:
    run_simulator(port=0, on_ready=lambda simulator: _tell(told, simulator))


def _tell(told: Connection, simulator: Simulator) -> None:
    told.send(simulator.url)


@contextlib.contextmanager
def _simulator() -> Iterator[str]:
    """Run the simulator in a process of its own, so that its timing is its own; give its URL."""
    context = multiprocessing.get_context("spawn")
    hears, told = context.Pipe(duplex=False)
    process = context.Process(target=_play, args=(told,), daemon=True)
    process.start()
    try:
        if not hears.poll(SIMULATOR_START_S):
            raise StreamgaugeError(f"the simulator did not start within {SIMULATOR_START_S:g} s")
        yield hears.recv()
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def _traffic(server: Supervisor, faults: list[StreamgaugeError]) -> Iterator[None]:
    """Send traffic to *server* from a thread of its own; stop it where there can be none."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(run_traffic(server.url))

    def work() -> None:
        try:
            loop.run_until_complete(task)
        except StreamgaugeError as fault:
            faults.append(fault)
            server.stop()
        except asyncio.CancelledError:
            pass
        finally:
            loop.close()

    thread = threading.Thread(target=work, name="traffic", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(task.cancel)
        thread.join(5)
