"""Helicone's manual log calls: its paths, its checks in their order, its answers.

``providerRequest`` and ``providerResponse`` become a `Log` and go the way of our own: into the
journal first, then 200 with ``ok`` and ``helicone-id``. Its clients tell an answer in one piece,
so there are no times in it but those that they measured.
"""

from streamgauge.api.helicone.calls import HANDLERS, on_refused

__all__ = ["HANDLERS", "on_refused"]
