"""How an exchange ended, by what the gateway saw and by what the stream said."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from streamgauge.journal.format import End
from streamgauge.record import ClosedBy, Outcome
from streamgauge.wire.decoding import Decoding

# How the recorder ends what a dead gateway left open.
RESTARTED = End(
    outcome=Outcome.GATEWAY_RESTARTED,
    closed_by=ClosedBy.GATEWAY,
    error_type="gateway_restarted",
    error_message="the gateway process ended while the exchange was open; "
    "what had arrived by then is kept",
)

# The last of an answer is not here, but nobody missed it; the SDK says so, too.
NOT_KEPT = "not_kept_whole"


class Verdict(Struct, frozen=True, kw_only=True):
    """The end of a record."""

    outcome: Outcome
    closed_by: ClosedBy | None
    error_type: str | None = None
    error_message: str | None = None


def judge(
    end: End,
    *,
    status: int | None,
    decoding: Decoding | None,
    lost_bytes: int,
    unkept_bytes: int = 0,
    is_told: bool = False,
) -> Verdict:
    """Refine the gateway's *end*, which knows HTTP only, by *status* and the decoded stream.

    *lost_bytes* never reached the journal; with any, a missing end proves nothing.
    *unkept_bytes* were metered, but are too many to be stored. *is_told*: somebody tells of the
    answer after its end, and knows that it is a part even where it is a whole document.
    """
    verdict = Verdict(
        outcome=Outcome(end.outcome),
        closed_by=ClosedBy(end.closed_by) if end.closed_by else None,
        error_type=end.error_type,
        error_message=end.error_message,
    )
    if decoding is not None:
        is_all_here = not lost_bytes and end.error_type != NOT_KEPT
        verdict = _by_stream(verdict, status, decoding, is_all_here=is_all_here, is_told=is_told)
    elif verdict.outcome is Outcome.COMPLETED and (status or 0) >= 400:
        verdict = replace(verdict, outcome=Outcome.HTTP_ERROR, closed_by=ClosedBy.UPSTREAM)
    if lost_bytes and verdict.error_type is None:
        return replace(
            verdict,
            error_type="journal_loss",
            error_message=f"{lost_bytes} bytes of this exchange are missing here: "
            "the journal's disk did not take them. The client got them",
        )
    if unkept_bytes and verdict.error_type is None:
        return replace(
            verdict,
            error_type=NOT_KEPT,
            error_message=f"the last {unkept_bytes} bytes of its bodies are counted but not kept: "
            "they are too long, or the disk of the data folder is full. The client got them",
        )
    return verdict


def _by_stream(
    verdict: Verdict,
    status: int | None,
    decoding: Decoding,
    *,
    is_all_here: bool,
    is_told: bool,
) -> Verdict:
    outcome = verdict.outcome
    is_whole = decoding.is_whole and (decoding.is_stream or not is_told)
    if outcome is Outcome.CLIENT_LEFT and is_whole:
        return replace(verdict, outcome=Outcome.COMPLETED, closed_by=ClosedBy.CLIENT)
    if outcome is Outcome.COMPLETED and (status or 0) >= 400:
        return _with_fault(Outcome.HTTP_ERROR, verdict, decoding)
    if outcome in (Outcome.COMPLETED, Outcome.TRUNCATED) and decoding.reply.stream_faults:
        return _with_fault(Outcome.FAULT_IN_STREAM, verdict, decoding)
    if outcome is not Outcome.COMPLETED:
        return verdict
    if decoding.trouble is not None:
        return replace(
            verdict,
            error_type="undecodable",
            error_message=f"the body was passed on, but {decoding.trouble}",
        )
    must_end = decoding.is_stream and decoding.dialect is not None and is_all_here
    if must_end and not decoding.is_whole:
        return replace(
            verdict,
            outcome=Outcome.TRUNCATED,
            closed_by=ClosedBy.UPSTREAM,
            error_type="no_terminal_event",
            error_message="the provider ended the stream before its last event",
        )
    return verdict


def _with_fault(outcome: Outcome, verdict: Verdict, decoding: Decoding) -> Verdict:
    fault = next(iter(decoding.reply.faults), None)
    return replace(
        verdict,
        outcome=outcome,
        closed_by=ClosedBy.UPSTREAM,
        error_type=verdict.error_type or (fault.type if fault else None),
        error_message=verdict.error_message or (fault.message if fault else None),
    )
