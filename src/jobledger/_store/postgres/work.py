"""What a batch comes to: its commands are decided one after the other, on rows that were loaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from jobledger._core import commands as c
from jobledger._core.alike import Alike
from jobledger._core.decide import Change, Refusal, Refused, Verdict, decide, duplicate
from jobledger._core.deltas import Cells, merge
from jobledger._core.job import EventName, Job, Lane, holds_key
from jobledger._core.outcome import Done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jobledger._core.deltas import Delta
    from jobledger._core.job import Event
    from jobledger._store.contract import Answer
    from jobledger._store.postgres.own_series import OwnSeries
    from jobledger._types import Micros


class Held(msgspec.Struct, frozen=True):
    """Who has a dedupe key, and in which lane that job is (None: it was pruned)."""

    job_id: str
    until: Micros
    lane: Lane | None

    def stands(self, now: Micros) -> bool:
        """Whether it holds the key now."""
        return self.until > now if self.lane is None else holds_key(self.lane, self.until, now)


class Round:
    """One change of each job at most; the next change of a job goes into the next round."""

    def __init__(self) -> None:
        """Nothing is to be written."""
        self.added: list[tuple[Job, bytes]] = []
        self.saved: list[tuple[Job, Job]] = []
        self.ended: list[tuple[Job, Job]] = []
        self.revived: list[tuple[Job, Job]] = []
        self.amended: list[tuple[Job, Job]] = []
        self.events: list[tuple[Job, Event]] = []

    def put(self, job: Job, before: Job) -> None:
        """By which table the row is in, and which it goes to."""
        was, is_ = before.ended_at is not None, job.ended_at is not None
        put = (self.amended if is_ else self.revived) if was else (self.ended if is_ else self.saved)
        put.append((job, before))


class Work:
    """The working set of one batch.

    Args:
        now: its time.
        ladder: of the histograms.
        own: the users' own series.
        draw: fresh numbers for new and replayed jobs; without it the store draws those of new ones.

    Attributes:
        rounds: what is to be written, in order.
        freed: entities whose mailbox has lost its holder.
        keys: dedupe keys that change hands: to which job, until when.
        held: those that are held, as they were looked up.
        own: the users' own series.
        calls: something that other workers must hear of: a request to cancel, a new due time.
    """

    def __init__(
        self, now: Micros, ladder: tuple[Micros, ...], own: OwnSeries, draw: Callable[[], int] | None = None
    ) -> None:
        """No row is known."""
        self.now = now
        self._cells: Cells = {}
        self._deltas: list[Delta] = []
        self.rounds: list[Round] = [Round()]
        self.freed: list[str] = []
        self.completed: set[int] = set()
        self.keys: dict[tuple[int, str], tuple[str, Micros]] = {}
        self.held: dict[tuple[int, str], Held | None] = {}
        self.calls = False
        self._alike = Alike(now)
        self._ladder = ladder
        self.own = own
        self._draw = draw
        self._by_key: dict[int, Job] = {}
        self._by_id: dict[str, Job] = {}
        self._changes: dict[str, int] = {}

    def know(self, jobs: Iterable[Job]) -> None:
        """Rows as they are."""
        for job in jobs:
            self._by_key[job.key] = self._by_id[job.id] = job

    def execute(self, command: c.Command) -> Answer:
        """Decide one command; a refusal changes nothing but the count of refusals."""
        match command:
            case c.Settle():
                return self._settle(command)
            case c.Submit():
                return self._accept(command)
            case c.SubmitAll():
                return self._accept_all(command)
            case c.Release() | c.Report():
                return self.apply(self._by_key.get(command.key), command)
            case c.Cancel() | c.Discard():
                return self.apply(self._by_id.get(command.job_id), command)
            case c.Replay():
                return self._replay(command)
            case c.Count():
                self.own.book(self._cells, command.metrics, self._ladder)
                return None
            case _:
                assert_never(command)

    def apply(self, job: Job | None, command: c.JobCommand) -> Verdict:
        """Decide on a row, and keep what was decided."""
        number = self._draw() if self._draw is not None and isinstance(command, c.Replay) else 0
        verdict = decide(job, command, self.now, number=number, occupied=None)
        if isinstance(verdict, Refusal):
            self._book(verdict.deltas)
            return verdict
        assert job is not None  # noqa: S101 - a change has a row that it changes
        if verdict.job.version != job.version:
            self._round(job.id).put(verdict.job, job)
            self._keep(verdict)
        if verdict.frees and verdict.job.entity is not None:
            self.freed.append(verdict.job.entity)
        return verdict

    @property
    def cells(self) -> Cells:
        """What is to be counted."""
        merge(self._cells, self._deltas, self._ladder)
        self._deltas.clear()
        return self._cells

    @property
    def arrived(self) -> list[str]:
        """Entities whose mailbox has to be looked at, for a job that is new or comes back."""
        new = (job for round_ in self.rounds for job, _ in round_.added)
        back = (job for round_ in self.rounds for job, _ in (*round_.saved, *round_.revived))
        return [job.entity for job in (*new, *back) if job.lane is Lane.ARRIVED and job.entity is not None]

    def _accept(self, command: c.Submit) -> Verdict:
        if command.id in self._by_id:
            return Refusal(Refused.KNOWN, job_id=command.id)
        held = self._holder(command)
        if held is not None:
            self._book(held.deltas)
            return held
        change = self._alike.submit(command, self._draw() if self._draw is not None else 0)
        self._round(command.id).added.append((change.job, command.payload))
        self.know((change.job,))
        self.calls |= change.job.lane is Lane.SCHEDULED
        self._book(change.deltas)
        if command.dedupe is not None:
            self._hold(change.job)
        return change

    def _hold(self, job: Job) -> None:
        if job.dedupe is not None:
            key = job.type_id, job.dedupe
            self.keys[key] = job.id, job.dedupe_until
            self.held[key] = Held(job.id, job.dedupe_until, job.lane)

    def _holder(self, command: c.Submit) -> Refusal | None:
        if command.dedupe is None:
            return None
        held = self.held.get((command.type_id, command.dedupe))
        if held is None:
            return None
        if held.job_id == command.id:
            return Refusal(Refused.KNOWN, job_id=command.id)
        return duplicate(command, held.job_id) if self._stands(held) else None

    def _stands(self, held: Held) -> bool:
        """As the holder is by now: this batch may have ended it."""
        now = self._by_id.get(held.job_id)
        return held.stands(self.now) if now is None else holds_key(now.lane, held.until, self.now)

    def _accept_all(self, command: c.SubmitAll) -> tuple[Verdict, ...]:
        held = self._first_duplicate(command.items) if command.strict else None
        if held is not None:
            self._book(held.deltas)
            return (held,)
        return tuple(self._accept(item) for item in command.items)

    def _first_duplicate(self, items: tuple[c.Submit, ...]) -> Refusal | None:
        """The first item whose key another job holds, or an item before it."""
        named: dict[tuple[int, str], str] = {}
        for item in items:
            held = Refusal(Refused.KNOWN) if item.id in self._by_id else self._holder(item)
            if held is None and item.dedupe is not None:
                first = named.setdefault((item.type_id, item.dedupe), item.id)
                held = duplicate(item, first) if first != item.id else None
            if held is not None and held.why is Refused.DUPLICATE:
                return held
        return None

    def _settle(self, command: c.Settle) -> Verdict:
        verdict = self.apply(self._by_key.get(command.key), command)
        if (command.children or command.metrics) and isinstance(verdict, Change) and isinstance(command.outcome, Done):
            for child in command.children:
                self._accept(child)
            self.own.book(self._cells, command.metrics, self._ladder)
        return verdict

    def _replay(self, command: c.Replay) -> Verdict:
        verdict = self.apply(self._by_id.get(command.job_id), command)
        if isinstance(verdict, Change) and verdict.job.dedupe is not None:
            held = self.held.get((verdict.job.type_id, verdict.job.dedupe))
            if held is None or held.job_id == verdict.job.id or not self._stands(held):
                self._hold(verdict.job)
        return verdict

    def _keep(self, change: Change) -> None:
        job, event = change.job, change.event
        self._by_key[job.key] = self._by_id[job.id] = job
        if change.began is not None:
            self.rounds[-1].events.append((job, change.began))
        if event is not None:
            self.rounds[-1].events.append((job, event))
            self.calls |= event.name is EventName.CANCEL_REQUESTED
            if event.name is EventName.COMPLETED:
                self.completed.add(job.type_id)
        self.calls |= job.lane is Lane.SCHEDULED
        self._book(change.deltas)

    def _round(self, job_id: str) -> Round:
        number = self._changes.get(job_id, 0)
        self._changes[job_id] = number + 1
        if number == len(self.rounds):
            self.rounds.append(Round())
        return self.rounds[number]

    def _book(self, deltas: Iterable[Delta]) -> None:
        self._deltas += deltas


def numbered(answers: Iterable[Answer], keys: Mapping[str, int]) -> tuple[Answer, ...]:
    """The answers with the numbers that the store has drawn for new jobs, by their ids."""
    if not keys:
        return tuple(answers)
    return tuple(
        tuple(_numbered(one, keys) for one in answer)
        if isinstance(answer, tuple)
        else answer
        if answer is None
        else _numbered(answer, keys)
        for answer in answers
    )


def _numbered(verdict: Verdict, keys: Mapping[str, int]) -> Verdict:
    number = keys.get(verdict.job.id) if isinstance(verdict, Change) else None
    if number is None or not isinstance(verdict, Change):
        return verdict
    return replace(verdict, job=replace(verdict.job, key=number, seq=number))
