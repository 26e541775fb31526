"""Questions in words, against records that do and do not match."""

from __future__ import annotations

import pytest

from streamgauge.errors import QueryError
from streamgauge.record import ClosedBy, Outcome
from streamgauge.store import queries
from streamgauge.store.columns import COLUMNS
from streamgauge.store.filters import MAX_VALUES, Filter, read_filters
from tests.storing import put, record

# name → the fields of the record
KNOWN = {
    "plain": {"model": "gpt-4o", "ttft_ms": 100.5, "output_tokens": 0, "streaming": True},
    "slow": {"model": "gpt-4o", "ttft_ms": 900.0, "output_tokens": 7, "properties": {"env": "dev"}},
    "left": {
        "model": "claude-5",
        "outcome": Outcome.CLIENT_LEFT,
        "closed_by": ClosedBy.CLIENT,
        "properties": {"env": "prod", "team.size": "9"},
        "finish_reasons": ("stop", "tool_calls"),
    },
    "bare": {"request_body": '{"content":"Gr\\u00fc\\u00dfe \\"an\\" Zoë"}', "user_id": "a'b\\c\n"},
    "said": {"response_text": "Über 100% sicher_heit", "finish_reasons": ("length",)},
}

QUESTIONS = [
    ("model=gpt-4o", "plain slow"),
    ("model=gpt-4o&model=claude-5", "plain slow left"),
    ("model.not=gpt-4o", "left bare said"),
    ("model=", "bare said"),
    ("model.not=", "plain slow left"),
    ("model=&model=claude-5", "left bare said"),
    ("model.gte=d", "plain slow"),
    ("model=GPT-4O", ""),
    ("ttft_ms.gte=900", "slow"),
    ("ttft_ms.gt=900", ""),
    ("ttft_ms.gt=100&ttft_ms.lt=900", "plain"),
    ("ttft_ms.lte=100.5", "plain"),
    ("ttft_ms=", "left bare said"),
    ("ttft_ms.exists=false", "left bare said"),
    ("ttft_ms.exists=true", "plain slow"),
    ("ttft_ms.exists=false&output_tokens.exists=true", ""),
    ("ttft_ms.exists=1&ttft_ms.exists=0", "plain slow left bare said"),
    ("user_id.exists=true", "bare"),
    ("closed_by.exists=false", "plain slow bare said"),
    ("finish_reasons.exists=true", "left said"),
    ("request_body.exists=true", "bare"),
    ("response_text.exists=false", "plain slow left bare"),
    ("property.env.exists=true", "slow left"),
    ("property.team.size.exists=false", "plain slow bare said"),
    ("output_tokens=0", "plain"),
    ("output_tokens.not=0", "slow left bare said"),
    ("output_tokens.lte=7", "plain slow"),
    ("streaming=true", "plain"),
    ("streaming=false", "slow left bare said"),
    ("outcome=client_left", "left"),
    ("outcome.not=client_left", "plain slow bare said"),
    ("closed_by=client", "left"),
    ("closed_by=", "plain slow bare said"),
    ("finish_reasons=stop", "left"),
    ("finish_reasons=stop&finish_reasons=length", "left said"),
    ("finish_reasons.not=stop", "plain slow bare said"),
    ("finish_reasons=", "plain slow bare"),
    ("user_id=a'b\\c\n", "bare"),
    ("user_id=' OR 1=1 --", ""),
    ("property.env=prod", "left"),
    ("property.ENV=prod&property.ENV=dev", "slow left"),
    ("property.env.not=prod", "plain slow bare said"),
    ("property.env=", "plain bare said"),
    ("property.team.size=9", "left"),
    ("property.nothing=x", ""),
    ("q=über", "said"),
    ("q=100% SICHER_HEIT", "said"),
    ("q=100_ sicher", ""),
    ("q=Grüße", "bare"),
    ('q="an" Zoë', "bare"),
    ("q=nowhere&q=sicher", "said"),
    ("model=gpt-4o&ttft_ms.gte=500", "slow"),
    ("started_at.gte=2026-11-01T12:00:03.123456Z", "bare said"),
    ("started_at.gt=2026-11-01T13:00:03.123456+01:00", "said"),
    ("started_at.lt=2026-11-01 12:00:01.123456", "plain"),
    ("started_at.lt=2026-11-01", ""),
    ("started_at.gte=0001-01-01T00:00:00Z", "plain slow left bare said"),
    ("started_at.lt=0001-01-01T00:00:00Z", ""),
    ("started_at.lt=9999-12-31T23:59:59Z", "plain slow left bare said"),
]


