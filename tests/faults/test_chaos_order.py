"""The chaos' own check of order: what it calls a violation, and what it doesn't."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.chaos.lines import Signalled
from tests.faults.chaos.order import GROWING, IN_ORDER, Order

STOPPED = Signalled("worker", 1, "stop", 10, 50)


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
    seen: Any = SimpleNamespace(by_entity={"e": list(attempts)}, all=[])
    return sum(one.rule == rule for one in Order(books, seen, signals, delays).findings())


def test_an_older_fence_that_starts_later_is_found() -> None:
    assert found(GROWING, attempt(2, 20, pid=2), attempt(1, 60)) == 1


def test_but_not_of_what_was_claimed_before_its_worker_was_stopped_and_taken_over() -> None:
    assert found(GROWING, attempt(2, 20, pid=2), attempt(1, 60, lost=True), signals=(STOPPED,)) == 0


@pytest.mark.parametrize(("lost", "signals"), [(True, ()), (False, (STOPPED,))], ids=["not stopped", "not lost"])
def test_both_are_needed(*, lost: bool, signals: tuple[Signalled, ...]) -> None:
    assert found(GROWING, attempt(2, 20, pid=2), attempt(1, 60, lost=lost), signals=signals) == 1


def test_what_starts_after_such_a_one_is_held_to_the_highest_fence() -> None:
    starts = attempt(3, 20, pid=2), attempt(1, 60, lost=True), attempt(2, 70, pid=3)
    assert found(GROWING, *starts, signals=(STOPPED,)) == 1


def test_first_starts_are_ordered_by_their_fences_whatever_the_instants_say() -> None:
    assert found(IN_ORDER, attempt(1, 20, key=1, began=9), attempt(2, 60, key=2, began=3)) == 0
    assert found(IN_ORDER, attempt(1, 20, key=2, began=3), attempt(2, 60, key=1, began=9)) == 1
    assert found(IN_ORDER, attempt(1, 20, key=2, began=9), attempt(2, 60, key=1, began=3)) == 1
