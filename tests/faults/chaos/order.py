"""One at a time and in order, per entity; and never two executions of one job at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from jobledger._core.job import EventName
from tests.faults.chaos.finding import Finding
from tests.faults.chaos.plan import POISON, STEPS_ASIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobledger._core.job import Event
    from jobledger._core.reads import Record
    from tests.faults.chaos.attempts import Attempt, Attempts
    from tests.faults.chaos.books import Books
    from tests.faults.chaos.delays import Delays
    from tests.faults.chaos.lines import Signalled, Started

IN_ORDER = "the first starts of an entity's jobs are in the order of their submission"
GROWING = "fences grow along an entity"
ALONE = "no two executions of an entity overlap"
ONCE = "no two executions of a job overlap"
HELD = "an entity's mailbox belongs to one job until that has ended"
_NEVER: Final = 1 << 62
_ZOMBIES: Final = frozenset({"stop", "cut"})
_HALTS: Final = frozenset({"stop", "stall"})
_UNSETTLED: Final = 1_000_000_000
"""For how many nanoseconds after its end an attempt may still be on its way into the store."""
_ENDED: Final = frozenset({EventName.COMPLETED, EventName.DEAD_LETTERED, EventName.CANCELLED})


@dataclass(frozen=True)
class Interval:
    """How long a handler's code ran, as far as can be known.

    Attributes:
        until: its end line, or the signal that killed its process.
    """

    attempt: Attempt
    started: Started
    until: int


class Order:
    """Checks the order of a run.

    Args:
        books: the jobs with their histories.
        attempts: all of them.
        signals: what went wrong, and whom it hit: a killed process runs nothing after it.
        delays: how long each job of the plan was delayed at first, microseconds.
        overlap: for how many microseconds submits may be under way at once: those have no order; so far may instants
            of different processes be apart.

    Attributes:
        in_zombie_windows: overlaps with code that a process still ran after others had taken it for dead.
    """

    def __init__(
        self, books: Books, attempts: Attempts, signals: Iterable[Signalled], delays: Delays, overlap: int = 0
    ) -> None:
        self._books = books
        self._attempts = attempts
        self._signals = tuple(signals)
        self._delays = delays
        self._overlap = overlap
        self._killed = {one.pid: one.at for one in self._signals if one.signal in {"kill", POISON}}
        self._parents = {
            child: one.ended for one in attempts.all if one.ended is not None for child in one.ended.children
        }  # fmt: skip
        self.in_zombie_windows = 0

    def findings(self) -> Iterator[Finding]:
        """All that is out of order."""
        for entity, attempts in self._attempts.by_entity.items():
            yield from self._first_starts(entity, attempts)
            yield from self._fences(entity, attempts)
            yield from self._overlaps(ALONE, attempts)
        for entity, records in self._books.by_entity.items():
            yield from self._held(entity, records)
        by_job: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in self._attempts.all:
            by_job[attempt.job.id].append(attempt)
        for attempts in by_job.values():
            yield from self._overlaps(ONCE, attempts)

    def _first_starts(self, entity: str, attempts: list[Attempt]) -> Iterator[Finding]:
        """A job may go ahead of an older one only if that was not due when it became the head of the mailbox.

        Fences say which came first, where both handlers have begun: instants of two workers may be too far apart.
        """
        firsts = sorted((one for one in attempts if one.began.run == 1), key=cmp_to_key(_order_of_starts))
        ends = sorted(one.outcome.at for one in attempts if one.outcome is not None)
        for place, later in enumerate(firsts):
            for earlier in firsts[:place]:
                if earlier.job.key < later.job.key:
                    continue
                freed = max((at for at in ends if at <= earlier.began.at), default=0)
                there = max(self._first_due(later), self._halted_until(later))
                if there + self._overlap <= max(freed, self._first_due(earlier)):
                    yield Finding(IN_ORDER, f"{entity}: {earlier} before {later}")

    def _first_due(self, attempt: Attempt) -> int:
        return attempt.job.submitted_at + self._delays.of(attempt.job.id)

    def _halted_until(self, attempt: Attempt) -> int:
        """The server's time when a child's parent was gone on with, if it was halted in the middle of its commit.

        A transaction has its time and its keys from its beginning; before its commit nobody else can see them.
        """
        parent = self._parents.get(attempt.job.id)
        if parent is None or attempt.started is None:
            return 0
        ahead = attempt.began.at - attempt.started.at // 1000
        halts = (one for one in self._signals if one.pid == parent.pid and one.signal in _HALTS)
        return max((one.until // 1000 + ahead for one in halts if 0 <= one.at - parent.at < _UNSETTLED), default=0)

    def _held(self, entity: str, records: list[Record]) -> Iterator[Finding]:
        """By the books alone: from a job's start to its end no other one starts, unless it has stepped aside.

        A worker reckons the server's time between its answers, so its instants may be a little behind those of others.
        """
        holds = sorted((began, until, one.job.id) for one in records for began, until in self._holds(one))
        until, holder = 0, ""
        for began, ended, job_id in holds:
            if began + self._overlap < until and job_id != holder:
                yield Finding(HELD, f"{entity}: {job_id} started, but {holder} held it")
            until, holder = max((until, holder), (ended, job_id))

    def _holds(self, record: Record) -> Iterator[tuple[int, int]]:
        """From a start to what frees the mailbox."""
        began: int | None = None
        for event in record.history:
            if event.name is EventName.STARTED and began is None:
                began = event.at
            elif began is not None and self._frees(record, event):
                yield began, event.at
                began = None
        if began is not None:
            yield began, _NEVER

    @staticmethod
    def _frees(record: Record, event: Event) -> bool:
        """Lost, released or in a blocking back-off, a job keeps its mailbox."""
        return event.name in _ENDED or (event.name is EventName.RETRIED and record.type.name == STEPS_ASIDE)

    def _fences(self, entity: str, attempts: list[Attempt]) -> Iterator[Finding]:
        """What was claimed before its process was stopped may begin when that goes on, until it notices."""
        seen = sorted((self._interval(one) for one in attempts if one.started), key=lambda one: one.started.at)
        latest: Interval | None = None
        for one in seen:
            if latest is None or one.started.fence > latest.started.fence:
                latest = one
            elif not self._is_zombie(one, latest):
                line, before = one.started, latest.started
                yield Finding(GROWING, f"{entity}: {before.fence} ({before.job}), then {line.fence} ({line.job})")

    def _overlaps(self, rule: str, attempts: list[Attempt]) -> Iterator[Finding]:
        intervals = sorted((self._interval(one) for one in attempts if one.started), key=lambda one: one.started.at)
        for before, after in pairwise(intervals):
            if after.started.at >= before.until:
                continue
            # What was claimed before its process was stopped may begin when that goes on: then it is the later one.
            if self._is_zombie(*sorted((before, after), key=lambda one: one.started.fence)):
                self.in_zombie_windows += 1
                continue
            late = (before.until - after.started.at) / 1_000_000
            yield Finding(rule, f"{before.attempt} still ran for {late:.1f} ms when {after.attempt} started")

    def _interval(self, attempt: Attempt) -> Interval:
        assert attempt.started is not None
        killed = self._killed.get(attempt.started.pid)
        ended = attempt.ended.at if attempt.ended is not None else None
        until = min(at for at in (ended, killed, _NEVER) if at is not None)
        return Interval(attempt, attempt.started, until)

    def _is_zombie(self, old: Interval, new: Interval) -> bool:
        """Its process was stopped and taken over, and went on; or lost its connection, by which others saw it dead."""
        return old.attempt.was_lost and any(
            one.signal in _ZOMBIES and one.pid == old.started.pid and one.at < new.started.at for one in self._signals
        )


def _order_of_starts(one: Attempt, other: Attempt) -> int:
    if one.started is not None and other.started is not None:
        return one.started.fence - other.started.fence
    return one.began.at - other.began.at
