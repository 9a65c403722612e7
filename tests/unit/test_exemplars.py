"""Exemplars as scraped: in the bucket of their value, the last one of each, and in OpenMetrics only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog
from jobledger._core.observations import Observation
from jobledger._core.outcome import Done
from jobledger._metrics.family import Exemplar, Series
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.snapshot import Snapshot
from jobledger._metrics.text import openmetrics_text, prometheus_text
from tests.desk import HIGH, Desk, busy, two_types
from tests.prometheus_client_text import parsed

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._core.catalog import Instrument


@pytest.fixture
def desk(store_path: Path) -> Desk:
    return two_types(store_path)


def seen(desk: Desk, *amounts: float, instrument: Instrument = catalog.PROCESSING) -> tuple[Observation, ...]:
    """One job a second."""
    priority = int(HIGH) if instrument.by_priority else -1
    return tuple(
        Observation(
            instrument.number, desk.types["email"], priority, round(one * 1e6), number * 10**6, f"job{number}", None
        )
        for number, one in enumerate(amounts)
    )


def series(snapshot: Snapshot, instrument: Instrument = catalog.PROCESSING) -> Series:
    family = next(one for one in snapshot.families() if one.name == instrument.series)
    return next(one for one in family.series if one.labels[0] == ("type", "email"))


def jobs(snapshot: Snapshot) -> dict[float, str]:
    """Which job stands at which bound."""
    found = series(snapshot)
    assert isinstance(found.value, HistogramValue)
    pairs = zip(found.value.buckets, found.exemplars, strict=True)
    return {bound: one.labels[0][1] for (bound, _), one in pairs if one is not None}


def test_each_bucket_has_the_last_job_whose_value_it_holds(desk: Desk) -> None:
    observed = seen(desk, 0.0004, 0.001, 0.0011, 0.3, 0.4, 90_000)
    expected = {0.001: "job1", 0.0025: "job2", 0.5: "job4", float("inf"): "job5"}
    assert jobs(Snapshot(desk.store.ledger(), observed)) == expected
    assert jobs(Snapshot(desk.store.ledger(), reversed(observed))) == expected


def counted(desk: Desk) -> dict[int, int]:
    """The buckets of the execution times, as the ledger has them."""
    cells = desk.store.ledger().cells.items()
    return {cell.cell: n for cell, n in cells if cell.number == catalog.PROCESSING.number and cell.cell >= 0}


def test_a_bucket_is_that_of_the_ledger(desk: Desk) -> None:
    """For each bound: what lies on it, a microsecond below and a microsecond above."""
    for bound in catalog.BOUNDARIES:
        for amount in (bound - 1e-6, bound, bound + 1e-6):
            desk.submit("email", HIGH)
            (job,) = desk.start()
            before = counted(desk)
            desk.settle(job, Done(), amount)
            ((cell, _),) = counted(desk).items() - before.items()
            (place,) = jobs(Snapshot(desk.store.ledger(), seen(desk, amount)))
            assert (*catalog.BOUNDARIES, float("inf"))[cell] == place


def test_series_without_priority_have_them_too(desk: Desk) -> None:
    observed = seen(desk, 0.3, instrument=catalog.MAILBOX_WAIT)
    found = series(Snapshot(desk.store.ledger(), observed), catalog.MAILBOX_WAIT).exemplars
    assert [one for one in found if one] == [Exemplar((("job_id", "job0"),), 0.3, 0.0)]


def test_series_of_jobs_that_nothing_is_known_of_have_none(desk: Desk) -> None:
    snapshot = Snapshot(desk.store.ledger(), seen(desk, 0.3))
    assert all(one.exemplars == () for family in snapshot.families() for one in family.series if "report" in str(one))
    assert Snapshot(desk.store.ledger()).families() != snapshot.families()


def test_what_happened_is_scraped(desk: Desk) -> None:
    busy(desk)
    exemplars = desk.store.exemplars(200)
    snapshot = Snapshot(desk.store.ledger(), exemplars)
    read = parsed(openmetrics_text(snapshot), openmetrics=True)
    found = [(family.name, sample) for family in read for sample in family.samples if sample.exemplar]
    assert {name for name, _ in found} == {
        "jobs_duration_seconds", "jobs_processing_seconds", "jobs_wait_duration_seconds", "jobs_mailbox_wait_seconds",
    }  # fmt: skip
    ids = {one.job_id for one in exemplars}
    for _, sample in found:
        assert sample.exemplar is not None
        assert sample.exemplar.labels["job_id"] in ids
        assert sample.exemplar.value <= float(sample.labels["le"])
        assert sample.value >= 1
    assert prometheus_text(snapshot) == prometheus_text(Snapshot(desk.store.ledger()))
