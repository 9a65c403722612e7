"""One entity's jobs, by the books: one holds the mailbox at a time, and they start in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.job import EventName
from jobledger._types import micros
from tests.faults.chaos.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.job import Event, Job
    from tests.faults.simulation.books import Books
    from tests.faults.simulation.chronicle import Chronicle

HELD = "an entity's mailbox belongs to one job until that has ended"
IN_ORDER = "the first starts of an entity's jobs are in the order of their submission"
GROWING = "fences grow along an entity"
DUE = "no job starts before it is due"
_ENDED: Final = frozenset({EventName.COMPLETED, EventName.DEAD_LETTERED, EventName.CANCELLED})


class Order:
    """Checks the order of each entity."""

    def __init__(self, books: Books, chronicle: Chronicle) -> None:
        self._books = books
        self._fences = {(sight.job_id, sight.run): sight.fence for sight in chronicle.sights}
        self._delays = {
            number: micros(one.ticket.options.get("delay", 0.0)) for number, one in chronicle.submits.items()
        }

    def findings(self) -> Iterator[Finding]:
        """All that is out of order."""
        for job in self._books.jobs.values():
            first = self._first_start(job)
            if first is not None and first < self._due(job):
                yield Finding(DUE, f"{job.id}: {self._due(job) - first} µs too early")
        for entity, jobs in self._books.by_entity.items():
            yield from self._held(entity, jobs)
            yield from self._in_order(entity, jobs)

    def _held(self, entity: str, jobs: list[Job]) -> Iterator[Finding]:
        """From a job's start to its end no other one starts, unless it has stepped aside."""
        holder: str | None = None
        before = 0
        for job, event in self._in_turn(jobs):
            if event.name is EventName.STARTED:
                if holder not in {None, job.id}:
                    yield Finding(HELD, f"{entity}: {job.id} run {event.run} started, but {holder} held it")
                holder = job.id
                fence = self._fences.get((job.id, event.run), before + 1)
                if fence <= before:
                    yield Finding(GROWING, f"{entity}: {before}, then {fence} of {job.id} run {event.run}")
                before = fence
            elif holder == job.id and self._frees(job, event):
                holder = None

    def _in_turn(self, jobs: list[Job]) -> Iterator[tuple[Job, Event]]:
        """All events of an entity. The store's clock may stand still: of one instant ends go first, starts by fence."""
        left = {job.id: self._books.history[job.id][::-1] for job in jobs}
        by_id = {job.id: job for job in jobs}
        while able := [job_id for job_id, events in left.items() if events]:
            job_id = min(able, key=lambda one: self._rank(one, left[one]))
            yield by_id[job_id], left[job_id].pop()

    def _rank(self, job_id: str, left: list[Event]) -> tuple[int, bool, bool, int]:
        """Of starts the fence is not known where no handler began; then who goes on after the instant was the last."""
        event = left[-1]
        if event.name is not EventName.STARTED:
            return event.at, False, False, 0
        goes_on = len(left) == 1 or left[-2].at > event.at
        return event.at, True, goes_on, self._fences.get((job_id, event.run), 0)

    def _frees(self, job: Job, event: Event) -> bool:
        """Lost, released or in a blocking back-off, a job keeps its mailbox."""
        return event.name in _ENDED or (event.name is EventName.RETRIED and self._books.type_of(job) == "aside")

    def _in_order(self, entity: str, jobs: list[Job]) -> Iterator[Finding]:
        """A job may go ahead of an older one only if that was not due when it became the head of the mailbox."""
        started = [(at, job) for job in jobs if (at := self._first_start(job)) is not None]
        started.sort(key=lambda one: one[0])
        events = [(job, event) for job in jobs for event in self._books.history[job.id]]
        ends = [
            e.at for job, e in events if e.writer_id is not None and self._frees(job, e)
        ]  # what waited freed nothing
        for place, (_, later) in enumerate(started):
            for at, earlier in started[:place]:
                if earlier.key > later.key:
                    freed = max((end for end in ends if end <= at), default=0)
                    if self._due(later) <= max(freed, self._due(earlier)):
                        yield Finding(IN_ORDER, f"{entity}: {earlier.id} before {later.id}")

    def _first_start(self, job: Job) -> int | None:
        return next((e.at for e in self._books.history[job.id] if e.name is EventName.STARTED), None)

    def _due(self, job: Job) -> int:
        return job.submitted_at + self._delays.get(self._books.payload(job).get("ticket", -1), 0)
