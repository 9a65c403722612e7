"""Random lives of a whole store, step by step against a plain model; the books are audited after every step."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from jobledger._core import catalog
from jobledger._core import commands as c
from jobledger._core.decide import Change, Refusal, Refused
from jobledger._core.job import Job
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Retry
from jobledger._core.priority import Priority
from jobledger._core.retry import RetryPolicy
from jobledger._store.contract import Filter
from jobledger._types import SECOND
from jobledger.conformance.driver import Driver, change, refusal
from jobledger.errors import Fenced
from tests.postgres_place import PostgresPlace, Schemas
from tests.property.plain_model import ALIVE, Model, Plain
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobledger._core.commands import Command
    from jobledger._core.outcome import Outcome
    from jobledger._store.contract import Batch, Claim, Committed
    from jobledger.conformance.writer import Writer

ANY = st.integers(0, 1_000_000)
"""Picks one of what there is, by remainder."""
OUTCOMES: tuple[Outcome, ...] = (Done(), Failed("x"), Retry(after=2), Fail("x"), Cancel("x"))
SUBMITS = st.fixed_dictionaries({
    "entity": st.sampled_from((None, "a", "a", "b")),
    "delay": st.sampled_from((0, 0, SECOND, 3 * SECOND)),
    "dedupe": st.sampled_from((None, None, None, "k")),
    "dedupe_for": st.sampled_from((0, 9 * SECOND)),
    "max_attempts": st.integers(1, 3),
    "max_losses": st.integers(1, 3),
})  # fmt: skip


Place: TypeAlias = SqliteFile | PostgresPlace
AUDITED = {SqliteFile: 1, PostgresPlace: 8}
"""After each of so many steps: on PostgreSQL an audit takes as long as ten others."""


class Books(RuleBasedStateMachine):
    """A store and its model, doing the same."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.driver = Driver(place)
        self.model = Model()
        self.writers = [self.driver.worker, self.driver.enlist(), self.driver.client]
        self.last: dict[int, Batch] = {}
        self.running: dict[str, Job] = {}
        self.settled: list[Job] = []
        self.steps = 0

    # Doing the same to both

    @property
    def now(self) -> int:
        return self.driver.clock.at

    def send(self, writer: Writer, *commands: Command, claim: Claim | None = None) -> Committed:
        if isinstance(self.place, PostgresPlace) and writer is self.writers[2]:
            # New jobs of a client need not look at what is due: so somebody else has done so.
            worker = self.writers[0]
            self.send(worker, claim=worker.asks(0))
        self.last[writer.writer_id] = writer.batch(*commands, claim=claim)
        committed = writer.send(*commands, claim=claim)
        self.model.look(self.now)
        return committed

    def plain(self, sent: c.Submit) -> Plain:
        until = self.now + sent.dedupe_for if sent.dedupe_for else 0
        return Plain(
            sent.id,
            sent.type_id,
            sent.priority,
            sent.entity,
            due=self.now + sent.delay,
            max_attempts=sent.max_attempts,
            max_losses=sent.max_losses,
            key=sent.dedupe,
            until=until,
        )

    def new(self, pick: int, options: dict[str, Any]) -> c.Submit:
        type_id = (self.driver.mail, self.driver.bill)[pick % 2]
        return self.driver.new(type_id, Priority(pick // 2 % 4), **options)

    def one(self, pick: int) -> Plain:
        return list(self.model.jobs.values())[pick % len(self.model.jobs)]

    def taken(self, pick: int) -> tuple[Job, Plain]:
        """A running job, which is about to be settled."""
        job = self.running.pop(list(self.running)[pick % len(self.running)])
        self.settled.append(job)
        return job, self.model.jobs[job.id]

    def owner(self, job: Job) -> Writer:
        return next(writer for writer in self.writers if writer.writer_id == job.writer_id)

    # Submitting

    @initialize(options=st.lists(SUBMITS, min_size=2, max_size=5))
    def begin(self, options: list[dict[str, Any]]) -> None:
        for pick, one in enumerate(options):
            self.submit(pick, one)

    @rule(pick=ANY, options=SUBMITS)
    def submit(self, pick: int, options: dict[str, Any]) -> None:
        sent = self.new(pick, options)
        (answer,) = self.send(self.writers[pick % 3], sent).answers
        self.check_accepted(sent, answer)

    @rule(pick=ANY, options=st.lists(SUBMITS, min_size=2, max_size=5), strict=st.booleans())
    def submit_all(self, pick: int, options: list[dict[str, Any]], strict: bool) -> None:
        items = tuple(self.new(pick + number // 2, one) for number, one in enumerate(options))
        (answers,) = self.send(self.writers[pick % 3], c.SubmitAll(items, strict)).answers
        assert isinstance(answers, tuple)
        keys = [(item.type_id, item.dedupe) for item in items if item.dedupe is not None]
        held = any(self.model.key_holder(type_id, key, self.now) for type_id, key in keys)
        if strict and (held or len(set(keys)) < len(keys)):
            assert [refusal(answer).why for answer in answers] == [Refused.DUPLICATE]
            return
        for item, answer in zip(items, answers, strict=True):
            self.check_accepted(item, answer)

    def check_accepted(self, sent: c.Submit, answer: object) -> None:
        holder = self.model.accept(self.plain(sent), self.now)
        if holder is None:
            assert isinstance(answer, Change)
        else:
            assert isinstance(answer, Refusal)
            assert (answer.why, answer.job_id) == (Refused.DUPLICATE, holder)

    # Running

    @rule(pick=ANY, slots=st.sampled_from((0, 1, 2, 5)), suspects=st.sampled_from((1, 1, 0)), both=st.booleans())
    def claim(self, pick: int, slots: int, suspects: int, both: bool) -> None:
        writer = self.writers[pick % 2]
        types = writer.types[:: 1 if both else 2]
        claimed = self.send(writer, claim=writer.asks(slots, types, suspects)).claimed
        fresh, lost = self.model.may_start(types)
        alone = [one.job for one in claimed if one.job.losses]
        assert len(alone) == min(1, len(lost), suspects, slots)
        assert len(claimed) == min(slots, len(fresh) + len(alone))
        for type_id in types:
            for priority in Priority:
                ready = [job.id for job in fresh if (job.type_id, job.priority) == (type_id, priority)]
                started = [
                    one.job.id for one in claimed
                    if not one.job.losses and (one.job.type_id, one.job.priority) == (type_id, priority)
                ]  # fmt: skip
                assert started == ready[: len(started)]
        for one in claimed:
            self.model.start(one.job.id, writer.writer_id)
            self.running[one.job.id] = one.job

    @precondition(lambda self: self.running)
    @rule(pick=ANY, outcome=st.sampled_from(OUTCOMES), block=st.booleans(), child=st.none() | SUBMITS)
    def settle(self, pick: int, outcome: Outcome, block: bool, child: dict[str, Any] | None) -> None:
        job, plain = self.taken(pick)
        children = () if child is None else (self.new(pick, child),)
        policy = RetryPolicy(on_retry="block" if block else "step-aside")
        command = self.driver.settling(job, outcome, 5, retry=policy, jitter=1.0, children=children)
        change(self.send(self.owner(job), command).answers[0])
        match outcome:
            case Done():
                self.model.done(plain, self.now)
                for sent in children:
                    self.model.accept(self.plain(sent), self.now)
            case Cancel():
                self.model.cancelled(plain, self.now)
            case _:
                wait = 2 * SECOND if isinstance(outcome, Retry) else policy.delay(plain.failures + 1, 1.0)
                self.model.failed(plain, self.now, self.now + wait, final=isinstance(outcome, Fail), block=block)

    @precondition(lambda self: self.running)
    @rule(pick=ANY)
    def release(self, pick: int) -> None:
        job, plain = self.taken(pick)
        change(self.send(self.owner(job), c.Release(job.id, job.key, job.run, job.writer_id or 0)).answers[0])
        self.model.released(plain, self.now)

    @rule(pick=ANY)
    def lose(self, pick: int) -> None:
        place = pick % 3
        writer = self.writers[place]
        held = sorted(
            (job for job in self.model.those("processing") if job.writer == writer.writer_id),
            key=lambda job: job.started,
        )
        takeover = self.driver.lose(writer)
        self.model.look(self.now)
        for job in held:
            self.model.lost(job, self.now)
            self.settled.append(self.running.pop(job.id))
        assert takeover.jobs == tuple(job.id for job in held if job.state != "failed")
        assert takeover.dead_lettered == tuple(job.id for job in held if job.state == "failed")
        with pytest.raises(Fenced):
            writer.send()
        self.last.pop(writer.writer_id, None)
        self.writers[place] = self.driver.enlist("client" if place == 2 else "worker")
        if place == 2:
            self.driver.client = self.writers[2]

    # Asking

    @precondition(lambda self: self.model.jobs)
    @rule(pick=ANY, verb=st.sampled_from(("cancel", "cancel", "replay", "replay", "discard")))
    def ask(self, pick: int, verb: str) -> None:
        dead = self.model.those("failed")
        job = self.one(pick) if verb == "cancel" or not dead or pick % 3 == 0 else dead[pick % len(dead)]
        commands: dict[str, Command] = {
            "cancel": c.Cancel(job.id),
            "replay": c.Replay(job.id),
            "discard": c.Discard(job.id),
        }
        (answer,) = self.send(self.writers[pick % 3], commands[verb]).answers
        assert isinstance(answer, Change) == getattr(self.model, verb)(job, self.now)

    # Time and upkeep

    @rule(by=st.sampled_from((1, SECOND, 5 * SECOND, 5 * SECOND)))
    def wait(self, by: int) -> None:
        self.driver.clock.advance(by)

    @rule(retention=st.sampled_from((0, SECOND, 5 * SECOND)))
    def prune(self, retention: int) -> None:
        pruned = self.driver.store.prune(retention, 1_000)
        assert pruned == self.model.prune(self.now, retention)

    # What is said again, late or by the wrong one changes nothing

    @precondition(lambda self: self.model.jobs)
    @rule(pick=ANY, what=st.sampled_from(("submit", "report", "settle", "batch", "recall")))
    def repeat(self, pick: int, what: str) -> None:
        match what:
            case "submit":
                self.submit_again(pick)
            case "report" if self.running:
                job = list(self.running.values())[pick % len(self.running)]
                report = c.Report(job.id, job.key, job.run, job.writer_id or 0, 5.0, "")
                change(self.send(self.owner(job), report).answers[0])
            case "settle" if self.settled:
                self.settle_again(pick)
            case "batch" if self.last:
                with pytest.raises(Fenced):
                    self.driver.store.commit(list(self.last.values())[pick % len(self.last)])
            case "recall" if self.last:
                self.recall(list(self.last.values())[pick % len(self.last)])
            case _:
                pass

    def submit_again(self, pick: int) -> None:
        job = self.one(pick)
        sent = replace(self.new(0, {}), id=job.id, type_id=job.type_id, dedupe=job.key)
        (answer,) = self.send(self.driver.client, sent).answers
        assert refusal(answer).why is Refused.KNOWN

    def settle_again(self, pick: int) -> None:
        job = self.settled[pick % len(self.settled)]
        command = self.driver.settling(job, OUTCOMES[pick % len(OUTCOMES)])
        answer = refusal(self.send(self.driver.client, command).answers[0])
        assert answer.why is (Refused.STALE if job.id in self.model.jobs else Refused.NOT_FOUND)

    def recall(self, batch: Batch) -> None:
        recalled = self.driver.store.recall(batch)
        assert recalled is not None
        assert len(recalled.answers) == len(batch.commands)
        mine = {job.id for job in self.model.those("processing") if job.writer == batch.writer_id}
        assert {claimed.job.id for claimed in recalled.claimed} == mine

    # What must hold after every step

    @invariant()
    def rows_equal_the_model(self) -> None:
        rows = self.driver.store.page(Filter(newest_first=False), None, 10_000).jobs
        jobs = sorted(self.model.jobs.values(), key=lambda job: job.order)
        assert [
            (row.id, row.lane.value, row.holds, row.failures, row.losses, row.run, row.writer_id, row.due_at)
            for row in sorted(rows, key=lambda row: row.seq)
        ] == [
            (job.id, job.state, job.holds, job.failures, job.losses, job.run, job.writer, job.due) for job in jobs
        ]  # fmt: skip

    @invariant()
    def books_balance(self) -> None:
        self.steps += 1
        if self.steps % AUDITED[type(self.place)] == 0:
            self.driver.audit()

    def teardown(self) -> None:
        """Whatever happened: no job is stuck, and when all is over the gauges of work are at zero."""
        try:
            self.drain()
        finally:
            self.driver.close()
            self.place.forget()

    def drain(self) -> None:
        self.driver.store.take_over(tuple(writer.writer_id for writer in self.writers[:2]))
        self.driver.clock.advance(3_600 * SECOND)
        worker = self.driver.enlist()
        while jobs := self.driver.start(100, worker):
            for job in jobs:
                self.driver.settle(job)
        assert not [row for row in self.driver.store.page(Filter(), None, 10_000).jobs if row.lane.value in ALIVE]
        for gauge in (catalog.QUEUE_DEPTH, catalog.RUNNING, catalog.SCHEDULED, catalog.PARKED):
            assert self.driver.value(gauge) == self.driver.value(gauge, self.driver.bill) == 0
        self.driver.audit()


LIVES = int(os.environ.get("JOBLEDGER_TEST_LIVES", "200"))
CHECKS = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def lives(new_place: Callable[[], Place], number: int, steps: int, *, same: bool) -> None:
    """So many, each in a store of its own; the same ones each time, or others."""
    chosen = settings(
        max_examples=number,
        stateful_step_count=steps,
        derandomize=same,
        deadline=None,
        suppress_health_check=CHECKS,
    )
    run_state_machine_as_test(lambda: Books(new_place()), settings=chosen)  # type: ignore[arg-type]  # a function will do


@pytest.fixture
def new_file(tmp_path: Path) -> Callable[[], Place]:
    number = count()
    return lambda: SqliteFile(tmp_path / f"{next(number)}.db")


@pytest.fixture
def new_schema(postgres_schemas: Schemas) -> Callable[[], Place]:
    return lambda: PostgresPlace(postgres_schemas)


@pytest.mark.timeout(600)  # a failure takes its time to shrink
@pytest.mark.unaudited("audited after each step")
def test_many_short_lives_of_a_file(new_file: Callable[[], Place]) -> None:
    lives(new_file, 45, 50, same=True)


@pytest.mark.timeout(600)
@pytest.mark.unaudited("audited after each step")
def test_short_lives_of_a_schema(new_schema: Callable[[], Place]) -> None:
    lives(new_schema, 16, 40, same=True)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.unaudited("audited after each step")
def test_longer_lives_of_a_file(new_file: Callable[[], Place]) -> None:
    lives(new_file, LIVES, 100, same=False)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.unaudited("audited after each step")
def test_longer_lives_of_a_schema(new_schema: Callable[[], Place]) -> None:
    lives(new_schema, max(LIVES // 4, 1), 60, same=False)
