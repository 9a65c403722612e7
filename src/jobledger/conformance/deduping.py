"""Dedupe keys: how long a job holds one, and what a held key does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog
from jobledger._core.decide import Refused
from jobledger._core.job import Lane, Status
from jobledger._core.outcome import Cancel, Done, Fail
from jobledger._types import SECOND
from jobledger.conformance.driver import change, refusal

if TYPE_CHECKING:
    from jobledger._core.outcome import Outcome
    from jobledger._types import Micros
    from jobledger.conformance.driver import Driver


def is_held(driver: Driver, key: str, by: str) -> bool:
    """Whether a key turns a new job away; if it doesn't, the new job is cancelled again at once."""
    sent = driver.new(dedupe=key)
    answer = driver.ask(sent)
    if driver.store.record(sent.id) is not None:
        assert change(answer).job.id == sent.id
        driver.cancel(sent.id)
        return False
    assert (refusal(answer).why, refusal(answer).job_id) == (Refused.DUPLICATE, by)
    return True


def ended(driver: Driver, outcome: Outcome, *, dedupe_for: Micros = 0) -> str:
    """A job with the key ``k`` that has ended."""
    job_id = driver.submit(dedupe="k", dedupe_for=dedupe_for)
    driver.settle(driver.start_one(), outcome)
    return job_id


class TestDeduping:
    """``dedupe`` holds while the job lives, ``dedupe_for`` for a time."""

    def test_a_queued_job_holds_its_key(self, driver: Driver) -> None:
        """The answer names the holder; the refused submit is counted and leaves no trace else."""
        holder = driver.submit(dedupe="k")
        assert is_held(driver, "k", holder)
        assert (driver.value(catalog.ENQUEUED), driver.value(catalog.DEDUPLICATED)) == (1, 1)

    @pytest.mark.parametrize("lane", [Lane.SCHEDULED, Lane.PARKED, Lane.PROCESSING])
    def test_a_living_job_holds_its_key(self, driver: Driver, lane: Lane) -> None:
        """Wherever it waits or runs."""
        driver.submit(entity="e")
        holder = driver.submit(dedupe="k", delay=SECOND if lane is Lane.SCHEDULED else 0, entity="e")
        if lane is Lane.PROCESSING:
            driver.settle(driver.start_one())
            driver.start_one()
        assert driver.job(holder).lane is lane
        assert is_held(driver, "k", holder)

    def test_a_job_in_back_off_holds_its_key(self, driver: Driver) -> None:
        """A retry is the same job."""
        holder = driver.submit(dedupe="k")
        driver.fail(driver.start_one())
        assert is_held(driver, "k", holder)

    @pytest.mark.parametrize("outcome", [Done(), Cancel(), Fail("no")], ids=lambda outcome: type(outcome).__name__)
    def test_an_ended_job_gives_its_key_back(self, driver: Driver, outcome: Outcome) -> None:
        """Complete, cancelled or dead-lettered: a dead letter does not hold a plain key."""
        assert not is_held(driver, "k", ended(driver, outcome))

    @pytest.mark.parametrize("outcome", [Done(), Fail("no")], ids=lambda outcome: type(outcome).__name__)
    def test_a_bought_time_holds_beyond_the_end(self, driver: Driver, outcome: Outcome) -> None:
        """From the submit, whatever the outcome was, to the microsecond."""
        holder = ended(driver, outcome, dedupe_for=60 * SECOND)
        driver.clock.advance(60 * SECOND - 1)
        assert is_held(driver, "k", holder)
        driver.clock.advance(1)
        assert not is_held(driver, "k", holder)

    def test_a_bought_time_does_not_shorten_a_life(self, driver: Driver) -> None:
        """A living job holds its key also when the time has run out."""
        holder = driver.submit(dedupe="k", dedupe_for=SECOND)
        driver.clock.advance(5 * SECOND)
        assert is_held(driver, "k", holder)

    def test_a_cancelled_job_gives_its_key_back_at_once(self, driver: Driver) -> None:
        """Nothing was done, so nothing is repeated."""
        holder = driver.submit(dedupe="k", dedupe_for=60 * SECOND)
        driver.cancel(holder)
        assert not is_held(driver, "k", holder)

    def test_a_discarded_job_gives_its_key_back_at_once(self, driver: Driver) -> None:
        """As a cancelled one."""
        holder = ended(driver, Fail("no"), dedupe_for=60 * SECOND)
        driver.discard(holder)
        assert not is_held(driver, "k", holder)

    def test_a_key_is_held_per_type(self, driver: Driver) -> None:
        """Two types may use the same key."""
        driver.submit(driver.mail, dedupe="k")
        assert driver.status(driver.submit(driver.bill, dedupe="k")) is Status.QUEUED

    def test_a_replayed_job_takes_its_key_again(self, driver: Driver) -> None:
        """It lives again."""
        holder = ended(driver, Fail("no"))
        driver.replay(holder)
        assert is_held(driver, "k", holder)

    def test_a_replayed_job_leaves_the_key_to_a_living_one(self, driver: Driver) -> None:
        """Who holds it keeps it; the replayed job runs without."""
        first = ended(driver, Fail("no"))
        second = driver.submit(dedupe="k")
        driver.replay(first)
        assert is_held(driver, "k", second)

    def test_a_bought_time_survives_pruning(self, driver: Driver) -> None:
        """The row may go before the time is over."""
        holder = ended(driver, Done(), dedupe_for=60 * SECOND)
        driver.clock.advance(30 * SECOND)
        assert driver.store.prune(SECOND, 10) == 1
        assert is_held(driver, "k", holder)
        driver.clock.advance(30 * SECOND)
        assert not is_held(driver, "k", holder)

    def test_pruning_a_cancelled_job_does_not_give_it_the_key_back(self, driver: Driver) -> None:
        """What a cancelled job does not hold, its memory does not hold either."""
        holder = driver.submit(dedupe="k", dedupe_for=60 * SECOND)
        driver.cancel(holder)
        driver.clock.advance(30 * SECOND)
        assert driver.store.prune(SECOND, 10) == 1
        assert not is_held(driver, "k", holder)

    def test_a_resent_submit_is_known_after_its_key_has_moved_on(self, driver: Driver) -> None:
        """It was accepted: it is no duplicate of who has the key now."""
        sent = driver.new(dedupe="k")
        driver.ask(sent)
        driver.settle(driver.start_one())
        driver.submit(dedupe="k")
        answer = refusal(driver.ask(sent))
        assert (answer.why, answer.job_id) == (Refused.KNOWN, sent.id)
        assert driver.value(catalog.DEDUPLICATED) == 0
