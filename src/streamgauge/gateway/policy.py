"""What holds for one exchange: how long we wait, and what happens when the client leaves.

The settings say it for all, a provider's settings for that provider, and the client's
headers for one request; the last wins.
"""

from __future__ import annotations

from msgspec import Struct

from streamgauge.gateway.exchange import FOR_EVER, Patience
from streamgauge.gateway.head import RequestHead
from streamgauge.gateway.routes import Refused
from streamgauge.settings import Limits, Settings

CANCEL, DETACH = b"cancel", b"detach"
GRACE = b"grace="

# A header asks for at most a day; more is a mistake in the unit.
MOST_SECONDS = 86_400.0

TIMEOUTS = {
    b"timeout-connect": "connect_ns",
    b"timeout-first-token": "first_token_ns",
    b"timeout-idle": "idle_ns",
    b"timeout-total": "total_ns",
}


class Policy(Struct, frozen=True):
    """``stay_ns``: how long the provider's stream goes on without its client.

    The client of an answer that *is_resumable* is told how to come back. Unless it said what
    its leaving means, the stream then goes on without it (*is_staying*).
    """

    patience: Patience
    stay_ns: int = 0
    heartbeat_ns: int = 0
    is_resumable: bool = False
    is_staying: bool = False
    is_numbering: bool = False


class Policies:
    """The policy of each provider, made once from the settings."""

    def __init__(self, settings: Settings) -> None:
        self._usual = Policy(
            patience=_patience(settings.limits, {}),
            stay_ns=stay_of(settings.on_disconnect.encode(), "on_disconnect"),
        )
        self._of = {
            name: Policy(
                patience=_patience(settings.limits, provider.timeouts()),
                stay_ns=self._usual.stay_ns
                if provider.on_disconnect is None
                else stay_of(provider.on_disconnect.encode(), "on_disconnect"),
            )
            for name, provider in (*settings.providers.items(), *settings.routes.items())
        }

    def of(self, provider: str, head: RequestHead) -> Policy:
        """Return what holds for a request; raises `Refused` for a wish that makes no sense."""
        usual = self._of.get(provider, self._usual)
        wishes = head.wishes
        if not wishes:
            return usual
        waits = {
            field: _nanoseconds(wishes[name], name)
            for name, field in TIMEOUTS.items()
            if name in wishes
        }
        patience = usual.patience
        said = wishes.get(b"on-disconnect")
        return Policy(
            patience=Patience(**{**_dict(patience), **waits}) if waits else patience,
            stay_ns=usual.stay_ns if said is None else stay_of(said, "Streamgauge-On-Disconnect"),
            heartbeat_ns=_nanoseconds(wishes[b"heartbeat"], b"heartbeat")
            if b"heartbeat" in wishes
            else 0,
            is_resumable=_is_true(wishes.get(b"resume")),
            is_staying=_is_true(wishes.get(b"resume")) and said is None,
            is_numbering=_is_true(wishes.get(b"event-ids")),
        )


def stay_of(said: bytes, place: str) -> int:
    """Return how long a stream goes on without its client, in ns; raises `Refused`."""
    wish = said.strip().lower()
    if wish == CANCEL:
        return 0
    if wish == DETACH:
        return FOR_EVER
    seconds = _seconds(wish.removeprefix(GRACE)) if wish.startswith(GRACE) else None
    if seconds is None:
        raise Refused(
            400,
            "invalid_request",
            f"{place} is cancel, detach or grace=SECONDS, not {_shown(said)}",
            param=place,
        )
    return int(seconds * 1e9)


def _patience(limits: Limits, own: dict[str, float | None]) -> Patience:
    waits = {
        "connect": limits.connect_timeout_s,
        "first_token": limits.first_token_timeout_s,
        "idle": limits.idle_timeout_s,
        "total": limits.total_timeout_s,
    }
    waits |= {name: seconds for name, seconds in own.items() if seconds is not None}
    return Patience(**{f"{name}_ns": int(s * 1e9) or FOR_EVER for name, s in waits.items()})


def _dict(patience: Patience) -> dict[str, int]:
    return {name: getattr(patience, name) for name in patience.__struct_fields__}


def _nanoseconds(said: bytes, name: bytes) -> int:
    seconds = _seconds(said)
    if seconds is None:
        header = "-".join(part.capitalize() for part in name.decode().split("-"))
        raise Refused(
            400,
            "invalid_request",
            f"Streamgauge-{header} is a number of seconds up to {MOST_SECONDS:g}, "
            f"not {_shown(said)}",
            param=f"Streamgauge-{header}",
        )
    return int(seconds * 1e9)


def _seconds(said: bytes) -> float | None:
    try:
        seconds = float(said)
    except ValueError:
        return None
    return seconds if 0 < seconds <= MOST_SECONDS else None


def _is_true(said: bytes | None) -> bool:
    return said is not None and said.strip().lower() == b"true"


def _shown(said: bytes) -> str:
    return repr(said[:40].decode("latin-1"))
