"""Overviews: which worker, entity and failing job stands behind the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core.job import Lane
from jobledger._core.outcome import Fail, Reason
from jobledger._core.overview import ERROR_TAIL, GONE_FOR, GoneWorker, RunningJob
from jobledger._types import SECOND

if TYPE_CHECKING:
    from jobledger._core.overview import OverviewRead
    from jobledger.conformance.driver import Driver


def overview(driver: Driver, limit: int = 10) -> OverviewRead:
    """As another process reads it."""
    read: OverviewRead = driver.open().overview(limit)
    return read


class TestOverviews:
    """The books, and what no label may tell."""

    def test_the_books_are_those_of_every_other_read(self, driver: Driver) -> None:
        """The same cells, probes and workers."""
        driver.submit_many(3, entity="e")
        driver.start_one()
        seen, read = overview(driver).ledger, driver.store.ledger()
        assert (seen.cells, seen.types, seen.probes) == (read.cells, read.types, read.probes)
        assert (seen.workers, seen.slots, seen.used, seen.handled) == (
            read.workers,
            read.slots,
            read.used,
            read.handled,
        )

    def test_a_worker_and_what_it_has_run_for_longest(self, driver: Driver) -> None:
        """Its place, its slots, and the job that began first; clients are no workers."""
        began = driver.clock.at
        first = driver.submit(entity="e", timeout=60 * SECOND)
        driver.start_one()
        driver.clock.advance(SECOND)
        driver.submit_many(2)
        driver.start(slots=2)
        idle = driver.enlist(slots=7)
        busy, other = overview(driver).workers
        assert (busy.writer_id, busy.host, busy.pid, busy.slots) == (driver.worker.writer_id, "host", 4711, 100)
        assert (busy.started_at, busy.running, busy.ended) == (began, 3, False)
        assert busy.longest == RunningJob(first, driver.mail, "e", began, 60 * SECOND)
        assert (other.writer_id, other.slots, other.running, other.longest) == (idle.writer_id, 7, 0, None)

    def test_a_worker_that_was_taken_over_is_gone(self, driver: Driver) -> None:
        """And one that retired, too; for a while it is told when that was. Clients come and go."""
        other, client = driver.enlist(), driver.enlist("client")
        driver.lose(driver.worker)
        driver.clock.advance(SECOND)
        driver.store.retire(other.writer_id)
        driver.store.retire(client.writer_id)
        seen = overview(driver)
        assert seen.workers == ()
        assert seen.gone == (
            GoneWorker(other.writer_id, "host", 4711, driver.clock.at),
            GoneWorker(driver.worker.writer_id, "host", 4711, driver.clock.at - SECOND),
        )
        assert overview(driver, limit=1).gone == seen.gone[:1]
        driver.clock.advance(GONE_FOR)
        assert overview(driver).gone == seen.gone[:1]

    def test_the_deepest_mailboxes_come_first(self, driver: Driver) -> None:
        """Each with the number of jobs that wait behind its holder; one that nobody waits in is none."""
        for entity, jobs in (("a", 2), ("b", 4), ("c", 3), ("d", 1)):
            driver.submit_many(jobs, entity=entity)
        driver.start(slots=4)
        seen = overview(driver, limit=2)
        assert [(box.entity, box.parked) for box in seen.mailboxes] == [("b", 3), ("c", 2)]
        assert seen.counted == 6
        assert [box.entity for box in overview(driver).mailboxes] == ["b", "c", "a"]

    def test_what_an_entity_waits_for(self, driver: Driver) -> None:
        """A job that runs, and one that nobody has started."""
        runs, _ = driver.submit_many(2, entity="runs")
        driver.start(types=(driver.mail,))
        driver.clock.advance(SECOND)
        waits, _ = driver.submit_many(2, driver.bill, entity="waits")
        driver.store.commit(
            driver.worker.batch(claim=driver.worker.asks(0))
        )  # on PostgreSQL, the arrived find their place
        holders = {box.entity: box.holder for box in overview(driver).mailboxes}
        running, waiting = holders["runs"], holders["waits"]
        assert running is not None
        assert (running.id, running.lane, running.writer_id) == (runs, Lane.PROCESSING, driver.worker.writer_id)
        assert running.started_at == driver.clock.at - SECOND
        assert waiting is not None
        assert (waiting.id, waiting.type_id, waiting.lane) == (waits, driver.bill, Lane.READY)
        assert waiting.eligible_at == driver.clock.at

    def test_a_back_off_that_holds_an_entity(self, driver: Driver) -> None:
        """Until when, how often it has failed, and of what."""
        first, _ = driver.submit_many(2, entity="e")
        driver.fail(driver.start_one(), "x" * ERROR_TAIL + "boom", jitter=1.0)
        (box,) = overview(driver).mailboxes
        assert box.holder is not None
        assert (box.holder.id, box.holder.lane, box.holder.failures) == (first, Lane.SCHEDULED, 1)
        assert box.holder.due_at == driver.clock.at + SECOND
        assert (box.holder.error or "").endswith("xboom")
        assert len(box.holder.error or "") == ERROR_TAIL

    def test_the_failing(self, driver: Driver) -> None:
        """Dead letters, the last ones first, and then retries, the next one first; not what is only delayed."""
        driver.submit(delay=SECOND // 4)
        dead = [driver.dead_letter() for _ in range(3)]
        for_good = driver.submit(driver.bill)
        driver.settle(driver.start_one(), Fail("no account"))
        later, sooner = driver.submit_many(2)
        for job in driver.start(slots=2):
            driver.fail(job, job.id, jitter=1.0 if job.id == later else 0.5)
        failing = overview(driver).failing
        assert [one.id for one in failing] == [for_good, *dead[::-1], sooner, later]
        assert [one.lane for one in failing] == [Lane.FAILED] * 4 + [Lane.SCHEDULED] * 2
        assert (failing[0].type_id, failing[0].reason, failing[0].error) == (
            driver.bill, Reason.PROCESSING, "no account",
        )  # fmt: skip
        assert failing[-1].error == later
        assert [one.id for one in overview(driver, limit=2).failing] == [for_good, dead[-1], sooner]
