"""Every attempt, as the books have it and as its handler saw it, side by side."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from jobledger._core.job import EventName
from jobledger._core.outcome import Reason
from tests.faults.chaos.lines import Ended, Started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.job import Event, Job
    from jobledger._core.reads import Record
    from tests.faults.chaos.books import Books
    from tests.faults.chaos.lines import Seen

Line = TypeVar("Line", Started, Ended)
_ENDS: Final = frozenset({
    EventName.COMPLETED,
    EventName.RETRIED,
    EventName.DEAD_LETTERED,
    EventName.CANCELLED,
    EventName.LOST,
    EventName.RELEASED,
})  # fmt: skip
_FITTING: Final = {
    "done": {EventName.COMPLETED},
    "raised": {EventName.RETRIED, EventName.DEAD_LETTERED, EventName.CANCELLED},
    "failed": {EventName.DEAD_LETTERED, EventName.CANCELLED},
    "stopped": {EventName.CANCELLED, EventName.RELEASED},
}
"""Which settlements an end line allows."""


@dataclass(frozen=True)
class Attempt:
    """One start that the books have.

    Attributes:
        began: the history's event of the start; ``outcome``: the one that ended it, None while it runs.
        started: the handler's own line, if it came so far; ``ended`` likewise.
    """

    job: Job
    type: str
    began: Event
    outcome: Event | None
    started: Started | None
    ended: Ended | None

    @property
    def was_lost(self) -> bool:
        """The books say that its worker was lost, whatever then became of the job."""
        if self.outcome is None:
            return False
        return self.outcome.name is EventName.LOST or self.outcome.reason is Reason.WORKER_LOST

    @property
    def was_released(self) -> bool:
        """Its worker let go of it while a cancel was asked: one that settles tells how long it took."""
        return self.is_settled(EventName.CANCELLED) and self.outcome is not None and self.outcome.micros is None

    @property
    def was_running(self) -> bool:
        """Its handler had begun and not ended when its worker was lost."""
        return self.was_lost and self.started is not None and self.ended is None

    @property
    def was_unsettled(self) -> bool:
        """Its handler had ended, but its worker was lost before the settlement was committed."""
        return self.was_lost and self.ended is not None

    @property
    def had_not_begun(self) -> bool:
        """It was claimed, but its handler never ran."""
        return self.started is None

    def is_settled(self, *names: EventName) -> bool:
        """The worker itself said how it ended, in one of these ways."""
        return self.outcome is not None and not self.was_lost and self.outcome.name in names

    @property
    def wrong(self) -> str | None:
        """What is wrong between the books and the handler's lines, if anything is."""
        if self.outcome is None:
            return "the books say that it still runs"
        if self.started is not None and self.started.writer != self.began.writer_id:
            return f"started by writer {self.started.writer}, by {self.began.writer_id} in the books"
        if self.was_lost:
            return None
        if self.ended is None:
            before_it_began = self.started is None and self.outcome.name in _FITTING["stopped"]
            return None if before_it_began else f"{self.outcome.name} in the books, but its handler never ended"
        if self.outcome.name not in _FITTING[self.ended.outcome]:
            return f"{self.outcome.name} in the books, {self.ended.outcome} by its handler"
        return None

    def __str__(self) -> str:
        """How findings name it."""
        return f"{self.type} {self.job.id} run {self.began.run}"


class Attempts:
    """All of them.

    Attributes:
        all: in the order of the jobs.
        unbooked: start lines that the books know nothing of.
        doubled: lines of one run that were written twice.
    """

    def __init__(self, books: Books, seen: list[Seen]) -> None:
        self.doubled: list[str] = []
        self._started: dict[tuple[str, int], Started] = {}
        self._ended: dict[tuple[str, int], Ended] = {}
        for line in seen:
            match line:
                case Started():
                    self._keep(self._started, line)
                case Ended():
                    self._keep(self._ended, line)
                case _:
                    pass
        self.all = [attempt for record in books.records.values() for attempt in self._of(record)]
        booked = {(attempt.job.id, attempt.began.run) for attempt in self.all}
        self.unbooked = [line for key, line in self._started.items() if key not in booked]

    @property
    def by_entity(self) -> dict[str, list[Attempt]]:
        """Those of keyed jobs."""
        found: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.all:
            if attempt.job.entity is not None:
                found[attempt.job.entity].append(attempt)
        return found

    def _of(self, record: Record) -> Iterator[Attempt]:
        ends: dict[int, Event] = {}
        for event in record.history:
            if event.name in _ENDS:
                ends.setdefault(event.run, event)  # a later cancel, while it was queued again, names the same run
        for event in record.history:
            if event.name is EventName.STARTED:
                key = (record.job.id, event.run)
                yield Attempt(
                    record.job,
                    record.type.name,
                    event,
                    ends.get(event.run),
                    self._started.get(key),
                    self._ended.get(key),
                )

    def _keep(self, lines: dict[tuple[str, int], Line], line: Line) -> None:
        if (line.job, line.run) in lines:
            self.doubled.append(f"{line.job} run {line.run}: {type(line).__name__.lower()} twice")
        lines[line.job, line.run] = line
