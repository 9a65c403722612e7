"""What somebody who is on call asks first: the books, and which worker, entity and failing job stands behind them."""

from __future__ import annotations

import msgspec

from jobledger._core.job import Lane
from jobledger._core.outcome import Reason
from jobledger._core.reads import LedgerRead
from jobledger._types import SECOND, Micros

MOST_PARKED = 20_000
"""Parked jobs that one overview counts by entity: a few milliseconds of reading."""
GONE_FOR: Micros = 15 * 60 * SECOND
"""How long a worker that is gone is told of: as long as the alert on lost attempts looks back."""
ERROR_TAIL = 2_000
"""Characters of an error that are read, from its end: that is where it says what it is."""


class RunningJob(msgspec.Struct, frozen=True):
    """A job that runs."""

    id: str
    type_id: int
    entity: str | None
    started_at: Micros
    timeout: Micros | None


class WorkerRead(msgspec.Struct, frozen=True):
    """A worker that is not fenced.

    Attributes:
        lease: how long its silence is borne.
        beat_at: its last sign of life; None where that can't be seen.
        ended: its process, or its connection, is gone: whoever lives takes its jobs over.
        running: how many jobs it runs.
        longest: the one of them that began first.
    """

    writer_id: int
    host: str
    pid: int
    slots: int
    lease: Micros
    started_at: Micros
    beat_at: Micros | None
    ended: bool
    running: int = 0
    longest: RunningJob | None = None


class GoneWorker(msgspec.Struct, frozen=True):
    """A worker that has stopped, or was taken over, a short while ago."""

    writer_id: int
    host: str
    pid: int
    died_at: Micros


class HolderRead(msgspec.Struct, frozen=True):
    """The job that an entity's other jobs wait behind: it runs, waits for a slot, or is in a back-off.

    Attributes:
        error: the end of what its last failed attempt said.
    """

    id: str
    type_id: int
    lane: Lane
    writer_id: int | None
    eligible_at: Micros | None
    started_at: Micros | None
    due_at: Micros
    failures: int
    max_attempts: int
    error: str | None


class MailboxRead(msgspec.Struct, frozen=True):
    """An entity with jobs that wait behind another one."""

    entity: str
    parked: int
    holder: HolderRead | None


class FailingRead(msgspec.Struct, frozen=True):
    """A job whose last attempt failed: a dead letter, or one that waits for its next attempt.

    Attributes:
        error: the end of what the attempt said.
    """

    id: str
    type_id: int
    lane: Lane
    reason: Reason | None
    error: str | None


class OverviewRead(msgspec.Struct, frozen=True):
    """All of it, from one snapshot.

    Attributes:
        gone: those of the last quarter of an hour, the last one first.
        mailboxes: the deepest first.
        counted: so many parked jobs were counted for that; there are more if it is as many as may be.
        failing: the dead letters that were submitted last, and the retries that are due next.
    """

    ledger: LedgerRead
    workers: tuple[WorkerRead, ...]
    gone: tuple[GoneWorker, ...]
    mailboxes: tuple[MailboxRead, ...]
    counted: int
    failing: tuple[FailingRead, ...]
