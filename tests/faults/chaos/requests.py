"""Cancels, replays and discards: what was answered holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jobledger._core.job import EventName, Status
from tests.faults.chaos.finding import Finding
from tests.faults.chaos.lines import Answered, Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.reads import Record
    from tests.faults.chaos.books import Books
    from tests.faults.chaos.lines import Told

ANSWERED = "what a cancel, a replay or a discard was answered holds"
ASKED = "what was asked to stop never starts again, nor is put back"
UNASKED = "nothing is cancelled, replayed or discarded unasked"
_GOING_ON = frozenset({EventName.STARTED, EventName.RETRIED, EventName.LOST, EventName.RELEASED})
_DONE = {"replay": EventName.REPLAYED, "discard": EventName.DISCARDED}


class Requests:
    """Compares the answers with the histories.

    Attributes:
        answers: how often each answer was given, by verb.
    """

    def __init__(self, books: Books, told: list[Told]) -> None:
        self._books = books
        self._asked = Counter((line.verb, line.job) for line in told if isinstance(line, Asked))
        self._answered = [line for line in told if isinstance(line, Answered)]
        self._done = Counter((line.verb, line.job) for line in self._answered if line.answer == "done")
        self.answers = Counter(f"{line.verb}: {line.answer}" for line in self._answered)

    def findings(self) -> Iterator[Finding]:
        """All that does not hold."""
        for line in self._answered:
            record = self._books.records.get(line.job)
            if record is None or not self._holds(line, record):
                status = "gone" if record is None else record.job.status
                yield Finding(ANSWERED, f"{line.verb} of {line.job}: {line.answer}, but it is {status}")
        for job_id, record in self._books.records.items():
            if _goes_on(record):
                yield Finding(ASKED, f"{job_id}: {', '.join(event.name for event in record.history)}")
            names = {event.name for event in record.history}
            done = {verb for verb, name in _DONE.items() if name in names}
            done |= {"cancel"} if names & {EventName.CANCELLED, EventName.CANCEL_REQUESTED} else set()
            for verb in done:
                if (verb, job_id) not in self._asked:
                    yield Finding(UNASKED, f"{verb} of {job_id}")

    def _holds(self, line: Answered, record: Record) -> bool:
        names = [event.name for event in record.history]
        match line.verb, line.answer:
            case "cancel", "cancelled":
                return record.job.status is Status.CANCELLED
            case "cancel", "requested":
                won = record.job.status in {Status.CANCELLED, Status.COMPLETE}
                return won and EventName.CANCEL_REQUESTED in names
            case ("replay" | "discard") as verb, "done":
                asked = (verb, line.job)  # one that was killed before its answer may have been done, too
                return self._done[asked] <= names.count(_DONE[verb]) <= self._asked[asked]
            case _, answer:
                return answer == record.job.status or bool({EventName.REPLAYED, EventName.DISCARDED} & {*names})


def _goes_on(record: Record) -> bool:
    asked = False
    for event in record.history:
        if asked and event.name in _GOING_ON:
            return True
        asked = event.name is EventName.CANCEL_REQUESTED or (asked and event.name is not EventName.REPLAYED)
    return False
