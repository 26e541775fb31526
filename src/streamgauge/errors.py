"""Every error that we raise ourselves, on one screen."""

from __future__ import annotations


class StreamgaugeError(Exception):
    """The root. Its text says what was wrong, whose fault it is and what to do."""


class ConfigurationError(StreamgaugeError):
    """A setting, file or address that we cannot work with; the command ends with one line."""


class WireError(StreamgaugeError):
    """Bytes of a stream that break their own framing. It never takes the stream down."""


class JournalError(StreamgaugeError):
    """The journal cannot be read or written where it must be."""


class StoreError(StreamgaugeError):
    """The store refused or lost a statement."""


class StoreAwayError(StoreError):
    """Nobody answers at the store's address; somebody may later."""


class KeysError(StreamgaugeError):
    """The file of API keys cannot be read or written; nobody may do what takes a key."""


class QueryError(StreamgaugeError):
    """A question to the API that makes no sense; `param` names the parameter at fault."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
