"""The rule-book: the only place where a job's status changes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

import msgspec
from msgspec.structs import replace

from jobledger._core import catalog
from jobledger._core import commands as c
from jobledger._core.beginnings import started
from jobledger._core.deltas import CALM, NO_PRIORITY, WHILE_FAILING, Delta, count, observe
from jobledger._core.job import DUE_LANES, PRUNABLE, Event, EventName, Job, Lane, Progress, Status
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Reason, Retry
from jobledger._types import micros

if TYPE_CHECKING:
    from jobledger._types import Micros


class Refused(StrEnum):
    """Why a command changed nothing."""

    NOT_FOUND = "not_found"
    KNOWN = "known"
    DUPLICATE = "duplicate"
    ALREADY_ENDED = "already_ended"
    NOT_DEAD = "not_dead"
    STALE = "stale"
    ILLEGAL = "illegal"
    UNKNOWN = "unknown"


class Refusal(msgspec.Struct, frozen=True):
    """The command changed nothing.

    Attributes:
        why: the rule that refused it.
        job: the job as it is, where it was loaded.
        job_id: the job that stands in the way: the holder of the dedupe key, or the same job.
        deltas: a refused stale settlement is counted; nothing else is.
    """

    why: Refused
    job: Job | None = None
    job_id: str | None = None
    deltas: tuple[Delta, ...] = ()


class Change(msgspec.Struct, frozen=True, gc=False):
    """The command won.

    Attributes:
        job: the row after it.
        event: what history keeps, if the status changed; of a new job and of a running one the row says it: see
            :mod:`jobledger._core.beginnings`.
        began: the start of the run that ends here, where the row won't tell it any more: history keeps it from now on.
        deltas: what the ledger counts in the same commit.
        frees: the entity's mailbox has lost its holder: hand it over.
    """

    job: Job
    event: Event | None
    deltas: tuple[Delta, ...]
    frees: bool = False
    began: Event | None = None


Verdict = Change | Refusal

LEGAL: Final[dict[type[c.JobCommand], frozenset[Status]]] = {
    c.Due: frozenset({Status.QUEUED}),
    c.Activate: frozenset({Status.QUEUED}),
    c.Park: frozenset({Status.QUEUED}),
    c.Start: frozenset({Status.QUEUED}),
    c.Settle: frozenset({Status.PROCESSING}),
    c.Release: frozenset({Status.PROCESSING}),
    c.Report: frozenset({Status.PROCESSING}),
    c.Lose: frozenset({Status.PROCESSING}),
    c.Cancel: frozenset({Status.QUEUED, Status.PROCESSING}),
    c.Replay: frozenset({Status.FAILED}),
    c.Discard: frozenset({Status.FAILED}),
    c.Prune: PRUNABLE,
}
"""Which statuses each command may find; every other pair is refused."""


def submit(command: c.Submit, now: Micros, *, number: int, occupied: bool | None) -> Change:
    """Accept a new job. ``number`` becomes its order; ``occupied``: as of :func:`decide`."""
    due_at = max(now, command.due_at if command.due_at is not None else now + command.delay)
    keyed = command.entity is not None
    lane = Lane.SCHEDULED if due_at > now else _due_lane(keyed=keyed, occupied=occupied)
    job = Job(
        key=number, id=command.id, seq=number, type_id=command.type_id, entity=command.entity,
        priority=command.priority,
        lane=lane, holds=keyed and lane is Lane.READY, submitted_at=now, due_at=due_at,
        eligible_at=due_at if lane is Lane.READY else None, origin_at=due_at, run=0, failures=0, losses=0,
        max_attempts=command.max_attempts, max_losses=command.max_losses, timeout=command.timeout,
        dedupe=command.dedupe, dedupe_until=now + command.dedupe_for if command.dedupe_for else 0,
        batch=command.batch, trace=command.trace, writer_id=None, fence=0, started_at=None, cancel_at=None,
        ended_at=None, reason=None, error=None, result=None, progress=None, version=1,
    )  # fmt: skip
    return Change(job, None, (count(catalog.ENQUEUED, job), *_enter(job)))


def duplicate(command: c.Submit, holder: str) -> Refusal:
    """Refuse a submit whose dedupe key is held, and count it."""
    delta = Delta(catalog.DEDUPLICATED.number, command.type_id, NO_PRIORITY, 0, 1)
    return Refusal(Refused.DUPLICATE, job_id=holder, deltas=(delta,))


def decide(
    job: Job | None, command: c.JobCommand, now: Micros, *, number: int = 0, occupied: bool | None = False
) -> Verdict:
    """What a command does to a job, and what the books count for it.

    Args:
        job: the row as it is now, or None when there is none.
        command: what is asked.
        now: the store's clock, microseconds.
        number: a fresh store-wide number, for commands that need one (the fence of a Start, the order of a Replay).
        occupied: another job holds the mailbox of this job's entity; None: nobody has looked, so a keyed job arrives.

    Returns:
        A Change that must be written whole, or a Refusal that changes nothing.
    """
    if job is None:
        return Refusal(Refused.NOT_FOUND)
    if job.status not in LEGAL[type(command)]:
        return _refuse(job, command)
    match command:
        case c.Settle() | c.Release() | c.Report():
            return _running(job, command, now)
        case c.Start():
            return _start(job, command, now, number)
        case c.Due() | c.Activate() | c.Park():
            return _placed(job, command, now, occupied=occupied)
        case c.Cancel():
            return _cancel(job, now)
        case c.Lose():
            return _lose(job, command, now)
        case c.Replay():
            return _replay(job, now, number, occupied=occupied)
        case c.Discard():
            deltas = (count(catalog.DISCARDED, job), count(catalog.DLQ_SIZE, job, -1))
            return _ended(job, Lane.DISCARDED, EventName.DISCARDED, now, deltas)
        case c.Prune():
            return Change(job, None, (count(catalog.PRUNED, job, cell=PRUNED_CELLS[job.status]),))
        case _:
            assert_never(command)


PRUNED_CELLS: Final = {Status.COMPLETE: 0, Status.CANCELLED: 1, Status.DISCARDED: 2}
"""Which cell of the pruned counter stands for which status."""


def _refuse(job: Job, command: c.JobCommand) -> Refusal:
    match command:
        case c.Settle() | c.Release() | c.Report():
            return _stale(job)
        case c.Cancel():
            return Refusal(Refused.ALREADY_ENDED, job)
        case c.Replay() | c.Discard():
            return Refusal(Refused.NOT_DEAD, job)
        case _:
            return Refusal(Refused.ILLEGAL, job)


def _stale(job: Job) -> Refusal:
    return Refusal(Refused.STALE, job, deltas=(count(catalog.STALE, job),))


def _start(job: Job, command: c.Start, now: Micros, number: int) -> Verdict:
    if job.lane is not Lane.READY:
        return Refusal(Refused.ILLEGAL, job)
    running = replace(
        job, lane=Lane.PROCESSING, run=job.run + 1, writer_id=command.writer_id, fence=number, started_at=now,
        progress=None, version=job.version + 1,
    )  # fmt: skip
    waited = now - (job.eligible_at if job.eligible_at is not None else now)
    deltas = (observe(catalog.WAIT, job, waited), count(catalog.QUEUE_DEPTH, job, -1), count(catalog.RUNNING, job))
    return Change(running, None, deltas)


def _running(job: Job, command: c.Running, now: Micros) -> Verdict:
    if job.run != command.run or job.writer_id != command.writer_id:
        return _stale(job)
    match command:
        case c.Settle():
            return _settle(job, command, now)
        case c.Release():
            return _release(job, now)
        case c.Report():
            progress = Progress(command.percent, command.message, now)
            return Change(replace(job, progress=progress, version=job.version + 1), None, ())
        case _:
            assert_never(command)


def _settle(job: Job, command: c.Settle, now: Micros) -> Change:
    worked = (observe(catalog.PROCESSING, job, command.elapsed), count(catalog.RUNNING, job, -1))
    match command.outcome:
        case Done():
            reason = Reason.TIMEOUT if command.late else None
            deltas = (count(catalog.COMPLETIONS, job), _lasted(job, now), *worked)
            return _ended(
                job, Lane.COMPLETE, EventName.COMPLETED, now, deltas, reason, None, command.elapsed, command.result
            )
        case Cancel(error=error):
            deltas = (count(catalog.CANCELLATIONS, job, cell=CALM), _lasted(job, now), *worked)
            return _ended(job, Lane.CANCELLED, EventName.CANCELLED, now, deltas, None, error, command.elapsed)
        case Fail(error=error, reason=reason):
            return _failed(job, command, now, reason, error, worked, final=True)
        case Failed(error=error, reason=reason):
            return _failed(job, command, now, reason, error, worked)
        case Retry(error=error):
            return _failed(job, command, now, Reason.PROCESSING, error, worked)
        case _:
            assert_never(command.outcome)


def _failed(
    job: Job,
    command: c.Settle,
    now: Micros,
    reason: Reason,
    error: str,
    worked: tuple[Delta, ...],
    *,
    final: bool = False,
) -> Change:
    failed = replace(job, failures=job.failures + 1)
    deltas = (count(catalog.FAILURES, job), *worked)
    if job.cancel_at is not None:
        return _cancelled_failing(failed, now, reason, error, deltas, command.elapsed)
    if final or failed.failures >= job.max_attempts:
        why = reason if final else Reason.MAX_ATTEMPTS
        return _dead(failed, now, why, error, deltas, command.elapsed)
    asked = command.outcome.after if isinstance(command.outcome, Retry) else None
    wait = micros(asked) if asked is not None else command.retry.delay(failed.failures, command.jitter)
    holds = job.entity is not None and command.retry.on_retry == "block"
    due_at = now + max(wait, 0)
    retried = replace(
        failed, lane=Lane.SCHEDULED, holds=holds, due_at=due_at, eligible_at=None, writer_id=None, reason=reason,
        error=error, version=job.version + 1,
    )  # fmt: skip
    event = Event(EventName.RETRIED, now, job.run, job.writer_id, reason, error, command.elapsed)
    deltas = (count(catalog.RETRIES, job), count(catalog.SCHEDULED, job), *deltas)
    return Change(retried, event, deltas, job.holds and not holds, started(job))


def _lose(job: Job, command: c.Lose, now: Micros) -> Verdict:
    if job.writer_id != command.writer_id:
        return _stale(job)
    lost = replace(job, losses=job.losses + 1)
    deltas = (count(catalog.FAILURES, job), count(catalog.LOST, job), count(catalog.RUNNING, job, -1))
    error = "the worker that ran this job was lost"
    if job.cancel_at is not None:
        return _cancelled_failing(lost, now, Reason.WORKER_LOST, error, deltas)
    if lost.losses >= job.max_losses:
        return _dead(lost, now, Reason.WORKER_LOST, error, deltas)
    back = (count(catalog.RETRIES, job), count(catalog.QUEUE_DEPTH, job), *deltas)
    return _put_back(lost, EventName.LOST, now, back, Reason.WORKER_LOST, error)


def _release(job: Job, now: Micros) -> Change:
    deltas: tuple[Delta, ...] = (count(catalog.RELEASED, job), count(catalog.RUNNING, job, -1))
    if job.cancel_at is not None:
        deltas = (count(catalog.CANCELLATIONS, job, cell=CALM), _lasted(job, now), *deltas)
        return _ended(job, Lane.CANCELLED, EventName.CANCELLED, now, deltas)
    return _put_back(job, EventName.RELEASED, now, (count(catalog.QUEUE_DEPTH, job), *deltas))


def _put_back(
    job: Job,
    name: EventName,
    now: Micros,
    deltas: tuple[Delta, ...],
    reason: Reason | None = None,
    error: str | None = None,
) -> Change:
    """To the front again: the job keeps its order and its hold, so its entity's order stands."""
    ready = replace(job, lane=Lane.READY, eligible_at=now, writer_id=None, version=job.version + 1)
    return Change(ready, Event(name, now, job.run, job.writer_id, reason, error), deltas, began=started(job))


