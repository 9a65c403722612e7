"""Four priorities, and the weighted pick that starves none of them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


class Priority(IntEnum):
    """How much of the starts a job's class gets while all classes wait.

    The numbers are stored; the weights are 4 : 3 : 2 : 1.
    """

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def label(self) -> str:
        """The name as users write it and as metrics show it."""
        return self.name.lower()


WEIGHTS: Final = (4, 3, 2, 1)
BY_LABEL: Final = {priority.label: priority for priority in Priority}
_ROUND: Final = 12
_STRIDES: Final = tuple(_ROUND // weight for weight in WEIGHTS)


class Stride:
    """Stride scheduling over the four priorities.

    Each start of a priority moves its mark by 12 / weight; the lowest mark goes next. A priority
    that had nothing to start is lifted to the others when it comes back, so idling earns no credit.

    Source: C. A. Waldspurger and W. E. Weihl, "Stride Scheduling", MIT/LCS/TM-528, 1995.

    Example:
        >>> Stride().quotas(10, Priority)
        [4, 3, 2, 1]
    """

    __slots__ = ("_marks",)

    def __init__(self, marks: tuple[int, ...] = (0, 0, 0, 0)) -> None:
        """Start level, or from the marks of another stride."""
        self._marks = list(marks)

    @property
    def marks(self) -> tuple[int, ...]:
        """Where each priority stands; the lowest goes next."""
        return tuple(self._marks)

    def copy(self) -> Stride:
        """The same marks, to be changed apart (a batch that rolls back must not be charged)."""
        return Stride(tuple(self._marks))

    def quotas(self, slots: int, waiting: Iterable[int]) -> list[int]:
        """How many of the next ``slots`` starts belong to each waiting priority; charges nothing."""
        quotas, open_ = [0, 0, 0, 0], sorted(waiting)
        if not open_:
            return quotas
        # Whole rounds at once: each has all its starts below a level before anybody starts above it.
        level = min(self._marks[p] for p in open_) + _ROUND * (slots // sum(WEIGHTS[p] for p in open_))
        for p in open_:
            quotas[p] = max(0, -((self._marks[p] - level) // _STRIDES[p]))
        marks = [mark + count * stride for mark, count, stride in zip(self._marks, quotas, _STRIDES, strict=True)]
        for _ in range(slots - sum(quotas)):
            first = min(open_, key=marks.__getitem__)
            marks[first] += _STRIDES[first]
            quotas[first] += 1
        return quotas

    def charge(self, started: list[int], waiting: Iterable[int]) -> None:
        """Book what really started; priorities that are not waiting any more fall level with the rest."""
        for priority, count in enumerate(started):
            self._marks[priority] += count * _STRIDES[priority]
        open_ = set(waiting)
        floor = min((self._marks[priority] for priority in open_), default=max(self._marks))
        for priority in range(len(WEIGHTS)):
            if priority not in open_:
                self._marks[priority] = max(self._marks[priority], floor)
        lowest = min(self._marks)
        self._marks = [mark - lowest for mark in self._marks]
