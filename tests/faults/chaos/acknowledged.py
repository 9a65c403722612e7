"""What callers were answered must be in the books, and what is in the books must have been asked for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from jobledger._core.job import EventName
from tests.faults.chaos.finding import Finding
from tests.faults.chaos.lines import Accepted, Meant, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.chaos.attempts import Attempts
    from tests.faults.chaos.books import Books
    from tests.faults.chaos.lines import Told
    from tests.faults.chaos.plan import Ticket

LOST = "no acknowledged job is lost"
TWICE = "no ticket gives a job twice"
UNASKED = "every job was asked for"
WHOLE = "a batch is accepted whole or not at all"
REFUSED = "what was refused is not there"
DUPLICATE = "a duplicate is the id of an earlier job with the same key"
CHILD = "children are there if and only if the run that left them is complete"


class Acknowledged:
    """Compares the answers with the jobs.

    Attributes:
        jobs: acknowledged jobs.
        duplicates: submits that were answered with another job's id.
        indeterminate: tickets that were killed before their answer; ``applied``: those whose jobs are there.
    """

    def __init__(self, books: Books, attempts: Attempts, told: list[Told], tickets: dict[int, Ticket]) -> None:
        self._books = books
        self._attempts = attempts
        self._tickets = tickets
        self._accepted = {line.ticket: line for line in told if isinstance(line, Accepted)}
        self._refused = {line.ticket for line in told if isinstance(line, Refused)}
        self._meant = {line.ticket for line in told if isinstance(line, Meant)}
        self._present = self._by_ticket()
        self.jobs = sum(sum(line.created) for line in self._accepted.values())
        self.duplicates = sum(line.created.count(False) for line in self._accepted.values())
        self.indeterminate = self._meant - self._accepted.keys() - self._refused
        self.applied = self.indeterminate & self._present.keys()

    def _by_ticket(self) -> dict[int, list[tuple[int, str]]]:
        present: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for job_id in self._books.records:
            payload = self._books.payload(job_id)
            if "ticket" in payload:
                present[payload["ticket"]].append((payload["item"], job_id))
        return present

    def findings(self) -> Iterator[Finding]:
        """All that was answered and is not so, and all that is there unasked."""
        for line in self._accepted.values():
            yield from self._kept(line)
        for ticket in self._refused & self._present.keys():
            yield Finding(REFUSED, f"ticket {ticket}: {self._present[ticket]}")
        for ticket in self._present.keys() - self._meant:
            yield Finding(UNASKED, f"ticket {ticket}: {self._present[ticket]}")
        for ticket, jobs in self._present.items():
            items = sorted(item for item, _ in jobs)
            if len(items) > len(set(items)):
                yield Finding(TWICE, f"ticket {ticket}: {jobs}")
            elif len(items) != len(self._tickets[ticket].payloads):
                yield Finding(WHOLE, f"ticket {ticket}: {items}")
        yield from self._children()

    def _kept(self, line: Accepted) -> Iterator[Finding]:
        for item, (job_id, created) in enumerate(zip(line.jobs, line.created, strict=True)):
            if job_id not in self._books.records:
                yield Finding(LOST, f"ticket {line.ticket}: {job_id}")
            elif created:
                payload = self._books.payload(job_id)
                if (payload.get("ticket"), payload.get("item")) != (line.ticket, item):
                    yield Finding(LOST, f"ticket {line.ticket}: {job_id} is another one's")
            elif self._books.records[job_id].job.dedupe != self._tickets[line.ticket].options.get("dedupe", ""):
                yield Finding(DUPLICATE, f"ticket {line.ticket}: {job_id}")

    def _children(self) -> Iterator[Finding]:
        left: set[str] = set()
        for attempt in self._attempts.all:
            for child in attempt.ended.children if attempt.ended is not None else ():
                complete = attempt.is_settled(EventName.COMPLETED)
                if complete != (child in self._books.records):
                    yield Finding(CHILD, f"{child} of {attempt}, complete: {complete}")
                if complete:
                    left.add(child)
        for job_id, record in self._books.records.items():
            if record.type.name == "child" and job_id not in left:
                yield Finding(CHILD, f"nobody left {job_id}")
