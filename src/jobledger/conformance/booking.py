"""The ledger: what it adds up to, whoever wrote it; buckets, and the users' own series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._config import ALL_SERIES_BUDGET
from jobledger._core import catalog
from jobledger._core.catalog import Kind
from jobledger._core.commands import Count, UserDelta
from jobledger._core.deltas import NO_PRIORITY, SUM
from jobledger._core.job import Status
from jobledger._core.outcome import Cancel, Done, Fail, Failed
from jobledger._core.priority import Priority
from jobledger._types import SECOND
from jobledger.conformance.factory import FakeClock
from jobledger.errors import BoundariesDiffer

if TYPE_CHECKING:
    from jobledger._core.outcome import Outcome
    from jobledger._core.reads import UserSeries
    from jobledger.conformance.driver import Driver
    from jobledger.conformance.factory import StoreFactory


class TestBooks:
    """Sums over writers and base."""

    def test_the_counts_of_several_writers_add_up(self, driver: Driver) -> None:
        """A writer touches only its own rows; a read sees their sum."""
        others = [driver.enlist("client") for _ in range(3)]
        for writer in others:
            writer.send(driver.new(), driver.new())
        driver.store.retire(others[0].writer_id)
        driver.lose(others[1])
        assert driver.value(catalog.ENQUEUED) == driver.value(catalog.QUEUE_DEPTH) == 6

    def test_types_and_priorities_are_kept_apart(self, driver: Driver) -> None:
        """By type always, by priority where the instrument has that label."""
        driver.submit_many(2, driver.mail, Priority.HIGH)
        driver.submit_many(3, driver.bill, Priority.LOW)
        driver.cancel(driver.submit(driver.bill))
        cells = {tuple(key): value for key, value in driver.store.ledger().cells.items()}
        assert cells[catalog.ENQUEUED.number, driver.mail, Priority.HIGH, 0] == 2
        assert cells[catalog.ENQUEUED.number, driver.bill, Priority.LOW, 0] == 3
        assert cells[catalog.CANCELLATIONS.number, driver.bill, NO_PRIORITY, 0] == 1

    def test_when_all_is_over_every_gauge_of_work_is_zero(self, driver: Driver) -> None:
        """Occupancy counters go up and down by the same."""
        outcomes: list[Outcome] = [Done(), Failed("x"), Fail("x"), Cancel()]
        for number, outcome in enumerate(outcomes * 5):
            driver.submit(priority=Priority(number % 4), entity=f"e{number % 3}", max_attempts=1, delay=number % 2)
            driver.clock.advance(1)
            for job in driver.start(1):
                driver.settle(job, outcome)
        while jobs := driver.start(10):
            for job in jobs:
                driver.settle(job)
        for gauge in (catalog.QUEUE_DEPTH, catalog.RUNNING, catalog.SCHEDULED, catalog.PARKED):
            assert driver.value(gauge) == 0

    def test_the_audit_counts_rows(self, driver: Driver) -> None:
        """By type, lane and priority, with the starts that they have seen."""
        driver.submit_many(3, priority=Priority.HIGH)
        driver.fail(driver.start_one(), jitter=0.0)
        driver.start(2)
        rows = {(row.type_id, row.lane, row.priority): (row.rows, row.starts) for row in driver.store.audit().rows}
        assert sum(rows for rows, _ in rows.values()) == 3
        assert sum(starts for _, starts in rows.values()) == 3

    def test_the_audit_names_its_rules(self, driver: Driver) -> None:
        """Whoever reads a finding knows what was broken."""
        rules = driver.store.audit().rules
        assert len(set(rules)) == len(rules) > 0


class TestBuckets:
    """Histograms: a ladder of whole microseconds, fixed for each database."""

    def test_an_observation_falls_into_the_first_bucket_that_holds_it(self, driver: Driver) -> None:
        """A boundary belongs to its own bucket; beyond the last is +Inf."""
        spans = (0, 1_000, 1_001, 2_500, 86_400 * SECOND, 86_400 * SECOND + 1)
        driver.submit_many(len(spans))
        for job, span in zip(driver.start(len(spans)), spans, strict=True):
            driver.settle(job, elapsed=span)
        cells = {
            key.cell: value
            for key, value in driver.store.ledger().cells.items()
            if key.number == catalog.PROCESSING.number and value
        }
        last = len(catalog.BOUNDARIES)
        assert cells == {SUM: sum(spans), 0: 2, 1: 2, last - 1: 1, last: 1}

    def test_a_place_keeps_the_ladder_it_was_made_with(self, store_factory: StoreFactory, driver: Driver) -> None:
        """Another wish is refused, by what reads and by what writes: the books could not be read any more."""
        later = store_factory(FakeClock(), (1.0, 2.0))
        for use in (later.ledger, lambda: later.declare((), 1)):
            with pytest.raises(BoundariesDiffer):
                use()
        later.close()
        same = store_factory(FakeClock(), catalog.BOUNDARIES)
        assert same.ledger().boundaries == driver.store.ledger().boundaries == catalog.BOUNDARIES
        same.close()


def own(driver: Driver) -> list[tuple[UserSeries, int]]:
    """The users' series, each with its sum."""
    read = driver.store.ledger()
    cells = {(key.number, key.cell): value for key, value in read.cells.items()}
    summed = {Kind.COUNTER: 0, Kind.HISTOGRAM: SUM}
    return [(series, cells[series.number, summed[Kind(series.kind)]]) for series in read.user_series]


