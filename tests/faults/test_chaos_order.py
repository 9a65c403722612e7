"""The chaos' own check of order: what it calls a violation, and what it doesn't."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.chaos.lines import Signalled
from tests.faults.chaos.order import ALONE, GROWING, IN_ORDER, Order

STOPPED = Signalled("worker", 1, "stop", 10, 50)
HALTED = Signalled("worker", 1, "stop", 20_000_000, 5_000_000_000)


def attempt(fence: int, at: int, *, key: int = 1, began: int = 0, pid: int = 1, lost: bool = False) -> Any:
    return SimpleNamespace(
        job=SimpleNamespace(id=f"job {key}", key=key, submitted_at=0),
        began=SimpleNamespace(run=1, at=began),
        started=SimpleNamespace(fence=fence, at=at, pid=pid, job=f"job {key}"),
        ended=None,
        outcome=SimpleNamespace(at=100),
        was_lost=lost,
    )


def found(rule: str, *attempts: Any, signals: tuple[Signalled, ...] = ()) -> int:
    """How often a rule is said to be broken."""
    books: Any = SimpleNamespace(by_entity={})
    delays: Any = SimpleNamespace(of=lambda _: 0)
    parent = SimpleNamespace(
        job=SimpleNamespace(id="parent"), started=None, ended=SimpleNamespace(pid=1, at=10_000_000, children=("job 1",))
    )
    seen: Any = SimpleNamespace(by_entity={"e": list(attempts)}, all=[parent])
    return sum(one.rule == rule for one in Order(books, seen, signals, delays).findings())


def test_an_older_fence_that_starts_later_is_found() -> None:
    assert found(GROWING, attempt(2, 20, pid=2), attempt(1, 60)) == 1


def test_but_not_of_what_was_claimed_before_its_worker_was_stopped_and_taken_over() -> None:
    assert found(GROWING, attempt(2, 20, pid=2), attempt(1, 60, lost=True), signals=(STOPPED,)) == 0


@pytest.mark.parametrize(("lost", "signals"), [(True, ()), (False, (STOPPED,))], ids=["not stopped", "not lost"])
def test_both_are_needed(*, lost: bool, signals: tuple[Signalled, ...]) -> None:
    assert found(GROWING, attempt(2, 20, pid=2), attempt(1, 60, lost=lost), signals=signals) == 1


@pytest.mark.parametrize(("lost", "signals", "found_"), [(True, (STOPPED,), 0), (True, (), 1), (False, (STOPPED,), 1)])
def test_nor_does_it_overlap_with_what_runs_in_its_place(
    *, lost: bool, signals: tuple[Signalled, ...], found_: int
) -> None:
    """Its handler may begin when its process goes on, and then the other one has begun before it."""
    assert found(ALONE, attempt(2, 20, pid=2), attempt(1, 60, lost=lost), signals=signals) == found_


def test_what_starts_after_such_a_one_is_held_to_the_highest_fence() -> None:
    starts = attempt(3, 20, pid=2), attempt(1, 60, lost=True), attempt(2, 70, pid=3)
    assert found(GROWING, *starts, signals=(STOPPED,)) == 1


def test_first_starts_are_ordered_by_their_fences_whatever_the_instants_say() -> None:
    assert found(IN_ORDER, attempt(1, 20, key=1, began=9), attempt(2, 60, key=2, began=3)) == 0
    assert found(IN_ORDER, attempt(1, 20, key=2, began=3), attempt(2, 60, key=1, began=9)) == 1
    assert found(IN_ORDER, attempt(1, 20, key=2, began=9), attempt(2, 60, key=1, began=3)) == 1


def two_starts(*, submitted: int) -> tuple[Any, Any]:
    """A job that was submitted at this instant of the server starts before the child; milliseconds, both clocks."""
    ahead = attempt(1, 5_010_000_000, key=2, began=5_010_000)
    ahead.job.submitted_at = submitted
    child = attempt(2, 5_020_000_000, key=1, began=5_020_000)
    child.job.submitted_at = 15_000
    return ahead, child


def test_a_child_may_come_later_if_its_parents_worker_was_halted_before_the_commit() -> None:
    assert found(IN_ORDER, *two_starts(submitted=1_000_000)) == 1
    assert found(IN_ORDER, *two_starts(submitted=1_000_000), signals=(HALTED,)) == 0


def test_but_not_behind_what_was_submitted_after_the_worker_had_gone_on() -> None:
    assert found(IN_ORDER, *two_starts(submitted=5_001_000), signals=(HALTED,)) == 1


def test_and_not_if_it_was_halted_long_after_the_parents_end() -> None:
    late = Signalled("worker", 1, "stop", 3_000_000_000, 5_000_000_000)
    assert found(IN_ORDER, *two_starts(submitted=1_000_000), signals=(late,)) == 1
