"""Retention: ended jobs are forgotten after a while, their counts and the dead letters never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core import catalog
from jobledger._core.decide import PRUNED_CELLS
from jobledger._core.job import Status
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver

DAY: Final = 86_400 * SECOND


def one_of_each(driver: Driver) -> dict[Status, str]:
    """A job in every status."""
    ids = {Status.COMPLETE: driver.submit()}
    driver.settle(driver.start_one())
    ids[Status.CANCELLED] = driver.submit()
    driver.cancel(ids[Status.CANCELLED])
    ids[Status.DISCARDED] = driver.dead_letter()
    driver.discard(ids[Status.DISCARDED])
    ids[Status.FAILED] = driver.dead_letter()
    ids[Status.PROCESSING] = driver.submit()
    driver.start_one()
    ids[Status.QUEUED] = driver.submit()
    return ids


class TestRetention:
    """``prune`` forgets what is over."""

    def test_only_what_is_over_goes(self, driver: Driver) -> None:
        """Complete, cancelled and discarded; a dead letter waits for ever."""
        ids = one_of_each(driver)
        driver.clock.advance(8 * DAY)
        assert driver.store.prune(7 * DAY, 100) == 3
        left = {status for status, job_id in ids.items() if driver.store.record(job_id) is not None}
        assert left == {Status.FAILED, Status.PROCESSING, Status.QUEUED}

    def test_what_ended_lately_stays(self, driver: Driver) -> None:
        """The time counts from the end."""
        one_of_each(driver)
        driver.clock.advance(6 * DAY)
        late = driver.submit(driver.bill)
        driver.cancel(late)
        driver.clock.advance(2 * DAY)
        driver.store.prune(7 * DAY, 100)
        assert driver.status(late) is Status.CANCELLED

    def test_the_counts_stay_and_the_forgotten_are_counted(self, driver: Driver) -> None:
        """By status, so that rows and totals still agree."""
        one_of_each(driver)
        counted = (catalog.COMPLETIONS, catalog.CANCELLATIONS, catalog.DISCARDED, catalog.ENQUEUED)
        before = [driver.value(one) for one in counted]
        driver.clock.advance(8 * DAY)
        driver.store.prune(7 * DAY, 100)
        assert [driver.value(one) for one in counted] == before
        assert [driver.value(catalog.PRUNED, cell=cell) for cell in PRUNED_CELLS.values()] == [1, 1, 1]

    def test_the_oldest_go_first_up_to_the_limit(self, driver: Driver) -> None:
        """Small bites, so that nobody waits."""
        ids = [driver.submit() for _ in range(5)]
        for job_id in ids:
            driver.cancel(job_id)
            driver.clock.advance(SECOND)
        driver.clock.advance(DAY)
        assert driver.store.prune(DAY, 2) == 2
        assert [driver.store.record(job_id) is None for job_id in ids] == [True, True, False, False, False]
        assert driver.store.prune(DAY, 100) == 3
        assert driver.store.prune(DAY, 100) == 0

    def test_the_last_completion_is_remembered(self, driver: Driver) -> None:
        """It is a fact about the type, not about a row."""
        driver.submit()
        driver.settle(driver.start_one())
        at = driver.clock.at
        driver.clock.advance(8 * DAY)
        assert driver.store.prune(DAY, 100) == 1
        probe = next(probe for probe in driver.store.ledger().probes if probe.type_id == driver.mail)
        assert probe.last_completed == at

    def test_a_pruned_id_is_free_again(self, driver: Driver) -> None:
        """With its key and its history gone, nothing of it is left."""
        sent = driver.new(dedupe="k")
        driver.ask(sent)
        driver.cancel(sent.id)
        driver.clock.advance(2 * DAY)
        driver.store.prune(DAY, 100)
        driver.ask(sent)
        assert len(driver.record(sent.id).history) == 1

    def test_a_dead_letter_can_be_replayed_after_years(self, driver: Driver) -> None:
        """Nothing is buried."""
        job_id = driver.dead_letter()
        driver.clock.advance(2_000 * DAY)
        driver.store.prune(DAY, 100)
        driver.replay(job_id)
        assert driver.settle(driver.start_one()).id == job_id
