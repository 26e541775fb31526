"""How long the store keeps what: TTLs of the tables, so that ClickHouse itself deletes.

After a change it looks through what is there in the background; from then on its merges let go
of what has become old. The tables know what is set: where that is wanted already, nothing is
done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamgauge.store.clickhouse import Engine
from streamgauge.store.columns import TRANSCRIPT_COLUMNS

# What was said, and when: most of the bytes, and what nobody should be able to read for ever.
SAID = ("request_body", "reply", "response_text", *TRANSCRIPT_COLUMNS)

# New rows count by it at once; nobody waits until what is there has been looked through.
_IN_BACKGROUND = "SETTINGS alter_sync = 0, mutations_sync = 0, materialize_ttl_after_modify = 1"

# The form of what we set; a TTL of another form is the work of somebody else.
_OURS = re.compile(r"toStartOfDay\(\w+\) \+ toIntervalDay\(\d+\)")


def retain(engine: Engine, *, bodies_days: int, records_days: int) -> list[str]:
    """Keep what was said, and whole records, for so many days; 0: for ever.

    Returns the tables that this has changed; does not wait for its effect. A TTL that somebody
    else has given to a table stays as long as the number for it is 0. Raises `StoreError`.
    """
    said, rows = _after(bodies_days, "started_at"), _after(records_days, "started_at")
    wanted = {
        "records": dict.fromkeys(SAID, said) | {"": rows},
        "amendments": {"": _after(records_days, "at")},
    }
    changed = []
    for table, ttls in wanted.items():
        changes = ", ".join(_changes(engine, table, ttls))
        if changes:
            engine.command(f"ALTER TABLE {table} {changes} {_IN_BACKGROUND}")
            changed.append(table)
    return changed


def _after(days: int, column: str) -> str:
    """Return the TTL that keeps a row for at least so many days; nothing for 0.

    All rows of a day go together: then a part is written anew once a day, not all day long.
    """
    return f"toStartOfDay({column}) + toIntervalDay({days + 1})" if days else ""


def _changes(engine: Engine, table: str, wanted: dict[str, str]) -> Iterator[str]:
    """Yield what has to be altered for *wanted*: TTLs by column, and that of rows last, as ""."""
    created = engine.query(f"SHOW CREATE TABLE {table}", form="TSVRaw").decode()
    for name, ttl in wanted.items():
        line = rf" +`{name}` .*? TTL (.*?),?" if name else "TTL (.*)"
        found = re.search(f"^{line}$", created, re.MULTILINE)
        there = found[1] if found else ""
        if ttl != there and (ttl or _OURS.fullmatch(there)):
            column = f"MODIFY COLUMN {name} " if name else ""
            set_ttl = f"TTL {ttl}" if name else f"MODIFY TTL {ttl}"
            yield column + (set_ttl if ttl else "REMOVE TTL")
