"""Each rule of the audit finds what breaks it, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest

from jobledger._store.postgres import reads
from jobledger._store.postgres.sql import sql_of
from jobledger._types import SECOND
from tests.postgres.filled import SCHEMA, connected, migrated

if TYPE_CHECKING:
    from tests.postgres.filled import Connection

AUDIT: Final = sql_of(SCHEMA, "audit.sql")
SQL: Final = {**sql_of(SCHEMA, "reads.sql"), **AUDIT}
NOW: Final = 100 * SECOND

SOUND: Final = """
    INSERT INTO jobledger.job SELECT k, 'id' || k, k, 1, entity, 2, lane, holds, 1, 1, eligible_at, 1, 1, 0, 0, 10, 3,
        NULL, NULL, 0, NULL, NULL, writer_id, k, 1, NULL, NULL, NULL, NULL, NULL, NULL, 2, ''
    FROM (VALUES
        (1, NULL, 'ready', false, 1, NULL), (2, 'e', 'processing', true, 1, 1), (3, 'e', 'parked', false, NULL, NULL),
        (4, 'f', 'scheduled', true, NULL, NULL), (5, 'f', 'arrived', false, NULL, NULL),
        (6, 'g', 'ready', true, 1, NULL), (7, 'h', 'arrived', false, NULL, NULL),
        (8, NULL, 'scheduled', false, NULL, NULL)
    ) AS made(k, entity, lane, holds, eligible_at, writer_id);
    INSERT INTO jobledger.ended SELECT k, 'id' || k, k, 1, 'e', 2, lane, false, 1, 1, 1, 1, 1, 0, 0, 10, 3,
        NULL, NULL, 0, NULL, NULL, NULL, k, 1, NULL, 9, NULL, NULL, NULL, NULL, 3, ''
    FROM (VALUES (11, 'complete'), (12, 'failed'), (13, 'cancelled'), (14, 'discarded')) AS made(k, lane);
    INSERT INTO jobledger.mailbox (entity) VALUES ('e'), ('f'), ('g');
    INSERT INTO jobledger.history VALUES (2, 2, 'started', 1, 1), (11, 3, 'completed', 9, 1),
        (12, 3, 'dead_lettered', 9, 1), (13, 3, 'cancelled', 9, 1), (14, 3, 'discarded', 9, 1);
    INSERT INTO jobledger.ledger VALUES (0, 6, 1, 2, 0, 12), (1, 6, 1, 2, 0, 1);
    INSERT INTO jobledger.last_completed VALUES (0, 1, 9), (1, 1, 9);
    SELECT setval('jobledger.number', 20);
