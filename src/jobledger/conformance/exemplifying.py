"""Exemplars: observations that the histograms have seen, each with its job."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, TypeAlias

import pytest

from jobledger._core import catalog
from jobledger._core.catalog import BY_NUMBER, Kind
from jobledger._core.deltas import SUM
from jobledger._core.outcome import Cancel
from jobledger._core.priority import Priority
from jobledger._types import SECOND
from jobledger.conformance.random_walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobledger._core.catalog import Instrument
    from jobledger._core.deltas import Cell
    from jobledger._types import Micros
    from jobledger.conformance.driver import Driver

Seen: TypeAlias = set[tuple[int, int, int, str, int]]
"""By number, type and priority: an amount, or a bucket where it was one of several."""
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_PARENT = f"00-{_TRACE}-b7ad6b7169203331-01"


def told(driver: Driver, job_id: str) -> dict[Instrument, tuple[Micros, Micros]]:
    """What is told of one job: amounts, and times since the first instant of the test."""
    began = driver.record(job_id).history[0].at
    return {
        BY_NUMBER[one.number]: (one.amount, one.at - began)
        for one in driver.store.exemplars(100)
        if one.job_id == job_id
    }


class TestExemplars:
    """Found in the rows, not kept."""

    def test_a_completed_job(self, driver: Driver) -> None:
        """Its wait, its execution, and the whole of it."""
        job_id = driver.submit(priority=Priority.HIGH, trace=_PARENT)
        driver.clock.advance(3 * SECOND)
        job = driver.start_one()
        driver.clock.advance(5 * SECOND)
        driver.settle(job, elapsed=4_900_000)
        assert told(driver, job_id) == {
            catalog.DURATION: (8 * SECOND, 8 * SECOND),
            catalog.PROCESSING: (4_900_000, 8 * SECOND),
            catalog.WAIT: (3 * SECOND, 3 * SECOND),
        }
        for one in driver.store.exemplars(100):
            assert (one.type_id, one.priority, one.trace_id) == (driver.mail, Priority.HIGH, _TRACE)

    def test_a_running_job(self, driver: Driver) -> None:
        """Only its wait is known yet; a report or a request to cancel changes nothing about that."""
        job_id = driver.submit(trace="not a traceparent")
        driver.clock.advance(7)
        job = driver.start_one()
        driver.report(job, 50)
        driver.cancel(job_id)
        assert told(driver, job_id) == {catalog.WAIT: (7, 7)}
        assert [one.trace_id for one in driver.store.exemplars(100)] == [None]

    def test_the_wait_for_the_mailbox(self, driver: Driver) -> None:
        """It has no priority."""
        first, second = driver.submit_many(2, entity="e")
        job = driver.start_one()
        driver.clock.advance(SECOND)
        driver.settle(job)
        driver.clock.advance(1)
        driver.start_one()
        assert told(driver, first)[catalog.MAILBOX_WAIT] == (0, 0)
        assert told(driver, second) == {catalog.MAILBOX_WAIT: (SECOND, SECOND), catalog.WAIT: (1, SECOND + 1)}
        assert {one.priority for one in driver.store.exemplars(9) if BY_NUMBER[one.number].labels == ("type",)} == {-1}

    def test_ends_of_other_kinds(self, driver: Driver) -> None:
        """A dead letter, an answer to cancel, a cancel in the queue, a worker that died once too often."""
        dead = driver.dead_letter()
        asked, lost = driver.submit(), driver.submit(driver.bill, max_losses=1)
        driver.settle(driver.start(types=(driver.mail,))[0], Cancel("no"), elapsed=2)
        queued = driver.submit()
        driver.clock.advance(9)
        driver.cancel(queued)
        driver.start(types=(driver.bill,))
        driver.lose(driver.worker)
        for job_id in (dead, asked):
            assert set(told(driver, job_id)) == {catalog.DURATION, catalog.PROCESSING, catalog.WAIT}
        assert told(driver, queued) == {catalog.DURATION: (9, 9)}
        assert told(driver, lost) == {catalog.DURATION: (9, 9)}

    def test_a_job_that_ends_before_it_is_due(self, driver: Driver) -> None:
        """Has lasted no time, and not less."""
        job_id = driver.submit(delay=60 * SECOND)
        driver.clock.advance(SECOND)
        driver.cancel(job_id)
        assert told(driver, job_id) == {catalog.DURATION: (0, SECOND)}

    def test_what_has_no_last_word(self, driver: Driver) -> None:
        """A job in the queue, whatever it went through, and a dead letter that was discarded later."""
        driver.submit()
        driver.release(driver.start_one())
        driver.fail(driver.start_one())
        discarded = driver.dead_letter()
        driver.clock.advance(60)
        driver.discard(discarded)
        replayed = driver.dead_letter()
        driver.replay(replayed)
        assert driver.store.exemplars(100) == ()

    def test_a_second_life_counts_anew(self, driver: Driver) -> None:
        """And a second start has its own wait, but no mailbox that it waited for."""
        job_id = driver.dead_letter(entity="e")
        driver.clock.advance(SECOND)
        driver.replay(job_id)
        driver.clock.advance(5)
        driver.start_one()
        assert told(driver, job_id) == {catalog.WAIT: (5, SECOND + 5)}

    def test_only_the_latest(self, driver: Driver) -> None:
        """Up to a limit of each kind: ended, dead, running."""
        for _ in range(4):
            driver.dead_letter()
            driver.submit()
            driver.settle(driver.start_one())
            driver.clock.advance(SECOND)
        driver.submit_many(4)
        for _ in range(4):
            driver.clock.advance(1)
            driver.start_one()
        newest = driver.clock.at
        assert [one.at for one in driver.store.exemplars(1)] == [*[newest - SECOND - 4] * 6, newest]
        assert len({one.job_id for one in driver.store.exemplars(3)}) == 9
        assert driver.store.exemplars(0) == ()

    @pytest.mark.parametrize("seed", range(3))
    def test_each_was_counted(self, driver: Driver, seed: int) -> None:
        """Over random lives: amount, type and priority, and by the time at which it is told."""
        walk, seen = Walk(driver, seed), Seen()
        before = driver.store.ledger().cells
        for _ in range(150):
            walk.step()
            exemplars = driver.store.exemplars(30)
            after = driver.store.ledger().cells
            seen.update(_observed(before, after))
            before = after
            for one in exemplars:
                group = (one.number, one.type_id, one.priority)
                bucket = bisect_left(catalog.ladder(catalog.BOUNDARIES), one.amount)
                assert {(*group, "amount", one.amount), (*group, "bucket", bucket)} & seen
        assert len(seen) > 50


def _observed(before: Mapping[Cell, int], after: Mapping[Cell, int]) -> Iterator[tuple[int, int, int, str, int]]:
    """What the histograms have seen between two reads."""
    grown = {cell: value - before.get(cell, 0) for cell, value in after.items() if value != before.get(cell)}
    groups = {cell[:3] for cell in grown if BY_NUMBER[cell.number].kind is Kind.HISTOGRAM}
    for group in groups:
        buckets = {cell.cell: more for cell, more in grown.items() if cell[:3] == group and cell.cell != SUM}
        if sum(buckets.values()) == 1:
            yield (*group, "amount", next((more for cell, more in grown.items() if cell == (*group, SUM)), 0))
        else:
            yield from ((*group, "bucket", bucket) for bucket in buckets)
