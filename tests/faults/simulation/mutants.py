"""Rules taken away: what each is for, and what the simulation has to notice without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from msgspec.structs import replace

from jobledger._core import commands as c
from jobledger._core import decide as rules
from jobledger._core.decide import Refusal, Refused
from jobledger._core.outcome import Done
from jobledger._runtime.node import Node
from jobledger._runtime.poll import Poll
from jobledger._runtime.upkeep import Upkeep
from jobledger._runtime.watch import Watch
from jobledger._store.commit import Door
from jobledger._store.contract import Committed
from jobledger._store.resolver import Resolver
from jobledger._store.rows import job_of
from jobledger._store.sqlite import batch as batches
from jobledger._store.sqlite import pages, upkeep
from jobledger.errors import CommitUnknown, StoreError
from tests.faults.simulation import answers, chronicle, lives, order, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._core.decide import Verdict
    from jobledger._core.job import Job
    from jobledger._store.contract import Answer, Batch, Vital
    from jobledger._store.entry import Entry
    from tests.faults.simulation.store import SimulatedStore

Patch: TypeAlias = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    """One rule less.

    Attributes:
        rule: what must be among the findings of some seed.
        begin: a seed near the first that finds it, to save time.
    """

    name: str
    rule: str
    apply: Patch
    begin: int = 0


def sql(statement: str, rule: str, instead: str = "") -> Patch:
    """The store's SQL with one piece of a statement replaced."""

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        text = pages.SQL[statement]
        assert text.count(rule) == 1, f"{statement} has no {rule!r} any more"
        monkeypatch.setitem(pages.SQL, statement, text.replace(rule, instead))

    return apply


the_dead_may_write = sql("fence", " AND NOT dead")


def the_dead_may_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fence is open, and an attempt is not asked which run it is, nor whose."""
    running = rules._running

    def mutated(job: Job, command: c.Running, now: int) -> Verdict:
        return running(job, replace(command, run=job.run, writer_id=job.writer_id or 0), now)

    monkeypatch.setattr(rules, "_running", mutated)
    the_dead_may_write(monkeypatch)


def requeued_before_fenced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The takeover in two transactions, the wrong one first."""

    def requeue(store: SimulatedStore, writer_id: int) -> None:
        store._machine.chronicle.dooms(writer_id, store._process, is_fair=True)
        with store._transaction() as page:
            for row in page.all("held_by", (writer_id,)):
                batches.apply(page, job_of(row), c.Lose(writer_id))

    def fence(store: SimulatedStore, writer_id: int) -> None:
        with store._transaction() as page:
            upkeep.end_writer(page, writer_id)
            upkeep.fold(page, writer_id)

    async def mutated(self: Upkeep) -> None:
        store: Any = self._door.store
        asked = self._clock.uptime()
        vitals = await self._reads(store.vitals)
        silent = self._watch.silent(vitals, asked, self._clock.uptime())
        gone = {one.writer_id for one in vitals if one.ended}.union(silent)
        for writer_id in sorted(gone - {self._door.writer_id}):
            await self._door.run(partial(requeue, store, writer_id))
            await self._door.run(partial(fence, store, writer_id))
            self._look()

    monkeypatch.setattr(Upkeep, "take_over", mutated)


def nobody_is_fenced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "end_writer", lambda *_: True)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a lease of silence is enough."""
    silent = Watch.silent

    def mutated(self: Watch, vitals: Iterable[Vital], asked: float, heard: float) -> tuple[int, ...]:
        return silent(self, [replace(one, lease=one.lease // 2) for one in vitals], asked, heard)

    monkeypatch.setattr(Watch, "silent", mutated)


def unknown_is(answered: Callable[[Batch], Committed]) -> Patch:
    """Of a commit whose answer is lost something is believed, and nobody asks."""

    async def mutated(self: Resolver, batch: Batch) -> tuple[Committed, bool]:
        try:
            return await self._commit(batch), False
        except CommitUnknown:
            return answered(batch), False

    return lambda monkeypatch: monkeypatch.setattr(Resolver, "commit", mutated)


def success(batch: Batch) -> Committed:
    def believed(command: c.Command) -> Answer:
        if isinstance(command, c.SubmitAll):
            return tuple(Refusal(Refused.KNOWN, job_id=item.id) for item in command.items)
        return Refusal(Refused.KNOWN)

    return Committed(tuple(believed(command) for command in batch.commands))


def failure(batch: Batch) -> Committed:
    raise StoreError("the commit has failed")


def settlements_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the store can't write now, what running attempts say is answered like all else."""

    async def mutated(self: Door, entries: list[Entry], error: Exception) -> None:
        for entry in entries:
            entry.tell(Refusal(Refused.STALE) if entry.is_running else error)

    monkeypatch.setattr(Door, "_refused", mutated)


def nobody_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    async def mutated(_: Poll) -> None:
        pass

    monkeypatch.setattr(Poll, "step", mutated)


def zombies_stay_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def mutated(_: Node) -> None:
        pass

    monkeypatch.setattr(Node, "_recover", mutated)


def a_lost_job_gives_its_mailbox_up(monkeypatch: pytest.MonkeyPatch) -> None:
    put_back = rules._put_back

    def mutated(job: Job, *rest: Any) -> rules.Change:
        change = put_back(job, *rest)
        return replace(change, job=replace(change.job, holds=False), frees=job.holds)

    monkeypatch.setattr(rules, "_put_back", mutated)


def children_of_failures_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    settle = batches._settle

    def mutated(page: pages.Pages, command: c.Settle) -> Verdict:
        verdict = settle(page, command)
        if isinstance(verdict, rules.Change) and not isinstance(command.outcome, Done):
            for child in command.children:
                batches.accept(page, child)
        return verdict

    monkeypatch.setattr(batches, "_settle", mutated)


MUTANTS = [
    Mutant("the dead may write", chronicle.FENCED, the_dead_may_write),
    Mutant("the dead may settle", lives.RESULT, the_dead_may_settle),
    Mutant("requeued before fenced", run.STUCK, requeued_before_fenced),
    Mutant("requeued, never fenced", run.STUCK, nobody_is_fenced),
    Mutant("half a lease is enough", chronicle.FAIR, impatient),
    Mutant("unknown is success", answers.LOST, unknown_is(success)),
    Mutant("unknown is failure", answers.REFUSED, unknown_is(failure)),
    Mutant("settlements are dropped", run.STUCK, settlements_are_dropped),
    Mutant("nobody polls", run.STUCK, nobody_polls, begin=95),
    Mutant("zombies stay away", run.STUCK, zombies_stay_away),
    Mutant("the newest is next", order.IN_ORDER, sql("head", "ORDER BY seq", "ORDER BY seq DESC")),
    Mutant("a lost job gives its mailbox up", order.HELD, a_lost_job_gives_its_mailbox_up),
    Mutant("children of failures stay", answers.CHILD, children_of_failures_stay),
]
