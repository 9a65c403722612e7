"""However long workers run and however many types there are, samples of the totals take a bounded space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core.samples import COARSE, FINE, KEPT, packed
from jobledger._store.postgres import totals as on_postgres
from jobledger._store.sqlite import totals as on_sqlite
from jobledger._types import SECOND
from jobledger.conformance.driver import Driver
from tests.postgres_place import PostgresPlace
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobledger._core.samples import TotalsAt

pytestmark = pytest.mark.unaudited("stores of a driver; nothing but samples is written")
END = 2**62


@pytest.fixture(params=["sqlite", "postgres"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Driver]:
    if request.param == "sqlite":
        place: SqliteFile | PostgresPlace = SqliteFile(tmp_path / "jobs.db")
    else:
        place = PostgresPlace(request.getfixturevalue("postgres_schemas"))
    driver = Driver(place)
    yield driver
    driver.close()
    place.forget()


def samples(driver: Driver, step: int) -> tuple[TotalsAt, ...]:
    return tuple(driver.store.totals(step, 0, END))


def run(driver: Driver, times: int, pause: int) -> None:
    """So many samples, each with something new to say."""
    for _ in range(times):
        driver.submit()
        driver.store.sample(None)
        driver.clock.advance(pause * SECOND)


def test_their_number_is_bounded_by_their_age(driver: Driver) -> None:
    """A worker that ran for months, seen at every hour of the last days: a day of fine ones, a month of coarse ones."""
    run(driver, 20, 3 * 24 * 3600)
    run(driver, 30, 3600)
    fine, coarse = samples(driver, FINE), samples(driver, COARSE)
    assert 0 < len(fine) <= KEPT[FINE] / SECOND / 3600
    assert fine[0].at > driver.clock.at - KEPT[FINE] - 3600 * SECOND
    assert coarse[0].at > driver.clock.at - KEPT[COARSE] - 3600 * SECOND
    assert len(coarse) < 50


def test_their_bytes_are_bounded(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fine ones go first, the oldest before the others, and then coarse ones; the newest stay."""
    for module in (on_sqlite, on_postgres):
        monkeypatch.setattr(module, "_THINNED_AT_ONCE", 2)
    run(driver, 100, FINE)
    whole = len(packed(samples(driver, COARSE)[-1].cells))
    for module in (on_sqlite, on_postgres):
        monkeypatch.setattr(module, "MOST_BYTES", 12 * whole)
    run(driver, 31, FINE)
    fine, coarse = samples(driver, FINE), samples(driver, COARSE)
    assert len(coarse) == 5
    assert 0 < len(fine) < 60
    assert fine[-1].at == driver.clock.at - FINE * SECOND
    for module in (on_sqlite, on_postgres):
        monkeypatch.setattr(module, "MOST_BYTES", 3 * whole)
    run(driver, 31, FINE)
    assert len(samples(driver, COARSE)) <= 3
    assert samples(driver, FINE)[-1].at == driver.clock.at - FINE * SECOND
