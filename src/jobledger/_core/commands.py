"""What can be asked of a job. Commands are data; ``decide`` says what they do."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from jobledger._core.outcome import Outcome
from jobledger._core.retry import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOSSES, RetryPolicy
from jobledger._types import Micros


class UserDelta(msgspec.Struct, frozen=True):
    """A handler's own count or observation, in whole millionths of its unit; ``help`` says what its name means."""

    name: str
    kind: str
    labels: tuple[tuple[str, str], ...]
    amount: int
    help: str = ""


class Submit(msgspec.Struct, frozen=True, gc=False):
    """Accept a new job. ``due_at`` is an instant; None means ``delay`` from the store's now."""

    id: str
    type_id: int
    payload: bytes
    priority: int
    entity: str | None = None
    delay: Micros = 0
    due_at: Micros | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    max_losses: int = DEFAULT_MAX_LOSSES
    timeout: Micros | None = None
    dedupe: str | None = None
    dedupe_for: Micros = 0
    batch: str | None = None
    trace: str | None = None


class SubmitAll(msgspec.Struct, frozen=True):
    """Accept many jobs, all or none. With ``strict``, one held dedupe key refuses them all."""

    items: tuple[Submit, ...]
    strict: bool = False


class Due(msgspec.Struct, frozen=True):
    """The due time of a scheduled job has come."""


class Activate(msgspec.Struct, frozen=True):
    """A parked or arrived job has become the head of its mailbox; ``free``: that was free when the job came."""

    free: bool = False


class Park(msgspec.Struct, frozen=True):
    """An arrived job has found its mailbox held."""


class Start(msgspec.Struct, frozen=True):
    """A worker claims the job."""

    writer_id: int


class Settle(msgspec.Struct, frozen=True, gc=False):
    """An attempt has ended and its code has stopped."""

    job_id: str
    key: int
    run: int
    writer_id: int
    outcome: Outcome
    elapsed: Micros
    result: bytes | None = None
    late: bool = False
    retry: RetryPolicy = RetryPolicy()
    jitter: float = 1.0
    children: tuple[Submit, ...] = ()
    metrics: tuple[UserDelta, ...] = ()


class Release(msgspec.Struct, frozen=True):
    """A stopping worker puts a job back whose code has stopped; it costs no attempt."""

    job_id: str
    key: int
    run: int
    writer_id: int


class Report(msgspec.Struct, frozen=True):
    """A running attempt reports progress."""

    job_id: str
    key: int
    run: int
    writer_id: int
    percent: float
    message: str


class Lose(msgspec.Struct, frozen=True):
    """The worker of this job is dead and fenced."""

    writer_id: int


class Cancel(msgspec.Struct, frozen=True):
    """Cancel the job, or ask its running attempt to stop."""

    job_id: str


class Replay(msgspec.Struct, frozen=True):
    """Give a dead letter a new life at the end of its mailbox."""

    job_id: str


class Discard(msgspec.Struct, frozen=True):
    """End a dead letter for good."""

    job_id: str


class Prune(msgspec.Struct, frozen=True):
    """Forget an ended job that is past its retention."""


class Count(msgspec.Struct, frozen=True):
    """Book user metrics outside of a handler."""

    metrics: tuple[UserDelta, ...]


Running: TypeAlias = Settle | Release | Report
Addressed: TypeAlias = Cancel | Replay | Discard
JobCommand: TypeAlias = Due | Activate | Park | Start | Running | Lose | Addressed | Prune
Command: TypeAlias = Submit | SubmitAll | Running | Addressed | Count
