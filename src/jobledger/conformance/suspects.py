"""Losses: a job that was lost with its worker starts alone among its kind, so that the next crash blames one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core import catalog
from jobledger._core.job import EventName, Status
from jobledger._core.outcome import Reason

if TYPE_CHECKING:
    from jobledger._core.job import Job
    from jobledger.conformance.driver import Driver


def crash(driver: Driver, slots: int = 100) -> list[Job]:
    """A worker that starts what it can and dies; what it had started."""
    worker = driver.enlist()
    started = driver.start(slots, worker)
    driver.lose(worker)
    return started


class TestSuspects:
    """Innocent neighbours of a poisoned job lose time, never their lives."""

    def test_a_lost_job_is_put_back_at_once(self, driver: Driver) -> None:
        """It costs no attempt; it counts as a failed attempt, a loss and a retry."""
        job_id = driver.submit()
        crash(driver)
        job = driver.job(job_id)
        assert (job.status, job.failures, job.losses, job.attempt) == (Status.QUEUED, 0, 1, 1)
        assert [driver.value(one) for one in (catalog.FAILURES, catalog.LOST, catalog.RETRIES)] == [1, 1, 1]
        assert driver.story(job_id)[-1] is EventName.LOST

    def test_one_suspect_a_claim(self, driver: Driver) -> None:
        """However many slots are free."""
        ids = driver.submit_many(5)
        crash(driver)
        assert [job.id for job in driver.start(100)] == [ids[0]]

    def test_no_suspect_where_one_runs(self, driver: Driver) -> None:
        """The worker says so; fresh jobs start all the same."""
        driver.submit_many(3)
        crash(driver)
        fresh = driver.submit()
        assert [job.id for job in driver.start(100, suspects=0)] == [fresh]

    def test_a_suspect_starts_beside_fresh_jobs(self, driver: Driver) -> None:
        """It takes one slot."""
        suspect = driver.submit()
        crash(driver)
        fresh = driver.submit_many(5)
        assert [job.id for job in driver.start(3)] == [suspect, *fresh[:2]]

    def test_no_suspect_without_a_slot(self, driver: Driver) -> None:
        """Not even one."""
        driver.submit()
        crash(driver)
        assert driver.start(0) == []

    def test_suspects_of_unasked_types_stay(self, driver: Driver) -> None:
        """A worker takes only what it handles."""
        driver.submit(driver.bill)
        crash(driver)
        assert driver.start(10, types=(driver.mail,)) == []

    def test_used_up_losses_end_in_the_dead_letter_queue(self, driver: Driver) -> None:
        """The first loss, and losses as the suspect."""
        job_id = driver.submit(max_losses=3)
        for expected in (1, 2, 3):
            crash(driver)
            assert driver.job(job_id).losses == expected
        job = driver.job(job_id)
        assert (job.status, job.reason) == (Status.FAILED, Reason.WORKER_LOST)
        assert [driver.value(one) for one in (catalog.LOST, catalog.RETRIES, catalog.DEAD_LETTERED)] == [3, 2, 1]

    def test_a_takeover_names_what_it_put_back_and_what_it_gave_up(self, driver: Driver) -> None:
        """For logs and for whoever is on call."""
        poison, fresh = driver.submit(max_losses=1), driver.submit(max_losses=2)
        worker = driver.enlist()
        driver.start(10, worker)
        takeover = driver.lose(worker)
        assert (takeover.jobs, takeover.dead_lettered) == ((fresh,), (poison,))
        assert (takeover.writer_id, takeover.kind, takeover.host, takeover.pid) == (
            worker.writer_id,
            "worker",
            "host",
            4711,
        )

    def test_only_the_poisoned_job_dies(self, driver: Driver) -> None:
        """Among 99 sleepers that run beside it in the first crash."""
        ids = driver.submit_many(99)
        poison = ids[42]
        crash(driver)
        for _ in range(len(ids) + 3):
            worker = driver.enlist()
            started = driver.start(100, worker)
            if poison in {job.id for job in started}:
                driver.lose(worker)
                continue
            for job in started:
                driver.settle(job)
            driver.store.retire(worker.writer_id)
        assert driver.status(poison) is Status.FAILED
        assert {driver.status(job_id) for job_id in ids if job_id != poison} == {Status.COMPLETE}

    def test_a_failed_attempt_keeps_the_losses(self, driver: Driver) -> None:
        """A suspect stays one until it has ended or was replayed."""
        job_id = driver.submit()
        crash(driver)
        driver.fail(driver.start_one(), jitter=0.0)
        assert driver.job(job_id).losses == 1
        assert driver.start(1, suspects=0) == []

    def test_a_released_suspect_stays_one(self, driver: Driver) -> None:
        """A graceful stop proves nothing."""
        driver.submit()
        crash(driver)
        driver.release(driver.start_one())
        assert driver.start(1, suspects=0) == []

    def test_a_replay_forgets_the_losses(self, driver: Driver) -> None:
        """A new life starts like a fresh job."""
        job_id = driver.submit(max_losses=1)
        crash(driver)
        driver.replay(job_id)
        assert driver.job(job_id).losses == 0
        assert len(driver.start(1, suspects=0)) == 1

    def test_a_lost_head_keeps_its_mailbox(self, driver: Driver) -> None:
        """The entity waits for its suspect; order stands."""
        first, second = driver.submit_many(2, entity="e")
        crash(driver)
        assert driver.start(10, suspects=0) == []
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [first, second]
