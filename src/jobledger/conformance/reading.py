"""Reading: records, pages, probes; the same answer from any process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobledger._core.job import STATUS_OF, EventName, Lane, Status
from jobledger._core.outcome import Fail, Reason
from jobledger._core.priority import Priority
from jobledger._store.contract import Filter, Window
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver


def page(driver: Driver, where: Filter, after: str | None = None, limit: int = 100) -> list[str]:
    """The ids of a page, which begins behind a job."""
    start = None if after is None else driver.job(after).key
    return [job.id for job in driver.store.page(where, start, limit).jobs]


def lanes_of(status: Status) -> tuple[Lane, ...]:
    """The lanes of a status."""
    return tuple(lane for lane in Lane if STATUS_OF[lane] is status)


class TestRecords:
    """All that is known of one job."""

    def test_an_unknown_job_has_no_record(self, driver: Driver) -> None:
        """None, not an error."""
        assert driver.store.record("nobody") is None

    def test_the_history_has_every_transition_in_order(self, driver: Driver) -> None:
        """With time, run, writer, reason and error."""
        job_id = driver.submit()
        began = driver.clock.at
        worker = driver.worker.writer_id
        driver.clock.advance(SECOND)
        driver.fail(driver.start_one(), "first", jitter=0.0, elapsed=7)
        driver.clock.advance(SECOND)
        driver.settle(driver.start_one(), Fail("for good"), elapsed=9)
        driver.replay(job_id)
        driver.release(driver.start_one())
        driver.start_one()
        driver.cancel(job_id)
        driver.lose(driver.worker)
        history = driver.record(job_id).history
        assert [(event.name, event.at - began, event.run, event.writer_id, event.micros) for event in history] == [
            (EventName.SUBMITTED, 0, 0, None, None),
            (EventName.STARTED, SECOND, 1, worker, None),
            (EventName.RETRIED, SECOND, 1, worker, 7),
            (EventName.STARTED, 2 * SECOND, 2, worker, None),
            (EventName.DEAD_LETTERED, 2 * SECOND, 2, worker, 9),
            (EventName.REPLAYED, 2 * SECOND, 2, None, None),
            (EventName.STARTED, 2 * SECOND, 3, worker, None),
            (EventName.RELEASED, 2 * SECOND, 3, worker, None),
            (EventName.STARTED, 2 * SECOND, 4, worker, None),
            (EventName.CANCEL_REQUESTED, 2 * SECOND, 4, worker, None),
            (EventName.CANCELLED, 2 * SECOND, 4, worker, None),
        ]
        assert [event.error for event in history if event.name in {EventName.RETRIED, EventName.DEAD_LETTERED}] == [
            "first",
            "for good",
        ]
        assert history[-1].reason is not None


class TestPages:
    """Lists of jobs, a page at a time."""

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_pages_follow_each_other_without_gap_or_overlap(self, driver: Driver, newest_first: bool) -> None:
        """Each begins behind the last job of the one before."""
        ids = driver.submit_many(7)
        expected = ids[::-1] if newest_first else ids
        seen: list[str] = []
        while found := page(driver, Filter(newest_first=newest_first), seen[-1] if seen else None, 3):
            seen += found
        assert seen == expected

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_filters_narrow_and_combine(self, driver: Driver, newest_first: bool) -> None:
        """By status, type, entity and batch."""
        plain = driver.submit()
        keyed = driver.submit(entity="e", batch="b")
        parked = driver.submit(driver.bill, entity="e")
        batched = driver.submit(driver.bill, Priority.LOW, batch="b")
        dead = driver.submit(driver.bill, Priority.CRITICAL, max_attempts=1, batch="b", entity="f")
        driver.fail(driver.start(1, types=(driver.bill,))[0])

        def found(
            status: Status | None = None,
            type_id: int | None = None,
            entity: str | None = None,
            batch: str | None = None,
        ) -> set[str]:
            lanes, types = None if status is None else lanes_of(status), None if type_id is None else (type_id,)
            return set(page(driver, Filter(lanes, types, entity, batch, newest_first=newest_first)))

        assert found() == {plain, keyed, parked, batched, dead}
        assert found(status=Status.FAILED) == found(entity="f") == {dead}
        assert found(status=Status.QUEUED) == {plain, keyed, parked, batched}
        assert found(status=Status.COMPLETE) == set()
        assert found(type_id=driver.bill) == {parked, batched, dead}
        assert found(entity="e") == {keyed, parked}
        assert found(batch="b") == {keyed, batched, dead}
        assert found(batch="b", type_id=driver.bill, status=Status.QUEUED) == {batched}
        assert found(entity="e", batch="b") == {keyed}
        assert found(status=Status.FAILED, type_id=driver.mail) == set()
        assert found(status=Status.FAILED, batch="b", entity="f", type_id=driver.bill) == {dead}

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_lanes_types_reasons_and_times_narrow_too(self, driver: Driver, newest_first: bool) -> None:
        """A window holds its beginning, and not its end."""
        began = driver.clock.at
        first, parked = driver.submit(entity="e"), driver.submit(entity="e")
        later = driver.submit(driver.bill, delay=SECOND * 99)
        driver.clock.advance(SECOND)
        dead = driver.submit(driver.bill, Priority.CRITICAL, max_attempts=1)
        driver.clock.advance(SECOND)
        driver.fail(driver.start(1, types=(driver.bill,))[0])

        def found(**where: Any) -> set[str]:
            return set(page(driver, Filter(**where, newest_first=newest_first)))

        assert found(lanes=(Lane.READY,)) == {first}
        assert found(lanes=(Lane.PARKED, Lane.SCHEDULED)) == {parked, later}
        assert found(lanes=(Lane.FAILED, Lane.PARKED)) == {parked, dead}
        assert found(types=(driver.mail, driver.bill)) == {first, parked, later, dead}
        assert found(lanes=(Lane.READY, Lane.SCHEDULED), types=(driver.bill,)) == {later}
        assert found(reason=Reason.MAX_ATTEMPTS) == {dead}
        assert found(reason=Reason.TIMEOUT) == set()
        assert found(submitted=Window(began, began + SECOND)) == {first, parked, later}
        assert found(submitted=Window(began + SECOND)) == {dead}
        assert found(submitted=Window(None, began)) == set()
        assert found(ended=Window(began + 2 * SECOND)) == found(ended=Window(None, began + 3 * SECOND)) == {dead}
        assert found(ended=Window(None, began + 2 * SECOND)) == found(ended=Window(began + 3 * SECOND)) == set()
        assert found(ended=Window(began), lanes=(Lane.READY,)) == set()
        assert found(ended=Window(began), entity="e") == set()

    def test_a_page_says_where_to_go_on_or_that_there_is_no_more(self, driver: Driver) -> None:
        """Whether it is full or not."""
        ids = driver.submit_many(3)
        whole = driver.store.page(Filter(newest_first=False), None, 3)
        first = driver.store.page(Filter(newest_first=False), None, 2)
        rest = driver.store.page(Filter(newest_first=False), first.next, 2)
        assert ([job.id for job in whole.jobs], whole.next) == (ids, None)
        assert ([job.id for job in first.jobs], first.next) == (ids[:2], first.jobs[-1].key)
        assert ([job.id for job in rest.jobs], rest.next) == (ids[2:], None)

    def test_the_dead_letter_queue_pages_too(self, driver: Driver) -> None:
        """Newest first, unless told otherwise."""
        ids = [driver.dead_letter() for _ in range(5)]
        assert page(driver, Filter(lanes_of(Status.FAILED))) == ids[::-1]
        assert page(driver, Filter(lanes_of(Status.FAILED), newest_first=False), ids[1], 2) == ids[2:4]

    def test_a_replay_does_not_move_a_job_between_pages(self, driver: Driver) -> None:
        """Pages go by acceptance: who walks through them sees each job once."""
        dead = driver.dead_letter()
        others = driver.submit_many(2)
        driver.replay(dead)
        assert page(driver, Filter(newest_first=False)) == [dead, *others]


class TestProbes:
    """What an index tells, at every read."""

    def test_the_oldest_and_the_last(self, driver: Driver) -> None:
        """Per type: waiting since, running since, last completed; absent where there is none."""
        began = driver.clock.at
        driver.submit_many(3)
        probes = {probe.type_id: probe for probe in driver.store.ledger().probes}
        mail, bill = probes[driver.mail], probes[driver.bill]
        assert (mail.oldest_ready, mail.oldest_running, mail.last_completed) == (began, None, None)
        assert (bill.oldest_ready, bill.oldest_running, bill.last_completed) == (None, None, None)
        driver.clock.advance(SECOND)
        first, *_ = driver.start(3)
        driver.clock.advance(SECOND)
        driver.settle(first)
        mail = next(probe for probe in driver.store.ledger().probes if probe.type_id == driver.mail)
        assert (mail.oldest_ready, mail.oldest_running, mail.last_completed) == (
            None,
            began + SECOND,
            began + 2 * SECOND,
        )

    def test_the_oldest_that_is_parked(self, driver: Driver) -> None:
        """Per type, since when it is due, whoever holds its entity; absent when none is parked any more."""
        began = driver.clock.at
        driver.submit(entity="e")
        driver.clock.advance(SECOND)
        driver.submit(entity="e")
        driver.submit(entity="e", type_id=driver.bill)
        driver.clock.advance(SECOND)
        driver.submit(entity="e")
        (first,) = driver.start()
        assert self._parked(driver) == (began + SECOND, began + SECOND)
        driver.settle(first)
        second = driver.start_one()
        assert self._parked(driver) == (began + 2 * SECOND, began + SECOND)
        driver.settle(second)
        driver.settle(driver.start_one())
        assert self._parked(driver) == (None, None)

    @staticmethod
    def _parked(driver: Driver) -> tuple[int | None, int | None]:
        probes = {probe.type_id: probe.oldest_parked for probe in driver.store.ledger().probes}
        return probes[driver.mail], probes[driver.bill]

    def test_workers_slots_and_what_they_handle(self, driver: Driver) -> None:
        """Clients are not counted."""
        other = driver.declare("other")
        driver.enlist(slots=7, types=(other,))
        driver.submit_many(3)
        driver.start(2)
        read = driver.store.ledger()
        assert (read.workers, read.slots, read.used) == (2, 107, 2)
        assert read.handled == {driver.mail, driver.bill, other}

    def test_samples_are_kept_with_their_time(self, driver: Driver) -> None:
        """Active entities, the deepest mailbox, and the findings of the last audit that ran."""
        assert driver.store.ledger().sampled_at is None
        driver.submit_many(4, entity="deep")
        driver.submit_many(2, entity="flat")
        driver.store.sample(None)
        assert driver.store.ledger().samples == {"entities_active": 2, "mailbox_deepest": 3}
        driver.clock.advance(SECOND)
        driver.store.sample(0)
        read = driver.store.ledger()
        assert (read.samples["ledger_imbalance"], read.sampled_at) == (0, driver.clock.at)

    def test_every_process_reads_the_same(self, driver: Driver) -> None:
        """A cold reader too."""
        driver.submit_many(5, entity="e")
        driver.settle(driver.start_one())
        other = driver.open()
        assert other.ledger() == driver.store.ledger()
        assert other.audit() == driver.store.audit()
        assert other.types() == driver.store.types()
