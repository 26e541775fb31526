"""OTLP trace exports, protobuf or JSON, to plain spans.

The encodings differ in their names, in how they write ids and 64-bit numbers, and in nothing else:
https://opentelemetry.io/docs/specs/otlp/#otlphttp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from msgspec import Struct, field
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# What nests deeper is no attribute of a model call.
MAX_DEPTH = 16

ERROR = 2  # STATUS_CODE_ERROR

# Times are fixed64 in protobuf; JSON could write more.
LAST_NS = 2**64 - 1

# 64 bits have at most 19 digits.
INTEGER = re.compile(r"-?[0-9]{1,19}")

Attributes = dict[str, Any]


class Event(Struct, frozen=True):
    """Something that happened within a span."""

    name: str
    at_ns: int
    attributes: Attributes


class Span(Struct, frozen=True, kw_only=True):
    """One operation of a trace. ``resource`` says whose it is."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    started_ns: int
    ended_ns: int
    attributes: Attributes
    resource: Attributes
    events: list[Event]
    is_error: bool
    message: str


class NotSpans(ValueError):  # noqa: N818 - an answer more than an error
    """The body is no trace export."""


def read_protobuf(body: bytes) -> Iterator[Span]:
    """Yield the spans of an ``ExportTraceServiceRequest``; raises `NotSpans`."""
    try:
        export = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise NotSpans(str(error)) from None
    for one in export.resource_spans:
        resource = _attributes(one.resource.attributes)
        for scope in one.scope_spans:
            for span in scope.spans:
                yield Span(
                    trace_id=span.trace_id,
                    span_id=span.span_id,
                    parent_id=span.parent_span_id,
                    name=span.name,
                    started_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                    attributes=_attributes(span.attributes),
                    resource=resource,
                    events=[
                        Event(event.name, event.time_unix_nano, _attributes(event.attributes))
                        for event in span.events
                    ],
                    is_error=span.status.code == ERROR,
                    message=span.status.message,
                )


def _attributes(pairs: Iterable[Any]) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any, depth: int = 0) -> Any:
    kind = value.WhichOneof("value")
    if kind is None or depth > MAX_DEPTH:
        return None
    if kind == "array_value":
        return [_value(one, depth + 1) for one in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value, depth + 1) for pair in value.kvlist_value.values}
    return getattr(value, kind)


# -- JSON ------------------------------------------------------------------------------------


class _Pair(Struct):
    key: str
    value: Any = None


class _Event(Struct, rename="camel"):
    name: str = ""
    time_unix_nano: int = 0
    attributes: list[_Pair] = []


class _Status(Struct):
    code: int | str = 0
    message: str = ""


class _Span(Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: list[_Pair] = []
    events: list[_Event] = []
    status: _Status = field(default_factory=_Status)


class _Scope(Struct):
    spans: list[_Span] = []


class _Resource(Struct):
    attributes: list[_Pair] = []


class _ResourceSpans(Struct, rename="camel"):
    resource: _Resource = field(default_factory=_Resource)
    scope_spans: list[_Scope] = []


class _Export(Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []


# Not strict: 64-bit numbers are texts.
_decode = msgspec.json.Decoder(_Export, strict=False).decode


def read_json(body: bytes) -> Iterator[Span]:
    """Yield the spans of the same in JSON; raises `NotSpans`."""
    try:
        export = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotSpans(str(error)) from None
    for one in export.resource_spans:
        resource = _json_attributes(one.resource.attributes)
        for scope in one.scope_spans:
            for span in scope.spans:
                yield Span(
                    trace_id=_id(span.trace_id),
                    span_id=_id(span.span_id),
                    parent_id=_id(span.parent_span_id),
                    name=span.name,
                    started_ns=min(span.start_time_unix_nano, LAST_NS),
                    ended_ns=min(span.end_time_unix_nano, LAST_NS),
                    attributes=_json_attributes(span.attributes),
                    resource=resource,
                    events=[
                        Event(
                            event.name,
                            min(event.time_unix_nano, LAST_NS),
                            _json_attributes(event.attributes),
                        )
                        for event in span.events
                    ],
                    is_error=span.status.code in (ERROR, "STATUS_CODE_ERROR"),
                    message=span.status.message,
                )


def _json_attributes(pairs: list[_Pair]) -> Attributes:
    return {pair.key: _json_value(pair.value) for pair in pairs}


def _json_value(value: Any, depth: int = 0) -> Any:
    """Return what a ``{"stringValue": …}`` holds."""
    if not isinstance(value, dict) or len(value) != 1 or depth > MAX_DEPTH:
        return None
    ((kind, held),) = value.items()
    if kind == "intValue":
        return int(held) if INTEGER.fullmatch(str(held)) else None
    if kind == "arrayValue":
        return [_json_value(one, depth + 1) for one in _values(held)]
    if kind == "kvlistValue":
        pairs = [one for one in _values(held) if isinstance(one, dict)]
        return {str(one.get("key")): _json_value(one.get("value"), depth + 1) for one in pairs}
    return held


def _values(held: Any) -> list[Any]:
    values = held.get("values") if isinstance(held, dict) else None
    return values if isinstance(values, list) else []


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotSpans(f"{text[:64]!r} is no id in hexadecimal") from None
