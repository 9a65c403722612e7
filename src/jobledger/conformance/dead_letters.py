"""The dead-letter queue: nothing is buried, everything can be given a new life or ended for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog
from jobledger._core.commands import Discard, Replay
from jobledger._core.decide import Refused
from jobledger._core.job import EventName, Lane, Status
from jobledger._core.outcome import Cancel, Done
from jobledger._types import SECOND
from jobledger.conformance.driver import change, refusal

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver


def in_state(driver: Driver, status: Status) -> str:
    """A job that is not dead."""
    job_id = driver.submit()
    if status is Status.QUEUED:
        return job_id
    job = driver.start_one()
    if status is not Status.PROCESSING:
        driver.settle(job, Done() if status is Status.COMPLETE else Cancel())
    return job_id


class TestReplaying:
    """A new life under the same id."""

    def test_a_replay_starts_a_new_life(self, driver: Driver) -> None:
        """Attempts and losses from zero; id, payload, runs and history go on."""
        job_id = driver.dead_letter()
        driver.clock.advance(SECOND)
        job = change(driver.replay(job_id)).job
        assert (job.lane, job.failures, job.losses, job.run, job.due_at) == (Lane.READY, 0, 0, 1, driver.clock.at)
        assert (job.ended_at, job.reason, job.error) == (None, None, None)
        again = driver.start_one()
        assert (again.id, again.run, again.attempt) == (job_id, 2, 1)
        driver.settle(again)
        assert driver.story(job_id) == [
            EventName.SUBMITTED, EventName.STARTED, EventName.DEAD_LETTERED,
            EventName.REPLAYED, EventName.STARTED, EventName.COMPLETED,
        ]  # fmt: skip

    def test_a_replay_is_counted_apart_from_new_jobs(self, driver: Driver) -> None:
        """Entries into the queue of the dead stay counted; the gauge falls."""
        driver.replay(driver.dead_letter())
        counted = (catalog.ENQUEUED, catalog.REPLAYED, catalog.DEAD_LETTERED, catalog.DLQ_SIZE, catalog.QUEUE_DEPTH)
        assert [driver.value(one) for one in counted] == [1, 1, 1, 0, 1]

    def test_a_replayed_job_can_die_again(self, driver: Driver) -> None:
        """And be replayed again, as often as it takes."""
        job_id = driver.dead_letter()
        for _ in range(3):
            driver.replay(job_id)
            driver.fail(driver.start_one())
            assert driver.status(job_id) is Status.FAILED
        assert (
            driver.value(catalog.DEAD_LETTERED),
            driver.value(catalog.REPLAYED),
            driver.value(catalog.DLQ_SIZE),
        ) == (4, 3, 1)

    def test_a_replay_goes_to_the_end_of_its_mailbox(self, driver: Driver) -> None:
        """It takes a new order; what waited meanwhile goes first."""
        dead = driver.dead_letter(entity="e")
        waiting = driver.submit_many(2, entity="e")
        change(driver.replay(dead))
        assert driver.job(dead).lane is Lane.PARKED
        assert [driver.settle(driver.start_one()).id for _ in range(3)] == [*waiting, dead]

    def test_a_replay_heads_an_empty_mailbox(self, driver: Driver) -> None:
        """And holds it."""
        dead = driver.dead_letter(entity="e")
        driver.replay(dead)
        later = driver.submit(entity="e")
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [dead, later]

    def test_a_replay_goes_behind_what_is_queued(self, driver: Driver) -> None:
        """Also without an entity."""
        dead = driver.dead_letter()
        waiting = driver.submit_many(2)
        driver.replay(dead)
        assert [job.id for job in driver.start(3)] == [*waiting, dead]

    def test_the_second_of_two_replays_is_refused(self, driver: Driver) -> None:
        """A resent one starts no third life."""
        dead = driver.dead_letter()
        answers = driver.client.send(Replay(dead), Replay(dead)).answers
        assert change(answers[0]).job.id == dead
        assert refusal(answers[1]).why is Refused.NOT_DEAD


class TestDiscarding:
    """The end for good."""

    def test_a_discard_ends_a_dead_letter(self, driver: Driver) -> None:
        """It leaves the gauge; its history stays."""
        job_id = driver.dead_letter()
        driver.clock.advance(SECOND)
        job = change(driver.discard(job_id)).job
        assert (job.status, job.ended_at) == (Status.DISCARDED, driver.clock.at)
        assert [driver.value(one) for one in (catalog.DISCARDED, catalog.DLQ_SIZE, catalog.DEAD_LETTERED)] == [1, 0, 1]
        history = driver.record(job_id).history
        assert (history[-1].name, history[-2].error) == (EventName.DISCARDED, "boom")

    def test_a_discarded_job_stays_discarded(self, driver: Driver) -> None:
        """No replay, no second discard."""
        job_id = driver.dead_letter()
        driver.discard(job_id)
        before = driver.record(job_id)
        assert refusal(driver.replay(job_id)).why is Refused.NOT_DEAD
        assert refusal(driver.discard(job_id)).why is Refused.NOT_DEAD
        assert driver.record(job_id) == before


class TestOnlyTheDead:
    """Replay and discard are for dead letters."""

    @pytest.mark.parametrize("status", [Status.QUEUED, Status.PROCESSING, Status.COMPLETE, Status.CANCELLED])
    @pytest.mark.parametrize("command", [Replay, Discard], ids=lambda command: command.__name__)
    def test_a_job_that_is_not_dead_is_refused(
        self, driver: Driver, status: Status, command: type[Replay | Discard]
    ) -> None:
        """And left as it is."""
        job_id = in_state(driver, status)
        before = driver.record(job_id)
        assert before.job.status is status
        answer = refusal(driver.ask(command(job_id)))
        assert (answer.why, answer.job) == (Refused.NOT_DEAD, before.job)
        assert driver.record(job_id) == before

    @pytest.mark.parametrize("command", [Replay, Discard], ids=lambda command: command.__name__)
    def test_an_unknown_job_is_not_found(self, driver: Driver, command: type[Replay | Discard]) -> None:
        """Nothing is made up."""
        assert refusal(driver.ask(command("nobody"))).why is Refused.NOT_FOUND
