"""Questions in SQL that are not ours: what they can say, and what they cannot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streamgauge.errors import QueryError, StoreError
from streamgauge.record import Outcome
from streamgauge.store import sql
from streamgauge.store.sql import Column, Guest
from tests.storing import Folder, put, record


@pytest.fixture(scope="module")
def guest(folder: Folder) -> Iterator[Guest]:
    """Over three records."""
    with folder.store() as store:
        put(store, *(record(i, model=m, output_tokens=i) for i, m in enumerate("abb")))
        yield Guest(store)


def test_rows_have_names_and_types(guest):
    found = guest.ask(
        "SELECT model, sum(output_tokens) AS tokens FROM records GROUP BY 1 ORDER BY 1"
    )
    assert found.columns == [
        Column("model", "LowCardinality(Nullable(String))"),
        Column("tokens", "Nullable(Int64)"),
    ]
    assert found.rows == [{"model": "a", "tokens": 0}, {"model": "b", "tokens": 3}]
    assert (found.is_cut, found.rows_read >= 3, found.elapsed_ms > 0) == (False, True, True)


def test_a_record_counts_once_and_as_it_is_now(store):
    [running] = put(store, record(9, outcome=Outcome.OPEN))
    put(store, record(9, id=running.id, outcome=Outcome.COMPLETED))
    found = Guest(store).ask("SELECT outcome, count() AS n FROM records GROUP BY outcome")
    assert found.rows == [{"outcome": "completed", "n": 1}]


def test_more_rows_than_asked_for_are_cut_and_it_is_said(guest):
    question = "SELECT output_tokens FROM records ORDER BY output_tokens DESC"
    assert [list(row.values()) for row in guest.ask(question, limit=2).rows] == [[2], [1]]
    assert guest.ask(question, limit=2).is_cut
    assert not guest.ask(question, limit=3).is_cut
    for limit in (0, sql.MAX_ROWS + 1):
        with pytest.raises(QueryError, match="limit is a number from 1 to 10,000"):
            guest.ask(question, limit=limit)


@pytest.mark.parametrize(
    "question",
    [
        "WITH slow AS (SELECT * FROM records WHERE ttft_ms > 500) SELECT count(*) AS n FROM slow",
        "select Count(*), SUM(cost_usd) from records final -- a comment",
        "SELECT quantileTDigestIfOrNull(0.95)(ttft_ms, streaming) FROM records",
        "SELECT toStartOfHour(started_at) AS hour, countIf(outcome != 'completed') / count() "
        "FROM records GROUP BY hour ORDER BY hour WITH FILL STEP 3600",
        "SELECT model, row_number() OVER (PARTITION BY model ORDER BY started_at) FROM records",
        "SELECT lagInFrame(ttft_ms) OVER w FROM records WINDOW w AS (ORDER BY started_at)",
        "SELECT JSONExtractString(request_body, 'model') FROM records",
        "SELECT arrayMap((ms, size) -> size / greatest(ms, 1), chunk_ms, chunk_bytes) FROM records",
        "SELECT id FROM records JOIN records b USING (id) WHERE id IN (SELECT id FROM records)",
        "SELECT properties['env'], mapKeys(properties) FROM records",
        "SELECT CASE WHEN ttft_ms > 1 THEN 'slow' ELSE 'fast' END FROM records",
        "SELECT count() FROM records WHERE ttft_ms BETWEEN 1 AND 2 AND model ILIKE 'gpt%'",
        "SELECT record_id, name, value FROM amendments WHERE kind = 'score'",
        "SELECT arrayJoin(tool_calls) AS tool, count() FROM records GROUP BY tool",
        "SELECT 'a; b -- c' AS text, `id` FROM records",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH system AS (SELECT 1 AS one) SELECT * FROM system",
        "SELECT * FROM records",
        "SELECT * EXCEPT (raw) REPLACE (upper(model) AS model) FROM records ARRAY JOIN tool_calls",
        "SELECT COLUMNS('_ms$'), a.*, a.COLUMNS('id') FROM records AS a",
        "SELECT 'two\nlines\n Set' AS text FROM records",
        "SELECT 1 EXCEPT SELECT 2",
        "WITH RECURSIVE t AS (SELECT 1 n UNION ALL SELECT n+1 FROM t WHERE n < 5) SELECT n FROM t",
        "SELECT formatReadableSize(bytes_out), number FROM records, numbers(3) AS n",
    ],
)
def test_what_an_analyst_asks(guest, question):
    assert guest.ask(question).columns


@pytest.mark.parametrize(
    ("question", "why"),
    [
        # functions that reach outside
        ("SELECT file('/etc/passwd')", "the function file is not to be had"),
        ("SELECT sum(length(file('/etc/passwd'))) FROM records", "the function file"),
        ("SELECT * FROM (SELECT * FROM file('/etc/passwd', 'LineAsString'))", "the function file"),
        ("SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "the function url"),
        ("SELECT * FROM s3('http://127.0.0.1:1/x')", "the function s3"),
        ("SELECT * FROM remote('127.0.0.1', system.one)", "the function remote"),
        ("SELECT * FROM executable('x', 'TSV', 'a Int')", "the function executable"),
        ("SELECT * FROM merge('system', 'one')", "the function merge"),
        ("SELECT * FROM view(SELECT 1)", "the function view"),
        ("SELECT * FROM loop(records)", "the function loop"),
        ("SELECT dictGet('d', 'a', 1)", "the function dictGet"),
        ("SELECT joinGet('records', 'id', 1)", "the function joinGet"),
        ("SELECT aiGenerate('x')", "the function aiGenerate"),
        ("SELECT getSetting('max_threads')", "the function getSetting"),
        ("SELECT hostName(), FQDN()", "the function hostName"),
        ("SELECT sleep(3)", "the function sleep"),
        ("SELECT `file`('/etc/passwd')", "the function file"),
        ("WITH (SELECT file('/etc/passwd')) AS x SELECT x", "the function file"),
        ("SELECT arrayMap(x -> file(x), ['/etc/passwd'])", "the function file"),
        ("SELECT 1 FROM records ORDER BY file('/etc/passwd')", "the function file"),
        ("SELECT 1 FROM records WHERE id IN file('/etc/passwd')", "the function file"),
        ("SELECT FILE('/etc/passwd'), ` file`('/etc/passwd')", "the function"),
        ("SELECT COLUMNS('p') APPLY(file) FROM (SELECT '/etc/passwd' AS p)", "APPLY is not"),
        ("SELECT * APPLY(x -> file(x)) FROM (SELECT '/etc/passwd' AS p)", "APPLY is not"),
        ("SELECT * REPLACE(file('/etc/passwd') AS id) FROM records", "the function file"),
        ("SELECT sum(1) OVER (ORDER BY file('/etc/passwd'))", "the function file"),
        ("SELECT 1 AS a ORDER BY a WITH FILL INTERPOLATE (a AS file('/etc/passwd'))", "file"),
        ("SELECT sumMerge(unhex('00'))", "the function sumMerge"),
        ("SELECT @@version", "the function globalVariable"),
        ("SELECT fileIf('/etc/passwd', 1)", "the function fileIf"),
        ("SELECT `count\nfile`('/etc/passwd')", "file is not to be had"),
        ("SELECT nosuchfunction(1)", "the function nosuchfunction"),
        # tables that are not ours
        ("SELECT * FROM system.tables", "system.tables is not one of our tables"),
        ("SELECT * FROM `system`.`tables`", "system.tables is not"),
        ("SELECT 1 IN system.one", "system.one is not"),
        ("SELECT * FROM information_schema.tables", "is not one of our tables"),
        ("SELECT * FROM default.x", "default.x is not"),
        ("SELECT * FROM nosuch", "nosuch"),
        # other statements, and what may hang on one
        ("INSERT INTO records (id) VALUES ('x')", "only a SELECT"),
        ("DROP TABLE records", "only a SELECT"),
        ("ALTER TABLE records DELETE WHERE 1", "only a SELECT"),
        ("SET readonly = 0", "only a SELECT"),
        ("EXPLAIN SELECT 1", "only a SELECT"),
        ("SHOW TABLES", "only a SELECT"),
        ("SYSTEM SHUTDOWN", "only a SELECT"),
        ("KILL QUERY WHERE 1", "only a SELECT"),
        ("SELECT * FROM (EXPLAIN SELECT 1)", "not to be had|readonly"),
        ("SELECT 1 INTO OUTFILE '/tmp/streamgauge-sql-test'", "Syntax error"),
        ("SELECT 1 FORMAT CSV", "Syntax error"),
        ("SELECT 1 SETTINGS max_execution_time = 0", "SETTINGS is not to be had"),
        ("SELECT * FROM (SELECT 1 SETTINGS readonly = 0)", "SETTINGS is not to be had"),
        ("SELECT 1; SELECT 2", "Multi-statements"),
        ("SELECT 1) UNION ALL SELECT (2", "Syntax error"),
        ("SELECT 1 /*", "Syntax error|comment"),
        ("SELECT {x:Identifier} FROM records", "not set"),
        ("SELEC 1", "Syntax error"),
        ("", "Empty query"),
        # too much
        ("SELECT arrayJoin(range(100000000)) AS x ORDER BY x", "too much memory|too large|range"),
        ("SELECT repeat('x', 1000000) FROM numbers(1000)", "answer is too large|too much memory"),
    ],
)
def test_nothing_else_is_answered(guest, question, why):
    with pytest.raises(QueryError, match=why) as refused:
        guest.ask(question)
    assert refused.value.param == "query"
    assert "DB::Exception" not in str(refused.value)


def test_a_question_ends_when_its_time_is_over(store, monkeypatch):
    guest = Guest(store)
    monkeypatch.setitem(sql.GUARDED_SETTINGS, "max_execution_time", 1)
    with pytest.raises(QueryError, match="took longer than"):
        guest.ask("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)")
    assert guest.ask("SELECT 1 AS one").rows == [{"one": 1}]


def test_bytes_that_are_not_text_are_shown_all_the_same(guest):
    found = guest.ask("SELECT unhex('ff41') AS raw")
    assert found.rows == [{"raw": "�A"}]


def test_a_guest_can_write_nothing_even_unchecked(store):
    """Behind the check stands the connection."""
    for statement in (
        "INSERT INTO records (id) VALUES ('x')",
        "SET readonly = 0",
        "CREATE TABLE t (a Int) ENGINE = Memory",
    ):
        with pytest.raises(StoreError, match=r"(?i)readonly"):
            store.guarded(statement, form="Null")
