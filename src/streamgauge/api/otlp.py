"""OTLP over HTTP: traces, whose spans of model calls become records; others are let go.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. Helicone's loggers export to paths of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from litestar import Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema

from streamgauge.api.bodies import read_body
from streamgauge.api.errors import error_response
from streamgauge.api.genai import is_call, log_of
from streamgauge.api.guard import LOG
from streamgauge.api.log import NOT_KEPT, Entry, entries_of
from streamgauge.api.parts import Given
from streamgauge.api.spans import NotSpans, Span, read_json, read_protobuf
from streamgauge.record import Source

# The conventional limit of collectors is 4 MiB; bodies of model calls are longer than most.
MAX_EXPORT = 32 * 1024 * 1024

PROTOBUF, JSON = "application/x-protobuf", "application/json"
READERS: dict[str, Callable[[bytes], Iterator[Span]]] = {PROTOBUF: read_protobuf, JSON: read_json}
# An export response that reports nothing: all of it was taken.
TAKEN = {PROTOBUF: b"", JSON: b"{}"}

# 64 bits with a sign: what is more is no moment that a store can keep.
LAST_NS = 2**63


class ExportOperation(Operation):
    """POST of an export: what it answers."""

    def __post_init__(self) -> None:
        taken = {kind: OpenAPIMediaType(schema=Schema()) for kind in READERS}
        self.responses = {
            "200": OpenAPIResponse("The journal has the model calls among them", content=taken),
            "400": OpenAPIResponse("It is no export of traces"),
            "413": OpenAPIResponse("It is too long"),
            "415": OpenAPIResponse("It is neither protobuf nor JSON"),
            "503": OpenAPIResponse("The journal's disk does not take it; send it again later"),
        }


def _operation(_: Any, __: Any, path: list[Any]) -> str:
    return "exportTraces" + "".join(str(part).title().replace("-", "") for part in path[1:])


@post(
    ["/v1/traces", "/v1/trace/log", "/v1/trace/log-python"],
    status_code=200,
    operation_id=_operation,
    summary="Export traces in OTLP",
    description="Spans of model calls become records; the others are let go.",
    operation_class=ExportOperation,
    request_max_body_size=MAX_EXPORT,
    opt=LOG,
)
async def export_traces(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """Journal the model calls among the spans."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in READERS:
        return error_response(415, f"an export is {PROTOBUF} or {JSON}")
    try:
        spans = list(READERS[kind](await read_body(request, MAX_EXPORT)))
    except NotSpans as wrong:
        return error_response(400, f"this is no export of traces: {wrong}")
    entries: list[Entry] = []
    for span in spans:
        if is_call(span) and 0 < span.started_ns < LAST_NS:
            entries += entries_of(log_of(span), Source.OTLP)
    if entries and not parts.keep(entries):
        return error_response(503, NOT_KEPT)
    return Response(TAKEN[kind], status_code=200, media_type=kind)
