"""Stride scheduling: shares by weight, no starvation, no credit for idling."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobledger._core.priority import BY_LABEL, WEIGHTS, Priority, Stride

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL = frozenset(int(priority) for priority in Priority)


def run(stride: Stride, waiting: Iterable[int], rounds: int, slots: int = 1) -> Counter[int]:
    """Start that often, with everything that is asked for there to start."""
    started: Counter[int] = Counter()
    open_ = frozenset(waiting)
    for _ in range(rounds):
        quotas = stride.quotas(slots, open_)
        stride.charge(quotas, open_)
        started.update(dict(enumerate(quotas)))
    return +started


def test_ten_slots_go_four_three_two_one() -> None:
    assert Stride().quotas(10, ALL) == [4, 3, 2, 1]


@pytest.mark.parametrize("slots", [1, 3, 7, 10, 64])
def test_shares_follow_the_weights_however_many_slots_are_free(slots: int) -> None:
    started = run(Stride(), ALL, 10_000 // slots, slots)
    for priority, weight in enumerate(WEIGHTS):
        assert started[priority] == pytest.approx(started.total() * weight / 10, rel=0.01)


@pytest.mark.parametrize("slots", [0, 1, 5])
def test_quotas_add_up_to_the_slots_and_only_to_who_waits(slots: int) -> None:
    assert Stride().quotas(slots, ()) == [0, 0, 0, 0]
    assert Stride().quotas(slots, (2,)) == [0, 0, slots, 0]
    quotas = Stride().quotas(slots, (1, 3))
    assert (sum(quotas), quotas[0], quotas[2]) == (slots, 0, 0)


def test_asking_charges_nothing() -> None:
    stride = Stride()
    assert [stride.quotas(1, ALL) for _ in range(3)] == [[1, 0, 0, 0]] * 3


def test_a_copy_is_charged_apart() -> None:
    stride = Stride()
    stride.copy().charge([5, 0, 0, 0], ALL)
    assert stride.quotas(10, ALL) == [4, 3, 2, 1]


def test_idling_earns_no_credit() -> None:
    stride = Stride()
    run(stride, {Priority.CRITICAL}, 1_000)
    started = run(stride, {Priority.CRITICAL, Priority.LOW}, 50)
    assert started[Priority.LOW] == pytest.approx(10, abs=1)


def test_being_served_alone_costs_no_credit() -> None:
    stride = Stride()
    run(stride, {Priority.LOW}, 1_000)
    started = run(stride, {Priority.CRITICAL, Priority.LOW}, 50)
    assert started[Priority.LOW] == pytest.approx(10, abs=1)


@given(st.tuples(*[st.integers(0, 100)] * 4), st.frozensets(st.sampled_from(sorted(ALL))), st.integers(0, 150))
def test_many_slots_at_once_go_to_whom_they_would_go_one_by_one(
    marks: tuple[int, int, int, int], waiting: frozenset[int], slots: int
) -> None:
    stride = Stride(marks)
    asked = stride.quotas(slots, waiting)
    one_by_one: Counter[int] = Counter()
    left = list(marks)
    for _ in range(slots if waiting else 0):
        first = min(sorted(waiting), key=left.__getitem__)
        left[first] += 12 // WEIGHTS[first]
        one_by_one[first] += 1
    assert asked == [one_by_one[priority] for priority in Priority]


@given(
    st.lists(st.tuples(st.frozensets(st.sampled_from(sorted(ALL)), min_size=1), st.integers(1, 8)), max_size=60),
    st.sampled_from(sorted(ALL)),
)
def test_whoever_waits_starts_within_its_share_whatever_happened_before(
    past: list[tuple[frozenset[int], int]], priority: int
) -> None:
    stride = Stride()
    for waiting, slots in past:
        stride.charge(stride.quotas(slots, waiting), waiting)
    share = sum(WEIGHTS) // WEIGHTS[priority]
    assert run(stride, ALL, share + 2 * len(WEIGHTS))[priority] >= 1


@given(st.lists(st.tuples(st.frozensets(st.sampled_from(sorted(ALL))), st.integers(0, 8)), max_size=60))
def test_marks_stay_small(past: list[tuple[frozenset[int], int]]) -> None:
    stride = Stride()
    for waiting, slots in past:
        stride.charge(stride.quotas(slots, waiting), waiting)
        assert min(stride._marks) == 0
        assert max(stride._marks) <= 12 * 8


def test_labels_are_the_names_in_small_letters() -> None:
    assert BY_LABEL == {"critical": 0, "high": 1, "normal": 2, "low": 3}
    assert [Priority(number).label for number in range(4)] == list(BY_LABEL)
