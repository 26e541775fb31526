"""What the command can do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from streamgauge import __version__
from streamgauge.errors import ConfigurationError, StreamgaugeError
from streamgauge.keys import Scope
from streamgauge.settings import load, table

app = typer.Typer(
    help="Pass LLM streams through untouched and tell the truth about them.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# Click's own, wherever this version of Typer keeps it.
UsageError: Any = typer.BadParameter.__base__

SETTINGS = {setting.name: setting for setting in table()}


def _option(name: str, *words: str) -> Any:
    """Return the option of a setting, with the help that the table has for it."""
    setting = SETTINGS[name]
    default = "" if isinstance(setting.default, bool) else f" [default: {setting.default}]"
    return typer.Option(*words, help=f"{setting.description}{default}")


Data = Annotated[Path | None, _option("data")]


@app.command()
def serve(
    host: Annotated[str | None, _option("host")] = None,
    port: Annotated[int | None, _option("port")] = None,
    data: Data = None,
    workers: Annotated[int | None, _option("workers")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(help="NAME=URL: add a provider, or replace a built-in one.", metavar="N=URL"),
    ] = None,
    allow_remote: Annotated[bool | None, _option("allow_remote", "--allow-remote")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: any setting of the docs.", metavar="N=VALUE"),
    ] = None,
) -> int:
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
            overrides=_pairs(setting, "--set", "NAME=VALUE")
            | {name: value for name, value in named.items() if value is not None},
            providers=_pairs(provider, "--provider", "NAME=URL"),
        )
        return Supervisor(settings, say=_say).run()

    return _finish(run)


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 4290,
    recordings: Annotated[
        Path | None, typer.Option(help="Folder of recorded streams to play.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Say the same every time.")] = None,
    ttft_ms: Annotated[
        str, typer.Option(help="When the first token of a made answer leaves.", metavar="MS")
    ] = "300",
    itl_ms: Annotated[str, typer.Option(help="The gap between its tokens.", metavar="MS")] = "18",
    jitter_ms: Annotated[
        str, typer.Option(help="How far a gap may stray: milliseconds or a share.", metavar="MS")
    ] = "20%",
    faults: Annotated[Path | None, typer.Option(help="A TOML file of what is to go wrong.")] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Speak HTTPS with this certificate (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="Its key, where it is in a file of its own.")
    ] = None,
) -> int:
    """Run a provider that plays recordings, makes streams, and breaks them as asked, for tests."""
    from streamgauge.simulator.server import run
    from streamgauge.simulator.wishes import pace_of

    def start() -> int:
        run(
            host=host,
            pace=pace_of(ttft_ms=ttft_ms, itl_ms=itl_ms, jitter_ms=jitter_ms),
            port=port,
            recordings=recordings,
            seed=seed,
            faults=faults,
            certificate=tls_cert,
            key=tls_key,
            on_ready=lambda simulator: _say(f"The simulator listens on {simulator.url}"),
        )
        return 0

    return _finish(start)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the gateway; 0 takes a free one.")] = 4284,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder for its records [default: a temporary one, deleted at the end]",
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="End by itself after so many seconds.")
    ] = None,
) -> int:
    """Run everything with made-up traffic: no key, no network."""
    from streamgauge.cli.demo import run

    return _finish(lambda: run(port=port, data=data, seconds=seconds, say=_say))


@app.command()
def decode(
    file: Annotated[str, typer.Argument(help="A recorded answer; - is the standard input.")],
    path: Annotated[str, typer.Option(help="Path of the request, which tells the dialect.")] = "",
    content_type: Annotated[
        str | None, typer.Option(help="Content type of the answer, which tells the framing.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="The dialect, whatever else says.")] = None,
    framing: Annotated[str | None, typer.Option(help="The framing, whatever else says.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> int:
    """Print what a stream says: reply, tokens, faults; its times too, if it is piped in."""
    from streamgauge.cli.decode import run

    return _finish(
        lambda: run(
            file,
            path=path,
            content_type=content_type,
            dialect=dialect,
            framing=framing,
            is_json=as_json,
        )
    )


Url = Annotated[
    str | None,
    typer.Option(help="The server [default: STREAMGAUGE_BASE_URL, or http://127.0.0.1:4284]"),
]
Filters = Annotated[
    list[str] | None,
    typer.Argument(
        help="COLUMN=VALUE, COLUMN.gt=VALUE, COLUMN.exists=false, property.NAME=VALUE, q=TEXT"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one object a line.")]
ApiKey = Annotated[
    str | None,
    typer.Option(help="A key of that server, if it has any [default: STREAMGAUGE_API_KEY]"),
]


@app.command()
def tail(
    url: Url = None,
    api_key: ApiKey = None,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    as_json: AsJson = False,
) -> int:
    """Follow the streams of a running server as they arrive and end."""
    from streamgauge.cli.asking import Server
    from streamgauge.cli.tail import run

    return _finish(
        lambda: run(Server(url, api_key), model=model, provider=provider, is_json=as_json)
    )


@app.command()
def records(
    filters: Filters = None,
    url: Url = None,
    api_key: ApiKey = None,
    sort: Annotated[str, typer.Option(help="A column; - in front: descending.")] = "-started_at",
    limit: Annotated[int, typer.Option(help="How many.", min=1)] = 20,
    as_json: AsJson = False,
) -> int:
    """List the records of a running server."""
    from streamgauge.cli import asking
    from streamgauge.cli.records import records as run

    return _finish(
        lambda: run(
            asking.Server(url, api_key),
            asking.filters(filters),
            sort=sort,
            limit=limit,
            is_json=as_json,
        )
    )


@app.command()
def stats(
    filters: Filters = None,
    url: Url = None,
    api_key: ApiKey = None,
    group_by: Annotated[
        str | None, typer.Option(help="A column, user, session, or property.NAME.")
    ] = None,
    bucket: Annotated[str | None, typer.Option(help="minute, hour, day, seconds, or auto.")] = None,
    as_json: AsJson = False,
) -> int:
    """Count records of a running server: errors, percentiles, tokens, cost."""
    from streamgauge.cli import asking
    from streamgauge.cli.records import stats as run

    return _finish(
        lambda: run(
            asking.Server(url, api_key),
            asking.filters(filters),
            group_by=group_by,
            bucket=bucket,
            is_json=as_json,
        )
    )


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT; - reads it from standard input.")],
    url: Url = None,
    api_key: ApiKey = None,
    limit: Annotated[int, typer.Option(help="How many rows.", min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> int:
    """Ask a running server in ClickHouse's SQL, over the tables records and amendments."""
    from streamgauge.cli.asking import Server
    from streamgauge.cli.sql import run

    return _finish(lambda: run(Server(url, api_key), query, limit=limit, is_json=as_json))


