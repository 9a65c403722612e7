"""An overview as data: what `jobledger top --json` prints. Times are in seconds; ages are those at ``as_of``."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from jobledger._metrics.overview.judge import Standing, Unjudged

WorkerState: TypeAlias = Literal["live", "silent", "ended"]
HolderState: TypeAlias = Literal["running", "lost", "ready", "back-off"]


class Books(msgspec.Struct, frozen=True):
    """Whether the books balance.

    Attributes:
        findings: of the last audit that a worker made; None before the first.
        audited: how long ago that was.
        unfolded: rows of counts that wait to be folded; they are counted all the same.
    """

    findings: int | None
    audited: float | None
    unfolded: int


class Longest(msgspec.Struct, frozen=True):
    """The job that a worker has run for longest; overdue if its timeout has passed."""

    job: str
    type: str
    entity: str | None
    seconds: float
    timeout: float | None
    overdue: bool


class Worker(msgspec.Struct, frozen=True):
    """A worker that was not taken over.

    Attributes:
        state: ``live``; ``silent`` if its lease has passed without a beat; ``ended`` if its process is gone. Live
            workers take the jobs of the others over.
        up: since when it works.
        beat: its last sign of life; None where that can't be seen.
        running: jobs that it runs, of so many slots.
    """

    id: int
    host: str
    pid: int
    state: WorkerState
    up: float
    beat: float | None
    lease: float
    slots: int
    running: int
    longest: Longest | None


class Gone(msgspec.Struct, frozen=True):
    """A worker that stopped, or was taken over, so many seconds ago."""

    id: int
    host: str
    pid: int
    seconds: float


class Holder(msgspec.Struct, frozen=True):
    """The job that an entity's other jobs wait behind.

    Attributes:
        state: it runs, ran on a worker that has ended, waits for a slot, or is in the back-off of a retry.
        seconds: for how long it has run or waited; of a back-off, how long it will still take.
        handled: a live worker has a handler for its type.
        error: what its last failed attempt said, in one line.
    """

    job: str
    type: str
    state: HolderState
    seconds: float
    worker: int | None
    handled: bool
    failures: int
    max_attempts: int
    error: str | None


class Mailbox(msgspec.Struct, frozen=True):
    """An entity, and how many jobs wait behind the one that holds its mailbox."""

    entity: str
    parked: int
    holder: Holder | None


class Entities(msgspec.Struct, frozen=True):
    """Mailboxes.

    Attributes:
        active: entities with a job that holds their mailbox, as a worker sampled them last.
        parked: jobs that wait behind another one of their entity.
        counted: how many of them were looked at for ``busiest``: there is a bound.
        busiest: the deepest mailboxes.
    """

    active: int | None
    parked: int
    counted: int
    busiest: tuple[Mailbox, ...]


class Depth(msgspec.Struct, frozen=True):
    """Jobs by state: waiting for a slot, behind another job, for their time or a back-off; running; dead letters."""

    ready: int
    parked: int
    delayed: int
    running: int
    dead: int


class Pace(msgspec.Struct, frozen=True):
    """What happens in one second, over the window."""

    enqueued: float
    completed: float
    failed: float
    retried: float
    lost: float
    dead_lettered: float


class Spread(msgspec.Struct, frozen=True):
    """How long something took, over the window; estimated inside of the histogram's buckets.

    Attributes:
        count: how many times that was.
        above: which of the quantiles lie above the largest boundary, so that they are only lower bounds.
    """

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    above: tuple[str, ...] = ()


class TypeFigures(msgspec.Struct, frozen=True):
    """One type, or all of them together (``type`` is None).

    Attributes:
        pace: None where nothing is known of the time before.
        wait: from eligible to start; None as above.
        processing: the execution time of attempts.
        oldest_ready: for how long the oldest ready job has waited; None where none is ready.
        oldest_parked: for how long the oldest one has waited behind other jobs of its entity.
        longest_running: for how long the longest attempt has run.
        overdue: attempts that run although their timeout has passed.
        unhandled: queued jobs that no live worker handles.
    """

    type: str | None
    depth: Depth
    pace: Pace | None
    wait: Spread | None
    processing: Spread | None
    oldest_ready: float | None
    oldest_parked: float | None
    longest_running: float | None
    overdue: int
    unhandled: int


class Failing(msgspec.Struct, frozen=True):
    """Jobs of one type that failed alike, among those that were looked at.

    Attributes:
        error: in one line.
        reason: why they failed, if it is not that their handler did: ``Timeout``, ``WorkerLost``, …
        dead: dead letters, of those that were submitted last.
        retrying: jobs that wait for their next attempt, of those that are due next.
        job: one of them.
    """

    type: str
    error: str
    reason: str | None
    dead: int
    retrying: int
    job: str


class Overview(msgspec.Struct, frozen=True):
    """A store at one moment.

    Attributes:
        as_of: the store's time, in seconds since 1970.
        window: the length of the time that paces and spreads are of; None where nothing is known of it.
        slots: of the live workers.
        busy: how many of these are in use.
        gone: workers that were there a quarter of an hour ago, the last one first.
        alerts: those that hold, the worst first.
        not_judged: those that can't be judged from here.
    """

    as_of: float
    window: float | None
    books: Books
    live_workers: int
    slots: int
    busy: int
    workers: tuple[Worker, ...]
    gone: tuple[Gone, ...]
    entities: Entities
    all: TypeFigures
    types: tuple[TypeFigures, ...]
    failing: tuple[Failing, ...]
    alerts: tuple[Standing, ...]
    not_judged: tuple[Unjudged, ...]


class Picture(msgspec.Struct, frozen=True):
    """How it went: a value for each minute, from the past to the present; None where nothing is known.

    Attributes:
        enqueued: in one second, as the next two.
        waiting: jobs that were due and waited.
    """

    enqueued: tuple[float | None, ...]
    completed: tuple[float | None, ...]
    failed: tuple[float | None, ...]
    waiting: tuple[float | None, ...]
