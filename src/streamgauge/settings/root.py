"""Everything that can be set, and the places that follow from it."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import tempfile
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from streamgauge.record import Price
from streamgauge.settings.privacy import PrivacyRule
from streamgauge.settings.providers import ON_DISCONNECT, Provider
from streamgauge.settings.routes import RouteSettings
from streamgauge.settings.sections import JournalSettings, Limits, StoreSettings

# A Unix socket's path must fit into 108 bytes on Linux and 104 on macOS.
MAX_RUN_DIR = 80


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
            pattern=ON_DISCONNECT,
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
    privacy: Annotated[
        list[PrivacyRule], Meta(description="What is left out of which records.")
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


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach *host*."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
