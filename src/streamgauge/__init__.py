"""Streamgauge: pass LLM streams through untouched and tell the truth about them.

The map of this package:

* `record` is the vocabulary; read it first. `app` is the assembly; read it second.
* `wire` turns bytes into events and replies, `meter` turns times into a timeline and
  tokens into cost. Both are pure: no I/O, no clock.
* `gateway` moves the bytes, `journal` keeps them, `recorder` makes records of them.
* `store` holds the records, `api` answers questions about them.
* `simulator` is a provider to test against; `cli` is the command.
* `sdk` logs what does not pass the gateway, and resumes streams that broke on their way; its
  names are those of this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# The names of the SDK, and where each lives: loaded when first asked for, since the server
# needs none of them.
_NAMES = {
    "AsyncManualLogger": "streamgauge.sdk.logger",
    "AsyncResumingTransport": "streamgauge.sdk.transport",
    "LogBuilder": "streamgauge.sdk.builder",
    "ManualLogger": "streamgauge.sdk.logger",
    "ResumingTransport": "streamgauge.sdk.transport",
    "flush_after": "streamgauge.sdk.background",
    "flush_after_wsgi": "streamgauge.sdk.background",
    "flush_all": "streamgauge.sdk.background",
    "logged": "streamgauge.sdk.decorator",
    "wrap": "streamgauge.sdk.wrap",
}

if TYPE_CHECKING:
    from streamgauge.sdk.background import flush_after, flush_after_wsgi, flush_all
    from streamgauge.sdk.builder import LogBuilder
    from streamgauge.sdk.decorator import logged
    from streamgauge.sdk.logger import AsyncManualLogger, ManualLogger
    from streamgauge.sdk.transport import AsyncResumingTransport, ResumingTransport
    from streamgauge.sdk.wrap import wrap

__all__ = [
    "AsyncManualLogger",
    "AsyncResumingTransport",
    "LogBuilder",
    "ManualLogger",
    "ResumingTransport",
    "flush_after",
    "flush_after_wsgi",
    "flush_all",
    "logged",
    "wrap",
]


def __getattr__(name: str) -> object:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'streamgauge' has no attribute {name!r}")