"""
BROKEN: Final[list[tuple[str, str, set[str]]]] = [
    ("UPDATE jobledger.writer SET dead = true WHERE writer_id = 1", "id2", {"rule_dead_writer", "rule_ledger_owner"}),
    ("UPDATE jobledger.job SET writer_id = 99 WHERE key = 2", "id2", {"rule_dead_writer"}),
    (
        "UPDATE jobledger.job SET lane = 'parked' WHERE key = 7; INSERT INTO jobledger.mailbox (entity) VALUES ('h')",
        "id7",
        {"rule_parked_behind", "rule_mailbox_held"},
    ),
    ("UPDATE jobledger.mailbox SET k = 2 WHERE entity = 'e'", "id3", {"rule_parked_behind"}),
    ("DELETE FROM jobledger.mailbox WHERE entity = 'e'", "id3", {"rule_parked_mailbox", "rule_holder_mailbox"}),
    ("INSERT INTO jobledger.mailbox (entity) VALUES ('nobody')", "nobody", {"rule_mailbox_held"}),
    (
        "DROP INDEX jobledger.job_holder; UPDATE jobledger.job SET holds = true, lane = 'scheduled' WHERE key = 5",
        "f",
        {"rule_holders"},
    ),
    ("UPDATE jobledger.job SET entity = 'x' WHERE key = 1", "id1", {"rule_holds_keyed"}),
    ("UPDATE jobledger.ended SET holds = true WHERE key = 11", "id11", {"rule_holds_keyed"}),
    ("UPDATE jobledger.job SET entity = NULL WHERE key = 7", "id7", {"rule_in_mailbox"}),
    ("UPDATE jobledger.job SET writer_id = 1 WHERE key = 1", "id1", {"rule_owner"}),
    ("UPDATE jobledger.ended SET writer_id = 1 WHERE key = 11", "id11", {"rule_owner"}),
    ("UPDATE jobledger.job SET ended_at = 1 WHERE key = 1", "id1", {"rule_ended"}),
    ("UPDATE jobledger.ended SET ended_at = NULL WHERE key = 11", "id11", {"rule_ended"}),
    ("UPDATE jobledger.job SET lane = 'complete' WHERE key = 1", "id1", {"rule_tables"}),
    ("UPDATE jobledger.ended SET lane = 'scheduled' WHERE key = 11", "id11", {"rule_tables", "rule_history"}),
    ("UPDATE jobledger.ended SET id = 'id8' WHERE key = 11", "id8", {"rule_once"}),
    ("UPDATE jobledger.job SET eligible_at = NULL WHERE key = 1", "id1", {"rule_eligible"}),
    ("UPDATE jobledger.job SET eligible_at = 101000001 WHERE key = 1", "id1", {"rule_eligible"}),
    ("UPDATE jobledger.job SET eligible_at = 101000000 WHERE key = 1", "", set()),
    ("INSERT INTO jobledger.history VALUES (11, 4, 'replayed', 9, 1)", "id11", {"rule_history"}),
    ("INSERT INTO jobledger.history VALUES (2, 3, 'cancel_requested', 9, 1)", "", set()),
    ("DELETE FROM jobledger.history WHERE job_key = 2", "", set()),
    ("DELETE FROM jobledger.history WHERE job_key = 11", "id11", {"rule_history"}),
    ("INSERT INTO jobledger.history VALUES (2, 3, 'completed', 9, 1)", "id2", {"rule_history"}),
    ("INSERT INTO jobledger.history VALUES (2, 3, 'retried', 9, 2)", "id2", {"rule_history"}),
    ("UPDATE jobledger.history SET name = 'retried', run = 0 WHERE job_key = 2", "", set()),
    ("UPDATE jobledger.history SET name = 'completed', run = 0 WHERE job_key = 2", "id2", {"rule_history"}),
    ("UPDATE jobledger.ledger SET writer_id = 99 WHERE writer_id = 1", "writer 99", {"rule_ledger_owner"}),
    ("UPDATE jobledger.last_completed SET writer_id = 99 WHERE writer_id = 1", "writer 99", {"rule_ledger_owner"}),
    ("UPDATE jobledger.job SET fence = 21 WHERE key = 1", "id1", {"rule_numbers"}),
    ("UPDATE jobledger.ended SET seq = 21 WHERE key = 11", "id11", {"rule_numbers"}),
]


@pytest.fixture
async def connection(postgres_database: str) -> AsyncIterator[Connection]:
    async with connected(postgres_database) as connection:
        await migrated(connection)
        await connection.execute(SOUND)
        yield connection


async def findings(connection: Connection) -> dict[str, tuple[str, ...]]:
    """What was found, by the name of the rule."""
    names = {text.splitlines()[0].removeprefix("-- "): name for name, text in AUDIT.items()}
    read = await reads.audit(connection, SQL, NOW)
    assert {names[rule] for rule in read.rules} == {name for name in AUDIT if name.startswith("rule_")}
    return {names[finding.rule]: finding.examples for finding in read.findings}


async def test_sound_rows_break_no_rule(connection: Connection) -> None:
    assert await findings(connection) == {}


async def test_rows_of_both_tables_are_counted(connection: Connection) -> None:
    read = await reads.audit(connection, SQL, NOW)
    counted = {row.lane: (row.rows, row.starts) for row in read.rows}
    assert counted["scheduled"] == counted["arrived"] == (2, 2)
    assert sum(rows for rows, _ in counted.values()) == 12


async def test_what_is_broken_is_found(connection: Connection) -> None:
    caught: set[str] = set()
    for breaking, example, rules in BROKEN:
        await connection.execute("BEGIN")
        for statement in breaking.split("; "):
            await connection.execute(statement)
        found = await findings_within(connection)
        await connection.execute("ROLLBACK")
        assert set(found) == rules, breaking
        assert not rules or example in {row for rows in found.values() for row in rows}, breaking
        caught |= rules
    assert caught == {name for name in AUDIT if name.startswith("rule_")}


async def findings_within(connection: Connection) -> dict[str, list[str]]:
    """As `findings`, inside a transaction that will be undone."""
    found: dict[str, list[str]] = {}
    for name, text in AUDIT.items():
        if name.startswith("rule_"):
            rows = await connection.fetch(text, *((NOW,) if "$1" in text else ()))
            found |= {name: [str(row[0]) for row in rows]} if rows else {}
    return found
