"""From the journal to records: tail → capture → flush, and the live view."""

from streamgauge.recorder.recorder import Recorder

__all__ = ["Recorder"]
