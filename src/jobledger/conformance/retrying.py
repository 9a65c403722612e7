"""Failed attempts: how long they wait, what that means for their entity, and when it is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from jobledger._core import catalog
from jobledger._core.job import EventName, Lane, Status
from jobledger._core.outcome import Done, Fail, Failed, Reason, Retry
from jobledger._core.retry import RetryPolicy
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver

STEP_ASIDE: Final = RetryPolicy(on_retry="step-aside")


class TestRetrying:
    """Attempts are counted in the job, and each has one outcome."""

    def test_a_failed_attempt_waits_for_its_back_off(self, driver: Driver) -> None:
        """The chance came with the command: base 1 s, factor 2, times the sample."""
        job_id = driver.submit()
        for sample, wait in ((0.5, 500_000), (0.25, 500_000), (1.0, 4_000_000)):
            job = driver.fail(driver.start_one(), jitter=sample)
            assert (job.lane, job.due_at) == (Lane.SCHEDULED, driver.clock.at + wait)
            driver.clock.advance(wait - 1)
            assert driver.start() == []
            driver.clock.advance(1)
        assert driver.start_one().attempt == 4
        assert driver.job(job_id).run == 4

    def test_a_failed_attempt_is_counted(self, driver: Driver) -> None:
        """One failure, one retry; the job is scheduled, not queued and due."""
        driver.submit()
        driver.fail(driver.start_one())
        counted = [
            driver.value(one) for one in (catalog.FAILURES, catalog.RETRIES, catalog.SCHEDULED, catalog.QUEUE_DEPTH)
        ]
        assert counted == [1, 1, 1, 0]

    def test_a_handler_may_say_when(self, driver: Driver) -> None:
        """``Retry(after=…)`` is a failed attempt with a wait of its own."""
        driver.submit()
        job = driver.settle(driver.start_one(), Retry(after=90.5, error="not yet"))
        assert (job.due_at, job.failures, job.error) == (driver.clock.at + 90_500_000, 1, "not yet")

    def test_a_retry_at_once_is_due_now(self, driver: Driver) -> None:
        """``after=0`` waits for nothing but its turn."""
        driver.submit()
        driver.settle(driver.start_one(), Retry(after=0))
        assert driver.start_one().attempt == 2

    def test_the_last_attempt_ends_in_the_dead_letter_queue(self, driver: Driver) -> None:
        """Every attempt's error stays in the history."""
        job_id = driver.submit(max_attempts=3)
        for number in range(3):
            driver.fail(driver.start_one(), f"boom {number}", jitter=0.0)
        job = driver.job(job_id)
        assert (job.status, job.reason, job.error, job.failures) == (Status.FAILED, Reason.MAX_ATTEMPTS, "boom 2", 3)
        errors = [event.error for event in driver.record(job_id).history if event.error is not None]
        assert errors == ["boom 0", "boom 1", "boom 2"]
        assert (driver.value(catalog.FAILURES), driver.value(catalog.RETRIES), driver.value(catalog.DLQ_SIZE)) == (
            3,
            2,
            1,
        )

    def test_a_retry_that_is_asked_for_counts_as_an_attempt(self, driver: Driver) -> None:
        """A handler can't ask for ever."""
        job_id = driver.submit(max_attempts=2)
        for _ in range(2):
            driver.settle(driver.start_one(), Retry(after=0))
        assert driver.job(job_id).reason is Reason.MAX_ATTEMPTS

    @pytest.mark.parametrize("reason", [Reason.PROCESSING, Reason.VALIDATION])
    def test_fail_skips_all_retries(self, driver: Driver, reason: Reason) -> None:
        """Failed for good, with its own reason."""
        job_id = driver.submit()
        driver.settle(driver.start_one(), Fail("never", reason))
        job = driver.job(job_id)
        assert (job.status, job.reason, job.error) == (Status.FAILED, reason, "never")
        assert driver.story(job_id)[-1] is EventName.DEAD_LETTERED

    def test_a_timeout_is_a_failed_attempt(self, driver: Driver) -> None:
        """With its reason."""
        driver.submit()
        job = driver.settle(driver.start_one(), Failed("too slow", Reason.TIMEOUT))
        assert (job.lane, job.reason, job.failures) == (Lane.SCHEDULED, Reason.TIMEOUT, 1)

    def test_a_late_completion_wins_over_the_timeout(self, driver: Driver) -> None:
        """The work is done; that it was late is kept as the reason."""
        driver.submit()
        job = driver.settle(driver.start_one(), Done(), late=True, result=b"7")
        assert (job.status, job.reason, job.result, job.failures) == (Status.COMPLETE, Reason.TIMEOUT, b"7", 0)


class TestBackOffOfAnEntity:
    """A back-off closes the mailbox, unless the type steps aside."""

    def test_a_back_off_blocks_its_entity(self, driver: Driver) -> None:
        """Order is kept, for as long as it takes."""
        first, second = driver.submit_many(2, entity="e")
        job = driver.fail(driver.start_one())
        assert job.holds
        assert driver.start(10) == []
        driver.clock.advance(SECOND)
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [first, second]

    def test_a_type_that_steps_aside_lets_the_next_job_go(self, driver: Driver) -> None:
        """And is back in its old place when its time has come."""
        first, second, third = driver.submit_many(3, entity="e")
        job = driver.fail(driver.start_one(), retry=STEP_ASIDE)
        assert not job.holds
        running = driver.start_one()
        assert running.id == second
        driver.clock.advance(SECOND)
        assert driver.start(10) == []
        driver.settle(running)
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [first, third]

    def test_who_steps_aside_heads_an_empty_mailbox_again(self, driver: Driver) -> None:
        """With nobody there it just waits."""
        job_id = driver.submit(entity="e")
        driver.fail(driver.start_one(), retry=STEP_ASIDE)
        driver.clock.advance(SECOND)
        assert driver.start_one().id == job_id

    def test_a_dead_lettered_head_lets_its_entity_go_on(self, driver: Driver) -> None:
        """One poisoned job doesn't hold a customer for ever."""
        dead = driver.submit(entity="e", max_attempts=1)
        alive = driver.submit(entity="e")
        driver.fail(driver.start_one())
        assert driver.status(dead) is Status.FAILED
        assert driver.start_one().id == alive

    def test_a_job_cancelled_in_its_back_off_opens_the_mailbox(self, driver: Driver) -> None:
        """The hold ends with the job."""
        first, second = driver.submit_many(2, entity="e")
        driver.fail(driver.start_one())
        driver.cancel(first)
        assert driver.start_one().id == second