class TestUserSeries:
    """Counters and histograms of the users' own."""

    def test_each_set_of_labels_is_a_series(self, driver: Driver) -> None:
        """Equal labels add up."""
        for template, amount in (("a", 1), ("b", 2), ("a", 4)):
            driver.ask(Count((UserDelta("mails_total", "counter", (("template", template),), amount),)))
        assert {(series.name, series.labels): total for series, total in own(driver)} == {
            ("mails_total", (("template", "a"),)): 5,
            ("mails_total", (("template", "b"),)): 2,
        }

    def test_a_histogram_has_buckets_and_a_sum(self, driver: Driver) -> None:
        """On the same ladder."""
        driver.ask(Count(tuple(UserDelta("size", "histogram", (), amount) for amount in (1_000, 5_000_000))))
        ((series, total),) = own(driver)
        assert (series.kind, total) == ("histogram", 5_001_000)
        cells = [key.cell for key in driver.store.ledger().cells if key.number == series.number]
        assert sorted(cells) == [SUM, 0, catalog.BOUNDARIES.index(5)]

    def test_beyond_the_budget_labels_flow_together(self, driver: Driver) -> None:
        """No label set can fill the disk; nothing that was counted is lost."""
        metrics = tuple(UserDelta("hits_total", "counter", (("user", str(number)),), 1) for number in range(230))
        driver.ask(Count(metrics))
        driver.ask(Count(metrics))
        counted = own(driver)
        assert len(counted) <= 201
        assert sum(total for _, total in counted) == 460
        assert (("user", "__other__"),) in {series.labels for series, _ in counted}

    def test_beyond_the_budget_of_all_names_counts_flow_together_too(self, driver: Driver) -> None:
        """No name made of an id can, either."""
        made = range(ALL_SERIES_BUDGET + 30)
        for kind, unit in ((Kind.COUNTER, "_total"), (Kind.HISTOGRAM, "")):
            driver.ask(Count(tuple(UserDelta(f"made_{number}{unit}", kind.value, (), 1) for number in made)))
        driver.ask(Count((UserDelta("made_0_total", "counter", (), 1), UserDelta("late_total", "counter", (), 1))))
        counted = own(driver)
        assert len(counted) == ALL_SERIES_BUDGET + 2
        assert sum(total for _, total in counted) == 2 * len(made) + 2
        beyond = {series.name: total for series, total in counted if series.labels == (("name", "__other__"),)}
        assert beyond == {"jobledger_overflow_total": 31, "jobledger_overflow_values": len(made)}
        assert next(total for series, total in counted if series.name == "made_0_total") == 2

    def test_labels_of_ever_other_names_are_bounded(self, driver: Driver) -> None:
        """Each set of label names has its own ``__other__``; their number is what the budget of all names is for."""
        made = range(ALL_SERIES_BUDGET + 30)
        driver.ask(Count(tuple(UserDelta("hits_total", "counter", ((f"user_{n}", "x"),), 1) for n in made)))
        counted = own(driver)
        assert len(counted) == ALL_SERIES_BUDGET + 1
        assert sum(total for _, total in counted) == len(made)

    def test_a_name_has_one_kind_for_ever(self, driver: Driver) -> None:
        """What doesn't fit is counted beside it, not lost with the job's outcome."""
        job_id = driver.submit()
        driver.ask(Count((UserDelta("size", "histogram", (), 7),)))
        driver.settle(driver.start_one(), metrics=(UserDelta("size", "counter", (), 3),))
        assert driver.status(job_id) is Status.COMPLETE
        assert {(series.name, series.kind): total for series, total in own(driver)} == {
            ("size", "histogram"): 7,
            ("size_as_counter_total", "counter"): 3,
        }

    def test_a_name_has_one_help(self, driver: Driver) -> None:
        """The last one that came with a count, for all of its series; a count without one changes nothing."""

        def sent(template: str, text: str = "") -> UserDelta:
            return UserDelta("sent_total", "counter", (("template", template),), 1, text)

        def told() -> list[tuple[str, str]]:
            return [(series.labels[0][1], series.help) for series, _ in own(driver)]

        driver.ask(Count((sent("a"), UserDelta("other_total", "counter", (("x", "y"),), 1, "Another name."))))
        assert told() == [("a", ""), ("y", "Another name.")]
        driver.submit()
        driver.settle(driver.start_one(), metrics=(sent("a", "Sent."),))
        driver.ask(Count((sent("b"),)))
        assert told() == [("a", "Sent."), ("y", "Another name."), ("b", "Sent.")]
        driver.ask(Count((sent("c", "All that was sent."), sent("a"))))
        assert told() == [
            ("a", "All that was sent."),
            ("y", "Another name."), ("b", "All that was sent."), ("c", "All that was sent."),
        ]  # fmt: skip
        assert sum(total for _, total in own(driver)) == 6

    @pytest.mark.parametrize("kind", ["counter", "histogram"])
    def test_the_ledger_of_users_is_folded_too(self, driver: Driver, kind: str) -> None:
        """With its writer's other rows."""
        driver.ask(Count((UserDelta("x", kind, (), 9),)))
        before = driver.store.ledger().cells
        driver.store.retire(driver.client.writer_id)
        assert driver.store.ledger().cells == before
