"""Helicone's REST interface, as far as its users build on it: the same paths and shapes.

Every answer is ``{"data": …, "error": null}``, or the other way round. What is said about a
request later (feedback, scores, properties) goes through the journal like everything else.
"""

from streamgauge.api.helicone_rest import questions, said
from streamgauge.api.helicone_rest.envelope import on_refused

__all__ = ["HANDLERS", "on_refused"]

HANDLERS = [*questions.HANDLERS, *said.HANDLERS]
