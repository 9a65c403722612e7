"""From the ledger's cells to values by label: types that share a label become one series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from jobledger._core.catalog import BY_NUMBER, CATALOG, USER_NUMBERS, Kind
from jobledger._core.decide import PRUNED_CELLS
from jobledger._core.priority import Priority
from jobledger._core.series import MILLION
from jobledger._metrics.giving_way import giving_way
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._core.catalog import Instrument
    from jobledger._core.deltas import Cell
    from jobledger._core.reads import JobType, LedgerRead
    from jobledger._metrics.family import Labels, Value

UNKNOWN: Final = "__unknown__"
"""The label of a type that the ledger counts and the table of types lacks: a defect that an audit reports."""
PRIORITIES: Final = {int(priority): priority.label for priority in Priority}
STATUSES: Final = {cell: status.value for status, cell in PRUNED_CELLS.items()}

_CELLS_AT_ONCE: Final = 1000

Numbers: TypeAlias = dict["Labels", int]
Counts: TypeAlias = dict["Labels", list[int]]
"""Per series, the buckets' counts and, at the end, the sum."""


class Points:
    """The ledger's part of a snapshot, in whole numbers, so that merging loses nothing.

    Attributes:
        numbers: counters and gauges by name.
        counts: histograms by name.
        user_names: the users' own names and their kinds.
    """

    def __init__(self, read: LedgerRead) -> None:
        """Add up all cells, in one pass; known series begin at zero."""
        self._boundaries = read.boundaries
        self._labels = {type_.type_id: type_.label for type_ in read.types}
        self._user = {series.number: series for series in read.user_series}
        self.user_names = {series.name: Kind(series.kind) for series in read.user_series}
        self.numbers: dict[str, Numbers] = {}
        self.counts: dict[str, Counts] = {}
        for instrument in CATALOG:
            if instrument.source == "ledger":
                self._begin(instrument, read.types)
        for series in read.user_series:
            self._zero(series.name, series.labels, histogram=series.kind == Kind.HISTOGRAM)
        self._add_all(read.cells)

    def series(self, name: str) -> tuple[Labels, ...]:
        """The labels of all series of one name, sorted."""
        return tuple(sorted(self.counts.get(name, ()) or self.numbers.get(name, ())))

    def value(self, name: str, labels: Labels) -> Value:
        """One series, in the unit of the name."""
        if name in self.counts:
            return self._histogram(self.counts[name][labels])
        return self._number(name, self.numbers[name][labels])

    def total(self, name: str, wanted: tuple[Labels, ...]) -> Value:
        """Some series of one name together, in the unit of the name."""
        if name in self.counts:
            columns = zip(*(self.counts[name][labels] for labels in wanted), strict=True)
            return self._histogram([sum(column) for column in columns] or self._empty())
        return self._number(name, sum(self.numbers[name][labels] for labels in wanted))

    def _histogram(self, counts: list[int]) -> HistogramValue:
        return HistogramValue.of(self._boundaries, counts[:-1], counts[-1] / MILLION)

    def _number(self, name: str, amount: int) -> int | float:
        if name not in self.user_names:
            return amount
        return amount / MILLION if amount % MILLION else amount // MILLION

    def _empty(self) -> list[int]:
        return [0] * (len(self._boundaries) + 2)

    def _begin(self, instrument: Instrument, types: tuple[JobType, ...]) -> None:
        histogram = instrument.kind is Kind.HISTOGRAM
        (self.counts if histogram else self.numbers)[instrument.series] = {}
        cells = STATUSES if "status" in instrument.labels else {0: ""}
        for type_ in types:
            for cell in cells:
                labels = self.labels_of(instrument, type_.type_id, type_.priority, cell)
                self._zero(instrument.series, labels, histogram=histogram)

    def _zero(self, name: str, labels: Labels, *, histogram: bool) -> None:
        if histogram:
            self.counts.setdefault(name, {}).setdefault(labels, self._empty())
        else:
            self.numbers.setdefault(name, {}).setdefault(labels, 0)

    def _add_all(self, cells: Mapping[Cell, int]) -> None:
        rows: dict[tuple[int, int, int], list[int]] = {}
        for key, amount in giving_way(cells.items(), _CELLS_AT_ONCE):
            row = rows.get(key[:3])
            if row is None:
                row = self._add(key, amount)
                if row is not None:
                    rows[key[:3]] = row  # a histogram has dozens of cells, and one place where they go
            else:
                row[key[3]] += amount  # the cell of the sum is -1: the last place

    def _add(self, key: Cell, amount: int) -> list[int] | None:
        """Add one cell; the place of its histogram, if it is one's."""
        number, type_id, priority, cell = key
        if number >= USER_NUMBERS:
            series = self._user.get(number)
            named = (series.name, series.labels) if series is not None else None
        else:
            instrument = BY_NUMBER.get(number)
            named = (instrument.series, self.labels_of(instrument, type_id, priority, cell)) if instrument else None
        if named is None:
            return None
        name, labels = named
        if name in self.counts:
            counts = self.counts[name].setdefault(labels, self._empty())
            counts[cell] += amount
            return counts
        table = self.numbers[name]
        table[labels] = table.get(labels, 0) + amount
        return None

    def labels_of(self, instrument: Instrument, type_id: int, priority: int, cell: int = 0) -> Labels:
        """The labels of the series that a cell belongs to."""
        type_ = ("type", self._labels.get(type_id, UNKNOWN))
        if instrument.by_priority:
            return (type_, ("priority", PRIORITIES.get(priority, UNKNOWN)))
        if "status" in instrument.labels:
            return (type_, ("status", STATUSES.get(cell, UNKNOWN)))
        return (type_,)