def pairs(question):
    return [tuple(part.split("=", 1)) for part in question.split("&")]


@pytest.fixture(scope="module")
def full(folder):
    with folder.store() as opened:
        put(opened, *(record(i, id=name, **KNOWN[name]) for i, name in enumerate(KNOWN)))
        yield opened


@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
def test_a_question_finds_the_records_it_describes(full, question, expected):
    page = queries.records(full, read_filters(pairs(question)), sort="started_at")
    assert [row["id"] for row in page.records] == expected.split()


@pytest.mark.parametrize(
    ("question", "param"),
    [
        ("nonsense=1", "nonsense"),
        ("reply=1", "reply"),
        ("request_body=1", "request_body"),
        ("properties=1", "properties"),
        ("raw=1", "raw"),
        ("version=1", "version"),
        ("model.like=1", "model.like"),
        ("id) OR (1=1", "id) OR (1"),
        ("property.=1", "property."),
        ("property.env.gte=1", "property.env.gte"),
        ("ttft_ms=fast", "ttft_ms"),
        ("ttft_ms.gte=", "ttft_ms.gte"),
        ("ttft_ms.gte=nan", "ttft_ms.gte"),
        ("output_tokens=1.5", "output_tokens"),
        ("output_tokens=99999999999999999999", "output_tokens"),
        ("streaming=perhaps", "streaming"),
        ("streaming.gt=true", "streaming.gt"),
        ("finish_reasons.gt=a", "finish_reasons.gt"),
        ("started_at.gte=yesterday", "started_at.gte"),
        ("outcome=exploded", "outcome"),
        ("outcome.not=exploded", "outcome.not"),
        ("q=", "q"),
        ("q.not=x", "q.not"),
        ("q.exists=true", "q.exists"),
        ("ttft_ms.exists=", "ttft_ms.exists"),
        ("ttft_ms.exists=null", "ttft_ms.exists"),
        ("chunks.exists=true", "chunks.exists"),
        ("method.exists=false", "method.exists"),
        ("properties.exists=false", "properties.exists"),
        ("raw.exists=true", "raw.exists"),
        ("nonsense.exists=true", "nonsense.exists"),
        ("property..exists=true", "property..exists"),
        (f"user_id={'x' * 10_001}", "user_id"),
    ],
)
def test_a_question_that_makes_no_sense_names_its_parameter(full, question, param):
    with pytest.raises(QueryError) as caught:
        queries.records(full, read_filters(pairs(question)))
    assert caught.value.param == param


@pytest.mark.parametrize("column", [c.name for c in COLUMNS.values() if c.may_be_absent])
def test_every_column_that_may_be_absent_is_asked_for_so(full, column):
    def found(value):
        page = queries.records(full, read_filters([(f"{column}.exists", value)]))
        return {row["id"] for row in page.records}

    assert found("true") | found("false") == set(KNOWN)
    assert not found("true") & found("false")


@pytest.mark.parametrize("question", ["ttft_ms=null", "closed_by.not=None", "cost_usd.gte="])
def test_who_writes_null_is_told_how_absent_is_written(full, question):
    [(name, _)] = pairs(question)
    with pytest.raises(QueryError, match=f"write {name.split('.')[0]}.exists=false"):
        queries.records(full, read_filters(pairs(question)))


def test_a_question_has_a_limit_of_values():
    with pytest.raises(QueryError, match="at most"):
        read_filters([("model", "x")] * (MAX_VALUES + 1))


def test_a_filter_keeps_the_name_that_was_asked_for():
    [one] = read_filters([("ttft_ms.gte", "1")])
    assert one == Filter(subject="ttft_ms", operator="gte", values=("1",))
    assert one.param == "ttft_ms.gte"


def test_as_many_values_as_allowed_can_be_asked_for(full):
    found = queries.records(full, read_filters([("user_id", f"u{i}") for i in range(MAX_VALUES)]))
    assert found.records == []
