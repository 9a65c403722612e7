"""When each job was due at first: the row forgets it at the first retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core.job import EventName
from jobledger._types import micros
from tests.faults.chaos.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.chaos.books import Books
    from tests.faults.chaos.plan import Ticket

DUE = "no job starts before it is due"


class Delays:
    """The delays of the plan, by job."""

    def __init__(self, books: Books, tickets: Iterable[Ticket]) -> None:
        planned = {one.number: micros(one.options["delay"]) for one in tickets if "delay" in one.options}
        self._books = books
        self._by_job = {job_id: planned.get(books.payload(job_id).get("ticket", -1), 0) for job_id in books.records}

    def of(self, job_id: str) -> int:
        """Microseconds from its submit."""
        return self._by_job[job_id]

    def findings(self) -> Iterator[Finding]:
        """Jobs that started too early."""
        for record in self._books.records.values():
            starts = (event.at for event in record.history if event.name is EventName.STARTED)
            first, due = next(starts, None), record.job.submitted_at + self.of(record.job.id)
            if first is not None and first < due:
                yield Finding(DUE, f"{record.job.id} started {(due - first) / 1000:.1f} ms too early")
