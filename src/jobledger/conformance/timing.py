"""Time spans in the books: exact to the microsecond, on the store's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core import catalog
from jobledger._core.outcome import Cancel, Fail, Failed
from jobledger._core.retry import RetryPolicy
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver


class TestWaiting:
    """``wait``: from the moment when only capacity was missing, to the start."""

    def test_from_submit_to_start(self, driver: Driver) -> None:
        """An unkeyed job is eligible when it is due."""
        driver.submit()
        driver.clock.advance(1_234_567)
        driver.start_one()
        assert driver.spans(catalog.WAIT) == (1, 1_234_567)

    def test_from_the_due_time_not_from_when_it_was_noticed(self, driver: Driver) -> None:
        """A look that comes late is a part of the wait."""
        driver.submit(delay=10 * SECOND)
        driver.clock.advance(13 * SECOND)
        driver.start_one()
        assert driver.spans(catalog.WAIT) == (1, 3 * SECOND)

    def test_waiting_for_a_mailbox_is_counted_apart(self, driver: Driver) -> None:
        """Behind its entity it waits for its turn; at the head, for capacity."""
        driver.submit_many(2, entity="e")
        job = driver.start_one()
        driver.clock.advance(5 * SECOND)
        driver.settle(job)
        driver.clock.advance(2 * SECOND)
        driver.start_one()
        assert driver.spans(catalog.MAILBOX_WAIT) == (2, 5 * SECOND)
        assert driver.spans(catalog.WAIT) == (2, 2 * SECOND)

    def test_mailbox_wait_counts_from_the_due_time(self, driver: Driver) -> None:
        """A delayed job doesn't wait for its mailbox before it is due."""
        driver.submit(entity="e", delay=3 * SECOND)
        driver.submit(entity="e")
        job = driver.start_one()
        driver.clock.advance(4 * SECOND)
        driver.worker.send()
        driver.clock.advance(SECOND)
        driver.settle(job)
        assert driver.spans(catalog.MAILBOX_WAIT) == (2, 2 * SECOND)

    def test_a_retry_waits_again(self, driver: Driver) -> None:
        """From the end of its back-off; that itself is no wait."""
        driver.submit(entity="e")
        driver.fail(driver.start_one(), jitter=1.0)
        driver.clock.advance(SECOND + 500)
        driver.start_one()
        assert driver.spans(catalog.WAIT) == (2, 500)
        assert driver.spans(catalog.MAILBOX_WAIT) == (1, 0)

    def test_a_released_and_a_lost_job_wait_again(self, driver: Driver) -> None:
        """From the moment when they were put back."""
        driver.submit()
        job = driver.start_one()
        driver.clock.advance(SECOND)
        driver.release(job)
        driver.clock.advance(20)
        driver.start_one()
        driver.clock.advance(SECOND)
        driver.lose(driver.worker)
        driver.clock.advance(3)
        driver.start_one(driver.enlist())
        assert driver.spans(catalog.WAIT) == (3, 23)

    def test_who_stepped_aside_waits_for_its_mailbox_again(self, driver: Driver) -> None:
        """From its new due time to the head."""
        driver.submit_many(2, entity="e")
        driver.fail(driver.start_one(), retry=RetryPolicy(on_retry="step-aside"), jitter=1.0)
        job = driver.start_one()
        driver.clock.advance(4 * SECOND)
        driver.worker.send()
        driver.settle(job)
        assert driver.spans(catalog.MAILBOX_WAIT) == (3, 3 * SECOND)


class TestLasting:
    """``duration``: a whole life, waits and retries included."""

    def test_from_submit_to_the_end(self, driver: Driver) -> None:
        """Completed."""
        driver.submit()
        driver.clock.advance(SECOND)
        job = driver.start_one()
        driver.clock.advance(2 * SECOND)
        driver.settle(job)
        assert driver.spans(catalog.DURATION) == (1, 3 * SECOND)

    def test_a_wished_delay_does_not_count(self, driver: Driver) -> None:
        """From the first due time."""
        driver.submit(delay=60 * SECOND)
        driver.clock.advance(61 * SECOND)
        driver.settle(driver.start_one())
        assert driver.spans(catalog.DURATION) == (1, SECOND)

    def test_back_offs_count(self, driver: Driver) -> None:
        """The first due time stands."""
        driver.submit()
        driver.fail(driver.start_one(), jitter=1.0)
        driver.clock.advance(SECOND)
        driver.settle(driver.start_one())
        assert driver.spans(catalog.DURATION) == (1, SECOND)

    def test_cancelled_before_it_was_due_is_nothing(self, driver: Driver) -> None:
        """Never negative."""
        driver.cancel(driver.submit(delay=60 * SECOND))
        assert driver.spans(catalog.DURATION) == (1, 0)

    def test_a_replay_counts_from_itself(self, driver: Driver) -> None:
        """Each life has a duration of its own."""
        job_id = driver.dead_letter()
        driver.clock.advance(3_600 * SECOND)
        driver.replay(job_id)
        driver.clock.advance(2 * SECOND)
        driver.settle(driver.start_one())
        assert driver.spans(catalog.DURATION) == (2, 2 * SECOND)

    def test_a_discard_ends_no_life(self, driver: Driver) -> None:
        """It had ended."""
        driver.discard(driver.dead_letter())
        assert driver.spans(catalog.DURATION) == (1, 0)


class TestProcessing:
    """``processing_seconds``: what the worker's own clock says."""

    def test_done_failed_timed_out_and_cancelled_attempts_count(self, driver: Driver) -> None:
        """Not the store's time: the handler's."""
        driver.submit_many(4)
        for job, outcome in zip(driver.start(4), (None, Failed("x"), Fail("x"), Cancel()), strict=True):
            driver.clock.advance(SECOND)
            driver.settle(job, outcome, elapsed=1_000)
        assert driver.spans(catalog.PROCESSING) == (4, 4_000)

    def test_released_and_lost_attempts_do_not(self, driver: Driver) -> None:
        """Nobody knows how long they worked."""
        driver.submit()
        driver.release(driver.start_one())
        driver.start_one()
        driver.lose(driver.worker)
        assert driver.spans(catalog.PROCESSING) == (0, 0)

    def test_a_negative_time_counts_as_none(self, driver: Driver) -> None:
        """A clock that misbehaves spoils no sum."""
        driver.submit()
        driver.settle(driver.start_one(), elapsed=-5)
        assert driver.spans(catalog.PROCESSING) == (1, 0)


class TestTheClock:
    """The store's time never goes back, whatever the machine's does."""

    def test_a_clock_that_goes_back_stands_still(self, driver: Driver) -> None:
        """Spans and histories stay in order."""
        job_id = driver.submit()
        began = driver.clock.at
        driver.clock.advance(-3_600 * SECOND)
        job = driver.start_one()
        assert job.started_at == began
        committed = driver.worker.send(driver.settling(job))
        assert committed.now == began
        assert driver.store.ledger().as_of == began
        times = [event.at for event in driver.record(job_id).history]
        assert times == sorted(times)
        assert driver.spans(catalog.WAIT) == (1, 0)
