"""An overview: the books, and which worker, entity and failing job stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
from jobledger._store.sqlite import reads
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import apsw

    from jobledger._store.sqlite.reads import HasEnded
    from jobledger._types import Micros

SQL: Final = statements(PACKAGE, "overview.sql")


def overview(
    connection: apsw.Connection,
    wall: Micros,
    has_ended: HasEnded,
    last_beat: Callable[[int], Micros | None],
    limit: int,
) -> OverviewRead:
    """All of it, from one snapshot; up to ``limit`` mailboxes, dead letters and retries."""
    with reads.snapshot(connection):
        ledger = reads.ledger_of(connection, wall, has_ended)
        mailboxes = list(connection.execute(SQL["mailboxes"], {"most": MOST_PARKED, "limit": limit}))
        gone = connection.execute(SQL["gone_workers"], {"since": ledger.as_of - GONE_FOR, "limit": limit})
        return OverviewRead(
            ledger=ledger,
            workers=tuple(_workers(connection, has_ended, last_beat)),
            gone=tuple(GoneWorker(*row) for row in gone),
            mailboxes=tuple(MailboxRead(name, parked, _holder(connection, name)) for name, parked, _ in mailboxes),
            counted=mailboxes[0][2] if mailboxes else 0,
            failing=tuple(
                FailingRead(job_id, type_id, LANES[lane], reason and Reason(reason), error)
                for what in ("dead", "retrying")
                for job_id, type_id, lane, reason, error in _failing(connection, what, limit)
            ),
        )


def _workers(
    connection: apsw.Connection, has_ended: HasEnded, last_beat: Callable[[int], Micros | None]
) -> Iterator[WorkerRead]:
    running: dict[int, tuple[Any, ...]] = {row[0]: row for row in connection.execute(SQL["running"])}
    for writer_id, host, pid, slots, lease, started_at in list(connection.execute(SQL["live_workers"])):
        _, jobs, _, key = running.get(writer_id, (writer_id, 0, None, None))
        found = None if key is None else connection.execute(SQL["running_job"], (key,)).fetchone()
        longest = None if found is None else RunningJob(*found)
        beat_at, ended = last_beat(writer_id), has_ended(writer_id)
        yield WorkerRead(writer_id, host, pid, slots, lease, started_at, beat_at, ended, jobs, longest)


def _holder(connection: apsw.Connection, entity: str) -> HolderRead | None:
    found = connection.execute(SQL["holder"], {"entity": entity, "tail": ERROR_TAIL}).fetchone()
    if found is None:
        return None
    job_id, type_id, lane, *rest = found
    return HolderRead(job_id, type_id, LANES[lane], *rest)


def _failing(connection: apsw.Connection, what: str, limit: int) -> list[tuple[Any, ...]]:
    return list(connection.execute(SQL[what], {"limit": limit, "tail": ERROR_TAIL}))
