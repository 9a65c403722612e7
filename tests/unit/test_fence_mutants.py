"""Take one rule away, and a short story must notice: what each rule is for, shown by its absence."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from unittest import mock

import apsw
import pytest
from msgspec.structs import replace

from jobledger._core import catalog
from jobledger._core import commands as c
from jobledger._core import decide as rules
from jobledger._core.decide import Refused
from jobledger._core.job import Status
from jobledger._store.contract import Batch, Enlistment
from jobledger._store.rows import job_of
from jobledger._store.sqlite import batch as batches
from jobledger._store.sqlite import connection, pages, upkeep
from jobledger._store.sqlite.lockfile import LockFile
from jobledger._store.sqlite.store import SqliteStore
from jobledger.conformance.driver import Driver, refusal
from jobledger.errors import Fenced, StoreBusy, StoreError
from tests.faults.program import started
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from jobledger._core.decide import Change, Verdict
    from jobledger._core.job import Job
    from jobledger._store.contract import Takeover

Story: TypeAlias = Callable[[Driver], None]
NOTICED = (AssertionError, pytest.fail.Exception, StoreError, apsw.Error)


@contextmanager
def opened(folder: Path) -> Iterator[Driver]:
    file = SqliteFile(folder / "jobs.db")
    with closing(Driver(file)) as driver:
        yield driver
    file.forget()


def transaction(driver: Driver) -> AbstractContextManager[pages.Pages]:
    """A transaction of the store, to be spoiled from within."""
    assert isinstance(driver.store, SqliteStore)
    return driver.store._transaction()


interrupts: list[Callable[[], None]] = []
"""What others do in the middle of a takeover, if it has a middle."""


# The stories: each passes as long as all rules stand


def a_zombie_settles_its_job_after_the_takeover(driver: Driver) -> None:
    zombie = driver.enlist()
    driver.submit()
    job = driver.start_one(zombie)
    driver.lose(zombie)
    with pytest.raises(Fenced):
        zombie.send(driver.settling(job))


def a_zombie_counts_after_the_takeover(driver: Driver) -> None:
    zombie = driver.enlist()
    driver.lose(zombie)
    with suppress(Fenced):
        zombie.send(driver.new())
    driver.audit()


def a_batch_is_sent_twice(driver: Driver) -> None:
    batch = driver.client.batch(driver.new(), c.Count(()))
    driver.store.commit(batch)
    with pytest.raises(Fenced):
        driver.store.commit(batch)


def a_clone_of_a_writer_goes_on(driver: Driver) -> None:
    clone = driver.client.batch(driver.new())
    driver.client.send(driver.new())
    with suppress(Fenced):
        driver.store.commit(clone)
    assert driver.value(catalog.ENQUEUED) == 1


def a_decision_is_saved_on_a_row_that_has_changed(driver: Driver) -> None:
    job_id = driver.submit()
    with pytest.raises(StoreError, match="changed under"), transaction(driver) as page:
        job = page.by_id(job_id)
        batches.apply(page, job, c.Cancel(job_id))
        batches.apply(page, job, c.Cancel(job_id))


def a_promotion_is_saved_on_a_row_that_has_changed(driver: Driver) -> None:
    job_id = driver.submit(delay=5)
    with pytest.raises(StoreError, match="changed under"), transaction(driver) as page:
        job = page.by_id(job_id)
        batches.apply(page, job, c.Due())
        batches.apply(page, job, c.Due())


def another_process_asks_a_running_job_to_stop(driver: Driver) -> None:
    job_id = driver.submit()
    job = driver.start_one()
    with closing(driver.open()) as elsewhere:
        client = elsewhere.enlist(Enlistment("client", "elsewhere", 1, 0, (), 0))
        elsewhere.commit(Batch(client, 1, (c.Cancel(job_id),), None))
        elsewhere.retire(client)
    assert driver.fail(job).status == Status.CANCELLED


def a_start_is_saved_on_a_row_that_has_changed(driver: Driver) -> None:
    job_id = driver.submit()
    with pytest.raises(StoreError, match="changed under"), transaction(driver) as page:
        job = page.by_id(job_id)
        batches.apply(page, job, c.Cancel(job_id))
        batches.apply(page, job, c.Start(driver.worker.writer_id))


def an_entity_runs_one_at_a_time(driver: Driver) -> None:
    driver.submit_many(3, entity="e")
    assert len(driver.start(3)) == 1
    driver.audit()


def a_mailbox_goes_by_order(driver: Driver) -> None:
    ids = driver.submit_many(4, entity="e")
    assert [driver.settle(driver.start_one()).id for _ in ids] == ids


def delayed_jobs_of_an_entity_become_due_together(driver: Driver) -> None:
    ids = [driver.submit(entity="e", delay=delay) for delay in (3, 2, 1)]
    driver.clock.advance(5)
    assert [driver.settle(driver.start_one()).id for _ in ids] == ids


def a_writer_is_taken_over(driver: Driver) -> None:
    driver.submit_many(3)
    before = driver.store.ledger().cells
    driver.lose(driver.client)
    driver.audit()
    assert driver.store.ledger().cells == before


def an_older_run_reports_its_result(driver: Driver) -> None:
    driver.submit()
    old = driver.start_one()
    driver.release(old)
    driver.start_one()
    assert refusal(driver.worker.send(driver.settling(old)).answers[0]).why is Refused.STALE


def another_writer_reports_the_result(driver: Driver) -> None:
    driver.submit()
    job = replace(driver.start_one(), writer_id=driver.client.writer_id)
    assert refusal(driver.ask(driver.settling(job))).why is Refused.STALE


def a_late_batch_meets_a_takeover(driver: Driver) -> None:
    """The zombie wakes up at the worst moment, wherever the takeover can be interrupted."""
    zombie = driver.enlist()
    driver.submit_many(2)
    driver.start_one(zombie)

    def wake_up() -> None:
        with suppress(Fenced):
            zombie.send(claim=zombie.asks(1))

    interrupts[:] = [wake_up]
    driver.store.take_over((zombie.writer_id,))
    driver.audit()
    with pytest.raises(Fenced):
        zombie.send(claim=zombie.asks(1))


def two_lost_jobs_wait(driver: Driver) -> None:
    driver.submit_many(2)
    dead = driver.enlist()
    driver.start(2, dead)
    driver.lose(dead)
    assert len(driver.start(10)) == 1


def a_poisoned_job_starts_again(driver: Driver) -> None:
    job_id = driver.submit(max_losses=2)
    for _ in range(2):
        dead = driver.enlist()
        driver.start(1, dead)
        driver.lose(dead)
    assert driver.status(job_id) is Status.FAILED


def a_cancelled_job_fails(driver: Driver) -> None:
    job_id = driver.submit()
    job = driver.start_one()
    driver.cancel(job_id)
    driver.fail(job)
    driver.audit()
    assert driver.status(job_id) is Status.CANCELLED


def a_submit_is_sent_again_after_its_key_has_moved_on(driver: Driver) -> None:
    sent = driver.new(dedupe="k")
    driver.ask(sent)
    driver.settle(driver.start_one())
    driver.submit(dedupe="k")
    assert refusal(driver.ask(sent)).why is Refused.KNOWN


def the_key_of_a_cancelled_job_is_used_after_its_pruning(driver: Driver) -> None:
    driver.cancel(driver.submit(dedupe="k", dedupe_for=10))
    driver.clock.advance(5)
    driver.store.prune(1, 10)
    driver.submit(dedupe="k")


def a_strict_batch_names_a_key_twice(driver: Driver) -> None:
    items = (driver.new(dedupe="k"), driver.new(dedupe="k"))
    driver.ask(c.SubmitAll(items, strict=True))
    assert driver.value(catalog.ENQUEUED) == 0


def a_due_job_is_older_than_the_parked_one(driver: Driver) -> None:
    due = driver.submit(entity="e", delay=1)
    driver.submit_many(2, entity="e", max_losses=1)
    dead = driver.enlist()
    driver.start_one(dead)
    driver.clock.advance(1)
    driver.lose(dead)
    assert driver.start_one().id == due


def a_submit_is_sent_again(driver: Driver) -> None:
    sent = driver.new()
    driver.ask(sent)
    driver.ask(sent)
    driver.audit()
    assert driver.value(catalog.ENQUEUED) == 1


def another_process_is_writing(driver: Driver) -> None:
    """The lock is one over all processes, and names who has it."""
    assert isinstance(driver.store, SqliteStore)
    assert driver.store._writer is not None
    driver.store._writer.set_busy_timeout(100)
    holder = started("tests.faults.programs.holding_the_lock", driver.store.path, output=subprocess.PIPE, reads=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"inside\n"
        with mock.patch.object(connection, "LOCK_SECONDS", 0.1), pytest.raises(StoreBusy) as refused:
            driver.submit()
        assert refused.value.pid == holder.pid
    finally:
        holder.kill()
        holder.communicate()


# The mutants: each takes one rule away

Patch: TypeAlias = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    name: str
    story: Story
    apply: Patch


def sql(statement: str, rule: str, instead: str = "") -> Patch:
    """The store's SQL with one piece of a statement replaced."""

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        text = pages.SQL[statement]
        assert text.count(rule) == 1, f"{statement} has no {rule!r} any more"
        changed = {**pages.SQL, statement: text.replace(rule, instead)}
        monkeypatch.setattr(pages, "SQL", changed)

    return apply


