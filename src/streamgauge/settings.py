"""Settings: what they are, where they come from, what is wrong with them.

A setting may stand in the TOML file of ``--config``, in the environment and on the command
line; the later wins. The structs below are the one table that feeds all three and the
page in the docs: a field is a setting, its type and `Meta` say what it may be and what it
is for. Each value is checked where it stands, so that the message can name the place.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import math
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from streamgauge.errors import ConfigurationError
from streamgauge.record import Price

MIB = 1024 * 1024
GIB = 1024 * MIB

ENVIRONMENT_PREFIX = "STREAMGAUGE_"

# First segments of paths that are ours; a provider of that name could not be reached.
RESERVED = frozenset(
    [
        "api",
        "v1",
        "healthz",
        "readyz",
        "metrics",
        "assets",
        "records",
        "custom",
        "oai",
        "googleapis",
        "favicon.svg",
    ]
)
PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PLACEHOLDERS = ("resource", "region")

# A Unix socket's path must fit into 108 bytes on Linux and 104 on macOS.
MAX_RUN_DIR = 80

# What follows /NAME in a request's path is appended to these.
BUILT_IN_PROVIDERS: dict[str, str] = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "together": "https://api.together.xyz",
    "groq": "https://api.groq.com",
    "mistral": "https://api.mistral.ai",
    "google": "https://generativelanguage.googleapis.com",
    "cohere": "https://api.cohere.com",
    "deepseek": "https://api.deepseek.com",
    "xai": "https://api.x.ai",
    "openrouter": "https://openrouter.ai",
    "fireworks": "https://api.fireworks.ai",
    "perplexity": "https://api.perplexity.ai",
    "cerebras": "https://api.cerebras.ai",
    # {resource} is the next segment of the path: /azure/RESOURCE/openai/deployments/…
    "azure": "https://{resource}.openai.azure.com",
    # {region} is the one that the client has signed for, else us-east-1.
    "bedrock": "https://bedrock-runtime.{region}.amazonaws.com",
    "ollama": "http://127.0.0.1:11434",
    "vllm": "http://127.0.0.1:8000",
}


# Who says nothing of usage in a stream unless asked, and is known to understand the question.
# Others tell it anyway, or would refuse a field that they do not know.
ASKED_FOR_USAGE = frozenset(["openai", "ollama", "vllm"])


Seconds = Annotated[float, Meta(gt=0)]
Retries = Annotated[int, Meta(ge=0, le=10)]
OnDisconnect = Annotated[str, Meta(pattern=r"^(cancel|detach|grace=[0-9]{1,5}(\.[0-9]+)?)$")]


class Own(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one provider or route may have of its own, instead of the settings for all."""

    connect_timeout_s: Seconds | None = None
    first_token_timeout_s: Seconds | None = None
    idle_timeout_s: Seconds | None = None
    total_timeout_s: Seconds | None = None
    on_disconnect: OnDisconnect | None = None
    # How often a request that failed before its first byte is sent again to the same place.
    retries: Retries = 0

    def timeouts(self) -> dict[str, float | None]:
        """Return its own limits by name, None where the usual one holds."""
        return {
            "connect": self.connect_timeout_s,
            "first_token": self.first_token_timeout_s,
            "idle": self.idle_timeout_s,
            "total": self.total_timeout_s,
        }


