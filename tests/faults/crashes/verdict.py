"""Notes and books are held against each other: what was answered is there, and nothing is there by half."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from jobledger._core.job import ENDED, STATUS_OF, EventName, Status
from tests.faults.chaos.finding import Finding
from tests.faults.crashes.handlers import DONE
from tests.faults.crashes.notes import Accepted, Answered, Asked, Began, Finished, Line, Refused, Told
from tests.faults.crashes.story import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobledger._core.reads import Record
    from tests.faults.crashes.books import Books

LOST = "an acknowledged job is there"
PAYLOAD = "a job has its own payload"
HALF = "a batch is there as a whole"
UNASKED = "every job was asked for, once"
REFUSED = "what was refused is not there"
TOLD = "an outcome that was seen stands"
REQUEST = "a request that was answered holds"
RUN = "what runs is in the books, and what they call done was done"
CHILDREN = "children are there if and only if their parent is complete"
COUNTS = "own counters count what was answered, and no more than was asked for"
HISTORY = "a history fits its job"
BALANCED = "the books balance"
DAMAGE = "the file is sound"
STUCK = "all jobs end, and nobody is left"
_ANSWERED = {"cancel": EventName.CANCEL_REQUESTED, "replay": EventName.REPLAYED, "discard": EventName.DISCARDED}


def judge(lines: Sequence[Line], books: Books | None, *, drained: bool = False, power: bool = True) -> list[Finding]:
    """All that is off.

    Args:
        lines: what was noted until the crash; of a store that was drained, also what was noted then.
        books: what the store says; None if there is none.
        drained: whether all work that was left has been run.
        power: whether all that was answered has to be there; otherwise only that nothing is half.
    """
    if books is None:
        answered = [line for line in lines if isinstance(line, Accepted | Answered)]
        return [Finding(LOST, f"there is no store, and {line}") for line in answered if power]
    said = _Said(lines)
    found = [Finding(DAMAGE, line) for line in books.damage]
    found += [Finding(BALANCED, f"{check.type}: {check.equation}") for check in books.audit.failed]
    found += [Finding(BALANCED, f"{one.rule}: {', '.join(one.examples)}") for one in books.audit.broken]
    found += [*_jobs(said, books), *_children(books), *_histories(books)]
    if power:
        found += [*_acknowledged(said, books), *_told(said, books), *_requests(said, books), *_runs(said, books)]
        found += _counts(said, books)
    if drained:
        found += _stuck(books)
    return found


class _Said:
    """The notes by what they are about.

    Attributes:
        asked: requests by number.
        touched: the place of the last request about a job.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.asked = {line.n: line for line in lines if isinstance(line, Asked)}
        self.accepted = [line for line in lines if isinstance(line, Accepted)]
        self.answered = [line for line in lines if isinstance(line, Answered)]
        self.refused = {line.n for line in lines if isinstance(line, Refused)}
        self.touched = {
            line.job: place for place, line in enumerate(lines) if isinstance(line, Asked) and line.job is not None
        }


def payload_of(record: Record) -> dict[str, Any]:
    payload: dict[str, Any] = msgspec.json.decode(record.payload)
    return payload


def _acknowledged(said: _Said, books: Books) -> Iterator[Finding]:
    for line in said.accepted:
        for item, job_id in enumerate(line.jobs):
            record = books.records.get(job_id)
            if record is None:
                yield Finding(LOST, f"{job_id} of {said.asked[line.n]}")
            elif line.created and payload_of(record) != {"n": line.n, "item": item}:
                yield Finding(PAYLOAD, f"{job_id} of {said.asked[line.n]} has {record.payload!r}")


def _jobs(said: _Said, books: Books) -> Iterator[Finding]:
    items: dict[int, list[int]] = defaultdict(list)
    for record in books.records.values():
        payload = payload_of(record)
        if record.type.name != "child":
            items[payload["n"]].append(payload["item"])
    for n, found in items.items():
        asked = said.asked.get(n)
        if asked is None or asked.verb != "submit" or len(set(found)) < len(found):
            yield Finding(UNASKED, f"items {found} of request {n}, which is {asked}")
        elif len(found) != asked.many:
            yield Finding(HALF, f"items {found} of {asked}")
        if n in said.refused:
            yield Finding(REFUSED, f"items {found} of {asked}")