def _cancelled_failing(
    job: Job, now: Micros, reason: Reason, error: str, deltas: tuple[Delta, ...], elapsed: Micros | None = None
) -> Change:
    counted = (count(catalog.CANCELLATIONS, job, cell=WHILE_FAILING), _lasted(job, now), *deltas)
    return _ended(job, Lane.CANCELLED, EventName.CANCELLED, now, counted, reason, error, elapsed)


def _dead(
    job: Job, now: Micros, reason: Reason, error: str, deltas: tuple[Delta, ...], elapsed: Micros | None = None
) -> Change:
    counted = (count(catalog.DEAD_LETTERED, job), count(catalog.DLQ_SIZE, job), _lasted(job, now), *deltas)
    dead = _ended(job, Lane.FAILED, EventName.DEAD_LETTERED, now, counted, reason, error, elapsed)
    return replace(dead, began=started(job))


def _ended(
    job: Job, lane: Lane, name: EventName, now: Micros, deltas: tuple[Delta, ...],
    reason: Reason | None = None, error: str | None = None, elapsed: Micros | None = None, result: bytes | None = None,
) -> Change:  # fmt: skip
    event = Event(name, now, job.run, job.writer_id, reason, error, elapsed)
    ended = replace(
        job, lane=lane, holds=False, ended_at=now, writer_id=None, reason=reason, error=error, result=result,
        version=job.version + 1,
    )  # fmt: skip
    return Change(ended, event, deltas, frees=job.holds)


