"""Settings: what they are, where they come from, what is wrong with them.

A setting may stand in the TOML file of ``--config``, in the environment and on the command
line; the later wins. The structs of `root`, `sections`, `providers`, `routes` and `privacy`
are the one table that feeds all three and the page in the docs: a field is a setting, its type and
`Meta` say what it may be and what it is for. Each value is checked where it stands, so that
the message can name the place.
"""

from streamgauge.settings.faults import RESERVED, url_fault
from streamgauge.settings.loading import load
from streamgauge.settings.privacy import PrivacyRule
from streamgauge.settings.providers import (
    ASKED_FOR_USAGE,
    BUILT_IN_PROVIDERS,
    PLACEHOLDERS,
    Own,
    Provider,
)
from streamgauge.settings.root import Settings, is_loopback
from streamgauge.settings.routes import RouteSettings, Target
from streamgauge.settings.sections import JournalSettings, Limits, StoreSettings
from streamgauge.settings.setting import Setting, table

__all__ = [
    "ASKED_FOR_USAGE",
    "BUILT_IN_PROVIDERS",
    "PLACEHOLDERS",
    "RESERVED",
    "JournalSettings",
    "Limits",
    "Own",
    "PrivacyRule",
    "Provider",
    "RouteSettings",
    "Setting",
    "Settings",
    "StoreSettings",
    "Target",
    "is_loopback",
    "load",
    "table",
    "url_fault",
]
