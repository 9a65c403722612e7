"""What users are told of a job."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from jobledger._core.job import ENDED, STATUS_OF, Event, EventName, Progress, Status
from jobledger._core.outcome import Reason
from jobledger._core.priority import Priority
from jobledger._types import Micros, seconds

if TYPE_CHECKING:
    from jobledger._core.job import Job
    from jobledger._core.reads import Record


class Cancelled(msgspec.Struct, frozen=True):
    """The job is cancelled."""


class Requested(msgspec.Struct, frozen=True):
    """The job's running attempt is asked to stop; whether it or the completion wins is not decided yet."""


class AlreadyEnded(msgspec.Struct, frozen=True):
    """The job had ended, or ended otherwise before the request reached it."""

    status: Status


CancelAnswer: TypeAlias = Cancelled | Requested | AlreadyEnded


class HistoryEntry(msgspec.Struct, frozen=True):
    """One transition of a job.

    Attributes:
        at: when, by the store's clock (UTC).
        event: submitted, started, completed, retried, dead_lettered, cancel_requested, cancelled, released, lost,
            replayed or discarded.
        run: the start that it belongs to.
        worker: the writer that did it, by number.
        seconds: execution time, where an attempt ended.
    """

    at: datetime
    event: EventName
    run: int
    worker: int | None
    reason: Reason | None
    error: str | None
    seconds: float | None


class AttemptReport(msgspec.Struct, frozen=True):
    """One attempt: a start and what came of it (None while it runs)."""

    run: int
    worker: int | None
    started_at: datetime
    ended_at: datetime | None = None
    outcome: EventName | None = None
    reason: Reason | None = None
    error: str | None = None
    seconds: float | None = None


class JobSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A job as lists show it."""

    id: str
    type: str
    status: Status
    lane: str
    entity: str | None
    priority: str
    attempt: int
    failures: int
    max_attempts: int
    losses: int
    submitted_at: datetime
    due_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cancel_requested: bool
    batch: str | None
    reason: Reason | None
    error: str | None
    progress: Progress | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself (a dead letter may be replayed)."""
        return self.status in ENDED


class JobReport(JobSummary, frozen=True, kw_only=True):
    """All that is known of a job."""

    payload: dict[str, Any]
    result: Any
    dedupe: str | None
    trace: str | None
    attempts: tuple[AttemptReport, ...]
    history: tuple[HistoryEntry, ...]


class JobPage(msgspec.Struct, frozen=True):
    """One page of jobs; ``next`` is the cursor of the page behind it, None on the last."""

    jobs: tuple[JobSummary, ...]
    next: str | None = None


def instant(at: Micros) -> datetime:
    """An instant as an aware datetime (UTC)."""
    return datetime.fromtimestamp(seconds(at), UTC)


def summary_of(job: Job, type_name: str) -> JobSummary:
    """A job as lists show it."""
    return JobSummary(**_facts(job, type_name))


def report_of(record: Record) -> JobReport:
    """A job with all that is kept of it."""
    job = record.job
    return JobReport(
        **_facts(job, record.type.name),
        payload=msgspec.json.decode(record.payload),
        result=None if job.result is None else msgspec.json.decode(job.result),
        dedupe=job.dedupe,
        trace=job.trace,
        attempts=_attempts(record.history),
        history=tuple(_entry(event) for event in record.history),
    )


def _facts(job: Job, type_name: str) -> dict[str, Any]:
    return {
        "id": job.id,
        "type": type_name,
        "status": STATUS_OF[job.lane],
        "lane": job.lane.value,
        "entity": job.entity,
        "priority": Priority(job.priority).label,
        "attempt": job.attempt,
        "failures": job.failures,
        "max_attempts": job.max_attempts,
        "losses": job.losses,
        "submitted_at": instant(job.submitted_at),
        "due_at": instant(job.due_at),
        "started_at": None if job.started_at is None else instant(job.started_at),
        "ended_at": None if job.ended_at is None else instant(job.ended_at),
        "cancel_requested": job.cancel_at is not None,
        "batch": job.batch,
        "reason": job.reason,
        "error": job.error,
        "progress": job.progress,
    }


def _entry(event: Event) -> HistoryEntry:
    spent = None if event.micros is None else seconds(event.micros)
    return HistoryEntry(instant(event.at), event.name, event.run, event.writer_id, event.reason, event.error, spent)


def _attempts(history: tuple[Event, ...]) -> tuple[AttemptReport, ...]:
    attempts: list[AttemptReport] = []
    for event in history:
        if event.name is EventName.STARTED:
            attempts.append(AttemptReport(event.run, event.writer_id, instant(event.at)))
        elif _ends_attempt(event, attempts):
            open_ = attempts[-1]
            spent = None if event.micros is None else seconds(event.micros)
            attempts[-1] = AttemptReport(
                open_.run,
                open_.worker,
                open_.started_at,
                instant(event.at),
                event.name,
                event.reason,
                event.error,
                spent,
            )
    return tuple(attempts)


def _ends_attempt(event: Event, attempts: list[AttemptReport]) -> bool:
    running = bool(attempts) and attempts[-1].run == event.run and attempts[-1].outcome is None
    return running and event.name is not EventName.CANCEL_REQUESTED
