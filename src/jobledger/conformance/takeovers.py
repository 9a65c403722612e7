"""Takeover: a dead writer is fenced, its jobs are put back, its counts go to the base. In this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog
from jobledger._core.job import Lane, Status
from jobledger._types import SECOND
from jobledger.errors import Fenced

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver


class TestTakeovers:
    """By any living process, at any moment."""

    def test_the_jobs_of_a_dead_worker_start_elsewhere(self, driver: Driver) -> None:
        """At least once."""
        job_id = driver.submit()
        dead = driver.enlist()
        driver.start_one(dead)
        assert driver.lose(dead).jobs == (job_id,)
        again = driver.start_one()
        assert (again.id, again.run, again.writer_id) == (job_id, 2, driver.worker.writer_id)

    def test_entities_stay_in_order(self, driver: Driver) -> None:
        """The lost head goes before what waited behind it."""
        ids = {entity: driver.submit_many(3, entity=entity) for entity in ("a", "b")}
        dead = driver.enlist()
        assert len(driver.start(10, dead)) == 2
        driver.lose(dead)
        started: dict[str | None, list[str]] = {"a": [], "b": []}
        for _ in range(6):
            job = driver.settle(driver.start_one())
            started[job.entity].append(job.id)
        assert started == ids

    def test_only_its_own_jobs_are_put_back(self, driver: Driver) -> None:
        """Neighbours run on."""
        driver.submit_many(2)
        mine = driver.start_one()
        dead = driver.enlist()
        driver.start_one(dead)
        driver.lose(dead)
        assert driver.job(mine.id) == mine

    def test_its_counts_survive_it(self, driver: Driver) -> None:
        """Folded into the base: what it has completed stays completed."""
        driver.submit_many(3)
        dead = driver.enlist()
        for job in driver.start(3, dead):
            driver.settle(job, elapsed=2 * SECOND)
        before = driver.store.ledger().cells
        driver.lose(dead)
        assert driver.store.ledger().cells == before
        assert (driver.value(catalog.COMPLETIONS), driver.spans(catalog.PROCESSING)) == (3, (3, 6 * SECOND))

    def test_nobody_is_taken_over_twice(self, driver: Driver) -> None:
        """The second taker finds nothing to do."""
        driver.submit()
        dead = driver.enlist()
        driver.start_one(dead)
        driver.lose(dead)
        assert driver.store.take_over((dead.writer_id,)) == ()
        assert driver.value(catalog.LOST) == 1

    def test_the_living_are_left_alone(self, driver: Driver) -> None:
        """A process that is there keeps its jobs."""
        driver.submit()
        job = driver.start_one()
        assert driver.store.take_over() == ()
        assert driver.open().take_over() == ()
        assert driver.job(job.id) == job

    def test_a_writer_that_was_given_up_counts_as_dead(self, driver: Driver) -> None:
        """Nothing is written for it: whoever can write takes it over, and its late batch is fenced."""
        job_id = driver.submit()
        ended = driver.enlist()
        driver.start_one(ended)
        before = driver.record(job_id)
        driver.store.abandon(ended.writer_id)
        assert driver.record(job_id) == before
        assert {vital.writer_id: vital.ended for vital in driver.store.vitals()}[ended.writer_id]
        (taken,) = driver.store.take_over()
        assert (taken.writer_id, taken.jobs) == (ended.writer_id, (job_id,))
        with pytest.raises(Fenced):
            ended.send()

    def test_a_fenced_writer_comes_back_as_a_new_one(self, driver: Driver) -> None:
        """Declaring a living worker dead wastes work and corrupts nothing."""
        job_id = driver.submit()
        job = driver.start_one()
        driver.lose(driver.worker)
        with pytest.raises(Fenced):
            driver.worker.send(driver.settling(job))
        reborn = driver.enlist()
        assert driver.settle(driver.start_one(reborn)).id == job_id

    def test_a_client_leaves_no_job(self, driver: Driver) -> None:
        """Only its counts."""
        driver.submit()
        takeover = driver.lose(driver.client)
        assert (takeover.kind, takeover.jobs, takeover.dead_lettered) == ("client", (), ())
        assert driver.value(catalog.ENQUEUED) == 1

    def test_a_dead_lettered_head_hands_its_mailbox_over(self, driver: Driver) -> None:
        """In the same takeover."""
        poison = driver.submit(entity="e", max_losses=1)
        waiting = driver.submit(entity="e")
        dead = driver.enlist()
        driver.start_one(dead)
        driver.lose(dead)
        assert (driver.status(poison), driver.job(waiting).lane) == (Status.FAILED, Lane.READY)

    def test_what_has_become_due_is_seen_before_a_mailbox_is_handed_over(self, driver: Driver) -> None:
        """By order, as in every other transaction that hands over."""
        due = driver.submit(entity="e", delay=SECOND)
        driver.submit(entity="e", max_losses=1)
        waiting = driver.submit(entity="e")
        dead = driver.enlist()
        driver.start_one(dead)
        driver.clock.advance(SECOND)
        driver.lose(dead)
        assert (driver.job(due).lane, driver.job(waiting).lane) == (Lane.READY, Lane.PARKED)

    def test_a_dead_worker_is_no_worker(self, driver: Driver) -> None:
        """It handles nothing and has no slots."""
        dead = driver.enlist(slots=7, types=(driver.bill,))
        solo = driver.declare("solo")
        only = driver.enlist(slots=5, types=(solo,))
        assert driver.store.ledger().workers == 3
        driver.lose(only)
        read = driver.store.ledger()
        assert (read.workers, read.slots) == (2, 107)
        assert read.handled == {driver.mail, driver.bill}
        driver.store.retire(dead.writer_id)
        assert driver.store.ledger().slots == 100

    def test_several_writers_in_one_call(self, driver: Driver) -> None:
        """Each in a transaction of its own."""
        driver.submit_many(2)
        first, second = driver.enlist(), driver.enlist()
        driver.start_one(first)
        driver.start_one(second)
        taken = driver.store.take_over((first.writer_id, second.writer_id))
        assert {takeover.writer_id for takeover in taken} == {first.writer_id, second.writer_id}
        assert driver.value(catalog.LOST) == 2


class TestFolding:
    """What stands beside the ledger goes into it."""

    def test_no_value_changes(self, driver: Driver) -> None:
        """Whoever folds, and however often."""
        driver.submit()
        dead = driver.enlist()
        driver.start_one(dead)
        driver.lose(dead)
        before = driver.store.ledger()
        folded = driver.open().fold()
        after = driver.store.ledger()
        assert (after.cells, after.unfolded) == (before.cells, 0)
        assert folded == before.unfolded
        assert driver.store.fold() == 0


class TestRetiring:
    """A writer that leaves in peace."""

    def test_it_folds_its_counts(self, driver: Driver) -> None:
        """Nothing changes in any value."""
        driver.submit_many(4)
        before = driver.store.ledger().cells
        driver.store.retire(driver.client.writer_id)
        assert driver.store.ledger().cells == before

    def test_it_is_idempotent(self, driver: Driver) -> None:
        """Also after a takeover."""
        driver.submit()
        for _ in range(2):
            driver.store.retire(driver.client.writer_id)
        driver.lose(driver.worker)
        driver.store.retire(driver.worker.writer_id)
        assert driver.value(catalog.ENQUEUED) == 1

    def test_many_generations_add_up(self, driver: Driver) -> None:
        """The base grows by each of them."""
        for _ in range(5):
            writer = driver.enlist()
            writer.send(driver.new(), driver.new())
            driver.store.retire(writer.writer_id)
        assert driver.value(catalog.ENQUEUED) == 10
