"""What must hold for every single number of the books, whatever the others say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import BY_NUMBER, CANCELLATIONS, PRUNED, USER_NUMBERS, Kind, ladder
from jobledger._core.decide import PRUNED_CELLS
from jobledger._core.deltas import CALM, NO_PRIORITY, SUM, WHILE_FAILING, Cell
from jobledger._core.job import LANES
from jobledger._core.priority import Priority
from jobledger._core.reads import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from jobledger._core.reads import AuditRead, LedgerRead

NEGATIVE: Final = "no negative gauge, counter, bucket or sum"
NOWHERE: Final = "no number of an unknown series, type, priority or cell"
OUTSIDE: Final = "every histogram's sum lies within the bounds of its buckets"
STRAY: Final = "no row of an unknown type, lane or priority"
RULES: Final = (NEGATIVE, NOWHERE, OUTSIDE, STRAY)
_EXAMPLES: Final = 10
_PRIORITIES: Final = frozenset(int(priority) for priority in Priority)
_CELLS: Final = {
    CANCELLATIONS.number: frozenset({CALM, WHILE_FAILING}),
    PRUNED.number: frozenset(PRUNED_CELLS.values()),
}
_ONE_CELL: Final = frozenset({0})


def unsound(read: AuditRead) -> tuple[Finding, ...]:
    """The broken rules among :data:`RULES`, with examples."""
    cells = read.ledger.cells
    known = _Known(read.ledger)
    found = {
        NEGATIVE: [known.describe(cell, amount) for cell, amount in cells.items() if amount < 0],
        NOWHERE: [known.describe(cell, amount) for cell, amount in cells.items() if not known.has(cell)],
        OUTSIDE: list(known.outside()),
        STRAY: [
            f"{count.rows} rows of type {count.type_id}, {count.lane}, priority {count.priority}"
            for count in read.rows
            if count.type_id not in known.types or count.lane not in LANES or count.priority not in _PRIORITIES
        ],
    }
    return tuple(Finding(rule, len(broken), tuple(broken[:_EXAMPLES])) for rule, broken in found.items() if broken)


class _Known:
    """What a cell may be the key of."""

    def __init__(self, ledger: LedgerRead) -> None:
        self.types = {type_.type_id: type_.name for type_ in ledger.types}
        self._user = {series.number: series for series in ledger.user_series}
        self._cells = ledger.cells
        self._ladder = ladder(ledger.boundaries)
        self._buckets = frozenset(range(SUM, len(self._ladder) + 1))

    def has(self, cell: Cell) -> bool:
        if cell.number >= USER_NUMBERS:
            series = self._user.get(cell.number)
            return series is not None and cell.cell in (self._buckets if series.kind == Kind.HISTOGRAM else _ONE_CELL)
        instrument = BY_NUMBER.get(cell.number)
        if instrument is None or cell.type_id not in self.types:
            return False
        priorities = _PRIORITIES if instrument.by_priority else {NO_PRIORITY}
        return cell.priority in priorities and cell.cell in self._cells_of(instrument)

    def describe(self, cell: Cell, amount: int) -> str:
        type_ = self.types.get(cell.type_id, f"type {cell.type_id}")
        return f"{self._series_of(cell)} of {type_}, priority {cell.priority}, cell {cell.cell}: {amount}"

    def outside(self) -> Iterator[str]:
        families: dict[tuple[int, int, int], dict[int, int]] = {}
        for cell, amount in self._cells.items():
            if self._is_histogram(cell.number):
                families.setdefault(cell[:3], {})[cell.cell] = amount
        for (number, type_id, priority), counts in families.items():
            low, high = self._bounds(counts)
            total = counts.get(SUM, 0)
            if total < low or (high is not None and total > high):
                cell = Cell(number, type_id, priority, SUM)
                yield f"{self.describe(cell, total)}, not within {low} and {high}"

    def _bounds(self, counts: dict[int, int]) -> tuple[int, int | None]:
        """The least and the greatest sum that these buckets allow: a bucket holds its own bound, not the one below."""
        low, high, last = 0, 0, len(self._ladder)
        for cell, count in counts.items():
            if 0 < cell <= last:
                low += count * (self._ladder[cell - 1] + 1)
            if 0 <= cell < last:
                high += count * self._ladder[cell]
        return low, None if counts.get(last) else high

    def _is_histogram(self, number: int) -> bool:
        series = self._user.get(number)
        instrument = BY_NUMBER.get(number)
        return (series is not None and series.kind == Kind.HISTOGRAM) or (
            instrument is not None and instrument.kind is Kind.HISTOGRAM
        )

    def _cells_of(self, instrument: Instrument) -> frozenset[int]:
        return self._buckets if instrument.kind is Kind.HISTOGRAM else _CELLS.get(instrument.number, _ONE_CELL)

    def _series_of(self, cell: Cell) -> str:
        if cell.number in self._user:
            return self._user[cell.number].name
        return BY_NUMBER[cell.number].series if cell.number in BY_NUMBER else f"series {cell.number}"
