"""What a store promises. These docstrings are the specification; ``jobledger.conformance`` is its test.

A store is synchronous: the door runs each call through an injected ``run(fn)``, one at a time. Each
method is one transaction. All times are the store's own clock, in microseconds, and never go back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, Protocol, TypeAlias

import msgspec

from jobledger._core.commands import Command
from jobledger._core.decide import Change, Verdict
from jobledger._core.job import Job, Lane, Status
from jobledger._core.observations import Observation
from jobledger._core.outcome import Reason
from jobledger._core.overview import OverviewRead
from jobledger._core.priority import Priority, Stride
from jobledger._core.reads import AuditRead, JobType, LedgerRead, Record
from jobledger._core.retry import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOSSES
from jobledger._core.samples import TotalsAt
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
    """Who wants to write; ``lease`` is how long its silence is borne, 0 for one that holds no jobs."""

    kind: WriterKind
    host: str
    pid: int
    slots: int = 0
    types: tuple[int, ...] = ()
    lease: Micros = 0


class Vital(msgspec.Struct, frozen=True):
    """A sign of life of a writer that is not fenced.

    Attributes:
        beat: differs after each renewal.
        ended: its process is known to have ended.
    """

    writer_id: int
    kind: WriterKind
    host: str
    pid: int
    lease: Micros
    beat: int
    ended: bool


class Room(msgspec.Struct, frozen=True):
    """What a worker has room for: ``stops`` is how many of its running jobs it has been told to cancel."""

    types: tuple[int, ...]
    suspects: bool
    stops: int


class Prospect(msgspec.Struct, frozen=True):
    """What a look would find: whether it is worth a batch, and when the next scheduled job becomes due."""

    worthwhile: bool
    next_due: Micros | None
    now: Micros


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
        next_due: when the next scheduled job becomes due; a batch of new jobs from a client need not say it.
        now: the time of the batch.
        more: there may be more to start than this batch could look at.
    """

    answers: tuple[Answer, ...]
    claimed: tuple[Claimed, ...] = ()
    strides: tuple[Stride, ...] = ()
    cancels: tuple[int, ...] = ()
    next_due: Micros | None = None
    now: Micros = 0
    more: bool = False