def _cancel(job: Job, now: Micros) -> Change:
    if job.status is Status.PROCESSING:
        if job.cancel_at is not None:
            return Change(job, None, ())
        asked = replace(job, cancel_at=now, version=job.version + 1)
        return Change(asked, Event(EventName.CANCEL_REQUESTED, now, job.run, job.writer_id), ())
    deltas = (count(catalog.CANCELLATIONS, job, cell=CALM), _lasted(job, now), *_leave(job))
    return _ended(job, Lane.CANCELLED, EventName.CANCELLED, now, deltas)


def _placed(job: Job, command: c.Due | c.Activate | c.Park, now: Micros, *, occupied: bool | None) -> Verdict:
    match command:
        case c.Due() if job.lane is Lane.SCHEDULED:
            return _due(job, occupied=occupied)
        case c.Activate() if job.lane in {Lane.PARKED, Lane.ARRIVED}:
            return _activate(job, now, free=command.free)
        case c.Park() if job.lane is Lane.ARRIVED:
            return Change(replace(job, lane=Lane.PARKED, version=job.version + 1), None, (count(catalog.PARKED, job),))
        case _:
            return Refusal(Refused.ILLEGAL, job)


def _due_lane(*, keyed: bool, occupied: bool | None) -> Lane:
    """Where a due job goes that does not hold its mailbox."""
    if not keyed or occupied is False:
        return Lane.READY
    return Lane.PARKED if occupied else Lane.ARRIVED


