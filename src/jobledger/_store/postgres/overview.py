"""An overview: the books, and which worker, entity and failing job stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core.job import LANES
from jobledger._core.outcome import Reason
from jobledger._core.overview import (
    ERROR_TAIL,
    GONE_FOR,
    MOST_PARKED,
    FailingRead,
    GoneWorker,
    HolderRead,
    MailboxRead,
    OverviewRead,
    RunningJob,
    WorkerRead,
)
from jobledger._store.postgres import reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from jobledger._store.postgres.reads import Connection
    from jobledger._types import Micros


async def overview(connection: Connection, sql: Mapping[str, str], wall: Micros, limit: int) -> OverviewRead:
    """All of it, from one snapshot; to ``sql`` belong the statements of ``reads.sql`` too."""
    async with reads.snapshot(connection, "pin_books"):
        ledger = await reads.ledger_of(connection, sql, wall)
        workers = await connection.fetch(sql["live_workers"], wall)
        gone = await connection.fetch(sql["gone_workers"], wall - GONE_FOR, limit)
        running = await connection.fetch(sql["running"])
        mailboxes = await connection.fetch(sql["mailboxes"], MOST_PARKED, limit)
        holders = await connection.fetch(sql["holders"], [row[0] for row in mailboxes], ERROR_TAIL)
        failing = [row for what in ("dead", "retrying") for row in await connection.fetch(sql[what], limit, ERROR_TAIL)]
    return OverviewRead(
        ledger=ledger,
        workers=tuple(_workers(workers, running)),
        gone=tuple(GoneWorker(*row) for row in gone),
        mailboxes=tuple(_mailboxes(mailboxes, holders)),
        counted=mailboxes[0][2] if mailboxes else 0,
        failing=tuple(
            FailingRead(job_id, type_id, LANES[lane], reason and Reason(reason), error)
            for job_id, type_id, lane, reason, error in failing
        ),
    )


def _workers(workers: Iterable[Any], running: Iterable[Any]) -> Iterable[WorkerRead]:
    found = {row[0]: (row[1], RunningJob(*row[2:])) for row in map(tuple, running)}
    for writer_id, host, pid, slots, lease, started_at, beat_at, ended in workers:
        jobs, longest = found.get(writer_id, (0, None))
        yield WorkerRead(writer_id, host, pid, slots, lease, started_at, beat_at, ended, jobs, longest)


def _mailboxes(mailboxes: Iterable[Any], holders: Iterable[Any]) -> Iterable[MailboxRead]:
    found = {
        entity: HolderRead(job_id, type_id, LANES[lane], *rest)
        for entity, job_id, type_id, lane, *rest in map(tuple, holders)
    }
    return (MailboxRead(entity, parked, found.get(entity)) for entity, parked, _ in mailboxes)