class Takeover(msgspec.Struct, frozen=True):
    """A dead writer, and what became of the jobs that it ran."""

    writer_id: int
    kind: WriterKind
    host: str
    pid: int
    changes: tuple[Change, ...]

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that run again, or were cancelled."""
        return tuple(change.job.id for change in self.changes if change.job.status is not Status.FAILED)

    @property
    def dead_lettered(self) -> tuple[str, ...]:
        """The jobs that were lost once too often."""
        return tuple(change.job.id for change in self.changes if change.job.status is Status.FAILED)


class Window(msgspec.Struct, frozen=True):
    """A stretch of time: from ``since`` up to ``until``, which is not in it; None is open."""

    since: Micros | None = None
    until: Micros | None = None


class Turn(msgspec.Struct, frozen=True):
    """One of the intervals that follow each other since 1970, in which somebody pushes the metrics.

    Attributes:
        mine: the push is that of the writer who asked.
        begin: when the interval began; ``end``: when the next one begins.
        now: when it was asked.
    """

    mine: bool
    begin: Micros
    end: Micros
    now: Micros


class Filter(msgspec.Struct, frozen=True):
    """Which jobs a page shows; None means any.

    Attributes:
        lanes: one of these; the lanes of a status are its jobs.
        types: of one of these types.
        submitted: accepted in this time.
        ended: ended in this time; a job that has not ended is in no window but the open one.
    """

    lanes: tuple[Lane, ...] | None = None
    types: tuple[int, ...] | None = None
    entity: str | None = None
    batch: str | None = None
    reason: Reason | None = None
    submitted: Window = Window()
    ended: Window = Window()
    newest_first: bool = True


class Page(msgspec.Struct, frozen=True):
    """Jobs that a filter lets through; ``next`` is the key to go on behind, None at the end."""

    jobs: tuple[Job, ...]
    next: int | None = None


class Store(Protocol):
    """A place that keeps jobs and books.

    Attributes:
        may_be_cut_off: a process can lose it while others go on with it. Then a worker whose lease can't be renewed
            stops its jobs by itself, since others take them over.
        samples_beside: ``sample`` may be called while another thread commits, and then no batch waits for it.
    """

    may_be_cut_off: ClassVar[bool]
    samples_beside: ClassVar[bool]

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
            DiskFailed: it may be applied or not, and this process must not ask.
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

    def renew(self, writer_id: int) -> None:
        """Show that a worker lives. Called from a thread of its own, while another one may be in ``commit``.

        Raises:
            Fenced: others have taken it over, where that can be seen.
            OSError: it can't be shown; StoreError says the same of a server.
        """
        ...

    def vitals(self) -> tuple[Vital, ...]:
        """The signs of life of all writers that are not fenced."""
        ...

    def retire(self, writer_id: int) -> None:
        """Close a writer that holds no job: its ledger rows are folded into the base. Idempotent."""
        ...

    def abandon(self, writer_id: int) -> None:
        """Give a writer up without writing: from here on it counts as dead, and any process takes it over.

        For a process whose code has stopped, and which can't write any more.
        """
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
        """Take writers over: the given ones, or those whose process has ended.

        In this order, so that no late batch can slip in between: fence the writer; put its processing jobs
        back by ``Lose`` (they keep their order and their hold); hand over; fold its ledger rows into the base.
        """
        ...

    def fold(self) -> int:
        """Move counts that stand beside the ledger into it; how many rows of counts that were. No value changes.

        A transaction that is nobody's batch (a caller's own, a takeover) leaves them there, so that it waits for none.
        """
        ...

    def prune(self, retention: Micros, limit: int) -> int:
        """Forget up to ``limit`` complete, cancelled or discarded jobs that ended before now - retention.

        Dead letters are never pruned. Returns how many jobs were forgotten.
        """
        ...

    def sample(self, imbalance: int | None) -> None:
        """Write the sampled gauges: active entities, the deepest mailbox, and the last audit's findings.

        And a sample of the totals, if its time has come: whichever worker is first takes it.
        """
        ...

    def totals(self, step: int, begin: Micros, end: Micros) -> tuple[TotalsAt, ...]:
        """Samples of the totals, fine or coarse, in a time and in order; see :mod:`jobledger._core.samples`."""
        ...

    def take_turn(self, writer_id: int, interval: Micros) -> Turn:
        """Ask for the push of the interval that is now. A live writer gets it who is the first to ask, and nobody else.

        He gets it again if he asks again, since an answer may be lost. A dead writer gets none.

        Args:
            writer_id: who asks.
            interval: its length; those who ask for other lengths share the turns.
        """
        ...

    def total_from(self, at: Micros) -> TotalsAt | None:
        """The first sample of the totals at or after an instant, fine or coarse; None where there is none yet."""
        ...

    def record(self, job_id: str) -> Record | None:
        """One job with its payload and its whole history, in order; None when there is none."""
        ...

    def page(self, where: Filter, after: int | None, limit: int) -> Page:
        """Up to ``limit`` jobs in order of submission, beginning behind the job with the key ``after``.

        A call looks at a bounded number of rows. So a page may have fewer jobs than asked for, or none, and still
        say where to go on.
        """
        ...

    def ledger(self) -> LedgerRead:
        """The books and the probes, from one snapshot; its cost does not grow with the number of jobs."""
        ...

    def exemplars(self, limit: int) -> tuple[Observation, ...]:
        """Single observations of the histograms, as the jobs that started or ended last made them.

        Of up to ``limit`` jobs each that have ended, that are dead letters, and that run. Nothing is kept for it: they
        are found in the rows. Each is in the books of every later read of the ledger. Its cost does not grow with the
        number of jobs.
        """
        ...

    def overview(self, limit: int) -> OverviewRead:
        """The books, the workers, and up to ``limit`` deep mailboxes, dead letters and retries, from one snapshot.

        Its cost does not grow with the number of jobs.
        """
        ...

    def audit(self) -> AuditRead:
        """The books, the counted rows and the structural findings, from one snapshot, while work goes on."""
        ...

    def prospect(self, writer_id: int, room: Room) -> Prospect:
        """Whether a worker would find something to do, or a request to cancel: a cheap read, and a hint."""
        ...

    def listen(self, heard: Callable[[frozenset[int]], None] | None) -> None:
        """Call ``heard``, from any thread, after another process has left work to do; None ends it.

        It is given the types of new jobs, if that is all there is to do, or none: whatever there is.
        A hint: it may not come, and it may come for nothing. Before ``enlist``, which says where.
        """
        ...

    def close(self) -> None:
        """Give back all connections. Idempotent."""
        ...