def _due(job: Job, *, occupied: bool | None) -> Change:
    keyed = job.entity is not None and not job.holds
    lane = _due_lane(keyed=keyed, occupied=occupied)
    heads = keyed and lane is Lane.READY
    due = replace(
        job, lane=lane, holds=job.holds or heads, eligible_at=job.due_at if lane is Lane.READY else None,
        version=job.version + 1,
    )  # fmt: skip
    deltas = (count(catalog.SCHEDULED, job, -1), *_enter(due, heads=heads))
    return Change(due, None, deltas)


def _activate(job: Job, now: Micros, *, free: bool) -> Change:
    eligible_at = job.due_at if free else max(job.due_at, now)
    head = replace(job, lane=Lane.READY, holds=True, eligible_at=eligible_at, version=job.version + 1)
    parked = (count(catalog.PARKED, job, -1),) if job.lane is Lane.PARKED else ()
    return Change(head, None, (*parked, observe(catalog.MAILBOX_WAIT, job, eligible_at - job.due_at)))


def _replay(job: Job, now: Micros, number: int, *, occupied: bool | None) -> Change:
    lane = _due_lane(keyed=job.entity is not None, occupied=occupied)
    is_ready = lane is Lane.READY
    again = replace(
        job, seq=number, lane=lane, holds=job.entity is not None and is_ready,
        due_at=now, eligible_at=now if is_ready else None, origin_at=now, failures=0, losses=0, started_at=None,
        cancel_at=None, ended_at=None, reason=None, error=None, progress=None, version=job.version + 1,
    )  # fmt: skip
    deltas = (count(catalog.REPLAYED, job), count(catalog.DLQ_SIZE, job, -1), *_enter(again))
    return Change(again, Event(EventName.REPLAYED, now, job.run), deltas)


def _enter(job: Job, *, heads: bool = True) -> tuple[Delta, ...]:
    """The gauges of the lane that a job enters."""
    if job.lane is Lane.SCHEDULED:
        return (count(catalog.SCHEDULED, job),)
    if job.lane is Lane.PARKED:
        return (count(catalog.QUEUE_DEPTH, job), count(catalog.PARKED, job))
    if job.holds and heads:
        return (count(catalog.QUEUE_DEPTH, job), observe(catalog.MAILBOX_WAIT, job, 0))
    return (count(catalog.QUEUE_DEPTH, job),)


def _leave(job: Job) -> tuple[Delta, ...]:
    """The gauges of the queued lane that a job leaves."""
    if job.lane not in DUE_LANES:
        return (count(catalog.SCHEDULED, job, -1),)
    if job.lane is Lane.PARKED:
        return (count(catalog.QUEUE_DEPTH, job, -1), count(catalog.PARKED, job, -1))
    return (count(catalog.QUEUE_DEPTH, job, -1),)


def _lasted(job: Job, now: Micros) -> Delta:
    return observe(catalog.DURATION, job, now - job.origin_at)
