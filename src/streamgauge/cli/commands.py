"""What the command can do: serve, simulate, demo, version."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from streamgauge import __version__
from streamgauge.errors import ConfigurationError, StreamgaugeError
from streamgauge.settings import load, table

app = typer.Typer(
    help="Pass LLM streams through untouched and tell the truth about them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one [4284].")]
Data = Annotated[
    Path | None, typer.Option(help="Folder for the journal and the store [streamgauge-data].")
]


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    data: Data = None,
    workers: Annotated[int | None, typer.Option(help="Gateway processes [1].")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(help="NAME=URL: add a provider, or replace a built-in one.", metavar="N=URL"),
    ] = None,
    allow_remote: Annotated[
        bool | None,
        typer.Option("--allow-remote", help="Listen beyond this machine without API keys."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: any setting of the docs.", metavar="N=VALUE"),
    ] = None,
) -> None:
    """Run the gateway, the recorder and the page."""
    from streamgauge.supervisor import Supervisor

    def run() -> int:
        named = {
            "host": host,
            "port": port,
            "data": None if data is None else str(data),
            "workers": workers,
            "allow_remote": allow_remote,
        }
        settings = load(
            config,
            overrides=_pairs(setting, "--set", "NAME=VALUE") | _given(named),
            providers=_pairs(provider, "--provider", "NAME=URL"),
        )
        return Supervisor(settings, say=_say).run()

    _finish(run)


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 4290,
    recordings: Annotated[
        Path | None, typer.Option(help="Folder of recorded streams to play.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Say the same every time.")] = None,
) -> None:
    """Run a provider that plays recordings and makes streams, for tests."""
    from streamgauge.simulator.server import run

    def start() -> int:
        run(
            host=host,
            port=port,
            recordings=recordings,
            seed=seed,
            on_ready=lambda simulator: _say(f"The simulator listens on {simulator.url}"),
        )
        return 0

    _finish(start)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the gateway; 0 takes a free one.")] = 4284,
    data: Data = None,
    seconds: Annotated[
        float | None, typer.Option(help="End by itself after so many seconds.")
    ] = None,
) -> None:
    """Run everything with made-up traffic: no key, no network."""
    from streamgauge.cli.demo import run

    _finish(lambda: run(port=port, data=data, seconds=seconds, say=_say))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def settings() -> None:
    """Print every setting, its variable and its default."""
    for one in table():
        typer.echo(f"{one.name} = {_toml(one.default)}")
        typer.echo(f"    {one.description}  ({one.environment})")


# -- what the commands share ------------------------------------------------------------------


def _say(line: str) -> None:
    print(line, flush=True)


def _finish(run: Callable[[], int]) -> NoReturn:
    """Exit with what *run* returns; an error of ours is one line, not a traceback."""
    try:
        code = run()
    except ConfigurationError as error:
        print(f"streamgauge: {error}", file=sys.stderr)
        code = 2
    except StreamgaugeError as error:
        print(f"streamgauge: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _pairs(texts: list[str] | None, option: str, form: str) -> dict[str, str]:
    """Split ``NAME=VALUE`` options."""
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"{option} must be {form}, not {text!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
