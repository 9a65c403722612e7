"""How many jobs there are, from the books: no row is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobledger._clock import SystemClock
from jobledger._core import catalog
from jobledger._core.decide import PRUNED_CELLS
from jobledger._core.job import STATUS_OF, Lane, Status
from jobledger._core.totals import LedgerTotals
from jobledger._store.filters import filter_of, several
from jobledger._store.known import KnownTypes
from jobledger._store.open import open_store
from jobledger.cli.tables import Cell, Column
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._core.reads import LedgerRead
    from jobledger._store.filters import Filters
    from jobledger.cli.session import Session

_ALL: Final = "(all)"
_KNOWN: Final = frozenset({"status", "lane", "type"})
_ENDED: Final = {
    Status.COMPLETE: catalog.COMPLETIONS,
    Status.CANCELLED: catalog.CANCELLATIONS,
    Status.DISCARDED: catalog.DISCARDED,
}


def tell_counts(session: Session, filters: Filters) -> None:
    """Tell how many jobs are kept, by type and status; queued ones by lane, if that is asked for.

    Raises:
        InvalidOption: a filter is asked for that the books don't know.
    """
    asked = [name for name, value in filters.items() if value is not None]
    beyond = next((name for name in asked if name not in _KNOWN), None)
    if beyond is not None:
        raise InvalidOption(
            f"--count reads the books, which know types, statuses and lanes: leave --{beyond.replace('_', '-')} out"
        )
    rows = _rows(_read(session.url), several(filters.get("type"), "type"))
    columns = _columns(filters)
    if session.out.as_json:
        session.out.data({"counts": [{"type": name, **_of(counted, columns)} for name, counted in rows]})
        return
    if len(rows) > 1:
        rows = [(_ALL, {lane: sum(counted[lane] for _, counted in rows) for lane in Lane}), *rows]
    table: list[list[Cell]] = [
        [name, *(f"{number:,}" for number in _of(counted, columns).values())] for name, counted in rows
    ]
    session.out.table(["type", *(Column(name, right=True) for name in columns)], table)


def _read(url: str) -> LedgerRead:
    store = open_store(url, SystemClock().now)
    try:
        return store.ledger()
    finally:
        store.close()


def _rows(read: LedgerRead, names: tuple[str, ...] | None) -> list[tuple[str, dict[Lane, int]]]:
    known = KnownTypes()
    known.learn(read.types)
    types = read.types if names is None else map(known.named, names)
    totals = LedgerTotals(read.cells)
    return [(one.name, _lanes(totals, one.type_id)) for one in sorted(types, key=lambda one: one.name)]


def _lanes(totals: LedgerTotals, type_id: int) -> dict[Lane, int]:
    """Jobs of a type by lane; of those that ended, without those that were forgotten."""
    parked = totals.of(type_id, catalog.PARKED)
    counted = dict.fromkeys(Lane, 0) | {
        Lane.READY: totals.of(type_id, catalog.QUEUE_DEPTH) - parked,
        Lane.PARKED: parked,
        Lane.SCHEDULED: totals.of(type_id, catalog.SCHEDULED),
        Lane.PROCESSING: totals.of(type_id, catalog.RUNNING),
        Lane.FAILED: totals.of(type_id, catalog.DLQ_SIZE),
    }
    for lane in Lane:
        ended = _ENDED.get(STATUS_OF[lane])
        if ended is not None:
            pruned = totals.cell(type_id, catalog.PRUNED, PRUNED_CELLS[STATUS_OF[lane]])
            counted[lane] = totals.of(type_id, ended) - pruned
    return counted


def _columns(filters: Filters) -> dict[str, list[Lane]]:
    """The lanes of each column: one by one if lanes are asked for, else those of each status."""
    lanes: Iterable[Lane] = filter_of(filters, None, newest_first=True).lanes or Lane
    columns: dict[str, list[Lane]] = {}
    for lane in lanes:
        columns.setdefault(lane if filters.get("lane") else STATUS_OF[lane], []).append(lane)
    return columns


def _of(counted: dict[Lane, int], columns: dict[str, list[Lane]]) -> dict[str, Any]:
    return {name: sum(counted[lane] for lane in lanes) for name, lanes in columns.items()}