class Provider(Own, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one provider is."""

    url: Annotated[str, Meta(description="Base URL; what follows /NAME in a path is appended.")]
    # Whether it takes `stream_options` in a chat request; None is what is known of the name.
    stream_usage: bool | None = None


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place where a route may send a request."""

    provider: str
    model: str = ""  # instead of the one that the client names
    key_env: str = ""  # the variable of the environment that holds the key


class RouteSettings(Own, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name with several targets behind it, tried in their order: /NAME/v1/…"""

    targets: Annotated[list[Target], Meta(min_length=1, max_length=20)]
    # Give the client nothing before the first content, so that silence can still fall over.
    hold: bool = False
    # A stream that breaks may be continued by a second answer, if that begins with the same.
    on_interruption: Literal["error", "retry"] = "error"


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much, and for how long."""

    max_header_bytes: Annotated[
        int, Meta(ge=1024, description="Longest head of a request, in bytes.")
    ] = 64 * 1024
    max_body_bytes: Annotated[int, Meta(ge=1, description="Longest request body, in bytes.")] = (
        100 * MIB
    )
    max_connections: Annotated[int, Meta(ge=1, description="Open clients per worker.")] = 20_000
    header_timeout_s: Annotated[
        float, Meta(gt=0, description="Time for a client to send a whole request head.")
    ] = 15.0
    keepalive_timeout_s: Annotated[
        float, Meta(gt=0, description="How long an idle client connection is kept.")
    ] = 75.0
    connect_timeout_s: Annotated[
        float, Meta(gt=0, description="Time to connect to a provider, TLS included.")
    ] = 10.0
    idle_timeout_s: Annotated[
        float,
        Meta(gt=0, description="Longest silence of a provider, before or within an answer."),
    ] = 600.0
    first_token_timeout_s: Annotated[
        float,
        Meta(ge=0, description="Time from the request to the first content of a stream; 0: any."),
    ] = 0.0
    total_timeout_s: Annotated[
        float, Meta(ge=0, description="Time from the request to the end of an answer; 0: any.")
    ] = 0.0
    upstream_idle_s: Annotated[
        float, Meta(gt=0, description="How long an idle connection to a provider is kept.")
    ] = 30.0
    stop_grace_s: Annotated[
        float, Meta(ge=0, description="How long open streams may go on after SIGTERM.")
    ] = 10.0


class JournalSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The journal on disk."""

    segment_bytes: Annotated[
        int, Meta(ge=4096, description="A segment is closed when it is this long.")
    ] = 64 * MIB
    disk_limit_bytes: Annotated[
        int, Meta(ge=4096, description="The journal stops growing here; streams go on.")
    ] = 10 * GIB
    fsync: Annotated[
        Literal["interval", "always"],
        Meta(description="`interval` survives a killed process, `always` a power cut too."),
    ] = "interval"
    fsync_interval_s: Annotated[
        float, Meta(gt=0, description="Seconds between two fsyncs with `interval`.")
    ] = 1.0
    resume_window_s: Annotated[
        float, Meta(ge=0, description="How long a segment is kept after all of it is stored.")
    ] = 600.0


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database of records."""

    url: Annotated[
        str,
        Meta(
            description="`chdb:///path` or `clickhouse://user:password@host:8123/database`; "
            "empty: chDB in the data folder."
        ),
    ] = ""
    flush_interval_s: Annotated[
        float, Meta(gt=0, description="Finished records are stored at least this often.")
    ] = 0.5
    batch: Annotated[int, Meta(ge=1, description="Records per insert, at most.")] = 2000


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port; 0 takes a free one.")] = 4284
    data: Annotated[str, Meta(description="Folder for the journal and the store.")] = (
        "streamgauge-data"
    )
    workers: Annotated[int, Meta(ge=1, le=256, description="Gateway processes.")] = 1
    # No hyphen: the journal's folders are NODE-WORKER-BOOT.
    node: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9_.]{1,64}$", description="Name of this machine in the records."),
    ] = "local"
    default_provider: Annotated[str, Meta(description="Who gets /v1/… .")] = "openai"
    allowed_targets: Annotated[
        list[str],
        Meta(description="Origins that `Streamgauge-Target-Url` may name besides the providers."),
    ] = []
    on_disconnect: Annotated[
        str,
        Meta(
            pattern=r"^(cancel|detach|grace=[0-9]{1,5}(\.[0-9]+)?)$",
            description="When a client leaves: `cancel` the provider's stream, `detach` and finish "
            "it, or `grace=SECONDS`.",
        ),
    ] = "cancel"
    stream_usage: Annotated[
        bool,
        Meta(
            description="Ask for the usage of streams where the client does not, and hide the "
            "event that this adds."
        ),
    ] = True
    allow_remote: Annotated[
        bool, Meta(description="Listen beyond this machine although there are no API keys.")
    ] = False
    require_key: Annotated[
        bool,
        Meta(
            description="What is passed to a provider needs an API key, too, with the scope log, "
            "in `Streamgauge-Auth` or `Helicone-Auth`."
        ),
    ] = False
    providers: Annotated[
        dict[str, Provider], Meta(description="Base URLs by name; adds to the built-in ones.")
    ] = {}
    routes: Annotated[
        dict[str, RouteSettings],
        Meta(description="Names with several targets, tried in order until one answers."),
    ] = {}
    prices: Annotated[
        list[Price], Meta(description="Prices of your own, which win over every list.")
    ] = []
    prices_file: Annotated[
        str, Meta(description="A newer price list: genai-prices' data.json, saved to this file.")
    ] = ""
    limits: Limits = Limits()
    journal: JournalSettings = JournalSettings()
    store: StoreSettings = StoreSettings()

    @property
    def data_dir(self) -> Path:
        """The data folder."""
        return Path(self.data).expanduser()

    @property
    def is_local(self) -> bool:
        """Whether without API keys it is for this machine alone."""
        return is_loopback(self.host) and not self.allow_remote

    @property
    def needs_keys(self) -> bool:
        """Whether it may not listen without API keys."""
        return not is_loopback(self.host) and not self.allow_remote

    @property
    def journal_dir(self) -> Path:
        """The folder with one folder of segments per worker."""
        return self.data_dir / "journal"

    @property
    def store_url(self) -> str:
        """Where the store is."""
        return self.store.url or f"chdb://{(self.data_dir / 'store').absolute()}"

    @property
    def run_dir(self) -> Path:
        """The folder of the Unix sockets, short enough for one."""
        usual = self.data_dir.absolute() / "run"
        own = hashlib.sha256(str(usual).encode()).hexdigest()[:12]
        short = Path("/tmp") / f"streamgauge-{os.getuid()}-{own}"  # noqa: S108 - ours or refused
        candidates = (usual, Path(tempfile.gettempdir()) / short.name, short)
        return next(one for one in candidates if len(str(one)) <= MAX_RUN_DIR)

    @property
    def api_socket(self) -> Path:
        """Where the recorder serves the API."""
        return self.run_dir / "api.sock"

    def stop_socket(self, worker: str) -> Path:
        """Where a worker hears which streams are to end."""
        return self.run_dir / f"stop-{worker}.sock"

    @property
    def wake_socket(self) -> Path:
        """Where the recorder hears that there is news in the journal."""
        return self.run_dir / "wake.sock"


