"""The books balance: the identities that hold in every snapshot, while work goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._core import catalog
from jobledger._core.decide import PRUNED_CELLS
from jobledger._core.deltas import WHILE_FAILING
from jobledger._core.job import DUE_LANES, LANES, STATUS_OF, Lane
from jobledger._core.priority import Priority
from jobledger._core.reads import Finding
from jobledger._core.soundness import RULES, unsound
from jobledger._core.totals import LedgerTotals, RowTotals
from jobledger._types import Micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from jobledger._core.reads import AuditRead


class Check(msgspec.Struct, frozen=True, gc=False):
    """One equation, for one type.

    Attributes:
        identity: its number in the reference (1 to 4).
        type: the type's name.
        equation: in words; a priority stands behind it where it holds for each.
        left: what is left of the equals sign.
        right: what is right of it.
    """

    identity: int
    type: str
    equation: str
    left: int
    right: int

    @property
    def ok(self) -> bool:
        """Whether both sides are equal."""
        return self.left == self.right


class Audit(msgspec.Struct, frozen=True):
    """What an audit came to.

    Attributes:
        as_of: the store's time of the snapshot, in microseconds.
        checks: every equation that was computed.
        rules: every structural rule that was looked at.
        broken: the rules that were broken, with examples.

    Example:
        >>> audit = Audit(0, (Check(1, "a", "enqueued = completed", 2, 1),), (), ())
        >>> audit.balanced, audit.findings
        (False, 1)
    """

    as_of: Micros
    checks: tuple[Check, ...]
    rules: tuple[str, ...]
    broken: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The equations that don't hold."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def findings(self) -> int:
        """How many equations don't hold and how many rules are broken; anything but 0 is a defect."""
        return len(self.failed) + len(self.broken)

    @property
    def balanced(self) -> bool:
        """Whether there is nothing to find."""
        return self.findings == 0


_ENDED: Final = {
    Lane.COMPLETE: catalog.COMPLETIONS,
    Lane.CANCELLED: catalog.CANCELLATIONS,
    Lane.DISCARDED: catalog.DISCARDED,
}
_BY_PRIORITY: Final = (
    (catalog.QUEUE_DEPTH, "ready, arrived and parked rows", DUE_LANES),
    (catalog.SCHEDULED, "scheduled rows", frozenset({Lane.SCHEDULED})),
    (catalog.RUNNING, "processing rows", frozenset({Lane.PROCESSING})),
)
_BY_TYPE: Final = ((catalog.PARKED, Lane.PARKED), (catalog.DLQ_SIZE, Lane.FAILED))
_ALL: Final = tuple(LANES.values())


def balance(read: AuditRead) -> Audit:
    """Compute the identities and collect the structural findings.

    Args:
        read: books, rows and structure from one snapshot.

    Returns:
        All checks, also those that hold.
    """
    ledger = LedgerTotals(read.ledger.cells)
    rows = RowTotals(read.rows)
    checks: list[Check] = []
    for type_ in read.ledger.types:
        checks += _Account(type_.type_id, type_.name, ledger, rows).checks()
    return Audit(
        as_of=read.ledger.as_of,
        checks=tuple(checks),
        rules=(*read.rules, *RULES),
        broken=(*read.findings, *unsound(read)),
    )


class _Account:
    """The identities of one type."""

    def __init__(self, type_id: int, name: str, ledger: LedgerTotals, rows: RowTotals) -> None:
        self._id = type_id
        self._name = name
        self._ledger = ledger
        self._rows = rows
        self._complete = not ledger.of(type_id, catalog.PRUNED)
        """All rows are still there, so sums over rows can be compared with sums over history."""

    def checks(self) -> Iterator[Check]:
        yield from self._lives()
        yield from self._failures()
        yield from self._starts()
        yield from self._gauges()
        yield from self._ended()

    def _lives(self) -> Iterator[Check]:
        opened = self._of(catalog.ENQUEUED, catalog.REPLAYED)
        ended = self._of(catalog.COMPLETIONS, catalog.CANCELLATIONS, catalog.DEAD_LETTERED)
        live = self._of(catalog.QUEUE_DEPTH, catalog.SCHEDULED, catalog.RUNNING)
        text = "enqueued + replayed = completed + cancelled + dead_lettered + queue_depth + scheduled + running"
        yield self._check(1, text, opened, ended + live)
        yield self._check(1, "durations = completed + cancelled + dead_lettered", self._of(catalog.DURATION), ended)

    def _failures(self) -> Iterator[Check]:
        while_failing = self._ledger.cell(self._id, catalog.CANCELLATIONS, WHILE_FAILING)
        went_on = self._of(catalog.RETRIES, catalog.DEAD_LETTERED) + while_failing
        text = "failures = retries + dead_lettered + cancelled while failing or lost"
        yield self._check(2, text, self._of(catalog.FAILURES), went_on)
        left = self._of(catalog.DEAD_LETTERED) - self._of(catalog.REPLAYED, catalog.DISCARDED)
        yield self._check(2, "dlq_size = dead_lettered - replayed - discarded", self._of(catalog.DLQ_SIZE), left)

    def _starts(self) -> Iterator[Check]:
        starts = self._of(catalog.WAIT)
        ended = self._of(catalog.PROCESSING, catalog.LOST, catalog.RELEASED)
        yield self._check(
            3, "starts = executions + lost + released + running", starts, ended + self._of(catalog.RUNNING)
        )
        for priority in Priority if self._complete else ():
            counted, seen = self._ledger.at(self._id, priority, catalog.WAIT), self._rows.starts(self._id, priority)
            yield self._check(3, f"starts = starts of the rows, {priority.label}", counted, seen)

    def _gauges(self) -> Iterator[Check]:
        for priority in Priority:
            for gauge, text, lanes in _BY_PRIORITY:
                yield self._compared(gauge, priority, text, self._rows.at(self._id, priority, lanes))
            if self._complete:
                yield self._compared(catalog.ENQUEUED, priority, "all rows", self._rows.at(self._id, priority, _ALL))
        for gauge, lane in _BY_TYPE:
            rows = self._rows.of(self._id, (lane,))
            yield self._check(4, f"{gauge.attribute} = {lane} rows", self._of(gauge), rows)

    def _ended(self) -> Iterator[Check]:
        for lane, counter in _ENDED.items():
            pruned = self._ledger.cell(self._id, catalog.PRUNED, PRUNED_CELLS[STATUS_OF[lane]])
            rows = self._rows.of(self._id, (lane,)) + pruned
            yield self._check(4, f"{counter.attribute} = {lane} rows + pruned", self._of(counter), rows)
        kept = self._rows.of(self._id, _ALL) + self._of(catalog.PRUNED)
        yield self._check(4, "enqueued = all rows + pruned", self._of(catalog.ENQUEUED), kept)

    def _of(self, *instruments: Instrument) -> int:
        return self._ledger.of(self._id, *instruments)

    def _compared(self, instrument: Instrument, priority: Priority, what: str, rows: int) -> Check:
        counted = self._ledger.at(self._id, priority, instrument)
        return self._check(4, f"{instrument.attribute} = {what}, {priority.label}", counted, rows)

    def _check(self, identity: int, equation: str, left: int, right: int) -> Check:
        return Check(identity, self._name, equation, left, right)
