"""Cancel: a durable request that wins or loses against completion exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog, commands
from jobledger._core.decide import Refused
from jobledger._core.job import EventName, Lane, Status
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Reason, Retry
from jobledger._types import SECOND
from jobledger.conformance.driver import change, refusal

if TYPE_CHECKING:
    from jobledger._core.outcome import Outcome
    from jobledger.conformance.driver import Driver

LOSING: list[Outcome] = [Failed("x"), Failed("x", Reason.TIMEOUT), Retry(after=1), Fail("x")]


class TestCancellingWhatWaits:
    """No worker is needed."""

    @pytest.mark.parametrize("lane", [Lane.READY, Lane.PARKED, Lane.SCHEDULED])
    def test_a_queued_job_is_cancelled_at_once(self, driver: Driver, lane: Lane) -> None:
        """In every lane, with its gauges."""
        if lane is Lane.PARKED:
            driver.submit(entity="e")
        job_id = driver.submit(entity="e", delay=SECOND if lane is Lane.SCHEDULED else 0)
        assert driver.job(job_id).lane is lane
        job = change(driver.cancel(job_id)).job
        assert (job.status, job.ended_at) == (Status.CANCELLED, driver.clock.at)
        assert driver.story(job_id) == [EventName.SUBMITTED, EventName.CANCELLED]
        left = 1 if lane is Lane.PARKED else 0
        gauges = [driver.value(one) for one in (catalog.QUEUE_DEPTH, catalog.PARKED, catalog.SCHEDULED)]
        assert (gauges, driver.value(catalog.CANCELLATIONS)) == ([left, 0, 0], 1)
        driver.clock.advance(SECOND)
        assert job_id not in {started.id for started in driver.start(10)}

    def test_a_job_in_back_off_is_cancelled_at_once(self, driver: Driver) -> None:
        """Its failures stay counted."""
        job_id = driver.submit()
        driver.fail(driver.start_one())
        assert change(driver.cancel(job_id)).job.status is Status.CANCELLED
        assert (driver.value(catalog.FAILURES), driver.value(catalog.RETRIES), driver.value(catalog.SCHEDULED)) == (
            1,
            1,
            0,
        )

    @pytest.mark.parametrize("outcome", [Done(), Fail("x"), Cancel()], ids=lambda outcome: type(outcome).__name__)
    def test_an_ended_job_stays_what_it_is(self, driver: Driver, outcome: Outcome) -> None:
        """Already ended, and the answer shows how."""
        job_id = driver.submit()
        ended = driver.settle(driver.start_one(), outcome)
        answer = refusal(driver.cancel(job_id))
        assert (answer.why, answer.job) == (Refused.ALREADY_ENDED, ended)
        assert driver.job(job_id) == ended

    def test_an_unknown_job_is_not_found(self, driver: Driver) -> None:
        """Nothing to cancel."""
        assert refusal(driver.cancel("nobody")).why is Refused.NOT_FOUND


class TestCancellingWhatRuns:
    """A request; every exit but completion honours it."""

    def test_it_is_a_request_that_reaches_the_worker(self, driver: Driver) -> None:
        """With each of its batches until the job has left it, and no other worker's."""
        job_id = driver.submit()
        job = driver.start_one()
        answer = change(driver.cancel(job_id))
        assert (answer.job.status, answer.job.cancel_at) == (Status.PROCESSING, driver.clock.at)
        assert driver.story(job_id)[-1] is EventName.CANCEL_REQUESTED
        assert driver.worker.send().cancels == driver.worker.send().cancels == (job.key,)
        assert driver.client.send().cancels == driver.enlist().send().cancels == ()
        driver.settle(job, Cancel())
        assert driver.worker.send().cancels == ()

    def test_asking_twice_changes_nothing_more(self, driver: Driver) -> None:
        """The first request stands."""
        job_id = driver.submit()
        driver.start_one()
        driver.cancel(job_id)
        before = driver.record(job_id)
        driver.clock.advance(SECOND)
        assert change(driver.cancel(job_id)).job == before.job
        assert driver.record(job_id) == before

    def test_completion_wins(self, driver: Driver) -> None:
        """The work was done before the request could stop it."""
        job_id = driver.submit()
        job = driver.start_one()
        driver.cancel(job_id)
        driver.settle(job, Done())
        assert driver.status(job_id) is Status.COMPLETE
        assert (driver.value(catalog.COMPLETIONS), driver.value(catalog.CANCELLATIONS)) == (1, 0)

    @pytest.mark.parametrize("outcome", LOSING, ids=["failed", "timeout", "retry", "fail"])
    def test_a_failing_attempt_ends_cancelled(self, driver: Driver, outcome: Outcome) -> None:
        """Never requeued, never dead-lettered; the failure is counted and its error kept."""
        job_id = driver.submit(max_attempts=1)
        job = driver.start_one()
        driver.cancel(job_id)
        driver.settle(job, outcome)
        ended = driver.job(job_id)
        assert (ended.status, ended.failures) == (Status.CANCELLED, 1)
        assert ended.error is not None
        counted = (catalog.FAILURES, catalog.CANCELLATIONS, catalog.RETRIES, catalog.DEAD_LETTERED, catalog.RUNNING)
        assert [driver.value(one) for one in counted] == [1, 1, 0, 0, 0]

    def test_an_acknowledged_cancel_is_no_failure(self, driver: Driver) -> None:
        """The handler stopped because it was asked to."""
        job_id = driver.submit()
        job = driver.start_one()
        driver.cancel(job_id)
        driver.settle(job, Cancel())
        assert driver.status(job_id) is Status.CANCELLED
        assert (driver.value(catalog.CANCELLATIONS), driver.value(catalog.FAILURES)) == (1, 0)

    def test_a_released_attempt_ends_cancelled(self, driver: Driver) -> None:
        """A stopping worker doesn't put back what nobody wants."""
        job_id = driver.submit()
        job = driver.start_one()
        driver.cancel(job_id)
        driver.release(job)
        assert driver.status(job_id) is Status.CANCELLED
        assert (driver.value(catalog.RELEASED), driver.value(catalog.CANCELLATIONS)) == (1, 1)

    def test_a_lost_attempt_ends_cancelled(self, driver: Driver) -> None:
        """Nobody starts it again."""
        job_id = driver.submit()
        driver.start_one()
        driver.cancel(job_id)
        assert driver.lose(driver.worker).dead_lettered == ()
        assert driver.status(job_id) is Status.CANCELLED
        counted = (catalog.LOST, catalog.FAILURES, catalog.CANCELLATIONS, catalog.RETRIES)
        assert [driver.value(one) for one in counted] == [1, 1, 1, 0]

    @pytest.mark.parametrize("how", ["acknowledge", "fail", "release", "lose"])
    def test_every_exit_opens_the_mailbox(self, driver: Driver, how: str) -> None:
        """The entity goes on."""
        first, second = driver.submit_many(2, entity="e")
        worker = driver.enlist()
        job = driver.start_one(worker)
        driver.cancel(first)
        match how:
            case "acknowledge":
                driver.settle(job, Cancel())
            case "fail":
                driver.fail(job)
            case "release":
                driver.release(job)
            case _:
                driver.lose(worker)
        assert driver.start_one(driver.enlist()).id == second

    def test_cancel_and_completion_in_one_batch_go_by_their_order(self, driver: Driver) -> None:
        """Each command sees what the one before it did."""
        first, second = driver.submit_many(2)
        one, two = driver.start(2)
        driver.worker.send(
            commands.Cancel(first), driver.settling(one, Done()), driver.settling(two, Done()), commands.Cancel(second)
        )
        assert (driver.status(first), driver.status(second)) == (Status.COMPLETE, Status.COMPLETE)

    def test_a_request_and_a_release_in_one_batch(self, driver: Driver) -> None:
        """The release finds the request."""
        job_id = driver.submit()
        job = driver.start_one()
        driver.worker.send(commands.Cancel(job_id), commands.Release(job.id, job.key, job.run, job.writer_id or 0))
        assert driver.status(job_id) is Status.CANCELLED
