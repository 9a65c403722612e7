"""Databases with jobs in them, made by SQL: a job's key is also its time, in seconds, and every fifth is alive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from jobledger._core.catalog import BOUNDARIES
from jobledger._store.postgres.migrate import NEWEST, steps
from jobledger._store.postgres.sql import fitted

SCHEMA = "jobledger"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

TYPES = """
    INSERT INTO jobledger.type (name, label, priority, max_attempts, max_losses)
    SELECT 'type' || n, 'type' || n, 2, 10, 3 FROM generate_series(1, 10) AS n
"""
WRITERS = """
    INSERT INTO jobledger.writer (kind, host, pid, slots, types, lease, started_at, seen_at)
    SELECT 'worker', 'here', n, 100, '{1,2,3}', 10, 0, 0 FROM generate_series(1, 4) AS n
"""
JOBS = """
    INSERT INTO jobledger.{table} SELECT
        k, 'id' || k, k, 1 + k % 10, CASE WHEN lane IN ('arrived', 'parked') THEN 'box' || k % 50
            WHEN k % 4 = 1 THEN 'e' || k % 1000 END, k % 4, lane, false, k * 1000000, k * 1000000,
        CASE WHEN lane = 'ready' THEN k * 1000000 END, k * 1000000, CASE lane WHEN 'ready' THEN 0 ELSE 1 END, 0,
        CASE WHEN k % 1000 = 0 THEN 1 ELSE 0 END, 10, 3, 1000, NULL, 0, CASE WHEN k % 1000 < 7 THEN 'b' || k / 1000 END,
        NULL, CASE lane WHEN 'processing' THEN 1 + k % 4 END, k, k * 1000000,
        CASE WHEN lane = 'processing' AND k % 2 = 0 THEN k END,
        CASE '{table}' WHEN 'ended' THEN (k + 100) * 1000000 END,
        CASE WHEN lane = 'failed' THEN 'Timeout' END, NULL, NULL, NULL, 2, '\x7b7d'::bytea
    FROM (
        SELECT k, CASE '{table}' WHEN 'ended' THEN
            CASE WHEN k % 100 = 1 THEN 'failed' WHEN k % 101 = 0 THEN 'cancelled' ELSE 'complete' END
        ELSE
            CASE k / 5 % 20 WHEN 3 THEN 'parked' WHEN 7 THEN 'scheduled' WHEN 11 THEN 'arrived'
            WHEN 0 THEN CASE WHEN k <= 10000 THEN 'processing' ELSE 'ready' END ELSE 'ready' END
        END AS lane FROM generate_series($1::bigint, $2::bigint) AS k WHERE (k % 5 = 0) = ('{table}' = 'job')
    ) AS numbered
"""
HISTORY = """
    INSERT INTO jobledger.history SELECT key, version, 'completed', ended_at, 1, 1, NULL, NULL, 7 FROM (
        SELECT key, ended_at FROM jobledger.ended
        WHERE key BETWEEN $1 AND $2 AND (key > $2 - 2000 OR lane = 'failed')
    ) AS latest, generate_series(1, 3) AS version
"""
LEDGER = """
    INSERT INTO jobledger.ledger SELECT writer_id, number, type_id, priority, cell, 10 * writer_id + cell
    FROM generate_series(0, 4) AS writer_id, generate_series(9, 13) AS number, generate_series(1, 10) AS type_id,
        generate_series(0, 3) AS priority, generate_series(-1, 10) AS cell
"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url, timeout=20, command_timeout=60, statement_cache_size=0)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def migrated(connection: Connection) -> None:
    """An empty store."""
    await connection.execute("CREATE SCHEMA jobledger")
    for step in steps():
        await connection.execute(fitted(step.text, SCHEMA))
    await connection.execute(
        "INSERT INTO jobledger.book (one, version, needs, boundaries) VALUES (1, $2, 1, $1)",
        json.dumps(BOUNDARIES), NEWEST,
    )  # fmt: skip
    await connection.execute(TYPES)
    await connection.execute(WRITERS)


async def add_jobs(connection: Connection, first: int, last: int) -> None:
    """Jobs with these keys, in both tables."""
    for table in ("job", "ended"):
        await connection.execute(JOBS.replace("{table}", table), first, last)
    await connection.execute(HISTORY, first, last)
    await connection.execute("SELECT setval('jobledger.number', $1)", last)


async def add_counts(connection: Connection) -> None:
    """A ledger of five writers, and what waits to be folded."""
    await connection.execute(LEDGER)
    await connection.execute(
        "INSERT INTO jobledger.ledger_delta (number, type_id, priority, cell, value) SELECT 9, 1, 2, 0, 1"
        " FROM generate_series(1, 30)"
    )
