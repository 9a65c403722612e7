"""Each structural rule of the audit of a file finds what breaks it, and nothing else does."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import apsw
import pytest

from jobledger._store.sqlite import reads
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.statements import migrations, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW: Final = 100
RULES: Final = {
    text.splitlines()[0].removeprefix("-- "): name.removeprefix("rule_")
    for name, text in statements(PACKAGE, "audit.sql").items()
    if name.startswith("rule_")
}
SOUND: Final = """
    INSERT INTO book (one, number, now, boundaries) VALUES (1, 20, 100, '[1.0]');
    INSERT INTO type VALUES (1, 'mail', 'mail', 2, 10, 3, NULL);
    INSERT INTO writer (writer_id, batch_no, dead, kind, host, pid, slots, started_at)
    VALUES (1, 0, 0, 'worker', 'h', 1, 10, 1);
    INSERT INTO job SELECT k, 'id' || k, k, 1, entity, 2, lane, holds, 1, 1, eligible_at, 1, 1, 0, 0, 10, 3,
        NULL, NULL, 0, NULL, NULL, writer_id, k, 1, NULL, NULL, NULL, NULL, NULL, NULL, 2, x''
    FROM (
        SELECT 1 AS k, NULL AS entity, 'ready' AS lane, 0 AS holds, 1 AS eligible_at, NULL AS writer_id
        UNION ALL VALUES (2, 'e', 'processing', 1, 1, 1), (3, 'e', 'parked', 0, NULL, NULL),
        (4, 'f', 'scheduled', 1, NULL, NULL), (6, 'g', 'ready', 1, 1, NULL), (8, NULL, 'scheduled', 0, NULL, NULL)
    );
    INSERT INTO job SELECT k, 'id' || k, k, 1, 'e', 2, lane, 0, 1, 1, 1, 1, 1, 0, 0, 10, 3,
        NULL, NULL, 0, NULL, NULL, NULL, k, 1, NULL, 9, NULL, NULL, NULL, NULL, 3, x''
    FROM (
        SELECT 11 AS k, 'complete' AS lane UNION ALL VALUES (12, 'failed'), (13, 'cancelled'), (14, 'discarded')
    );
    INSERT INTO history (job_key, version, name, at, run) VALUES (2, 2, 'started', 1, 1), (11, 3, 'completed', 9, 1),
        (12, 3, 'dead_lettered', 9, 1), (13, 3, 'cancelled', 9, 1), (14, 3, 'discarded', 9, 1);
    INSERT INTO ledger VALUES (0, 6, 1, 2, 0, 10), (1, 6, 1, 2, 0, 1);
"""
BROKEN: Final[list[tuple[str, str, set[str]]]] = [
    ("UPDATE writer SET dead = 1", "id2", {"dead_writer", "ledger_owner"}),
    ("UPDATE job SET writer_id = 99 WHERE key = 2", "id2", {"dead_writer"}),
    ("UPDATE job SET lane = 'parked', holds = 0, eligible_at = NULL WHERE key = 6", "id6", {"parked_behind"}),
    ("DROP INDEX job_holder; UPDATE job SET entity = 'g' WHERE key = 4", "g", {"one_holder"}),
    ("UPDATE job SET holds = 0 WHERE key = 6", "id6", {"holds_keyed"}),
    ("UPDATE job SET entity = NULL WHERE key = 6", "id6", {"holds_keyed"}),
    ("UPDATE job SET entity = 'h', holds = 1 WHERE key = 11", "id11", {"holds_keyed"}),
    ("UPDATE job SET lane = 'arrived', entity = 'h' WHERE key = 8", "id8", {"no_arrived"}),
    ("UPDATE job SET writer_id = 1 WHERE key = 1", "id1", {"owner"}),
    ("UPDATE job SET writer_id = NULL WHERE key = 2", "id2", {"owner", "dead_writer"}),
    ("UPDATE job SET ended_at = 1 WHERE key = 1", "id1", {"ended"}),
    ("UPDATE job SET ended_at = NULL WHERE key = 12", "id12", {"ended"}),
    ("UPDATE job SET eligible_at = NULL WHERE key = 1", "id1", {"eligible"}),
    ("UPDATE job SET eligible_at = 101 WHERE key = 1", "id1", {"eligible"}),
    ("UPDATE job SET eligible_at = 100 WHERE key = 1", "", set()),
    ("INSERT INTO history (job_key, version, name, at, run) VALUES (11, 4, 'replayed', 9, 1)", "id11", {"history"}),
    ("INSERT INTO history (job_key, version, name, at, run) VALUES (2, 3, 'cancel_requested', 9, 1)", "", set()),
    ("DELETE FROM history WHERE job_key = 2", "", set()),
    ("DELETE FROM history WHERE job_key = 11", "id11", {"history"}),
    ("INSERT INTO history (job_key, version, name, at, run) VALUES (2, 3, 'completed', 9, 1)", "id2", {"history"}),
    ("INSERT INTO history (job_key, version, name, at, run) VALUES (2, 3, 'retried', 9, 2)", "id2", {"history"}),
    ("UPDATE history SET name = 'retried', run = 0 WHERE job_key = 2", "", set()),
    ("UPDATE history SET name = 'completed', run = 0 WHERE job_key = 2", "id2", {"history"}),
    ("UPDATE ledger SET writer_id = 99 WHERE writer_id = 1", "writer 99", {"ledger_owner"}),
    ("UPDATE job SET fence = 21 WHERE key = 1", "id1", {"numbers"}),
    ("UPDATE job SET seq = 21 WHERE key = 11", "id11", {"numbers"}),
]


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        for _, text in migrations(PACKAGE):
            connection.execute(text)
        connection.execute(SOUND)
        yield connection


def findings(connection: apsw.Connection) -> dict[str, tuple[str, ...]]:
    """What was found, by the name of the rule."""
    read = reads.audit(connection, NOW)
    assert {RULES[rule] for rule in read.rules} == {*RULES.values()}
    return {RULES[finding.rule]: finding.examples for finding in read.findings}


def test_sound_rows_break_no_rule(connection: apsw.Connection) -> None:
    assert findings(connection) == {}


@pytest.mark.parametrize(("breaking", "example", "rules"), BROKEN)
def test_what_is_broken_is_found(connection: apsw.Connection, breaking: str, example: str, rules: set[str]) -> None:
    connection.execute(breaking)
    found = findings(connection)
    assert set(found) == rules
    assert not example or example in {row for examples in found.values() for row in examples}


def test_every_rule_can_be_broken() -> None:
    assert {rule for *_, rules in BROKEN for rule in rules} == {*RULES.values()}