# -- the table ------------------------------------------------------------------------------


class Setting(NamedTuple):
    """One line of the table."""

    name: str  # dotted, as in the TOML file
    type: Any
    meta: Meta
    default: Any

    @property
    def description(self) -> str:
        """What it is for."""
        return self.meta.description or ""

    @property
    def environment(self) -> str:
        """The variable that sets it."""
        return ENVIRONMENT_PREFIX + self.name.replace(".", "_").upper()

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if get_origin(self.type) is Literal:
            return " or ".join(get_args(self.type))
        if self.meta.pattern is not None:
            return f"text that matches {self.meta.pattern}"
        bounds = {
            "over": self.meta.gt,
            "of at least": self.meta.ge if self.meta.le is None else None,
            f"from {self.meta.ge} to": self.meta.le,
        }
        words = [f" {word} {bound}" for word, bound in bounds.items() if bound is not None]
        return KINDS[self.type] + "".join(words)

    def read(self, value: Any, *, place: str, is_text: bool) -> Any:
        """Return *value* as this setting's type; *is_text* for what is not typed yet.

        Raises `ConfigurationError` that begins with *place*.
        """
        if is_text and self.type == list[str] and isinstance(value, str):
            value = [one.strip() for one in value.split(",") if one.strip()]
        try:
            read = msgspec.convert(value, Annotated[self.type, self.meta], strict=not is_text)
        except msgspec.ValidationError:
            read = math.nan
        # TOML and floats know infinity, but the settings travel to the processes as JSON.
        if isinstance(read, float) and not math.isfinite(read):
            raise ConfigurationError(f"{place} must be {self.allowed}, not {value!r}")
        return read


KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list[str]: "a list of texts",
}


# Settings that are tables of their own.
TABLES = ("providers", "routes", "prices")


def table() -> Iterator[Setting]:
    """Yield every setting that has one value."""
    yield from _fields(Settings, "")


def _fields(struct: type[Struct], prefix: str) -> Iterator[Setting]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, Struct):
            yield from _fields(hint, f"{prefix}{field.name}.")
        elif field.name not in TABLES:
            kind, meta = get_args(hint)[:2]
            has_factory = field.default is msgspec.NODEFAULT
            default = field.default_factory() if has_factory else field.default
            yield Setting(prefix + field.name, kind, meta, default)


# -- loading ----------------------------------------------------------------------------------


def load(
    config: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    providers: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings from the file, the environment and the command line.

    *environment*: `os.environ` unless given. *overrides* have dotted names, *providers* are
    URLs by name; both are what the command line says. Raises `ConfigurationError` with one
    line that names the place, the setting and what is allowed.
    """
    from_file = _read_file(config) if config is not None else {}
    bases = {name: Provider(url=url) for name, url in BUILT_IN_PROVIDERS.items()}
    bases |= _read_providers(from_file.pop("providers", {}), f"{config}: ")
    bases |= _read_providers(dict(providers or {}), "")
    routes = _read_routes(from_file.pop("routes", {}), f"{config}: ")
    prices = _read_prices(from_file.pop("prices", []), f"{config}: ")
    values = _read_values(from_file, f"{config}: ", is_text=False)
    values |= _read_environment(os.environ if environment is None else environment)
    values |= _read_values(overrides or {}, "", is_text=True)
    tables = {"providers": bases, "routes": routes, "prices": prices}
    settings = msgspec.convert(_nested(values) | tables, Settings)
    check(settings)
    return settings


def _read_file(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration {config}: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{config} is not TOML: {error}") from None


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    # Variables of ours that are no setting are left alone: Kubernetes sets some for every
    # service of that name.
    return {
        one.name: one.read(environment[one.environment], place=one.environment, is_text=True)
        for one in table()
        if one.environment in environment
    }


def _read_values(values: Mapping[str, Any], place: str, *, is_text: bool) -> dict[str, Any]:
    known = {setting.name: setting for setting in table()}
    sections = {name.rpartition(".")[0] for name in known if "." in name}
    read = {}
    for name, value in _flat(values, sections):
        if name in sections:
            raise ConfigurationError(f"{place}{name} is a section, write [{name}]; not {value!r}")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{place}there is no setting {name!r}{hint}")
        read[name] = known[name].read(value, place=place + name, is_text=is_text)
    return read


def _flat(values: Mapping[str, Any], sections: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield dotted names; sections that are no tables are left for the caller to refuse."""
    for name, value in values.items():
        if name in sections and isinstance(value, dict):
            yield from ((f"{name}.{key}", one) for key, one in value.items())
        else:
            yield name, value


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[key] = value
    return nested


def _read_providers(given: Any, place: str) -> dict[str, Provider]:
    if not isinstance(given, dict):
        raise ConfigurationError(f'{place}providers must be a table of NAME = "URL"')
    read = {}
    for name, one in given.items():
        try:
            read[name] = msgspec.convert({"url": one} if isinstance(one, str) else one, Provider)
        except msgspec.ValidationError:
            raise ConfigurationError(
                f'{place}provider "{name}" must be a URL, or a table with url, and if '
                "wanted stream_usage (true or false), connect_timeout_s, first_token_timeout_s, "
                "idle_timeout_s, total_timeout_s (seconds), on_disconnect (cancel, detach or "
                "grace=SECONDS), retries (0 to 10)"
            ) from None
        fault = _name_fault(name) or url_fault(read[name].url)
        if fault:
            raise ConfigurationError(f'{place}provider "{name}": {fault}')
    return read


def _read_routes(given: Any, place: str) -> dict[str, RouteSettings]:
    if not isinstance(given, dict):
        raise ConfigurationError(f"{place}routes must be tables: [routes.NAME]")
    read = {}
    for name, one in given.items():
        try:
            read[name] = msgspec.convert(one, RouteSettings)
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f'{place}route "{name}": {error}; it needs targets, a list of '
                '{ provider = "NAME" } with, if wanted, model and key_env, and may have retries '
                "(0 to 10), hold (true or false), on_interruption (error or retry) and a "
                "provider's timeouts and on_disconnect"
            ) from None
        fault = _name_fault(name)
        if fault:
            raise ConfigurationError(f'{place}route "{name}": {fault}')
    return read


