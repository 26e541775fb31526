"""From a request to an answer ready to play: a recording, a made stream, a body, an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import time
from typing import Any, NamedTuple

import msgspec

from streamgauge.simulator.account import Account, Book
from streamgauge.simulator.answer import answer_to
from streamgauge.simulator.attempts import Attempts
from streamgauge.simulator.coding import CUTS, ENCODERS, FRAMINGS, coded_length
from streamgauge.simulator.damage import damaged
from streamgauge.simulator.events import Voice
from streamgauge.simulator.faults import KINDS, Fault
from streamgauge.simulator.formats import FORMATS
from streamgauge.simulator.formats.base import Piece, to_json
from streamgauge.simulator.http import Request, Response
from streamgauge.simulator.play import Player
from streamgauge.simulator.providers import Target, error_body, target_of
from streamgauge.simulator.recordings import Library, Recording, pieces_of
from streamgauge.simulator.timing import Timed, in_one, last_due, timed
from streamgauge.simulator.wishes import NOTHING, WISHES, WishError, Wishes, read_wishes

# A stream of so many bytes is made of writes of about this size.
BULK_BYTES = 16 * 1024

# Statuses after which a client should wait a second, as providers say.
RETRY_AFTER = frozenset({429, 503, 529})

JSON = "application/json"

# How providers name the request in their answer; the others say x-request-id.
REQUEST_ID = {"anthropic": "request-id", "bedrock": "x-amzn-requestid", "azure": "apim-request-id"}

MODELS = (
    "gpt-4o-mini",
    "gpt-4.1",
    "claude-haiku-4-5",
    "claude-sonnet-5",
    "meta-llama/Llama-3.3-70B-Instruct-Turbo",
)

SOUND = Fault(name="none")


class Body(NamedTuple):
    """What is to be played; *pieces* can be asked for twice, so that a length can be counted."""

    status: int
    content_type: str
    pieces: Callable[[], Iterator[Timed]]
    framing: str = "length"
    kind: str = "json"
    dialect: str | None = None


class Case(NamedTuple):
    """A request with what we made of it."""

    request: Request
    path: str
    target: Target
    wishes: Wishes
    body: dict[str, Any]
    account: Account
    fault: Fault | None = None

    @property
    def model(self) -> str:
        """The model that was asked for."""
        named = self.body.get("model") or self.target.model
        return named if isinstance(named, str) else "simulated"


class Responder:
    """Answers every request; the same *seed* gives the same answers.

    *pace* is how made answers come where a request does not say.
    """

    def __init__(
        self,
        library: Library,
        seed: int,
        attempts: Attempts | None = None,
        pace: Wishes = NOTHING,
    ) -> None:
        self._pace = pace
        self._library = library
        self._attempts = attempts or Attempts()
        self._seed = seed
        self._book = Book()

    def __call__(self, request: Request) -> Response:
        """Return the answer to *request*, with its account opened."""
        path = request.target.partition("?")[0]
        if path.startswith("/simulator"):
            return self._about_us(request, path)
        account = self._book.open(
            request.method,
            request.target,
            request.headers,
            request.body,
            started=request.at,
            connection=request.connection,
        )
        target = target_of(path)
        account.provider = target.provider
        try:
            wishes = read_wishes(request.headers)
        except WishError as error:
            return self._error(Case(request, path, target, NOTHING, {}, account), 400, str(error))
        target = target_of(path, wishes.provider)
        account.provider = target.provider
        body = _read_body(request.body)
        case = Case(request, path, target, wishes, body or {}, account)
        account.model = case.model if body else target.model
        if body is None:
            return self._error(case, 400, "The body is not a JSON object.")
        return self._answer(case._replace(fault=self._fault_of(case)))

    # -- choices ----------------------------------------------------------------------------

    def _fault_of(self, case: Case) -> Fault | None:
        request = case.request
        fault = self._attempts.asked(
            case.model,
            case.path,
            case.wishes.faults,
            text=request.headers.get("simulate-fault", ""),
            now=request.at,
        )
        case.account.fault = fault.name if fault else None
        return fault

    def _answer(self, case: Case) -> Response:
        wishes, target = case.wishes, case.target
        if case.fault is not None and case.fault.name == "status":
            return self._error(case, case.fault.code)
        if wishes.status is not None:
            return self._error(case, wishes.status)
        if wishes.recording is not None:
            named = self._library.named(wishes.recording)
            if named is None:
                return self._error(case, 404, f"There is no recording {wishes.recording}.")
            return self._recorded(case, named)
        if case.path.endswith("/v1/models"):
            return self._respond(case, _json(200, self._models(), case.wishes))
        form = FORMATS.get(target.dialect or "")
        wants_stream = case.body.get("stream", form is None)
        if wants_stream and not wishes.is_made_to_measure:
            fitting = self._library.fitting(target, case.path, case.model, self._seed)
            if fitting is not None:
                return self._recorded(case, fitting)
        if form is None:
            return self._error(case, 404, f"Nothing to answer {case.path} with: {_hint(target)}")
        if case.request.method != "POST":
            return self._error(case, 405, f"{case.path} wants POST.")
        return self._made(case, is_stream=bool(wants_stream))

    def _recorded(self, case: Case, recording: Recording) -> Response:
        case.account.recording = recording.file
        data = self._library.read(recording)

        def pieces() -> Iterator[Timed]:
            return timed(pieces_of(recording, data), case.wishes, self._seed)

        body = Body(
            recording.http_status,
            recording.content_type,
            pieces,
            framing="chunked",
            kind=recording.framing,
            dialect=recording.dialect,
        )
        return self._respond(case, body)

    def _made(self, case: Case, *, is_stream: bool) -> Response:
        form = FORMATS[case.target.dialect or ""]
        answer = answer_to(
            case.body,
            provider=case.target.provider,
            model=case.model,
            tokens=case.wishes.tokens,
            seed=self._seed,
            created=int(time()),
        )
        least = case.wishes.bytes
        # A stream of a certain size comes as fast as it is taken.
        wishes = case.wishes if least else read_wishes(case.request.headers, self._pace)
        if not is_stream:
            due = last_due(wishes, answer.output_tokens)
            return self._respond(case, _json(200, form.body(answer), wishes, due))

        def pieces() -> Iterator[Timed]:
            stream = form.stream(answer)
            return timed(_bulk(stream, least) if least else stream, wishes, self._seed)

        body = Body(200, form.content_type, pieces, "chunked", "sse", case.target.dialect)
        return self._respond(case, body)

    def _error(self, case: Case, status: int, message: str | None = None) -> Response:
        kind = case.fault.kind if case.fault else None
        body = error_body(case.target.provider, status, message, kind)
        return self._respond(case, _json(status, body, case.wishes, last_due(case.wishes, 1)))

    def _about_us(self, request: Request, path: str) -> Response:
        shelves: dict[str, Callable[[], Any]] = {
            "/simulator": lambda: {name: wish.meaning for name, wish in WISHES.items()},
            "/simulator/recordings": lambda: self._library.recordings,
            "/simulator/requests": self._book.accounts,
            "/simulator/attempts": self._attempts.counts,
        }
        shelf = shelves.get(path)
        # Asking is not traffic: this account is not kept.
        account = Book().open(
            request.method, request.target, {}, b"", started=request.at, connection=0
        )
        case = Case(request, path, Target("openai", None, path), NOTHING, {}, account)
        if shelf is None:
            return self._error(case, 404, f"There are {', '.join(shelves)}.")
        if path == "/simulator/attempts" and request.method == "DELETE":
            self._attempts.reset()
        return self._respond(case, _json(200, shelf(), NOTHING))

    def _models(self) -> Any:
        recorded = {one.model for one in self._library.recordings if one.model}
        names = sorted(recorded.union(MODELS))
        models = [{"id": name, "object": "model", "owned_by": "simulator"} for name in names]
        return {"object": "list", "data": models}

    # -- the answer, ready to play ------------------------------------------------------------

    def _respond(self, case: Case, body: Body) -> Response:
        wishes, account, fault = case.wishes, case.account, case.fault or SOUND
        row = KINDS[fault.name]
        if body.kind not in row.bodies:
            bodies = ", ".join(sorted(row.bodies))
            message = f"simulate-fault: {fault.name} wants {bodies}, and this answer is {body.kind}"
            return self._error(case._replace(fault=None), 400, message)
        account.status = body.status
        framing = FRAMINGS[row.framing or wishes.framing or _usual_framing(case.request, body)]
        encoding = "gzip" if fault.name == "gzip-cut" else wishes.encoding
        chunks = "characters" if fault.name == "split" else wishes.chunks
        voice = Voice(case.target.provider, body.dialect, body.kind)

        def pieces() -> Iterator[Timed]:
            whole = in_one(body.pieces()) if chunks == "whole" else body.pieces()
            return damaged(whole, fault, voice, wishes.head_ms / 1000)

        def length() -> int:
            data = (piece.data for piece in pieces())
            return max(coded_length(data, ENCODERS[encoding]()) + fault.by, 0)

        return Response(
            status=body.status,
            headers=[*_headers(case, body, encoding), framing.header(length)],
            framing=framing,
            account=account,
            player=Player(
                pieces(),
                encoder=ENCODERS[encoding](),
                cut=CUTS[chunks],
                is_gathering=chunks == "ragged",
                framing=framing,
                seed=self._seed,
                account=account,
            ),
        )


def _usual_framing(request: Request, body: Body) -> str:
    """Return how the body is delimited unless wished otherwise: HTTP/1.0 knows no chunks."""
    is_old = request.version == "1.0"
    return "close" if is_old and body.framing == "chunked" else body.framing


def _headers(case: Case, body: Body, encoding: str) -> Iterator[tuple[str, str]]:
    provider, number = case.target.provider, case.account.number
    yield "content-type", body.content_type
    yield "server", "streamgauge-simulator"
    yield REQUEST_ID.get(provider, "x-request-id"), f"req_sim{number:08d}"
    if body.content_type != JSON:
        yield "cache-control", "no-cache"
    if (wait := _retry_after(case.fault, body.status)) is not None:
        yield "retry-after", wait
    if encoding != "identity":
        yield "content-encoding", encoding


def _retry_after(fault: Fault | None, status: int) -> str | None:
    """Return how long to wait: as the fault says, else a second where providers say so."""
    if fault is None or fault.name != "status":
        return "1" if status in RETRY_AFTER else None
    if fault.retry_after_date is not None:
        date = datetime.now(UTC) + timedelta(seconds=fault.retry_after_date)
        return format_datetime(date, usegmt=True)
    return None if fault.retry_after is None else str(fault.retry_after)


def _json(status: int, value: Any, wishes: Wishes, due: float = 0.0) -> Body:
    """Make a plain JSON body, ready at *due*, or with the head if that is later."""
    data = to_json(value)
    at = max(due, wishes.head_ms / 1000)
    return Body(status, JSON, lambda: iter((Timed(at, data, is_content=True),)))


def _bulk(stream: Iterator[Piece], least: int) -> Iterator[Piece]:
    """Repeat a stream's first content until *least* bytes are made, a large write at a time."""
    pieces = iter(stream)
    made = 0
    for piece in pieces:
        if piece.is_content:
            block = piece.data * max(BULK_BYTES // len(piece.data), 1)
            while made < least:
                yield Piece(block, is_content=True)
                made += len(block)
            yield from (rest for rest in pieces if not rest.is_content)
            return
        made += len(piece.data)
        yield piece


def _read_body(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object that *data* is; an empty body is an empty object."""
    if not data:
        return {}
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _hint(target: Target) -> str:
    if target.dialect is None:
        return "no provider that we know has this path."
    names: Iterable[str] = FORMATS
    return f"{target.dialect} is played from recordings only; made are {', '.join(names)}."
