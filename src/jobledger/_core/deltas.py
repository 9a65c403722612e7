"""From a change of state to the ledger: what is counted, and how counts merge."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from jobledger._core.catalog import BY_NUMBER, Instrument, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jobledger._core.job import Job
    from jobledger._types import Micros

NO_PRIORITY: Final = -1
SUM: Final = -1
"""The cell of a histogram that holds the sum; the cells from 0 on are its buckets, the last one for +Inf."""
CALM: Final = 0
WHILE_FAILING: Final = 1
"""Cells of the cancellations: identity 2 needs to know which of them were failing or lost."""

_SPLIT: Final = frozenset(n for n, instrument in BY_NUMBER.items() if instrument.by_priority)
_HISTOGRAMS: Final = frozenset(n for n, instrument in BY_NUMBER.items() if instrument.kind is Kind.HISTOGRAM)


class Delta(NamedTuple):
    """One count or one observation. For a histogram ``amount`` is the observed time in microseconds."""

    number: int
    type_id: int
    priority: int
    cell: int
    amount: int


class Cell(NamedTuple):
    """The key of one integer in the ledger."""

    number: int
    type_id: int
    priority: int
    cell: int


_new: Final = cast("Callable[[type[Delta], tuple[int, ...]], Delta]", vars(tuple)["__new__"])
"""What ``Delta(…)`` comes to, at a third of its price: a commit of a hundred jobs makes three hundred."""

Cells: TypeAlias = dict[tuple[int, int, int, int], int]
"""Integers of the ledger by cell; plain tuples, since a batch makes thousands."""


def count(instrument: Instrument, job: Job, amount: int = 1, cell: int = 0) -> Delta:
    """A counter or gauge moves by ``amount`` for this job's type (and priority, where it has that label)."""
    return _counted(instrument.number, job.type_id, job.priority, cell, amount)


@lru_cache(maxsize=4096)
def _counted(number: int, type_id: int, priority: int, cell: int, amount: int) -> Delta:
    """Jobs of a type count alike, a hundred in a commit."""
    return Delta(number, type_id, priority if number in _SPLIT else NO_PRIORITY, cell, amount)


def observe(instrument: Instrument, job: Job, elapsed: Micros) -> Delta:
    """A histogram sees one time span; one below zero counts as zero."""
    number = instrument.number
    priority = job.priority if number in _SPLIT else NO_PRIORITY
    return _new(Delta, (number, job.type_id, priority, 0, elapsed if elapsed > 0 else 0))  # noqa: FURB136 - at half the price of max()


def merge(into: Cells, deltas: Iterable[Delta], ladder: tuple[Micros, ...]) -> None:
    """Add deltas to the cells that one commit will write; all at once, since most of them are alike."""
    for (number, type_id, priority, cell, amount), times in Counter(deltas).items():
        if number in _HISTOGRAMS:
            observe_into(into, (number, type_id, priority), amount, ladder, times)
        else:
            key = (number, type_id, priority, cell)
            into[key] = into.get(key, 0) + amount * times


def observe_into(
    into: Cells, family: tuple[int, int, int], amount: int, ladder: tuple[Micros, ...], times: int = 1
) -> None:
    """Add one observation, or several alike: their bucket and their sum."""
    bucket = (*family, bisect_left(ladder, amount))
    into[bucket] = into.get(bucket, 0) + times
    total = (*family, SUM)
    into[total] = into.get(total, 0) + amount * times
