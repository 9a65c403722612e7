"""The history of each job, event by event, beside what was seen of it: nothing happens that nobody did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._core.job import EventName
from jobledger._core.outcome import Reason
from tests.faults.chaos.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.job import Event, Job
    from tests.faults.simulation.books import Books
    from tests.faults.simulation.chronicle import Chronicle
    from tests.faults.simulation.watched import Sight

FITS = "each event of a job's history fits what was seen"
RESULT = "a result is that of the execution that was settled"
UNBOOKED = "no handler runs without a start in the books"
TWICE = "a job is done twice only where its worker was lost in between"
_FAILING: Final = {"raised", "retried", "failed"}


class _OddError(Exception):
    """What does not fit."""


class Lives:
    """Walks through all histories.

    Attributes:
        twice: jobs that were executed to the end more than once, without their fault.
    """

    def __init__(self, books: Books, chronicle: Chronicle) -> None:
        self.twice = 0
        self._books = books
        self._chronicle = chronicle
        self._sights = {(sight.job_id, sight.run): sight for sight in chronicle.sights}
        self._asked = {(asked.verb, asked.job_id) for asked in chronicle.asked}

    def findings(self) -> Iterator[Finding]:
        """All that does not fit."""
        for job in self._books.jobs.values():
            try:
                life = _Life(job, self._sights, self._asked, self._chronicle)
                for event in self._books.history[job.id]:
                    life.goes_on(event)
                life.ends()
            except _OddError as error:
                names = ", ".join(event.name for event in self._books.history[job.id])
                yield Finding(FITS, f"{self._books.type_of(job)} {job.id}: {error} ({names})")
            yield from self._result(job)
        yield from self._unbooked()

    def _result(self, job: Job) -> Iterator[Finding]:
        completed = [event.run for event in self._books.history[job.id] if event.name is EventName.COMPLETED]
        done = [s for s in self._chronicle.sights if s.job_id == job.id and s.outcome == "done"]
        self.twice += len(done) > 1
        if completed and (sight := self._sights.get((job.id, completed[-1]))) is not None:
            result = msgspec.json.decode(job.result or b"null")
            if result != {"fence": sight.fence}:
                yield Finding(RESULT, f"{sight}: {result}, not fence {sight.fence}")
        for sight in done:
            lost = any(event.run == sight.run and _is_loss(event) for event in self._books.history[job.id])
            if sight.run not in completed and not lost:
                yield Finding(TWICE, f"{sight} was done, and is neither completed nor lost")

    def _unbooked(self) -> Iterator[Finding]:
        booked = {
            (job_id, event.run, event.writer_id)
            for job_id, history in self._books.history.items()
            for event in history
            if event.name is EventName.STARTED
        }
        for sight in self._chronicle.sights:
            if (sight.job_id, sight.run, sight.writer_id) not in booked:
                yield Finding(UNBOOKED, str(sight))


class _Life:
    """One job, as its history tells it."""

    def __init__(
        self, job: Job, sights: dict[tuple[str, int], Sight], asked: set[tuple[str, str]], chronicle: Chronicle
    ) -> None:
        self._job = job
        self._sights = sights
        self._asked = asked
        self._chronicle = chronicle
        self._state = "new"
        self._run = self._failures = self._losses = 0
        self._writer: int | None = None
        self._must_stop = False

    def goes_on(self, event: Event) -> None:
        """One event more.

        Raises:
            _OddError: it could not happen here.
        """
        match event.name:
            case EventName.SUBMITTED:
                self._expect(self._state == "new", event, "is not the first")
                self._state = "queued"
            case EventName.STARTED:
                self._started(event)
            case EventName.CANCEL_REQUESTED:
                self._expect(self._state == "running" and self._was_asked("cancel"), event, "nobody asked")
                self._must_stop = True
            case EventName.REPLAYED:
                self._expect(self._state == "dead" and self._was_asked("replay"), event, "nobody asked")
                self._state, self._failures, self._losses, self._must_stop = "queued", 0, 0, False
            case EventName.DISCARDED:
                self._expect(self._state == "dead" and self._was_asked("discard"), event, "nobody asked")
                self._state = "over"
            case EventName.CANCELLED if self._state == "queued":
                self._expect(self._was_asked("cancel"), event, "nobody asked")
                self._state = "over"
            case _:
                self._attempt_ended(event)

    def ends(self) -> None:
        """There is nothing more."""
        if self._state not in {"dead", "over"}:
            raise _OddError(f"it is {self._state} at the end")

    def _started(self, event: Event) -> None:
        self._expect(self._state == "queued" and not self._must_stop, event, f"it is {self._state}")
        self._expect(event.run == self._run + 1, event, "runs are not counted one by one")
        sight = self._sights.get((self._job.id, event.run))
        attempt = self._failures + 1
        self._expect(sight is None or sight.attempt == attempt, event, f"it is attempt {attempt}")
        self._state, self._run, self._writer = "running", event.run, event.writer_id

    def _attempt_ended(self, event: Event) -> None:
        self._expect(self._state == "running", event, f"it is {self._state}")
        self._expect((event.run, event.writer_id) == (self._run, self._writer), event, "another attempt runs")
        if _is_loss(event):
            self._lost(event)
        else:
            self._settled(event, self._sights.get((self._job.id, event.run)))
        match event.name:
            case EventName.COMPLETED | EventName.CANCELLED:
                self._state = "over"
            case EventName.DEAD_LETTERED:
                self._state = "dead"
            case _:
                self._state = "queued"

    def _lost(self, event: Event) -> None:
        self._losses += 1
        self._expect(event.writer_id in self._chronicle.doomed, event, "its worker was not taken over")
        used_up = self._losses >= self._job.max_losses
        wanted = EventName.DEAD_LETTERED if used_up else EventName.LOST
        wanted = EventName.CANCELLED if self._must_stop else wanted
        self._expect(event.name is wanted, event, f"it is loss {self._losses}, so it should be {wanted}")

    def _settled(self, event: Event, sight: Sight | None) -> None:
        process = self._chronicle.writers.get(event.writer_id or 0)
        outcome = sight.outcome if sight is not None else "never began"
        match event.name, outcome:
            case EventName.COMPLETED, "done":
                pass
            case EventName.CANCELLED, "cancels":
                pass
            case EventName.CANCELLED, "raised" | "retried" | "failed" | "stopped" | "never began":
                self._expect(self._must_stop, event, "nobody asked")
            case EventName.RELEASED, "stopped" | "never began":
                self._expect(process is not None and process.is_leaving, event, "its process goes on")
                self._expect(not self._must_stop, event, "a cancel was asked")
            case EventName.RETRIED | EventName.DEAD_LETTERED, _ if outcome in _FAILING or self._timed_out(
                event, outcome
            ):
                self._failed(event, outcome)
            case _:
                raise _OddError(f"{event.name} of run {event.run}, which {outcome}")

    def _failed(self, event: Event, outcome: str | None) -> None:
        self._failures += 1
        last = outcome == "failed" or self._failures >= self._job.max_attempts
        wanted = EventName.DEAD_LETTERED if last else EventName.RETRIED
        self._expect(not self._must_stop, event, "a cancel was asked")
        self._expect(event.name is wanted, event, f"it is failure {self._failures}, so it should be {wanted}")

    def _timed_out(self, event: Event, outcome: str | None) -> bool:
        stopped = outcome in {"stopped", "never began"} and self._job.timeout is not None
        return stopped and event.reason in {Reason.TIMEOUT, Reason.MAX_ATTEMPTS}

    def _was_asked(self, verb: str) -> bool:
        return (verb, self._job.id) in self._asked

    @staticmethod
    def _expect(holds: bool, event: Event, what: str) -> None:
        if not holds:
            raise _OddError(f"{event.name} of run {event.run}, but {what}")


def _is_loss(event: Event) -> bool:
    return event.name is EventName.LOST or event.reason is Reason.WORKER_LOST