def all_of(*patches: Patch) -> Patch:
    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        for patch in patches:
            patch(monkeypatch)

    return apply


def without_the_unique_index(monkeypatch: pytest.MonkeyPatch) -> None:
    migrate = connection.migrate

    def mutated(opened: apsw.Connection, lock: LockFile, boundaries: tuple[float, ...]) -> int:
        done = migrate(opened, lock, boundaries)
        opened.execute("DROP INDEX job_holder")
        return done

    monkeypatch.setattr(connection, "migrate", mutated)


def blind_to(field: str) -> Patch:
    """The core believes what a command says of the run, or the writer."""

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        running = rules._running

        def mutated(job: Job, command: c.Running, now: int) -> Verdict:
            return running(job, replace(command, **{field: getattr(job, field)}), now)

        monkeypatch.setattr(rules, "_running", mutated)

    return apply


def requeue_before_fencing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The takeover in two transactions, the wrong one first."""

    def mutated(self: SqliteStore, writer_ids: tuple[int, ...]) -> tuple[Takeover, ...]:
        for writer_id in writer_ids:
            with self._transaction() as page:
                for row in page.all("held_by", (writer_id,)):
                    batches.apply(page, job_of(row), c.Lose(writer_id))
            interrupts.pop()()
            with self._transaction() as page:
                upkeep.end_writer(page, writer_id)
                upkeep.fold(page, writer_id)
        return ()

    monkeypatch.setattr(SqliteStore, "take_over", mutated)


def no_fencing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "end_writer", lambda *_: True)


def no_hand_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "hand_over", lambda *_: None)


def due_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "sorted", lambda jobs, **_: jobs, raising=False)


def cancel_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = rules._failed
    monkeypatch.setattr(
        rules, "_failed", lambda job, *rest, **more: failed(replace(job, cancel_at=None), *rest, **more)
    )


def what_was_meant_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what was written: that the row was there already makes no difference."""
    insert = pages.Pages.insert

    def mutated(self: pages.Pages, change: Change, payload: bytes) -> bool:
        if not insert(self, change, payload):
            self._keep(change)
        return True

    monkeypatch.setattr(pages.Pages, "insert", mutated)