@app.command()
def export(
    filters: Filters = None,
    url: Url = None,
    api_key: ApiKey = None,
    form: Annotated[
        str, typer.Option("--format", help="csv, jsonl or parquet.", metavar="FORMAT")
    ] = "csv",
    output: Annotated[
        Path | None, typer.Option(help="A file, which is replaced [default: standard output]")
    ] = None,
    bodies: Annotated[bool, typer.Option("--bodies", help="With requests and replies.")] = False,
    sort: Annotated[str, typer.Option(help="A column; - in front: descending.")] = "-started_at",
    limit: Annotated[
        int | None, typer.Option(help="How many [default: all that the server gives]", min=1)
    ] = None,
) -> int:
    """Write records of a running server to a file: CSV, JSON lines or Parquet."""
    from streamgauge.cli import asking
    from streamgauge.cli.export import run

    return _finish(
        lambda: run(
            asking.Server(url, api_key),
            asking.filters(filters),
            form=form,
            output=output,
            sort=sort,
            limit=limit,
            with_bodies=bodies,
        )
    )


@app.command()
def replay(
    record: Annotated[str, typer.Argument(help="The record's id.")],
    url: Url = None,
    api_key: ApiKey = None,
    speed: Annotated[
        float, typer.Option(help="So many times as fast; 0 does not wait.", min=0)
    ] = 1.0,
    raw: Annotated[bool, typer.Option("--raw", help="The bytes instead of what they say.")] = False,
    as_json: AsJson = False,
) -> int:
    """Play a recorded stream again, as it arrived."""
    from streamgauge.cli.asking import Server
    from streamgauge.cli.replay import run

    return _finish(
        lambda: run(Server(url, api_key), record, speed=speed, is_raw=raw, is_json=as_json)
    )


@app.command("import")
def import_requests(
    source: Annotated[str, typer.Argument(help="Where from: helicone.", metavar="helicone")],
    what: Annotated[str, typer.Argument(help="A file, JSON or CSV, or the URL of its API.")],
    url: Url = None,
    api_key: ApiKey = None,
) -> int:
    """Bring requests over from Helicone, with their sessions, users, properties and scores."""
    from streamgauge.cli.asking import Server
    from streamgauge.cli.importing import run

    def start() -> int:
        server = Server(url, api_key)
        return run(source, what, to=server.url, key=server.api_key, say=_say, warn=_warn)

    return _finish(start)


keys = typer.Typer(help="API keys of a data folder, whether its server runs or not.")
app.add_typer(keys, name="keys")

KeysConfig = Annotated[Path | None, typer.Option(help="The server's TOML file of settings.")]


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[
        list[Scope],
        typer.Option(help="What it may: log calls, read records, or all of it and keys (admin)."),
    ],
    data: Data = None,
    config: KeysConfig = None,
    as_json: AsJson = False,
) -> int:
    """Make a key and print it; it is shown only now."""
    from streamgauge.cli.keys import create, keys_of

    return _finish(lambda: create(keys_of(data, config), name, scope, is_json=as_json))


@keys.command("list")
def list_keys(data: Data = None, config: KeysConfig = None, as_json: AsJson = False) -> int:
    """List all keys, without their secrets."""
    from streamgauge.cli.keys import keys_of, listed

    return _finish(lambda: listed(keys_of(data, config), is_json=as_json))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="Its id, as `keys list` says.", metavar="ID")],
    data: Data = None,
    config: KeysConfig = None,
) -> int:
    """End a key at once and for good."""
    from streamgauge.cli.keys import keys_of, revoke

    return _finish(lambda: revoke(keys_of(data, config), key_id))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def settings() -> None:
    """Print every setting, its variable and its default."""
    for one in SETTINGS.values():
        typer.echo(f"{one.name} = {_toml(one.default)}")
        typer.echo(f"    {one.description} ({one.allowed}; {one.environment})")


# -- what the commands share ------------------------------------------------------------------


def run(arguments: list[str]) -> int:
    """Run the command; returns the exit code. Whatever is wrong is told in one line."""
    try:
        return int(app(arguments or ["--help"], standalone_mode=False) or 0)
    except UsageError as error:
        message = " ".join(error.format_message().split())
        print(f"streamgauge: {message.rstrip('.')}; see streamgauge --help", file=sys.stderr)
        return 2


def _say(line: str) -> None:
    print(line, flush=True)


def _warn(line: str) -> None:
    print(f"streamgauge: {line}", file=sys.stderr, flush=True)


def _finish(run: Callable[[], int]) -> int:
    """Return the exit code of *run*; an error of ours is one line, not a traceback."""
    try:
        return run()
    except StreamgaugeError as error:
        print(f"streamgauge: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads, as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


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
