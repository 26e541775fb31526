"""What is to be left out is nowhere to be found, and what remains is still measured."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from time import monotonic_ns
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streamgauge.journal.format import Kind, Open
from streamgauge.journal.writer import Writer
from streamgauge.record import Record, Transcript
from streamgauge.recorder import Recorder
from streamgauge.recorder.privacy import Privacy
from streamgauge.settings import PrivacyRule
from streamgauge.settings.privacy import compiled
from streamgauge.store.loader import open_store
from tests.recorder.desk import (
    DONE,
    REQUEST,
    ROLE,
    STARTED_NS,
    STOP,
    USAGE,
    Desk,
    Exchange,
    event,
    eventually,
    line,
    pack,
    settings_for,
)

EMAIL = r"[\w.+-]+@[\w.-]+\.\w+"
SECRET = "ada.lovelace@example.org"
MAILS = PrivacyRule(redact=[EMAIL])

PLAIN = (("Content-Type", "application/json"),)


def recorded(desk: Desk, *rules: PrivacyRule) -> tuple[Record, Transcript]:
    (record,) = desk.read(desk.follower(rules=rules))
    return record, desk.transcripts[0]


def everything(record: Record, transcript: Transcript) -> bytes:
    """All that is kept, as one piece."""
    return msgspec.json.encode(record) + msgspec.msgpack.encode(transcript)


def asks(content: str, **more: Any) -> bytes:
    messages = [{"role": "user", "content": content}]
    return msgspec.json.encode({"model": "gpt-4o", "stream": True, "messages": messages, **more})


# -- whose -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"provider": "open*"},
        {"path": "/v1/chat/*"},
        {"path": "*/completions"},
        {"properties": {"Team": "hr-*"}},
        {"provider": "openai", "path": "/v1/*", "properties": {"team": "*", "tier": "1"}},
    ],
    ids=str,
)
def test_a_rule_is_for_what_fits_all_of_it(desk: Desk, journal: Writer, rule: dict) -> None:
    """What it does not name is any."""
    headers = [("Streamgauge-Property-Team", "hr-berlin"), ("Helicone-Property-Tier", "1")]
    exchange = Exchange(journal).opens(headers=headers, path="/v1/chat/completions?a=b")
    exchange.head(50).chunk(60, event("hello") + STOP + USAGE + DONE).ends(70)
    omit = {"omit_request": True, "omit_response": True}
    record, transcript = recorded(desk, PrivacyRule(**rule, **omit))
    assert record.request_body is record.reply is record.response_text is None
    assert transcript.raw == b""
    assert (record.output_tokens, record.ttft_ms) == (3, 60)
    assert record.finish_reasons == ("stop",)


@pytest.mark.parametrize(
    "rule",
    [
        {"provider": "groq"},
        {"path": "/v1/embeddings"},
        {"path": "/v1/chat"},
        {"properties": {"team": "sales"}},
        {"properties": {"team": "hr", "tier": "*"}},
        {"provider": "openai", "path": "/v2/*"},
    ],
    ids=str,
)
def test_a_rule_leaves_others_alone(desk: Desk, journal: Writer, rule: dict) -> None:
    """Also where only a part of it fits."""
    exchange = Exchange(journal).opens(headers=[("Streamgauge-Property-Team", "hr")])
    exchange.head(50).chunk(60, event(SECRET) + STOP + DONE).ends(70)
    omit = {"omit_request": True, "omit_response": True, "redact": [EMAIL]}
    record, transcript = recorded(desk, PrivacyRule(**rule, **omit))
    assert (record.request_body, record.response_text) == (REQUEST.decode(), SECRET)
    assert SECRET.encode() in transcript.raw


def test_a_rule_is_also_for_what_somebody_tells_of(desk: Desk, journal: Writer) -> None:
    """Its labels do not stand in headers."""
    told = Open(
        started_at_ns=STARTED_NS,
        provider="openai",
        method="POST",
        path="/v1/chat/completions",
        upstream="",
        headers=b"",
        body=asks(SECRET),
        complete=True,
        source="sdk",
        labels={"properties": {"team": "hr"}},
    )
    exchange = Exchange(journal).note(Kind.OPEN, 0, pack(told)).head(50)
    exchange.chunk(60, event(SECRET) + STOP + DONE).ends(70)
    record, transcript = recorded(desk, PrivacyRule(properties={"team": "hr"}, redact=[EMAIL]))
    assert record.response_text == "[redacted]"
    assert SECRET.encode() not in everything(record, transcript)


def test_all_rules_that_fit_count(desk: Desk, journal: Writer) -> None:
    """And the client's own header does beside them."""
    headers = [("Streamgauge-Omit-Request", "true")]
    exchange = Exchange(journal).opens(headers=headers).head(50)
    exchange.chunk(60, event(f"{SECRET} 4111-1111") + STOP + DONE).ends(70)
    record, _ = recorded(desk, MAILS, PrivacyRule(path="/v1/*", redact=[r"\d{4}-\d{4}"]))
    assert record.request_body is None
    assert record.response_text == "[redacted] [redacted]"


