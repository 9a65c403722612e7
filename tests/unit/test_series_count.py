"""What is said of the number of series is what is scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._config import ALL_SERIES_BUDGET, LABEL_BUDGET
from jobledger._core.commands import UserDelta
from jobledger._core.outcome import Done
from jobledger._core.priority import Priority
from jobledger._metrics import series_count
from jobledger._metrics.process import PROCESS, process_families
from jobledger._metrics.snapshot import Snapshot
from jobledger._metrics.text import prometheus_text
from jobledger._store.contract import Declaration
from tests.desk import Desk

if TYPE_CHECKING:
    from pathlib import Path


def full(path: Path, types: int, budget: int) -> Desk:
    """Every type in every priority: done, running, waiting, parked and delayed."""
    desk = Desk(path, tuple(Declaration(f"type.{number}", f"type.{number}") for number in range(types)), budget=budget)
    kinds = [(name, priority) for name in desk.types for priority in Priority]
    for settled in (True, False):
        for name, priority in kinds:
            desk.submit(name, priority)
        for job in desk.start(slots=len(kinds)):
            if settled:
                desk.settle(job, Done(), 1)
    for name, priority in kinds:
        desk.submit(name, priority, entity=name)
        desk.submit(name, priority, delay=60)
    desk.store.sample(0)
    return desk


def scraped(desk: Desk) -> int:
    process = process_families(dict.fromkeys((one.attribute for one in PROCESS), 1.0))
    return sum(line[0] != "#" for line in prometheus_text(Snapshot(desk.store.ledger()), process).decode().splitlines())


@pytest.mark.parametrize(("types", "budget", "labels"), [(1, 200, 1), (3, 200, 3), (7, 3, 4)])
def test_series_of_types(store_path: Path, types: int, budget: int, labels: int) -> None:
    desk = full(store_path, types, budget)
    assert scraped(desk) == series_count.of_types(labels) + len(PROCESS)


def test_series_of_users(store_path: Path) -> None:
    desk = full(store_path, 1, 1)
    before = scraped(desk)
    made = ALL_SERIES_BUDGET + 5
    desk.count(*(UserDelta(f"made_{number}", "histogram", (), 1) for number in range(made)))
    desk.count(UserDelta("late_total", "counter", (), 1))
    assert scraped(desk) - before == series_count.of_users()


def test_the_most_that_there_can_be(store_path: Path) -> None:
    """All budgets used up: they are added up as they were found above."""
    desk = full(store_path, LABEL_BUDGET + 3, LABEL_BUDGET)
    desk.count(*(UserDelta(f"made_{number}", "histogram", (), 1) for number in range(ALL_SERIES_BUDGET + 1)))
    desk.count(UserDelta("late_total", "counter", (), 1))
    assert scraped(desk) == series_count.at_most()
