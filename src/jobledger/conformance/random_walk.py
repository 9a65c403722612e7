"""What is written is what was decided: rows and histories equal the verdicts, over random lives."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from jobledger._core import commands
from jobledger._core.decide import Change, decide
from jobledger._core.job import STATUS_OF, Lane, Status
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Reason, Retry
from jobledger._core.priority import Priority
from jobledger._core.retry import RetryPolicy
from jobledger._store.contract import Filter
from jobledger._types import SECOND
from jobledger.conformance.driver import change

if TYPE_CHECKING:
    from jobledger._core.commands import Command
    from jobledger._core.job import Job
    from jobledger._core.outcome import Outcome
    from jobledger._store.contract import Answer
    from jobledger._types import Micros
    from jobledger.conformance.driver import Driver
    from jobledger.conformance.writer import Writer

OUTCOMES: Final[tuple[Outcome, ...]] = (
    Done(),
    Failed("boom"),
    Failed("slow", Reason.TIMEOUT),
    Retry(after=2.5),
    Retry(),
    Fail("no", Reason.VALIDATION),
    Cancel("no"),
)


QUEUED: Final = Filter(lanes=tuple(lane for lane, status in STATUS_OF.items() if status is Status.QUEUED))


def placed(job: Job, now: Micros) -> set[Job]:
    """The row, or what becomes of it when its mailbox is looked at in the same batch: what a store may do with SQL."""
    looks = (commands.Activate(free=True), commands.Activate(), commands.Park())
    found = (decide(job, look, now) for look in looks if job.lane in {Lane.ARRIVED, Lane.PARKED})
    return {job, *(verdict.job for verdict in found if isinstance(verdict, Change))}


def started(job: Job, as_: Job, now: Micros) -> Job | None:
    """What ``decide`` makes of the row at a start, with the number that the store has drawn."""
    verdict = decide(job, commands.Start(as_.writer_id or 0), now, number=as_.fence)
    return verdict.job


class Walk:
    """A random life of a whole store, one command a batch."""

    def __init__(self, driver: Driver, seed: int) -> None:
        """Nothing has happened yet."""
        self.driver = driver
        self.rng = Random(seed)
        self.writer: Writer = driver.worker
        self.ids: list[str] = []
        self.running: list[Job] = []
        self.checked = 0

    def step(self) -> None:
        """Do one thing, and compare."""
        self.driver.clock.advance(self.rng.choice((0, 1, SECOND)))
        if self.rng.random() < 0.4:
            self.start()
            return
        if self.rng.random() < 0.03:
            self.crash()
            return
        command = self.command()
        (answer,) = self.writer.send(command).answers
        self.compare(answer)

    def start(self) -> None:
        """Claim, and compare what came with what is stored."""
        now = self.driver.clock.at
        queued = self.driver.store.page(QUEUED, None, len(self.ids) + 1).jobs
        before = {job.id: {one for due in self.promoted(job) for one in placed(due, now)} for job in queued}
        committed = self.writer.send(claim=self.writer.asks(self.rng.randrange(4)))
        for claimed in committed.claimed:
            assert self.driver.job(claimed.job.id) == claimed.job
            assert claimed.job in {started(one, claimed.job, self.driver.clock.at) for one in before[claimed.job.id]}
            self.running.append(claimed.job)
            self.checked += 1

    def promoted(self, job: Job) -> list[Job]:
        """The row, or what may become of it if it is due."""
        now = self.driver.clock.at
        if job.lane is not Lane.SCHEDULED or job.due_at > now:
            return [job]
        return [change(decide(job, commands.Due(), now, occupied=occupied)).job for occupied in (None, False, True)]

    def crash(self) -> None:
        """The worker is taken over by a new one."""
        self.driver.lose(self.writer)
        self.writer = self.driver.enlist()
        self.running.clear()

    def command(self) -> Command:
        """Something to do, most often with a running job."""
        known = self.rng.choice(self.ids) if self.ids else "nobody"
        match self.rng.randrange(9):
            case 0 | 1 | 2:
                return self.submission()
            case 3 | 4 | 5 if self.running:
                return self.ending(self.running.pop(self.rng.randrange(len(self.running))))
            case 6 if self.running:
                job = self.rng.choice(self.running)
                return commands.Report(job.id, job.key, job.run, job.writer_id or 0, self.rng.random() * 100, "é'\"")
            case 7:
                return commands.Cancel(known)
            case _:
                return self.rng.choice((commands.Replay, commands.Discard))(known)

    def submission(self) -> Command:
        """A job with a bit of everything."""
        rng = self.rng
        sent = self.driver.new(
            rng.choice((self.driver.mail, self.driver.bill)),
            rng.choice(list(Priority)),
            entity=rng.choice((None, "a", "b")),
            delay=rng.choice((0, 0, SECOND)),
            max_attempts=rng.randint(1, 3),
            max_losses=rng.randint(1, 2),
            timeout=rng.choice((None, 5)),
            dedupe=rng.choice((None, "k")),
            dedupe_for=rng.choice((0, SECOND)),
            batch="b",
        )
        self.ids.append(sent.id)
        return sent

    def ending(self, job: Job) -> Command:
        """An outcome, or a release."""
        if self.rng.random() < 0.2:
            return commands.Release(job.id, job.key, job.run, job.writer_id or 0)
        policy = RetryPolicy(on_retry=self.rng.choice(("block", "step-aside")))
        return self.driver.settling(
            job,
            self.rng.choice(OUTCOMES),
            self.rng.randrange(10**7),
            result=b"[1]",
            retry=policy,
            jitter=self.rng.random(),
            late=self.rng.random() < 0.1,
        )

    def compare(self, answer: Answer) -> None:
        """The stored row is the decided one, and history ends with the decided event."""
        assert not isinstance(answer, tuple)
        if isinstance(answer, Change):
            record = self.driver.record(answer.job.id)
            assert record.job in placed(answer.job, self.driver.clock.at)
            assert answer.event is None or record.history[-1] == answer.event
            self.checked += 1
        elif answer is not None and answer.job is not None:
            assert self.driver.job(answer.job.id) in placed(answer.job, self.driver.clock.at)


class TestRandomWalk:
    """The store computes nothing of its own: it saves what ``decide`` says."""

    @pytest.mark.parametrize("seed", range(4))
    def test_every_saved_row_equals_its_verdict(self, driver: Driver, seed: int) -> None:
        """All commands, all lanes, in random order; the books balance at every turn."""
        walk = Walk(driver, seed)
        for number in range(400):
            walk.step()
            if number % 40 == 0:
                driver.audit()
        assert walk.checked > 150
