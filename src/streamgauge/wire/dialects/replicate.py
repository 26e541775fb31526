"""Replicate: https://replicate.com/docs/topics/predictions/streaming.

The data of ``output`` events is the text itself, no JSON. How many tokens it was is told
only by the prediction (https://replicate.com/docs/reference/http#predictions.get), which is
what a call without streaming gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamgauge.wire.dialects.openai_chat import fault_of, text_of
from streamgauge.wire.dialects.values import decoded, encoded, mapping, rest, string
from streamgauge.wire.events import (
    Event,
    Extra,
    Finish,
    Frame,
    Started,
    StreamFault,
    Terminal,
    TextDelta,
    Unknown,
    UsageReport,
)

# How a prediction can have ended.
_ENDS = ("succeeded", "failed", "canceled", "aborted")

# The fields that have words of ours; the input is the request's.
_PREDICTION = {"id", "model", "output", "logs", "error", "metrics", "status", "input"}


class Replicate:
    """Reads the frames of one answer."""

    name = "replicate"

    # `done` is the only end there is.
    ends_without_terminal = False
    are_texts_alike = False

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says; what cannot be read is one `Unknown`."""
        read = _READ.get(frame.event or "")
        return read(frame) if read is not None else [Unknown(frame.data)]


def _output(frame: Frame) -> list[Event]:
    text = frame.data.decode("utf-8", "replace")
    return [TextDelta(text)] if text else []


def _logs(frame: Frame) -> list[Event]:
    return [Extra("logs", frame.data.decode("utf-8", "replace") + "\n")]


def _error(frame: Frame) -> list[Event]:
    told = decoded(frame.data)
    if isinstance(told, dict) and "detail" in told:
        return [StreamFault(text_of(told.get("title")), str(told["detail"]))]
    return [fault_of(told, frame.data)]


def _done(frame: Frame) -> list[Event]:
    # `{}`, or why it ended early: canceled, error.
    reason = mapping(decoded(frame.data)).get("reason")
    return [Finish(str(reason)), Terminal()] if reason else [Terminal()]


def _prediction(frame: Frame) -> list[Event]:
    """Read a prediction as it is now, or an error body."""
    told = decoded(frame.data)
    if not isinstance(told, dict):
        return [Unknown(frame.data)]
    if "status" not in told or "detail" in told:
        is_error = "detail" in told or "error" in told
        return _error(frame) if is_error else [Unknown(frame.data)]
    events: list[Event] = [Started(text_of(told.get("id")), text_of(told.get("model")))]
    text = _text(told.get("output"))
    if text:
        events.append(TextDelta(text))
    if string(told.get("logs")):
        events.append(Extra("logs", told["logs"]))
    if told.get("error"):
        events.append(StreamFault(None, str(told["error"])))
    metrics = mapping(told.get("metrics"))
    if metrics:
        events.append(UsageReport(metrics))
    events += [Extra(name, value, -1) for name, value in rest(told, _PREDICTION).items()]
    if told["status"] in _ENDS:
        events += [Finish(told["status"]), Terminal()]
    return events


def _text(output: Any) -> str:
    if isinstance(output, list):
        return "".join(_text(one) for one in output)
    return "" if output is None else encoded(output)


_READ: dict[str, Callable[[Frame], list[Event]]] = {
    "output": _output,
    "logs": _logs,
    "error": _error,
    "done": _done,
    "": _prediction,
}