@pytest.mark.parametrize("provider", ["openai", "groq"])
def test_a_rule_for_any_of_the_targets_counts(desk: Desk, journal: Writer, provider: str) -> None:
    """For the one that answered, and for one that was asked before."""
    exchange = Exchange(journal).opens(body=asks(SECRET))
    exchange.retried(40, status=500, provider="groq", model=None, begins=41).head(50)
    exchange.chunk(60, event("hi") + STOP + DONE).ends(70)
    record, _ = recorded(desk, PrivacyRule(provider=provider, redact=[EMAIL]))
    assert SECRET not in (record.request_body or SECRET)


# -- redaction -------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 7, 100_000], ids=["bytewise", "ragged", "whole"])
@pytest.mark.parametrize("piece", [1, 5, 100], ids=["letters", "tokens", "whole"])
def test_a_secret_is_found_however_it_was_cut(
    desk: Desk, journal: Writer, cut: int, piece: int
) -> None:
    """By the network, or by the model; numbers and times stay."""
    said = f"Write to {SECRET}, not to me."
    pieces = [event(said[at : at + piece]) for at in range(0, len(said), piece)]
    stream = ROLE + b"".join(pieces) + STOP + USAGE + DONE
    exchange = Exchange(journal).opens(body=asks(f"Who is {SECRET}?", user=SECRET)).head(50)
    cuts = [stream[at : at + cut] for at in range(0, len(stream), cut)]
    for number, data in enumerate(cuts):
        exchange.chunk(60 + number, data)
    exchange.ends(60 + len(cuts))
    record, transcript = recorded(desk, MAILS)
    assert record.response_text == "Write to [redacted], not to me."
    assert record.reply is not None
    assert record.reply.choices[0].text == record.response_text
    assert record.request_body == asks("Who is [redacted]?", user="[redacted]").decode()
    assert record.user_id == "[redacted]"
    assert SECRET.encode() not in everything(record, transcript)
    assert transcript.raw == b""
    assert (len(transcript.chunk_ms), record.chunks) == (len(cuts), len(cuts))
    assert (record.outcome, record.output_tokens, record.bytes_out) == (
        "completed", 3, len(stream)
    )  # fmt: skip


def test_where_nothing_matches_all_is_as_it_was(desk: Desk, journal: Writer) -> None:
    """To the byte."""
    exchange = Exchange(journal).streams("Hel", "lo")
    record, transcript = recorded(desk, MAILS)
    again = desk.again()
    without, as_it_came = recorded(again)
    assert exchange.id == record.id
    assert (record, transcript) == (without, as_it_came)
    assert b"Hel" in transcript.raw


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (SECRET, "[redacted]"),
        (f"<{SECRET}>\n{SECRET}", "<[redacted]>\n[redacted]"),
        (r'{"a":"ada\u0040example.org"}', '{"a":"[redacted]"}'),
        (r'{"a":["x",{"b":"\u0061da@ex.org","n":1.50}]}', '{"a":["x",{"b":"[redacted]","n":1.5}]}'),
        (r'{"ada\u0040example.org":1}', '{"[redacted]":1}'),
        (r'{"a":"{\"to\":\"ada\\u0040ex.org\"}"}', r'{"a":"{\"to\":\"[redacted]\"}"}'),
        ('{"a": "ada@example.org"', '{"a": "[redacted]"'),
        ('{"card": 4111111111111111}', '{"card": [redacted]}'),
        ('{ "kept":  "as it is \\u0041" }', '{ "kept":  "as it is \\u0041" }'),
        ("half a pair \ud800 " + SECRET, "half a pair ? [redacted]"),
        ("", ""),
    ],
)  # fmt: skip
def test_texts_are_searched_as_they_read(text: str, clean: str) -> None:
    """In JSON behind its escapes, and also what is no text there."""
    privacy = Privacy(patterns=(compiled(r"ada(\.lovelace)?@[\w.]+"), compiled(r"\d{16}")))
    assert privacy.text(text) == clean


@pytest.mark.parametrize("depth", [10, 200, 400, 900, 5000, 100_000])
def test_nothing_hides_in_the_depth(depth: int) -> None:
    """What is nested too deeply to be searched is left out."""
    privacy = Privacy(patterns=(compiled(EMAIL),))
    text = "[" * depth + r'"ada\u0040example.org"' + "]" * depth
    clean = privacy.text(text)
    assert "ada" not in clean
    assert "[redacted]" in clean


