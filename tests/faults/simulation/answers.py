"""What callers were answered must be in the books, and what is in the books must have been asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import Kind
from jobledger._core.job import EventName, Status
from tests.faults.chaos.finding import Finding
from tests.faults.simulation.callers import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.job import Job
    from tests.faults.simulation.books import Books
    from tests.faults.simulation.chronicle import Asked, Chronicle, Submitted

LOST = "no acknowledged job is lost"
TWICE = "no ticket gives a job twice"
WHOLE = "a batch is accepted whole or not at all"
UNASKED = "every job was asked for"
REFUSED = "what was refused is not there"
DUPLICATE = "a duplicate is the id of a job with the same key, and no two such jobs live at once"
CHILD = "children are there if and only if the run that left them is complete"
COUNTS = "what was counted is counted once"
ANSWERED = "what a cancel, a replay or a discard was answered holds"
_DONE: Final = {"replay": EventName.REPLAYED, "discard": EventName.DISCARDED}


class Answers:
    """Compares the answers with the jobs."""

    def __init__(self, books: Books, chronicle: Chronicle) -> None:
        self._books = books
        self._chronicle = chronicle
        self._by_ticket: dict[int, list[Job]] = defaultdict(list)
        for job in books.jobs.values():
            if "ticket" in books.payload(job):
                self._by_ticket[books.payload(job)["ticket"]].append(job)

    def findings(self) -> Iterator[Finding]:
        """All that was answered and is not so, and all that is there unasked."""
        for submitted in self._chronicle.submits.values():
            yield from self._submitted(submitted, self._by_ticket[submitted.ticket.number])
        for ticket, jobs in self._by_ticket.items():
            if jobs and ticket not in self._chronicle.submits:
                yield Finding(UNASKED, f"ticket {ticket}: {_ids(jobs)}")
        yield from self._keys()
        yield from self._children()
        yield from self._counts()
        for asked in self._chronicle.asked:
            if asked.answer is not None and not self._holds(asked):
                yield Finding(ANSWERED, f"{asked.verb} of {asked.job_id}: {asked.answer}")

    def _submitted(self, submitted: Submitted, jobs: list[Job]) -> Iterator[Finding]:
        number, size = submitted.ticket.number, len(submitted.ticket.payloads)
        items = [self._books.payload(job)["item"] for job in jobs]
        if len(items) > len(set(items)):
            yield Finding(TWICE, f"ticket {number}: {_ids(jobs)}")
        elif len(items) not in {0, size}:
            yield Finding(WHOLE, f"ticket {number}: items {items} of {size}")
        if submitted.answer == "refused" and jobs:
            yield Finding(REFUSED, f"ticket {number}: {_ids(jobs)}")
        for job_id, created in submitted.jobs:
            job = self._books.jobs.get(job_id)
            if job is None:
                yield Finding(LOST, f"ticket {number}: {job_id}")
            elif created and self._books.payload(job)["ticket"] != number:
                yield Finding(LOST, f"ticket {number}: {job_id} is another one's")
            elif not created and job.dedupe != submitted.ticket.options.get("dedupe", ""):
                yield Finding(DUPLICATE, f"ticket {number}: {job_id}")

    def _keys(self) -> Iterator[Finding]:
        """A replay may find its key taken; all others are alone with theirs."""
        keyed: dict[tuple[int, str], list[Job]] = defaultdict(list)
        for job in self._books.jobs.values():
            if job.dedupe is not None and not any(e.name is EventName.REPLAYED for e in self._books.history[job.id]):
                keyed[job.type_id, job.dedupe].append(job)
        for (_, key), jobs in keyed.items():
            for older, newer in pairwise(jobs):
                ended = next(e.at for e in reversed(self._books.history[older.id]) if e.name is not EventName.DISCARDED)
                if newer.submitted_at < ended:
                    yield Finding(DUPLICATE, f"{key}: {_ids([older, newer])}")

    def _children(self) -> Iterator[Finding]:
        left: set[str] = set()
        for sight in self._chronicle.sights:
            complete = any(
                event.name is EventName.COMPLETED and event.run == sight.run
                for event in self._books.history.get(sight.job_id, ())
            )
            left.update(sight.children if complete else ())
            for child in sight.children:
                if complete != (child in self._books.jobs):
                    yield Finding(CHILD, f"{child} of {sight}, complete: {complete}")
        for job in self._books.jobs.values():
            if self._books.type_of(job) == "child" and job.id not in left:
                yield Finding(CHILD, f"nobody left {job.id}")

    def _counts(self) -> Iterator[Finding]:
        those = [asked.answer for asked in self._chronicle.asked if asked.verb == "count"]
        value = self._books.snapshot.user_value(COUNTED, Kind.COUNTER, ())
        counted = round(value if isinstance(value, int | float) else 0)
        if not those.count("done") <= counted <= len(those) - those.count("refused"):
            yield Finding(COUNTS, f"{counted}, of {sorted(map(str, those))}")

    def _holds(self, asked: Asked) -> bool:
        job = self._books.jobs.get(asked.job_id)
        if job is None:
            return asked.answer == "not found"
        if asked.verb in {"count", "wait"}:
            return asked.verb == "count" or self._was_so(job, asked.answer)
        names = Counter(event.name for event in self._books.history[job.id])
        those = [one for one in self._chronicle.asked if (one.verb, one.job_id) == (asked.verb, asked.job_id)]
        match asked.verb, asked.answer:
            case _, "unknown" | "refused":
                return True
            case "cancel", "cancelled":
                return job.status is Status.CANCELLED
            case "cancel", "requested":
                return job.status in {Status.CANCELLED, Status.COMPLETE} and EventName.CANCEL_REQUESTED in names
            case ("replay" | "discard") as verb, "done":
                done = sum(one.answer == "done" and not one.read_back for one in those)
                perhaps = sum(one.answer in {"done", "unknown", None} for one in those)
                return max(done, 1) <= names[_DONE[verb]] <= perhaps
            case _, answer:
                return answer == job.status or bool({EventName.REPLAYED, EventName.DISCARDED} & {*names})

    def _was_so(self, job: Job, answer: str | None) -> bool:
        """Whoever waited heard an end that the job has come to, at some time."""
        ends = {EventName.COMPLETED: "complete", EventName.CANCELLED: "cancelled", EventName.DEAD_LETTERED: "failed"}
        names = {event.name for event in self._books.history[job.id]}
        been = {ends[name] for name in names & ends.keys()} | {str(job.status)}
        return answer in {"not ended", "unknown", "refused"} or answer in been


def _ids(jobs: list[Job]) -> str:
    return ", ".join(job.id for job in jobs)
