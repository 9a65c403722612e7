"""Accepting jobs: alone and in batches, now and later, once however often they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog
from jobledger._core.commands import SubmitAll
from jobledger._core.decide import Change, Refusal, Refused
from jobledger._core.job import EventName, Lane, Status
from jobledger._core.priority import Priority
from jobledger._types import SECOND
from jobledger.conformance.driver import change, refusal

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver


class TestSubmitting:
    """One job at a time."""

    def test_a_due_job_is_queued_and_starts(self, driver: Driver) -> None:
        """What is due can be claimed by the next batch."""
        job_id = driver.submit()
        assert driver.status(job_id) is Status.QUEUED
        assert (driver.value(catalog.ENQUEUED), driver.value(catalog.QUEUE_DEPTH)) == (1, 1)
        assert driver.start_one().id == job_id
        assert (driver.value(catalog.QUEUE_DEPTH), driver.value(catalog.RUNNING)) == (0, 1)

    def test_a_delayed_job_is_scheduled_until_its_time(self, driver: Driver) -> None:
        """Not one microsecond early."""
        job_id = driver.submit(delay=5 * SECOND)
        assert driver.job(job_id).lane is Lane.SCHEDULED
        assert (driver.value(catalog.SCHEDULED), driver.value(catalog.QUEUE_DEPTH)) == (1, 0)
        driver.clock.advance(5 * SECOND - 1)
        assert driver.start() == []
        driver.clock.advance(1)
        assert driver.start_one().id == job_id
        assert driver.value(catalog.SCHEDULED) == 0

    def test_every_batch_says_when_the_next_job_is_due(self, driver: Driver) -> None:
        """A worker sleeps until then."""
        assert driver.worker.send().next_due is None
        driver.submit(delay=7 * SECOND)
        driver.submit(delay=5 * SECOND)
        assert driver.worker.send().next_due == driver.clock.at + 5 * SECOND

    def test_an_instant_in_the_past_means_now(self, driver: Driver) -> None:
        """A due time never lies before the submit."""
        job = driver.job(driver.submit(due_at=1))
        assert (job.lane, job.due_at, job.origin_at, job.eligible_at) == (Lane.READY, *[driver.clock.at] * 3)

    def test_an_instant_goes_before_a_delay(self, driver: Driver) -> None:
        """``due_at`` is the store's time, not the sender's."""
        due_at = driver.clock.at + 9 * SECOND
        assert driver.job(driver.submit(due_at=due_at, delay=SECOND)).due_at == due_at

    def test_what_was_submitted_comes_back(self, driver: Driver) -> None:
        """In the record and with the claim, byte for byte."""
        sent = driver.new(
            driver.bill, Priority.HIGH, b'{"n":"\xc3\xa9 \'\\u0000"}', entity="kunde:4'2 é", timeout=3, max_attempts=4,
            max_losses=2, dedupe="k", dedupe_for=SECOND, batch="b", trace="00-ab-cd-01",
        )  # fmt: skip
        driver.ask(sent)
        record = driver.record(sent.id)
        job = record.job
        assert (job.type_id, job.entity, job.priority) == (driver.bill, "kunde:4'2 é", Priority.HIGH)
        assert (job.timeout, job.max_attempts, job.max_losses) == (3, 4, 2)
        assert (job.dedupe, job.dedupe_until) == ("k", driver.clock.at + SECOND)
        assert (job.batch, job.trace, record.type.name, record.payload) == ("b", "00-ab-cd-01", "bill", sent.payload)
        (claimed,) = driver.worker.send(claim=driver.worker.asks(1)).claimed
        assert (claimed.job, claimed.payload) == (driver.job(sent.id), sent.payload)

    def test_a_resent_submit_changes_nothing(self, driver: Driver) -> None:
        """An id is accepted once: whoever isn't sure sends it again."""
        sent = driver.new(dedupe="k")
        assert isinstance(driver.ask(sent), Change)
        before = driver.record(sent.id)
        driver.clock.advance(SECOND)
        answer = refusal(driver.ask(sent))
        assert (answer.why, answer.job_id) == (Refused.KNOWN, sent.id)
        assert driver.record(sent.id) == before
        assert (driver.value(catalog.ENQUEUED), driver.value(catalog.DEDUPLICATED)) == (1, 0)

    def test_a_resent_submit_of_an_ended_job_starts_no_second_life(self, driver: Driver) -> None:
        """Also when the job is long over."""
        sent = driver.new()
        driver.ask(sent)
        driver.settle(driver.start_one())
        assert refusal(driver.ask(sent)).why is Refused.KNOWN
        assert driver.start() == []

    def test_of_a_resent_batch_what_is_here_changes_nothing(self, driver: Driver) -> None:
        """The others are accepted, and each is counted once."""
        old, *new = (driver.new() for _ in range(3))
        driver.ask(old)
        before = driver.record(old.id)
        driver.clock.advance(SECOND)
        answers = driver.ask(SubmitAll((new[0], old, new[1])))
        assert isinstance(answers, tuple)
        assert [isinstance(answer, Change) for answer in answers] == [True, False, True]
        assert refusal(answers[1]).why is Refused.KNOWN
        assert driver.record(old.id) == before
        assert driver.value(catalog.ENQUEUED) == 3
        assert [driver.story(one.id) for one in new] == [[EventName.SUBMITTED]] * 2

    def test_a_job_starts_in_the_batch_that_accepts_it(self, driver: Driver) -> None:
        """A submit and its start share one commit when a slot is free."""
        sent = driver.new()
        committed = driver.worker.send(sent, claim=driver.worker.asks(1))
        assert [claimed.job.id for claimed in committed.claimed] == [sent.id]
        assert driver.story(sent.id) == [EventName.SUBMITTED, EventName.STARTED]

    def test_an_empty_batch_is_fine(self, driver: Driver) -> None:
        """It proves the fence and tells the time."""
        committed = driver.client.send()
        assert (committed.answers, committed.claimed, committed.now) == ((), (), driver.clock.at)