def test_what_cannot_be_redacted_is_left_out(
    desk: Desk, journal: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is none that tells."""
    exchange = Exchange(journal).opens(body=asks(SECRET)).head(50).chunk(60, event(SECRET))
    exchange.ends(70, "stalled", "gateway", error=("idle", f"{SECRET} is silent"))

    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Privacy, "reply", broken)
    record, transcript = recorded(desk, MAILS)
    assert (record.outcome, record.error_type) == ("stalled", "idle")
    assert SECRET.encode() not in everything(record, transcript)


def test_attempts_that_failed_are_searched(desk: Desk, journal: Writer) -> None:
    """What they say of why may quote a provider."""
    exchange = Exchange(journal).opens()
    exchange.retried(40, status=500, provider="groq", model=None, begins=41).head(50)
    exchange.chunk(60, event("hi") + STOP + DONE).ends(70)
    record, _ = recorded(desk, PrivacyRule(redact=["^no$"]))
    assert record.attempts[0].error_message == "[redacted]"


def test_what_is_said_beside_the_text_goes_with_it(desk: Desk, journal: Writer) -> None:
    """Log probabilities spell it token by token."""
    tokens = [{"token": piece, "logprob": -0.1} for piece in ("ada", "@", "example", ".org")]
    for one in tokens:
        delta = {"index": 0, "delta": {"content": one["token"]}, "finish_reason": None}
        journal_line = line(delta | {"logprobs": {"content": [one]}})
        tokens[tokens.index(one)] = journal_line
    exchange = Exchange(journal).opens().head(50).chunk(60, b"".join(tokens))
    exchange.chunk(70, STOP + DONE).ends(80)
    record, _ = recorded(desk, MAILS)
    assert record.reply is not None
    assert (record.reply.choices[0].text, record.reply.choices[0].extra) == ("[redacted]", {})
    plain, _ = recorded(desk.again())
    assert plain.reply is not None
    assert b"logprob" in msgspec.json.encode(plain.reply.choices[0].extra)


def test_arguments_of_tools_are_searched_as_they_read(desk: Desk, journal: Writer) -> None:
    """They are JSON in JSON, and come in pieces."""
    exchange = Exchange(journal).opens().head(50)
    for at, part in enumerate(('{"to":"ada\\u00', '40example.org"}')):
        call = {"index": 0, "id": "c", "function": {"name": "mail", "arguments": part}}
        choice = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}
        exchange.chunk(60 + at, line(choice))
    exchange.chunk(70, STOP + DONE).ends(80)
    record, transcript = recorded(desk, MAILS)
    assert record.reply is not None
    assert record.reply.choices[0].tool_calls[0].arguments == '{"to":"[redacted]"}'
    assert record.tool_calls == ("mail",)
    assert transcript.raw == b""


def test_messages_of_errors_are_searched(desk: Desk, journal: Writer) -> None:
    """Those of the provider, in the record and in its reply."""
    exchange = Exchange(journal).opens().head(50, status=400, headers=PLAIN)
    error = {"error": {"message": f"{SECRET} may not", "type": "forbidden"}}
    exchange.chunk(60, msgspec.json.encode(error)).ends(70)
    refused, transcript = recorded(desk, MAILS)
    assert (refused.error_type, refused.error_message) == ("forbidden", "[redacted] may not")
    assert SECRET.encode() not in everything(refused, transcript)


def test_what_an_end_says_is_searched(desk: Desk, journal: Writer) -> None:
    """The gateway may quote a provider."""
    exchange = Exchange(journal).opens()
    exchange.ends(5, "connect_failed", "gateway", error=("connect_failed", f"no host {SECRET}"))
    record, _ = recorded(desk, MAILS)
    assert record.error_message == "no host [redacted]"


def test_values_of_headers_are_searched(desk: Desk, journal: Writer) -> None:
    """Both ways."""
    headers = [("Content-Type", "text/event-stream"), ("X-Owner", SECRET)]
    exchange = Exchange(journal).opens(headers=[("X-From", SECRET)]).head(50, headers=headers)
    exchange.chunk(60, event("hi") + STOP + DONE).ends(70)
    record, transcript = recorded(desk, MAILS)
    assert transcript.request_headers == {"x-from": "[redacted]"}
    assert transcript.response_headers["x-owner"] == "[redacted]"
    assert SECRET.encode() not in everything(record, transcript)


# -- raw bytes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "data", "is_kept"),
    [
        ("", b'{"data":["m1"]}', True),
        ("", b'{"data":["ada\\u0040example.org"]}', False),
        ("gzip", gzip.compress(b'{"data":["m1"]}'), True),
        ("gzip", gzip.compress(b'{"data":["ada@example.org"]}'), False),
        ("gzip", b"not gzip at all", False),
        ("zip", b"in a way that nobody knows", False),
    ],
    ids=["plain", "escaped", "packed", "packed match", "damaged", "unknown"],
)
def test_raw_bytes_are_kept_if_they_can_be_searched(
    desk: Desk, journal: Writer, encoding: str, data: bytes, is_kept: bool
) -> None:
    """Unpacked; an answer of no dialect has nothing else."""
    headers = [*PLAIN, ("Content-Encoding", encoding)] if encoding else PLAIN
    exchange = Exchange(journal).opens(path="/v1/models", body=b"").head(50, headers=headers)
    exchange.chunk(60, data).ends(70)
    _, transcript = recorded(desk, MAILS)
    assert transcript.raw == (data if is_kept else b"")


@pytest.mark.parametrize("rules", [(), (MAILS,)], ids=["no rule", "a rule"])
def test_a_stream_that_nobody_can_read_is_not_kept(
    desk: Desk, journal: Writer, rules: tuple[PrivacyRule, ...]
) -> None:
    """What matches may be spread over its events."""
    exchange = Exchange(journal).opens(path="/v1/unknown", body=b"").head(50)
    data = b'data: {"piece":"ada@exam"}\n\ndata: {"piece":"ple.org"}\n\n'
    exchange.chunk(60, data).ends(70)
    _, transcript = recorded(desk, *rules)
    assert transcript.raw == (b"" if rules else data)


def test_a_match_outside_of_the_reply_is_found(desk: Desk, journal: Writer) -> None:
    """A comment of the stream says nothing, but is a part of its bytes."""
    exchange = Exchange(journal).opens().head(50)
    exchange.chunk(60, f": for {SECRET}\n\n".encode() + event("hi") + STOP + DONE).ends(70)
    record, transcript = recorded(desk, MAILS)
    assert (record.response_text, transcript.raw) == ("hi", b"")


def test_a_pattern_cannot_stop_the_recorder() -> None:
    """An image in base64 would keep Python's own expressions busy for hours."""
    privacy = Privacy(patterns=(compiled(EMAIL), compiled("(a+)+$"), compiled("(a|a)*b")))
    image = "aB3/" * 1_000_000 + "a" * 100_000 + "!"
    assert privacy.text(image) == image


# -- while it runs ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [MAILS, PrivacyRule(omit_response=True)])
def test_an_answer_under_a_rule_is_not_shown_while_it_runs(
    desk: Desk, journal: Writer, rule: PrivacyRule
) -> None:
    """Half a secret cannot be recognized. Its numbers are shown, and its client may read on."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("ada@exa"))
    desk.read(desk.follower(rules=[rule]))
    running = desk.live.source(exchange.id)
    assert running is not None
    assert not running.is_shown
    told = running.progress(monotonic_ns())
    assert (told["text"], told["chunks"], told["output_tokens"]) == ("", 1, 1)
    assert running.piece(0, 1000) == event("ada@exa")


def test_without_a_rule_it_is_shown(desk: Desk, journal: Writer) -> None:
    """As ever."""
    exchange = Exchange(journal).opens().head(50).chunk(60, event("hello"))
    desk.read(desk.follower(rules=[PrivacyRule(provider="groq", redact=[EMAIL])]))
    running = desk.live.source(exchange.id)
    assert running is not None
    assert running.is_shown
    assert running.progress(monotonic_ns())["text"] == "hello"


# -- all of it -------------------------------------------------------------------------------


async def test_nothing_of_it_is_in_the_store_or_the_live_view(tmp_path: Path) -> None:
    """A recorder and a store as they are, and every column of every row."""
    settings = replace(settings_for(tmp_path), privacy=[MAILS])
    store = open_store(settings.store_url)
    recorder = Recorder(settings, store)
    await recorder.start()
    told: list[Any] = []
    subscription = recorder.live.subscribe()

    async def listen() -> None:
        async for name, data in subscription:
            told.append((name, data))

    listening = asyncio.create_task(listen())
    journal = Writer(settings.journal_dir / "local-0-1", wake_path=settings.wake_socket)
    exchange = Exchange(journal).opens(body=asks(f"Who is {SECRET}?")).head(50)
    exchange.chunk(60, ROLE + event("It is ada.love"))
    await eventually(lambda: any(name == "progress" for name, _ in told))
    exchange.chunk(70, event("lace@example.org.") + STOP + USAGE + DONE).ends(80)
    await eventually(lambda: any(name == "closed" for name, _ in told))
    await recorder.stop()
    await listening
    journal.close()
    rows = store.file("SELECT * FROM records", form="Native")
    (kept,) = store.query("SELECT response_text, output_tokens FROM records FINAL")
    store.close()
    assert kept == {"response_text": "It is [redacted].", "output_tokens": 3}
    for piece in (SECRET, "ada.love", "lace@"):
        assert piece not in repr(told)
        assert piece.encode() not in rows
