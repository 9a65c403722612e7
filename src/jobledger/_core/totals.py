"""The books added up for an audit: each sum is looked up, never searched for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jobledger._core.catalog import BY_NUMBER, Instrument, Kind
from jobledger._core.deltas import SUM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobledger._core.deltas import Cell
    from jobledger._core.job import Lane
    from jobledger._core.reads import RowCount


class LedgerTotals:
    """The ledger by instrument and type. A histogram counts its observations, not their sum."""

    def __init__(self, cells: Mapping[Cell, int]) -> None:
        """Add the cells up, in one pass."""
        self._by_type: Counter[tuple[int, int]] = Counter()
        self._by_priority: Counter[tuple[int, int, int]] = Counter()
        self._by_cell: Counter[tuple[int, int, int]] = Counter()
        for (number, type_id, priority, cell), amount in cells.items():
            if cell == SUM and _is_histogram(number):
                continue
            self._by_type[number, type_id] += amount
            self._by_priority[number, type_id, priority] += amount
            self._by_cell[number, type_id, cell] += amount

    def of(self, type_id: int, *instruments: Instrument) -> int:
        """What these instruments hold for a type, together."""
        return sum(self._by_type[instrument.number, type_id] for instrument in instruments)

    def at(self, type_id: int, priority: int, instrument: Instrument) -> int:
        """What an instrument holds for one priority of a type."""
        return self._by_priority[instrument.number, type_id, priority]

    def cell(self, type_id: int, instrument: Instrument, cell: int) -> int:
        """What one cell of an instrument holds for a type, over its priorities."""
        return self._by_cell[instrument.number, type_id, cell]


class RowTotals:
    """The rows of the job table by type, lane and priority."""

    def __init__(self, counted: Iterable[RowCount]) -> None:
        """Add the counts up, in one pass."""
        self._by_lane: Counter[tuple[int, str]] = Counter()
        self._by_priority: Counter[tuple[int, str, int]] = Counter()
        self._starts: Counter[tuple[int, int]] = Counter()
        for count in counted:
            self._by_lane[count.type_id, count.lane] += count.rows
            self._by_priority[count.type_id, count.lane, count.priority] += count.rows
            self._starts[count.type_id, count.priority] += count.starts

    def of(self, type_id: int, lanes: Iterable[Lane]) -> int:
        """How many rows of a type are in these lanes."""
        return sum(self._by_lane[type_id, lane.value] for lane in lanes)

    def at(self, type_id: int, priority: int, lanes: Iterable[Lane]) -> int:
        """How many of them have one priority."""
        return sum(self._by_priority[type_id, lane.value, priority] for lane in lanes)

    def starts(self, type_id: int, priority: int) -> int:
        """How often the rows of one priority were started."""
        return self._starts[type_id, priority]


def _is_histogram(number: int) -> bool:
    instrument = BY_NUMBER.get(number)
    return instrument is not None and instrument.kind is Kind.HISTOGRAM
