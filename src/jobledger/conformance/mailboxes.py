"""Entities: one job at a time, in order; and nothing but the entity's own jobs stands in the way."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog
from jobledger._core.commands import Submit
from jobledger._core.job import Lane, Status
from jobledger._core.priority import Priority
from jobledger._types import SECOND
from jobledger.conformance.driver import change

if TYPE_CHECKING:
    from jobledger._core.job import Job
    from jobledger.conformance.driver import Driver


class TestMailboxes:
    """Order inside an entity is the order of acceptance, whatever else differs."""

    def test_one_at_a_time_and_in_order(self, driver: Driver) -> None:
        """The next job starts when the one before has settled."""
        ids = driver.submit_many(3, entity="e")
        for expected in ids:
            (job,) = driver.start(10)
            assert job.id == expected
            assert driver.start(10) == []
            driver.settle(job)

    def test_order_holds_across_types_and_priorities(self, driver: Driver) -> None:
        """Priority never reorders an entity."""
        first = driver.submit(driver.mail, Priority.LOW, entity="e")
        second = driver.submit(driver.bill, Priority.CRITICAL, entity="e")
        third = driver.submit(driver.mail, Priority.HIGH, entity="e")
        order = [driver.settle(driver.start_one()).id for _ in range(3)]
        assert order == [first, second, third]

    def test_entities_do_not_wait_for_each_other(self, driver: Driver) -> None:
        """Nor for jobs without one."""
        driver.submit_many(5, entity="busy")
        driver.submit(entity="other")
        driver.submit()
        assert [job.entity for job in driver.start(10)] == ["busy", "other", None]

    def test_waiting_jobs_are_parked_and_counted(self, driver: Driver) -> None:
        """Parked jobs are a part of the queue depth."""
        driver.submit_many(4, entity="e")
        assert (driver.value(catalog.QUEUE_DEPTH), driver.value(catalog.PARKED)) == (4, 3)
        driver.settle(driver.start_one())
        assert (driver.value(catalog.QUEUE_DEPTH), driver.value(catalog.PARKED)) == (3, 2)

    def test_a_delayed_job_does_not_block_its_entity(self, driver: Driver) -> None:
        """What isn't due waits for its time alone."""
        later = driver.submit(entity="e", delay=5 * SECOND)
        now = driver.submit(entity="e")
        assert driver.settle(driver.start_one()).id == now
        driver.clock.advance(5 * SECOND)
        assert driver.start_one().id == later

    def test_a_job_that_becomes_due_parks_by_its_order(self, driver: Driver) -> None:
        """It goes before later ones that waited longer, and never beside the running one."""
        delayed = driver.submit(entity="e", delay=5 * SECOND)
        running, waiting = driver.submit_many(2, entity="e")
        job = driver.start_one()
        driver.clock.advance(5 * SECOND)
        assert driver.start(10) == []
        assert driver.job(delayed).lane is Lane.PARKED
        driver.settle(job)
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [delayed, waiting]
        assert job.id == running

    def test_jobs_that_are_due_at_one_look_go_by_order(self, driver: Driver) -> None:
        """Not by due time: both are due, and the first accepted is first."""
        ids = [driver.submit(entity="e", delay=delay * SECOND) for delay in (3, 1, 2)]
        driver.clock.advance(10 * SECOND)
        assert [driver.settle(driver.start_one()).id for _ in range(3)] == ids

    def test_the_next_job_starts_in_the_batch_that_settles(self, driver: Driver) -> None:
        """A mailbox never waits for another look."""
        driver.submit_many(2, entity="e")
        job = driver.start_one()
        committed = driver.worker.send(driver.settling(job), claim=driver.worker.asks(1))
        assert len(committed.claimed) == 1

    def test_a_cancelled_head_lets_its_entity_go_on(self, driver: Driver) -> None:
        """At once, also when it waited only for a slot."""
        head, second = driver.submit_many(2, entity="e")
        driver.cancel(head)
        assert driver.job(second).lane is Lane.READY
        assert driver.start_one().id == second

    def test_a_parked_job_can_be_cancelled(self, driver: Driver) -> None:
        """The others keep their places."""
        first, second, third = driver.submit_many(3, entity="e")
        driver.cancel(second)
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [first, third]

    def test_a_head_that_nobody_handles_blocks_its_entity(self, driver: Driver) -> None:
        """Order goes before progress; the books show what is unhandled."""
        head = driver.submit(driver.bill, entity="e")
        driver.submit(driver.mail, entity="e")
        assert driver.start(10, types=(driver.mail,)) == []
        assert driver.start(10, types=(driver.mail, driver.bill))[0].id == head

    def test_a_child_goes_to_the_end_of_its_mailbox(self, driver: Driver) -> None:
        """Also when it goes to its parent's own entity."""
        parent, second = driver.submit_many(2, entity="e")
        child = driver.new(entity="e")
        assert driver.settle(driver.start_one(), children=(child,)).id == parent
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [second, child.id]

    def test_a_job_submitted_behind_a_settled_head_waits_its_turn(self, driver: Driver) -> None:
        """The mailbox is handed over before the next command of the same batch is decided."""
        _, parked = driver.submit_many(2, entity="e")
        late = driver.new(entity="e")
        driver.worker.send(driver.settling(driver.start_one()), late)
        assert (driver.job(parked).lane, driver.job(late.id).lane) == (Lane.READY, Lane.PARKED)

    @pytest.mark.parametrize("seed", range(4))
    def test_any_interleaving_keeps_every_entity_in_order(self, driver: Driver, seed: int) -> None:
        """Several workers, many entities, random settling: starts follow the orders, one at a time."""
        rng = Random(seed)
        workers = [driver.worker, driver.enlist(), driver.enlist()]
        running: list[Job] = []
        accepted: dict[str, list[str]] = {}
        started: dict[str, list[str]] = {}
        for _ in range(150):
            entity = f"e{rng.randrange(5)}"
            if rng.random() < 0.5:
                sent: Submit = driver.new(
                    rng.choice((driver.mail, driver.bill)), Priority(rng.randrange(4)), entity=entity
                )
                accepted.setdefault(entity, []).append(change(driver.ask(sent)).job.id)
            for job in driver.start(rng.randrange(3), rng.choice(workers)):
                assert job.entity is not None
                assert job.entity not in {other.entity for other in running}
                started.setdefault(job.entity, []).append(job.id)
                running.append(job)
            if running and rng.random() < 0.6:
                driver.settle(running.pop(rng.randrange(len(running))))
        for entity, ids in started.items():
            assert ids == accepted[entity][: len(ids)]
        assert all(driver.status(job.id) is Status.PROCESSING for job in running)
