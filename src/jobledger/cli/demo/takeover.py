"""What the kill cost: told by the histories of the jobs that the killed worker had, and by what its handlers saw."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from jobledger._core.job import EventName
from jobledger.cli.demo.witness import Saw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from jobledger._core.report import AttemptReport, JobReport
    from jobledger.cli.demo.sightings import Fates
    from jobledger.cli.demo.strike import Kill
    from jobledger.cli.demo.witness import Sighting


class How(StrEnum):
    """How far a lost attempt was: before its handler, in it, or behind it but not in the books yet."""

    NOT_BEGUN = "not_begun"
    IN_THE_MIDDLE = "in_the_middle"
    NOT_COMMITTED = "not_committed"


class Ran(msgspec.Struct, frozen=True):
    """How many attempts a worker has begun, and how its process ended."""

    pid: int
    attempts: int
    exit_code: int | None


class TakenOver(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that was lost with its worker, and the one that followed; seconds count from the kill.

    Attributes:
        run: the number of the lost start; ``worker`` had it, ``elsewhere`` did the next one (writers, by number).
        put_back: when it was seen that the worker was dead; the same transaction put the job back.
        outcome: what came of the next attempt.
        executions: how often its handler began, for these two starts.
    """

    id: str
    path: str
    run: int
    worker: int | None
    put_back: float
    elsewhere: int | None = None
    running_again: float | None = None
    done_again: float | None = None
    outcome: EventName | None = None
    executions: int
    how: How

    @property
    def sound(self) -> bool:
        """Whether another worker did what this one could not."""
        return self.done_again is not None and self.elsewhere not in {None, self.worker}


class Takeover(msgspec.Struct, frozen=True, kw_only=True):
    """The kill, and what came of it; seconds count from the kill.

    Attributes:
        killed: the process that got signal 9, at an instant when ``after`` of ``jobs`` jobs had ended.
        replacement: the process that was started in its place.
        crew: all workers, in the order of their start.
        lost: the attempts that died with it, by job.
        put_back: when all of these jobs had been put back; None if there are none.
        running_again: when the first of them ran elsewhere.
        done_again: when the last of them had been done again.
        executed_twice: how many of them had ended in their handler, but not in the books.
        lines_dropped: what these handlers had counted with ``ctx.metrics``; it is in no metric.
    """

    killed: int
    at: datetime
    after: int
    jobs: int
    replacement: int
    crew: tuple[Ran, ...]
    lost: tuple[TakenOver, ...]
    put_back: float | None
    running_again: float | None
    done_again: float | None
    executed_twice: int
    lines_dropped: int

    @property
    def sound(self) -> bool:
        """Whether nothing is missing."""
        return all(one.sound for one in self.lost)


def tell(kill: Kill, jobs: int, crew: tuple[Ran, ...], lost: tuple[TakenOver, ...], lines_dropped: int) -> Takeover:
    """Sum it up."""
    return Takeover(
        killed=kill.pid,
        at=kill.at,
        after=kill.ended,
        jobs=jobs,
        replacement=kill.replacement,
        crew=crew,
        lost=lost,
        put_back=max((one.put_back for one in lost), default=None),
        running_again=min((one.running_again for one in lost if one.running_again is not None), default=None),
        done_again=max((one.done_again for one in lost if one.done_again is not None), default=None),
        executed_twice=sum(one.how is How.NOT_COMMITTED for one in lost),
        lines_dropped=lines_dropped,
    )


def lost_attempts(reports: Iterable[JobReport], fates: Fates, at: datetime) -> Iterator[TakenOver]:
    """The lost attempts in the histories of these jobs, with what their handlers saw of them.

    Args:
        reports: jobs with everything that is kept of them.
        fates: the attempts as handlers saw them.
        at: the instant of the kill.
    """
    seen = {sighting.job_id: sighting for sighting in fates.lost}
    for report in reports:
        for attempt, after in pairwise((*report.attempts, None)):
            if attempt is not None and attempt.outcome is EventName.LOST and attempt.ended_at is not None:
                yield _taken(report, attempt, attempt.ended_at, after, seen.get(report.id), at)


def unseen(lost: Sequence[TakenOver]) -> int:
    """Starts that no handler can have seen: they were committed, and the worker was killed before the first line."""
    return sum(one.how is How.NOT_BEGUN for one in lost)


def _taken(
    report: JobReport,
    attempt: AttemptReport,
    ended: datetime,
    after: AttemptReport | None,
    sighting: Sighting | None,
    at: datetime,
) -> TakenOver:
    return TakenOver(
        id=report.id,
        path=str(report.payload.get("path")),
        run=attempt.run,
        worker=attempt.worker,
        put_back=(ended - at).total_seconds(),
        elsewhere=after.worker if after else None,
        running_again=(after.started_at - at).total_seconds() if after else None,
        done_again=(after.ended_at - at).total_seconds() if after and after.ended_at else None,
        outcome=after.outcome if after else None,
        executions=(sighting is not None) + (after is not None),
        how=_how(sighting),
    )


def _how(sighting: Sighting | None) -> How:
    if sighting is None:
        return How.NOT_BEGUN
    return How.IN_THE_MIDDLE if sighting.saw is Saw.NOTHING else How.NOT_COMMITTED