def no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def mutated(_: LockFile, __: float) -> Iterator[None]:
        yield

    monkeypatch.setattr(LockFile, "writing", mutated)


GUARD = "AND version = ?"
SUSPECT = "losses > 0"


def addresses_are_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages.Pages, "by_id", lambda *_: None)


def every_key_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "holds_key", lambda *_: True)


def strict_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_first_duplicate", lambda *_: None)


def what_is_known_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages.Pages, "doubt", lambda *_: None)


def takeovers_look_at_no_due_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "promote", lambda *_: None)


MUTANTS = [
    Mutant("the dead may write", a_zombie_settles_its_job_after_the_takeover, sql("fence", " AND NOT dead")),
    Mutant("the dead may count", a_zombie_counts_after_the_takeover, sql("fence", " AND NOT dead")),
    Mutant("batches have no number", a_batch_is_sent_twice, sql("fence", "batch_no = ? - 1", "? > 0")),
    Mutant("numbers may repeat", a_clone_of_a_writer_goes_on, sql("fence", "batch_no = ? - 1", "batch_no <= ?")),
    Mutant("saves have no guard", a_promotion_is_saved_on_a_row_that_has_changed, sql("save_job", GUARD, "AND ? > 0")),
    Mutant("ends have no guard", a_decision_is_saved_on_a_row_that_has_changed, sql("save_ended", GUARD, "AND ? > 0")),
    Mutant("starts have no guard", a_start_is_saved_on_a_row_that_has_changed, sql("save_started", GUARD, "AND ? > 0")),
    Mutant("known jobs never change", another_process_asks_a_running_job_to_stop, what_is_known_stands),
    Mutant("nobody looks for the holder", an_entity_runs_one_at_a_time, sql("occupied", "holds = 1", "holds = 2")),
    Mutant(
        "nobody looks, and no index guards", an_entity_runs_one_at_a_time,
        all_of(without_the_unique_index, sql("occupied", "holds = 1", "holds = 2")),
    ),
    Mutant("the newest is next", a_mailbox_goes_by_order, sql("head", "ORDER BY seq", "ORDER BY seq DESC")),
    Mutant("nobody hands over", a_mailbox_goes_by_order, no_hand_over),
    Mutant("due time goes before order", delayed_jobs_of_an_entity_become_due_together, due_by_time),
    Mutant("folded rows stay", a_writer_is_taken_over, sql("drop_folded", "writer_id = ?", "writer_id = -?")),
    Mutant("folded rows vanish", a_writer_is_taken_over, sql("fold", "WHERE writer_id = ?", "WHERE writer_id = -?")),
    Mutant("runs are alike", an_older_run_reports_its_result, blind_to("run")),
    Mutant("writers are alike", another_writer_reports_the_result, blind_to("writer_id")),
    Mutant("requeued before fenced", a_late_batch_meets_a_takeover, requeue_before_fencing),
    Mutant("requeued, never fenced", a_late_batch_meets_a_takeover, no_fencing),
    Mutant("suspects start like the others", two_lost_jobs_wait, sql("claim", "losses = 0", "losses >= 0")),
    Mutant("suspects never start", a_poisoned_job_starts_again, sql("any_suspect", SUSPECT, "losses > 9")),
    Mutant("failing forgets the cancel", a_cancelled_job_fails, cancel_ignored),
    Mutant("resends are duplicates", a_submit_is_sent_again_after_its_key_has_moved_on, addresses_are_blind),
    Mutant("pruning keeps every key", the_key_of_a_cancelled_job_is_used_after_its_pruning, every_key_is_held),
    Mutant("strict means nothing", a_strict_batch_names_a_key_twice, strict_is_ignored),
    Mutant("what was meant is counted", a_submit_is_sent_again, what_was_meant_is_counted),
    Mutant("nobody takes the lock", another_process_is_writing, no_lock),
    Mutant("takeovers overlook what is due", a_due_job_is_older_than_the_parked_one, takeovers_look_at_no_due_job),
]  # fmt: skip


@pytest.mark.unaudited("a mutant may break the books")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_story_notices_the_missing_rule(tmp_path: Path, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.apply(monkeypatch)
    with opened(tmp_path) as driver, pytest.raises(NOTICED):
        mutant.story(driver)


STORIES = sorted({mutant.story for mutant in MUTANTS}, key=lambda story: story.__name__)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_story_is_fine_as_long_as_the_rule_stands(tmp_path: Path, story: Story) -> None:
    with opened(tmp_path) as driver:
        story(driver)
        driver.audit()
