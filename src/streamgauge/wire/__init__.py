"""Bytes of an LLM's answer to what it says; pure: no I/O, no clock, no threads.

`Decoding` takes an answer as it comes, `decode` takes it whole; `choose` tells framing and
dialect from a request's path and an answer's content type, `guess` from the bytes alone.
"""

from streamgauge.wire.decoding import Decoding, decode
from streamgauge.wire.detect import Choice, choose, guess

__all__ = ["Choice", "Decoding", "choose", "decode", "guess"]
