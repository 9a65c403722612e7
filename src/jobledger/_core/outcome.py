"""What a handler answers, and what an attempt comes to."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec


class Reason(StrEnum):
    """Why something ended, failed or was refused."""

    NOT_FOUND = "NotFound"
    ALREADY_ENDED = "AlreadyEnded"
    UNKNOWN_TYPE = "UnknownType"
    VALIDATION = "Validation"
    PROCESSING = "Processing"
    MAX_ATTEMPTS = "MaxAttempts"
    WORKER_LOST = "WorkerLost"
    TIMEOUT = "Timeout"
    OUTCOME_UNKNOWN = "OutcomeUnknown"


class Done(msgspec.Struct, frozen=True):
    """The work is done. A plain ``return value`` means the same.

    Example:
        >>> Done({"sent": 3}).result
        {'sent': 3}
    """

    result: object = None


class Retry(msgspec.Struct, frozen=True):
    """This attempt failed; try again ``after`` so many seconds (None: the type's back-off)."""

    after: float | None = None
    error: str = "the handler asked for a retry"


class Cancel(msgspec.Struct, frozen=True):
    """End the job as cancelled."""

    error: str | None = None


class Fail(msgspec.Struct, frozen=True):
    """Failed for good: no attempt more, straight to the dead-letter queue."""

    error: str
    reason: Reason = Reason.PROCESSING


class Failed(msgspec.Struct, frozen=True):
    """The attempt raised or ran out of time; the job's limits decide what follows."""

    error: str
    reason: Reason = Reason.PROCESSING


Answer: TypeAlias = Done | Retry | Cancel | Fail
Outcome: TypeAlias = Done | Retry | Cancel | Fail | Failed
