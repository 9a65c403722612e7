"""Samples of the totals: history without any other system."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from jobledger._core import catalog
from jobledger._core.deltas import NO_PRIORITY, Cell
from jobledger._core.samples import COARSE, FINE, KEPT
from jobledger._types import SECOND, Micros

if TYPE_CHECKING:
    from jobledger._core.samples import TotalsAt
    from jobledger.conformance.driver import Driver

_HOUR = 3600 * SECOND


class TestSamples:
    """Taken by whichever worker is first."""

    def test_each_is_the_ledger_as_it_was(self, driver: Driver) -> None:
        """Fine ones every 10 seconds, whatever has changed meanwhile."""
        seen: list[tuple[Micros, dict[Cell, int]]] = []
        for _ in range(40):
            driver.submit(entity="e")
            driver.store.sample(None)
            seen.append((driver.clock.at, driver.store.ledger().cells))
            driver.clock.advance(FINE * SECOND)
        assert [(sample.at, sample.cells) for sample in _all(driver, FINE)] == seen

    def test_coarse_ones_come_every_five_minutes(self, driver: Driver) -> None:
        """And each holds everything."""
        for _ in range(65):
            driver.submit()
            driver.store.sample(None)
            driver.clock.advance(FINE * SECOND)
        samples = _all(driver, COARSE)
        assert [round((later.at - sooner.at) / SECOND) for sooner, later in _pairs(samples)] == [COARSE, COARSE]
        assert [_enqueued(sample, driver.mail) for sample in samples] == [1, 31, 61]

    def test_several_workers_take_one(self, driver: Driver) -> None:
        """A turn that somebody else has taken is not taken again."""
        for _ in range(3):
            driver.store.sample(None)
            driver.open().sample(None)
            driver.clock.advance(FINE * SECOND // 2)
        assert len(_all(driver, FINE)) == 2

    def test_a_part_of_the_time(self, driver: Driver) -> None:
        """Fine samples are whole even if the coarse one beneath them is older."""
        driver.submit_many(3)
        for _ in range(10):
            driver.store.sample(None)
            driver.clock.advance(FINE * SECOND)
        middle = driver.clock.at - 5 * FINE * SECOND
        samples = driver.store.totals(FINE, middle, driver.clock.at)
        assert [_enqueued(sample, driver.mail) for sample in samples] == [3] * 5

    def test_the_first_from_an_instant_on(self, driver: Driver) -> None:
        """Fine or coarse, whole, and none beyond the last."""
        began, taken = driver.clock.at, list[tuple[Micros, dict[Cell, int]]]()
        for _ in range(35):
            driver.submit()
            driver.store.sample(None)
            taken.append((driver.clock.at, driver.store.ledger().cells))
            driver.clock.advance(FINE * SECOND)
        store = driver.open()
        for number in (0, 1, 7, 30, 31, 34):
            at, cells = taken[number]
            for earlier in (0, 1, FINE * SECOND - 1):
                found = store.total_from(at - earlier)
                assert found is not None
                assert (found.at, found.cells) == (at, cells)
        assert store.total_from(taken[-1][0] + 1) is None
        assert store.total_from(began - _HOUR) == store.total_from(began)

    def test_where_only_coarse_ones_are_left(self, driver: Driver) -> None:
        """Of the days before, there is one every five minutes."""
        driver.store.sample(None)
        first = driver.clock.at
        driver.clock.advance(KEPT[FINE] + FINE * SECOND)
        driver.submit()
        driver.store.sample(None)
        store = driver.open()
        assert [sample.at for sample in _all(driver, FINE)] == [driver.clock.at]
        found = store.total_from(first)
        assert (found.at, _enqueued(found, driver.mail)) == (first, 0)
        found = store.total_from(first + 1)
        assert (found.at, _enqueued(found, driver.mail)) == (driver.clock.at, 1)

    def test_the_old_ones_go(self, driver: Driver) -> None:
        """Fine ones after a day, coarse ones after a month."""
        begun = driver.clock.at
        for _ in range(26):
            driver.store.sample(None)
            driver.clock.advance(_HOUR)
        fine = _all(driver, FINE)
        assert (fine[0].at > begun, len(fine)) == (True, 24)
        assert len(_all(driver, COARSE)) == 26
        driver.clock.advance(KEPT[COARSE])
        driver.store.sample(None)
        assert len(_all(driver, COARSE)) == 1

    def test_a_gauge_that_falls_to_zero(self, driver: Driver) -> None:
        """Is in the sample as it is, not as it was."""
        driver.submit()
        driver.store.sample(None)
        driver.settle(driver.start_one())
        driver.clock.advance(FINE * SECOND)
        driver.store.sample(None)
        depth = Cell(catalog.QUEUE_DEPTH.number, driver.mail, 2, 0)
        assert [sample.cells[depth] for sample in _all(driver, FINE)] == [1, 0]


def _all(driver: Driver, step: int) -> tuple[TotalsAt, ...]:
    return tuple(driver.open().totals(step, 0, _END))


def _pairs(samples: tuple[TotalsAt, ...]) -> list[tuple[TotalsAt, TotalsAt]]:
    return list(pairwise(samples))


def _enqueued(sample: TotalsAt, type_id: int) -> int:
    return sum(
        value
        for cell, value in sample.cells.items()
        if cell[:2] == (catalog.ENQUEUED.number, type_id) and cell.priority != NO_PRIORITY
    )


_END: Micros = 2**62
