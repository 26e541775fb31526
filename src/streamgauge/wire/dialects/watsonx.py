"""IBM watsonx.ai text generation: https://cloud.ibm.com/apidocs/watsonx-ai#text-generation-stream.

Every chunk has the shape of a whole answer. The input is counted in the first one, the
output so far in each. (Its chat is OpenAI's.)
"""

from __future__ import annotations

from typing import Any

from streamgauge.wire.dialects.openai_chat import fault_of, faults_of, text_of
from streamgauge.wire.dialects.values import decoded, mappings, string
from streamgauge.wire.events import (
    Event,
    Extra,
    Finish,
    Frame,
    Started,
    TextDelta,
    Unknown,
    UsageReport,
)

_UNFINISHED = ("not_finished", "NOT_FINISHED")
_COUNTS = ("input_token_count", "generated_token_count")

# The fields that have words of ours.
_CHUNK = {"model_id", "results", "created_at", "errors"}
_FAULT = {"error", "message"}  # of somebody in between
_RESULT = {"generated_text", "stop_reason", *_COUNTS}


class Watsonx:
    """Reads the frames of one answer."""

    name = "watsonx"

    # There is no last word; the chunk with the stop reason is the last.
    ends_without_terminal = True
    are_texts_alike = False

    def __init__(self) -> None:
        self._model: str | None = None
        self._usage: dict[str, Any] = {}

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        said = decoded(frame.data)
        if not isinstance(said, dict):
            return [Unknown(frame.data)]
        events: list[Event] = []
        model = text_of(said.get("model_id"))
        if model and model != self._model:
            self._model = model
            events.append(Started(None, model))
        for index, result in enumerate(mappings(said.get("results"))):
            self._result(index, result, events)
        for name, value in said.items():
            if name not in _CHUNK and value:
                events.append(Extra(name, value, -1))
        errors = mappings(said.get("errors"))
        for error in errors:
            events += faults_of(error, b"")
        is_foreign = said.keys().isdisjoint(_CHUNK)
        if not errors and (frame.event == "error" or (is_foreign and said.keys() & _FAULT)):
            return [fault_of(said.get("error") or said, frame.data)]
        # An empty one closes the stream of newer versions.
        return [Unknown(frame.data)] if is_foreign and said else events

    def _result(self, index: int, result: dict[str, Any], events: list[Event]) -> None:
        if string(result.get("generated_text")):
            events.append(TextDelta(result["generated_text"], index))
        for name, value in result.items():
            if name not in _RESULT and value:
                events.append(Extra(name, value if isinstance(value, list) else [value], index))
        for name in _COUNTS:
            # After the first chunk the input is counted as 0.
            if result.get(name) or (name in result and name not in self._usage):
                self._usage[name] = result[name]
        reason = result.get("stop_reason")
        has_finished = bool(reason) and reason not in _UNFINISHED
        if self._usage:
            events.append(UsageReport(dict(self._usage), has_finished))
        if has_finished:
            events.append(Finish(str(reason), index))
