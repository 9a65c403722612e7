"""Reading: each from one snapshot, and never in the writers' way. All plain SQL; who calls gives the connection."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jobledger._core.deltas import Cell
from jobledger._core.reads import AuditRead, Finding, JobType, LedgerRead, Probe, Record, RowCount, UserSeries
from jobledger._store import rows
from jobledger._store.contract import Prospect
from jobledger._store.postgres.sql import PACKAGE
from jobledger._store.statements import statements

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping
    from typing import TypeAlias

    import asyncpg

    from jobledger._store.contract import Room
    from jobledger._store.postgres.session import Session
    from jobledger._types import Micros

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

_PINS: Final = statements(PACKAGE, "reads.sql")
"""Those of its statements that name no table."""
_EXAMPLES: Final = 10
_cell: Final = lru_cache(maxsize=2**17)(Cell)
"""From read to read the cells are the same. Made anew, the largest ledger's made the garbage collector walk the whole
heap at every scrape, and nothing else ran meanwhile."""


@asynccontextmanager
async def snapshot(connection: Connection, pin: str = "pin_probes") -> AsyncGenerator[None]:
    """All reads inside see the same commit, and are planned as ``pin`` says."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_PINS[pin])
        yield


async def job_types(connection: Connection, sql: Mapping[str, str]) -> tuple[JobType, ...]:
    """All known types."""
    return tuple(JobType(*row) for row in await connection.fetch(sql["types"]))


async def record(connection: Connection, sql: Mapping[str, str], job_id: str) -> Record | None:
    """One job, whole: in one question, since each takes longer than its answer."""
    async with snapshot(connection):
        found = await connection.fetchrow(sql["record"], job_id)
    if found is None:
        return None
    *row, history = found
    job = rows.job_of(row)
    return Record(job, JobType(*row[rows.WIDTH + 1 :]), row[rows.WIDTH], rows.history(job, json.loads(history or "[]")))


async def prospect(
    connection: Connection | Session, sql: Mapping[str, str], writer_id: int, room: Room, wall: Micros
) -> Prospect:
    """Jobs that there is room for, due ones, and requests to cancel that the worker has not heard of."""
    ((due, stops, ready, suspect),) = await connection.fetch(sql["prospect"], writer_id, room.types, room.suspects)
    is_due = due is not None and due <= wall
    return Prospect(is_due or ready or suspect or stops > room.stops, due, wall)


async def ledger(connection: Connection, sql: Mapping[str, str], wall: Micros) -> LedgerRead:
    """The books and the probes. A worker whose process has ended is none, even before it is taken over."""
    async with snapshot(connection, "pin_books"):
        return await ledger_of(connection, sql, wall)


async def ledger_of(connection: Connection, sql: Mapping[str, str], wall: Micros) -> LedgerRead:
    """The same, inside a snapshot that is pinned for the books."""
    cells = cells_of(await connection.fetch(sql["ledger"]))
    await connection.execute(_PINS["pin_probes"])
    workers = await connection.fetch(sql["workers"])
    samples = await connection.fetch(sql["samples"])
    boundaries, unfolded, store_id, began_at = await connection.fetchrow(sql["book"]) or ("[]", 0, "", 0)
    return LedgerRead(
        as_of=wall,
        cells=cells,
        types=await job_types(connection, sql),
        user_series=tuple(
            UserSeries(number, name, kind, tuple((label, value) for label, value in json.loads(labels)), text)
            for number, name, kind, labels, text in await connection.fetch(sql["user_series"])
        ),
        probes=tuple(Probe(*row) for row in await connection.fetch(sql["probes"], wall)),
        workers=len(workers),
        slots=sum(slots for _, slots, _, _ in workers),
        used=sum(used for _, _, _, used in workers),
        handled=frozenset(type_id for _, _, types, _ in workers for type_id in types),
        samples={name: value for name, value, _ in samples},
        sampled_at=min((at for _, _, at in samples), default=None),
        boundaries=tuple(json.loads(boundaries)),
        unfolded=unfolded,
        store_id=store_id,
        began_at=began_at,
    )


def cells_of(found: Iterable[asyncpg.Record]) -> dict[Cell, int]:
    """Every cell with its sum."""
    return {_cell(number, type_id, priority, cell): int(value) for number, type_id, priority, cell, value in found}


async def audit(connection: Connection, sql: Mapping[str, str], wall: Micros) -> AuditRead:
    """Books, rows and structure, from one snapshot; to ``sql`` belong the statements of ``audit.sql`` too."""
    async with snapshot(connection, "pin_books"):
        read = await ledger_of(connection, sql, wall)
        await connection.execute(_PINS["pin_walks"])
        counted = tuple(RowCount(*row) for row in await connection.fetch(sql["rows"]))
        findings: list[Finding] = []
        rules: list[str] = []
        for name, text in sql.items():
            if not name.startswith("rule_"):
                continue
            rule = text.splitlines()[0].removeprefix("-- ")
            rules.append(rule)
            broken = [str(row[0]) for row in await connection.fetch(text, *((wall,) if "$1" in text else ()))]
            if broken:
                findings.append(Finding(rule, len(broken), tuple(broken[:_EXAMPLES])))
    return AuditRead(read, counted, tuple(findings), tuple(rules))
