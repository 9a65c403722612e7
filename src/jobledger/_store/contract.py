"""What a store promises. These docstrings are the specification; ``jobledger.conformance`` is its test.

A store is synchronous: the door runs each call through an injected ``run(fn)``, one at a time. Each
method is one transaction. All times are the store's own clock, in microseconds, and never go back.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import msgspec

from jobledger._core.commands import Command
from jobledger._core.decide import Verdict
from jobledger._core.job import Job, Status
from jobledger._core.priority import Priority, Stride
from jobledger._core.reads import AuditRead, JobType, LedgerRead, Record
from jobledger._core.retry import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOSSES
from jobledger._types import Micros

WriterKind: TypeAlias = Literal["client", "worker"]


class Declaration(msgspec.Struct, frozen=True):
    """A type as an App declares it."""

    name: str
    label: str
    priority: int = int(Priority.NORMAL)
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    max_losses: int = DEFAULT_MAX_LOSSES
    timeout: Micros | None = None


class Enlistment(msgspec.Struct, frozen=True):
    """Who wants to write."""

    kind: WriterKind
    host: str
    pid: int
    slots: int = 0
    types: tuple[int, ...] = ()


class Group(msgspec.Struct, frozen=True):
    """Types that share free slots. ``types`` comes shuffled, so that none is always first."""

    types: tuple[int, ...]
    slots: int
    stride: Stride


class Claim(msgspec.Struct, frozen=True):
    """What a worker can start now; ``suspects`` is how many jobs with a loss it may still take."""

    groups: tuple[Group, ...]
    suspects: int = 1


class Batch(msgspec.Struct, frozen=True):
    """One fenced transaction: ``number`` must be the writer's last one plus one."""

    writer_id: int
    number: int
    commands: tuple[Command, ...] = ()
    claim: Claim | None = None


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A job that this writer has just started, with its payload."""

    job: Job
    payload: bytes


Answer: TypeAlias = Verdict | tuple[Verdict, ...] | None


class Committed(msgspec.Struct, frozen=True):
    """What a batch came to.

    Attributes:
        answers: one per command, in order; a tuple of verdicts for SubmitAll, None for Count.
        claimed: the jobs that this batch started.
        strides: the charged stride of each group of the claim.
        cancels: keys of this writer's running jobs that are asked to stop.
        next_due: when the next scheduled job becomes due.
        now: the time of the batch.
    """

    answers: tuple[Answer, ...]
    claimed: tuple[Claimed, ...] = ()
    strides: tuple[Stride, ...] = ()
    cancels: tuple[int, ...] = ()
    next_due: Micros | None = None
    now: Micros = 0


class Takeover(msgspec.Struct, frozen=True):
    """A dead writer whose jobs were put back."""

    writer_id: int
    kind: WriterKind
    host: str
    pid: int
    jobs: tuple[str, ...]
    dead_lettered: tuple[str, ...]


class Filter(msgspec.Struct, frozen=True):
    """Which jobs a page shows; None means any."""

    status: Status | None = None
    type_id: int | None = None
    entity: str | None = None
    batch: str | None = None
    newest_first: bool = True


class Store(Protocol):
    """A place that keeps jobs and books."""

    def enlist(self, enlistment: Enlistment) -> int:
        """Register a new writer with ``batch_no`` 0 and return its id. Ids are never used again.

        From here until ``retire`` the writer counts as alive while its process does.
        """
        ...

    def commit(self, batch: Batch) -> Committed:
        """Apply a batch in one transaction that starts with the fence, and answer when it is durable.

        In this order: the fence; due jobs become ready or parked; the commands, each decided by
        ``decide`` on the row as it is at that point; mailboxes that lost their holder go to their next
        job; then the claim. Deltas of the rows really changed are written to the writer's ledger rows.

        Raises:
            Fenced: the writer is dead, or its last batch is not ``number - 1``. Nothing was applied.
            StoreBusy: the write lock could not be had. Nothing was applied; send it again.
            CommitUnknown: the answer of COMMIT is lost; ask ``recall``.
            StoreError: nothing was applied.
        """
        ...

    def recall(self, batch: Batch) -> Committed | None:
        """What a batch of unknown outcome came to, or None if it was not applied and may be sent again.

        The answers are read back: the claimed jobs by writer, each command's from the job as it is.

        Raises:
            Fenced: it can't be known: the writer's row is gone, or has gone on.
        """
        ...

    def retire(self, writer_id: int) -> None:
        """Close a writer that holds no job: its ledger rows are folded into the base. Idempotent."""
        ...

    def declare(self, declarations: tuple[Declaration, ...], budget: int) -> tuple[JobType, ...]:
        """Make types known, in a transaction of its own. A type's label never changes.

        Beyond ``budget`` labels a new type gets the label ``__other__``.
        """
        ...

    def types(self) -> tuple[JobType, ...]:
        """All known types."""
        ...

    def take_over(self, writer_ids: tuple[int, ...] | None = None) -> tuple[Takeover, ...]:
        """Find writers whose process is dead (or take the given ones), and take each over.

        In this order, so that no late batch can slip in between: fence the writer; put its processing jobs
        back by ``Lose`` (they keep their order and their hold); hand over; fold its ledger rows into the base.
        """
        ...

    def prune(self, retention: Micros, limit: int) -> int:
        """Forget up to ``limit`` complete, cancelled or discarded jobs that ended before now - retention.

        Dead letters are never pruned. Returns how many jobs were forgotten.
        """
        ...

    def sample(self, imbalance: int | None) -> None:
        """Write the sampled gauges: active entities, the deepest mailbox, and the last audit's findings."""
        ...

    def record(self, job_id: str) -> Record | None:
        """One job with its payload and its whole history, in order; None when there is none."""
        ...

    def page(self, where: Filter, after: int | None, limit: int) -> tuple[Job, ...]:
        """Up to ``limit`` jobs in order of submission, beginning behind the job with the key ``after``."""
        ...

    def ledger(self) -> LedgerRead:
        """The books and the probes, from one snapshot; its cost does not grow with the number of jobs."""
        ...

    def audit(self) -> AuditRead:
        """The books, the counted rows and the structural findings, from one snapshot, while work goes on."""
        ...

    def changed(self) -> int:
        """A number that differs after another process has committed. A hint: it may differ without a change."""
        ...

    def close(self) -> None:
        """Give back all connections. Idempotent."""
        ...
