"""How many series a scrape can have: by the number of types, and at the very most."""

from __future__ import annotations

from typing import Final

from jobledger._config import ALL_SERIES_BUDGET, LABEL_BUDGET
from jobledger._core.catalog import BOUNDARIES, CATALOG, Instrument, Kind
from jobledger._core.decide import PRUNED_CELLS
from jobledger._core.priority import Priority
from jobledger._core.series import BEYOND
from jobledger._metrics.process import PROCESS
from jobledger._metrics.selection import STATES

PRIORITIES: Final = len(Priority)
MOST_TYPES: Final = LABEL_BUDGET + 1
"""Those with a label of their own, and ``__other__``."""


def series_of(kind: Kind) -> int:
    """A histogram has its boundaries, +Inf, the sum and the count."""
    return len(BOUNDARIES) + 3 if kind is Kind.HISTOGRAM else 1


def per_type() -> int:
    """Series of a type that have no priority."""
    return sum(series_of(one.kind) * _labelled(one) for one in CATALOG if "type" in one.labels and not one.by_priority)


def per_priority() -> int:
    """Series of each priority that a type uses."""
    return sum(series_of(one.kind) for one in CATALOG if one.by_priority)


def without_type() -> int:
    """Series of the store as a whole."""
    return sum(_labelled(one) for one in CATALOG if "type" not in one.labels)


def of_types(types: int, priorities: int = PRIORITIES) -> int:
    """All series of the jobs, if each type uses so many priorities.

    Example:
        >>> of_types(2) - of_types(1) == per_type() + 4 * per_priority()
        True
    """
    return types * (per_type() + priorities * per_priority()) + without_type()


def of_users() -> int:
    """All series of the users' own, if all of them are histograms."""
    return ALL_SERIES_BUDGET * series_of(Kind.HISTOGRAM) + sum(series_of(Kind(kind)) for kind in BEYOND)


def at_most() -> int:
    """No scrape has more series than this."""
    return of_types(MOST_TYPES) + of_users() + len(PROCESS)


def _labelled(instrument: Instrument) -> int:
    """Series of one type, or of none, by the labels with few values."""
    if "status" in instrument.labels:
        return len(PRUNED_CELLS)
    return len(STATES) if "state" in instrument.labels else 1