class TestSubmittingMany:
    """A batch is one command: all of it commits, or none."""

    def test_a_batch_is_accepted_in_its_order(self, driver: Driver) -> None:
        """The order of a list is the order of its jobs."""
        ids = driver.submit_many(50)
        seqs = [driver.job(job_id).seq for job_id in ids]
        assert seqs == sorted(seqs)
        assert [job.id for job in driver.start(50)] == ids

    def test_a_batch_answers_for_each_item(self, driver: Driver) -> None:
        """A held key turns its own item away and no other."""
        holder = driver.submit(dedupe="k")
        items = (driver.new(), driver.new(dedupe="k"), driver.new())
        answers = driver.ask(SubmitAll(items))
        assert isinstance(answers, tuple)
        first, second, third = answers
        assert (change(first).job.id, change(third).job.id) == (items[0].id, items[2].id)
        assert refusal(second) == Refusal(Refused.DUPLICATE, job_id=holder, deltas=refusal(second).deltas)
        assert driver.store.record(items[1].id) is None

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_a_strict_batch_with_a_held_key_stores_nothing(self, driver: Driver, place: int) -> None:
        """Wherever the duplicate stands."""
        holder = driver.submit(dedupe="held")
        items = tuple(driver.new(dedupe="held" if at == place else f"free-{at}") for at in range(3))
        answers = driver.ask(SubmitAll(items, strict=True))
        assert isinstance(answers, tuple)
        assert [(refusal(answer).why, refusal(answer).job_id) for answer in answers] == [(Refused.DUPLICATE, holder)]
        assert [driver.store.record(item.id) for item in items] == [None, None, None]
        assert (driver.value(catalog.ENQUEUED), driver.value(catalog.DEDUPLICATED)) == (1, 1)

    def test_a_strict_batch_that_names_a_key_twice_stores_nothing(self, driver: Driver) -> None:
        """An item can be the duplicate of one before it."""
        items = (driver.new(dedupe="k"), driver.new(dedupe="other"), driver.new(dedupe="k"))
        answers = driver.ask(SubmitAll(items, strict=True))
        assert isinstance(answers, tuple)
        assert [(refusal(answer).why, refusal(answer).job_id) for answer in answers] == [
            (Refused.DUPLICATE, items[0].id)
        ]
        assert [driver.store.record(item.id) for item in items] == [None, None, None]

    def test_a_lenient_batch_that_names_a_key_twice_keeps_the_first(self, driver: Driver) -> None:
        """The second one is answered with the first one's id."""
        items = (driver.new(dedupe="k"), driver.new(dedupe="k"))
        answers = driver.ask(SubmitAll(items))
        assert isinstance(answers, tuple)
        assert change(answers[0]).job.id == refusal(answers[1]).job_id == items[0].id

    @pytest.mark.parametrize("strict", [False, True])
    def test_a_resent_batch_is_known_item_by_item(self, driver: Driver, strict: bool) -> None:
        """No item is mistaken for a duplicate of itself, also when its key has gone to another job since."""
        items = (driver.new(), driver.new(dedupe="k"), driver.new(dedupe="l"))
        driver.ask(SubmitAll(items, strict))
        for job in driver.start(2):
            driver.settle(job)
        driver.submit(dedupe="k")
        before = [driver.record(item.id) for item in items]
        answers = driver.ask(SubmitAll(items, strict))
        assert isinstance(answers, tuple)
        assert [refusal(answer).why for answer in answers] == [Refused.KNOWN] * 3
        assert [driver.record(item.id) for item in items] == before

    def test_a_large_batch_is_one_commit(self, driver: Driver) -> None:
        """Counted once, to the last job."""
        driver.submit_many(3_000, priority=Priority.LOW)
        assert (driver.value(catalog.ENQUEUED), driver.value(catalog.QUEUE_DEPTH)) == (3_000, 3_000)