def _told(said: _Said, books: Books) -> Iterator[Finding]:
    for place, line in enumerate(said.lines):
        if not isinstance(line, Told) or said.touched.get(line.job, -1) > place:
            continue
        record = books.records.get(line.job)
        now = None if record is None else (STATUS_OF[record.job.lane], record.job.run, _result(record))
        if now != (line.status, line.run, line.result):
            yield Finding(TOLD, f"{line} is now {now}")


def _result(record: Record) -> Any:
    return None if record.job.result is None else msgspec.json.decode(record.job.result)


def _requests(said: _Said, books: Books) -> Iterator[Finding]:
    for line in said.answered:
        asked = said.asked[line.n]
        if asked.job is None or line.answer == "AlreadyEnded":
            continue
        wanted = EventName.CANCELLED if line.answer == "Cancelled" else _ANSWERED[asked.verb]
        record = books.records.get(asked.job)
        if record is None or wanted not in [event.name for event in record.history]:
            yield Finding(REQUEST, f"{asked}: {line}")
    for number in said.refused:
        asked = said.asked[number]
        record = books.records.get(asked.job or "")
        same = [one for one in said.asked.values() if (one.verb, one.job) == (asked.verb, asked.job)]
        if record is not None and len(same) == 1 and _ANSWERED[asked.verb] in [one.name for one in record.history]:
            yield Finding(REFUSED, str(asked))


def _runs(said: _Said, books: Books) -> Iterator[Finding]:
    began = [line for line in said.lines if isinstance(line, Began)]
    finished = {(line.job, line.fence) for line in said.lines if isinstance(line, Finished)}
    for fence, times in Counter(line.fence for line in began).items():
        if times > 1:
            yield Finding(RUN, f"{times} handlers ran under the fence {fence}")
    for job_id, begun in Counter(line.job for line in began).items():
        record = books.records.get(job_id)
        starts = 0 if record is None else sum(event.name is EventName.STARTED for event in record.history)
        if begun > starts:
            yield Finding(RUN, f"{job_id} ran {begun} times, of which the books have {starts}")
    for job_id, record in books.records.items():
        if record.job.lane.value == Status.COMPLETE and (job_id, record.job.fence) not in finished:
            yield Finding(RUN, f"{job_id} is complete under the fence {record.job.fence}, and did not come to its end")


def _children(books: Books) -> Iterator[Finding]:
    parents = Counter(payload_of(record)["of"] for record in books.records.values() if record.type.name == "child")
    for job_id, record in books.records.items():
        wanted = int(record.type.name == "parent" and STATUS_OF[record.job.lane] is Status.COMPLETE)
        if parents.pop(job_id, 0) != wanted:
            yield Finding(CHILDREN, f"of {job_id}, which is {record.job.lane}")
    for job_id in parents:
        yield Finding(CHILDREN, f"{job_id} is not there, its child is")


def _counts(said: _Said, books: Books) -> Iterator[Finding]:
    asked = [line for line in said.asked.values() if line.verb == "count" and line.n not in said.refused]
    least = sum(said.asked[line.n].many for line in said.answered if said.asked[line.n].verb == "count")
    if not least <= books.own(COUNTED) <= sum(line.many for line in asked):
        yield Finding(COUNTS, f"{books.own(COUNTED)} is not between {least} and {sum(line.many for line in asked)}")


def _histories(books: Books) -> Iterator[Finding]:
    completed = 0
    for job_id, record in books.records.items():
        names = [event.name for event in record.history]
        completed += names.count(EventName.COMPLETED)
        if names[:1] != [EventName.SUBMITTED] or names.count(EventName.STARTED) != record.job.run:
            yield Finding(HISTORY, f"{job_id} has run {record.job.run} times, and {names}")
    if books.own(DONE) != completed:
        yield Finding(COUNTS, f"{completed} jobs are complete, of which {books.own(DONE)} are counted")


def _stuck(books: Books) -> Iterator[Finding]:
    if books.writers:
        yield Finding(STUCK, f"{books.writers} writers are left")
    for job_id, record in books.records.items():
        if STATUS_OF[record.job.lane] not in ENDED:
            yield Finding(STUCK, f"{job_id} is {record.job.lane}")