def _read_prices(given: Any, place: str) -> list[Price]:
    if not isinstance(given, list):
        raise ConfigurationError(f"{place}prices must be a list of tables: [[prices]]")
    read = []
    for number, one in enumerate(given, 1):
        try:
            read.append(msgspec.convert(one, Price))
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f"{place}prices, table {number}: {error}; it needs model, input and output (USD "
                "per million tokens), and may have provider, cached_input, cache_write, "
                "reasoning, audio_input and audio_output"
            ) from None
    return read


# -- checks that types cannot make -----------------------------------------------------------


def check(settings: Settings) -> None:
    """Raise `ConfigurationError` for settings that cannot work together."""
    known = settings.providers
    if settings.default_provider not in {*known, *settings.routes}:
        raise ConfigurationError(
            f"default_provider: there is no provider or route {settings.default_provider!r}"
        )
    for name, route in settings.routes.items():
        if name in known:
            raise ConfigurationError(f'route "{name}": there is a provider of that name')
        for target in route.targets:
            if target.provider not in known:
                raise ConfigurationError(
                    f'route "{name}": there is no provider {target.provider!r}'
                )
            if "{" in known[target.provider].url:
                raise ConfigurationError(
                    f'route "{name}": {target.provider} has a placeholder in its URL; name a '
                    "provider with the whole URL, and that one here"
                )
    for url in settings.allowed_targets:
        fault = url_fault(url)
        if fault:
            raise ConfigurationError(f"allowed_targets: {fault}")


def _name_fault(name: str) -> str | None:
    if not PROVIDER_NAME.fullmatch(name):
        return "a name has lower-case letters, digits and hyphens"
    return f"/{name} is a path of Streamgauge itself" if name in RESERVED else None


def url_fault(url: str) -> str | None:
    """Return what keeps *url* from being a base URL, in words; None if nothing does."""
    fault = _url_fault(url)
    # Without what stands before an @: it may be a password.
    return f"{url.rpartition('@')[2]!r} {fault}" if fault else None


def _url_fault(url: str) -> str | None:
    if not url.isascii() or any(ord(character) <= 32 for character in url):
        return "has characters that no URL has"
    placeholders = re.findall(r"\{(.*?)\}", url)
    if len(placeholders) > 1 or not set(placeholders) <= set(PLACEHOLDERS):
        return "may have one placeholder, {resource} or {region}"
    try:
        parts = urlsplit(re.sub(r"\{.*?\}", "x", url))
        port = parts.port
    except ValueError as error:
        return f"is not a URL: {error}"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    faults = {
        "has no host": not parts.hostname,
        "has a port that no one can listen on": port == 0,
        "must not hold credentials; clients send their own": parts.username is not None,
        "must not have a query or fragment": "?" in url or "#" in url,
        "has a brace too many": "{" in parts.geturl() or "}" in parts.geturl(),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach *host*."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
