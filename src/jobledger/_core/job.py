"""The job as a row: its lanes, its statuses, its history."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from jobledger._core.outcome import Reason
from jobledger._types import Micros


class Status(StrEnum):
    """What users see of a job's state."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"


class Lane(StrEnum):
    """Where a job is: the one column of state. The first four are *queued*."""

    READY = "ready"
    ARRIVED = "arrived"
    PARKED = "parked"
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"


STATUS_OF: Final = {
    Lane.READY: Status.QUEUED,
    Lane.ARRIVED: Status.QUEUED,
    Lane.PARKED: Status.QUEUED,
    Lane.SCHEDULED: Status.QUEUED,
    Lane.PROCESSING: Status.PROCESSING,
    Lane.COMPLETE: Status.COMPLETE,
    Lane.FAILED: Status.FAILED,
    Lane.CANCELLED: Status.CANCELLED,
    Lane.DISCARDED: Status.DISCARDED,
}
LANES: Final[dict[str, Lane]] = {lane.value: lane for lane in Lane}
DUE_LANES: Final = frozenset({Lane.READY, Lane.ARRIVED, Lane.PARKED})
ENDED: Final = frozenset({Status.COMPLETE, Status.FAILED, Status.CANCELLED, Status.DISCARDED})
PRUNABLE: Final = ENDED - {Status.FAILED}


class EventName(StrEnum):
    """The transitions that history keeps."""

    SUBMITTED = "submitted"
    STARTED = "started"
    COMPLETED = "completed"
    RETRIED = "retried"
    DEAD_LETTERED = "dead_lettered"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"
    RELEASED = "released"
    LOST = "lost"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One transition of one job, as history keeps it.

    Attributes:
        at: microseconds since 1970, the store's clock.
        run: the start that it belongs to (0 before the first).
        writer_id: the writer whose batch did it, or that lost the job.
        micros: execution time of the attempt that ended here, if one did.
    """

    name: EventName
    at: Micros
    run: int
    writer_id: int | None = None
    reason: Reason | None = None
    error: str | None = None
    micros: Micros | None = None


class Progress(msgspec.Struct, frozen=True):
    """How far a running job says it is.

    Attributes:
        percent: 0 to 100.
        message: the handler's own words.
        at: microseconds since 1970.
    """

    percent: float
    message: str = ""
    at: Micros = 0


class Job(msgspec.Struct, frozen=True, gc=False):
    """One job, without its payload. The fields are the columns of the job table, in their order.

    Attributes:
        key: the row's number inside the store; never shown.
        id: UUIDv7 made by the client; an address, not an order.
        seq: the order, given by the store; new at replay.
        holds: this job occupies its entity's mailbox.
        due_at: not to be started before.
        eligible_at: since when only capacity keeps it waiting (due, and unkeyed or head of its mailbox).
        origin_at: where its duration counts from.
        run: starts so far; the settle token.
        failures: failed attempts of this life; losses: workers lost under it.
        version: transitions so far; guards every save.
    """

    key: int
    id: str
    seq: int
    type_id: int
    entity: str | None
    priority: int
    lane: Lane
    holds: bool
    submitted_at: Micros
    due_at: Micros
    eligible_at: Micros | None
    origin_at: Micros
    run: int
    failures: int
    losses: int
    max_attempts: int
    max_losses: int
    timeout: Micros | None
    dedupe: str | None
    dedupe_until: Micros
    batch: str | None
    trace: str | None
    writer_id: int | None
    fence: int
    started_at: Micros | None
    cancel_at: Micros | None
    ended_at: Micros | None
    reason: Reason | None
    error: str | None
    result: bytes | None
    progress: Progress | None
    version: int

    @property
    def status(self) -> Status:
        """What users see of the lane."""
        return STATUS_OF[self.lane]

    @property
    def attempt(self) -> int:
        """The number of the current or next attempt, as people count; of a dead letter, that of the one that failed."""
        failed_last = self.lane is Lane.FAILED and self.reason is not Reason.WORKER_LOST
        return self.failures if failed_last else self.failures + 1


def holds_key(lane: Lane, until: Micros, now: Micros) -> bool:
    """Whether a job in this lane still holds its dedupe key.

    A live job does. After that only the time bought by ``dedupe_for`` counts, and not for a job that was
    cancelled or discarded: nothing was done, so nothing is repeated.
    """
    status = STATUS_OF[lane]
    if status not in ENDED:
        return True
    return until > now and status not in {Status.CANCELLED, Status.DISCARDED}
