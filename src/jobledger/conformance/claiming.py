"""Claiming: who gets what is ready, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core import catalog
from jobledger._core.job import EventName
from jobledger._core.priority import Priority, Stride
from jobledger._store.contract import Claim, Group
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver


class TestClaiming:
    """A ready job starts as soon as anybody who handles it has a slot."""

    def test_first_in_first_out_within_type_and_priority(self, driver: Driver) -> None:
        """By acceptance, however the claims are cut."""
        ids = driver.submit_many(30)
        started = [job.id for slots in (1, 2, 3, 4, 5, 15) for job in driver.start(slots)]
        assert started == ids

    def test_a_job_that_became_due_later_keeps_its_order(self, driver: Driver) -> None:
        """Order is acceptance, not due time."""
        delayed = driver.submit(delay=SECOND)
        driver.submit()
        driver.clock.advance(SECOND)
        assert driver.start_one().id == delayed

    def test_never_more_than_the_free_slots(self, driver: Driver) -> None:
        """And none without a slot."""
        driver.submit_many(5)
        assert len(driver.start(3)) == 3
        assert driver.start(0) == []
        assert driver.value(catalog.RUNNING) == 3

    def test_only_types_that_are_asked_for(self, driver: Driver) -> None:
        """What a worker can't run, it doesn't take."""
        driver.submit(driver.mail)
        bill = driver.submit(driver.bill)
        assert [job.id for job in driver.start(10, types=(driver.bill,))] == [bill]
        assert driver.start(10, types=()) == []

    def test_no_job_starts_twice(self, driver: Driver) -> None:
        """Two workers share the queue."""
        driver.submit_many(10)
        other = driver.enlist()
        mine, theirs = driver.start(5), driver.start(10, other)
        assert len({job.id for job in mine + theirs}) == len(mine) + len(theirs) == 10
        assert {job.writer_id for job in theirs} == {other.writer_id}

    def test_a_ready_job_waits_for_no_particular_worker(self, driver: Driver) -> None:
        """Whoever looks first gets it, whoever had its entity before."""
        first, second = driver.submit_many(2, entity="e")
        assert driver.settle(driver.start_one()).id == first
        assert driver.start_one(driver.enlist()).id == second

    def test_types_of_one_priority_share_its_quota(self, driver: Driver) -> None:
        """A long queue leaves room for the other types of its priority, whichever is asked for first."""
        types = [driver.mail, driver.bill, *(driver.declare(name) for name in ("third", "fourth", "fifth"))]
        driver.submit_many(300, driver.mail)
        for type_id in types[1:]:
            driver.submit_many(2, type_id)
        started = driver.start(100, types=tuple(types))
        assert {job.type_id for job in started} == set(types)
        assert len(started) == 100

    def test_what_one_type_leaves_goes_to_the_others(self, driver: Driver) -> None:
        """No slot stays free while something is ready."""
        driver.submit_many(40, driver.mail)
        assert len(driver.start(30, types=(driver.bill, driver.mail))) == 30

    def test_groups_have_slots_of_their_own(self, driver: Driver) -> None:
        """Each with its types and its stride."""
        driver.submit_many(5, driver.mail)
        driver.submit_many(5, driver.bill)
        groups = (Group((driver.mail,), 2, Stride()), Group((driver.bill,), 3, Stride()))
        committed = driver.worker.send(claim=Claim(groups))
        types = [claimed.job.type_id for claimed in committed.claimed]
        assert types == [driver.mail] * 2 + [driver.bill] * 3
        assert len(committed.strides) == 2

    def test_a_start_draws_a_growing_fence(self, driver: Driver) -> None:
        """Whatever the handler writes elsewhere can be guarded by it."""
        driver.submit_many(3, entity="e")
        fences = [driver.settle(driver.start_one()).fence for _ in range(3)]
        assert fences == sorted(set(fences))

    def test_a_start_is_written_into_the_history(self, driver: Driver) -> None:
        """With its run and its writer."""
        job_id = driver.submit()
        driver.clock.advance(SECOND)
        job = driver.start_one()
        event = driver.record(job_id).history[-1]
        assert (event.name, event.at, event.run) == (EventName.STARTED, driver.clock.at, 1)
        assert event.writer_id == job.writer_id == driver.worker.writer_id
        assert (job.started_at, job.attempt) == (driver.clock.at, 1)

    def test_a_critical_job_goes_first_among_equals(self, driver: Driver) -> None:
        """When all have waited alike, weight decides."""
        ids = {priority: driver.submit(priority=priority) for priority in reversed(Priority)}
        assert driver.start_one().id == ids[Priority.CRITICAL]
