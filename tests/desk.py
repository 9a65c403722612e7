"""One worker's desk: a real store in a temporary file, driven by hand, with a clock that is set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import uuid_utils

from jobledger._core.commands import Cancel, Count, Discard, Release, Replay, Settle, Submit, UserDelta
from jobledger._core.decide import Change
from jobledger._core.outcome import Cancel as CancelAnswer
from jobledger._core.outcome import Done, Fail, Failed
from jobledger._core.priority import Priority, Stride
from jobledger._store.contract import Batch, Claim, Declaration, Enlistment, Group
from jobledger._store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._core.commands import Command
    from jobledger._core.job import Job
    from jobledger._core.outcome import Outcome
    from jobledger._store.contract import Committed

START = 1_700_000_000_000_000
SECOND = 1_000_000
CRITICAL, HIGH, NORMAL, LOW = Priority.CRITICAL, Priority.HIGH, Priority.NORMAL, Priority.LOW


class Desk:
    """A store and one worker of it."""

    def __init__(
        self, path: Path, types: tuple[Declaration, ...], *, handled: int | None = None, budget: int = 200
    ) -> None:
        self.now = START
        self.store = SqliteStore(path, lambda: self.now, "off")
        declared = self.store.declare(types, budget)
        self.types = {type_.name: type_.type_id for type_ in declared}
        self.handled = tuple(self.types.values())[:handled]
        self.writer_id = self.enlist()

    def enlist(self) -> int:
        self._number = 0
        return self.store.enlist(Enlistment("worker", "here", os.getpid(), 10, self.handled))

    def send(self, *commands: Command, claim: Claim | None = None) -> Committed:
        self._number += 1
        return self.store.commit(Batch(self.writer_id, self._number, commands, claim))

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)

    def submit(
        self,
        name: str,
        priority: Priority = NORMAL,
        *,
        entity: str | None = None,
        delay: float = 0,
        dedupe: str | None = None,
        max_attempts: int = 10,
    ) -> str:
        command = Submit(
            id=str(uuid_utils.uuid7()),
            type_id=self.types[name],
            payload=b"{}",
            priority=int(priority),
            entity=entity,
            delay=round(delay * SECOND),
            dedupe=dedupe,
            max_attempts=max_attempts,
        )
        self.send(command)
        return command.id

    def start(self, slots: int = 100) -> list[Job]:
        group = Group(self.handled, slots, Stride())
        return [claimed.job for claimed in self.send(claim=Claim((group,), slots)).claimed]

    def settle(self, job: Job, outcome: Outcome, seconds: float, *, metrics: tuple[UserDelta, ...] = ()) -> None:
        elapsed = round(seconds * SECOND)
        self.send(Settle(job.id, job.key, job.run, self.writer_id, outcome, elapsed, metrics=metrics))

    def release(self, job: Job) -> None:
        self.send(Release(job.id, job.key, job.run, self.writer_id))

    def lose_all(self) -> None:
        """The worker dies, and another one takes its jobs over."""
        self.store.take_over((self.writer_id,))
        self.writer_id = self.enlist()

    def replay(self, job_id: str) -> None:
        (answer,) = self.send(Replay(job_id)).answers
        assert isinstance(answer, Change)

    def discard(self, job_id: str) -> None:
        self.send(Discard(job_id))

    def cancel(self, job_id: str) -> None:
        self.send(Cancel(job_id))

    def count(self, *metrics: UserDelta) -> None:
        self.send(Count(metrics))


def two_types(path: Path) -> Desk:
    """A desk that handles "email" and not "report"."""
    return Desk(path, (Declaration("email", "email", HIGH), Declaration("report", "report", LOW)), handled=1)


def busy(desk: Desk, name: str = "email") -> None:
    """Bring about every transition at least once, so that no instrument of the ledger is left at zero."""
    _prune_one(desk, name)
    desk.submit(name, dedupe="k")
    desk.submit(name, dedupe="k")
    done, poison = desk.start()[0], desk.submit(name, HIGH, max_attempts=1)
    desk.wait(0.2)
    desk.settle(done, Done(), 0.2)
    desk.settle(done, Done(), 0.2)  # stale
    _bury(desk, poison, twice=True)
    _fail_and_lose(desk, name)
    _cancel_three_ways(desk, name)
    desk.submit(name, HIGH, entity="customer:1")
    desk.submit(name, NORMAL, entity="customer:1")
    desk.start()
    desk.submit(name, LOW, entity="customer:1")
    desk.submit(name, LOW)
    desk.submit(name, NORMAL, delay=3600)


def _prune_one(desk: Desk, name: str) -> None:
    desk.submit(name)
    (job,) = desk.start()
    desk.settle(job, Done(), 0.05)
    desk.wait(10)
    desk.store.prune(5 * SECOND, 100)


def _bury(desk: Desk, job_id: str, *, twice: bool) -> None:
    """Dead-lettered, replayed, dead-lettered again; one more is discarded, one stays."""
    name = next(iter(desk.types))
    for job in desk.start():
        desk.settle(job, Failed("no"), 1.5)
    if twice:
        desk.replay(job_id)
        _bury(desk, job_id, twice=False)
        gone = desk.submit(name)
        (job,) = desk.start()
        desk.settle(job, Fail("for good"), 0.01)
        desk.discard(gone)


def _fail_and_lose(desk: Desk, name: str) -> None:
    """One attempt fails and is retried, one is released, one is lost with its worker."""
    desk.submit(name, LOW)
    (job,) = desk.start()
    desk.settle(job, Failed("once"), 0.004)
    desk.wait(2)
    (job,) = desk.start()
    desk.release(job)
    desk.start()
    desk.lose_all()
    (job,) = desk.start()
    desk.settle(job, Done(), 7)


def _cancel_three_ways(desk: Desk, name: str) -> None:
    """Cancelled while queued, by the handler's answer, and while failing."""
    desk.cancel(desk.submit(name))
    desk.submit(name)
    (job,) = desk.start()
    desk.settle(job, CancelAnswer("never mind"), 0.3)
    asked = desk.submit(name)
    (job,) = desk.start()
    desk.cancel(asked)
    desk.settle(job, Failed("too late"), 0.3)
