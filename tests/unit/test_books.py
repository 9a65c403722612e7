"""The books balance after everything that can happen, and every single number can upset them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from jobledger._core import catalog
from jobledger._core.books import Audit, balance
from jobledger._core.catalog import BOUNDARIES, BY_NUMBER, Kind
from jobledger._core.commands import UserDelta
from jobledger._core.deltas import SUM, Cell
from jobledger._core.reads import AuditRead, Finding, JobType, LedgerRead, RowCount
from tests.desk import busy, two_types

if TYPE_CHECKING:
    from pathlib import Path

# No equation has these: what they count leaves no other trace in the books.
ALONE = {catalog.DEDUPLICATED, catalog.STALE, catalog.MAILBOX_WAIT}


@pytest.fixture
def read(store_path: Path) -> AuditRead:
    desk = two_types(store_path)
    busy(desk)
    desk.count(UserDelta("sent_total", "counter", (), 5), UserDelta("sent_seconds", "histogram", (), 5))
    return desk.store.audit()


@pytest.fixture
def unpruned(store_path: Path) -> AuditRead:
    """Without pruning, sums over rows can be compared with sums over history."""
    desk = two_types(store_path)
    desk.submit("email")
    desk.start()
    desk.submit("email")
    return desk.store.audit()


def changed(read: AuditRead, cell: Cell, by: int) -> AuditRead:
    cells = dict(read.ledger.cells)
    cells[cell] = cells.get(cell, 0) + by
    return replace(read, ledger=replace(read.ledger, cells=cells))


def failing(audit: Audit) -> set[int]:
    return {check.identity for check in audit.failed}


def rules(audit: Audit) -> list[str]:
    return [finding.rule for finding in audit.broken]


def test_every_instrument_of_the_ledger_has_counted(read: AuditRead) -> None:
    assert {cell.number for cell, amount in read.ledger.cells.items() if amount} >= set(BY_NUMBER)


def test_the_books_balance(read: AuditRead) -> None:
    audit = balance(read)
    assert [check for check in audit.checks if not check.ok] == []
    assert audit.balanced
    assert audit.findings == 0
    assert {check.identity for check in audit.checks} == {1, 2, 3, 4}
    assert {check.type for check in audit.checks} == {"email", "report"}
    assert audit.as_of == read.ledger.as_of
    assert set(read.rules) < set(audit.rules)


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize(
    "instrument", [one for one in BY_NUMBER.values() if one not in ALONE], ids=lambda one: one.series
)
def test_every_number_can_upset_the_books(read: AuditRead, instrument: catalog.Instrument, by: int) -> None:
    cells = [cell for cell in read.ledger.cells if cell.number == instrument.number and cell.cell != SUM]
    assert cells
    for cell in cells:
        audit = balance(changed(read, cell, by))
        assert failing(audit), cell
        assert not audit.balanced


@pytest.mark.parametrize(
    ("instrument", "identities"),
    [
        (catalog.REPLAYED, {1, 2}),
        (catalog.DURATION, {1}),
        (catalog.RETRIES, {2}),
        (catalog.FAILURES, {2}),
        (catalog.LOST, {3}),
        (catalog.WAIT, {3}),
        (catalog.PARKED, {4}),
        (catalog.ENQUEUED, {1, 4}),
        (catalog.COMPLETIONS, {1, 4}),
        (catalog.RUNNING, {1, 3, 4}),
        (catalog.DLQ_SIZE, {2, 4}),
        (catalog.PRUNED, {4}),
    ],
    ids=lambda value: value.series if isinstance(value, catalog.Instrument) else None,
)
def test_a_wrong_number_shows_in_its_identities(
    read: AuditRead, instrument: catalog.Instrument, identities: set[int]
) -> None:
    cell = next(cell for cell in read.ledger.cells if cell.number == instrument.number and cell.cell != SUM)
    assert failing(balance(changed(read, cell, 1))) == identities


def test_a_check_says_what_it_compared(read: AuditRead) -> None:
    cell = next(cell for cell in read.ledger.cells if cell.number == catalog.RETRIES.number)
    (check,) = balance(changed(read, cell, 1)).failed
    assert check.type == "email"
    assert check.equation == "failures = retries + dead_lettered + cancelled while failing or lost"
    assert check.right == check.left + 1


def test_a_lost_row_upsets_the_books(read: AuditRead) -> None:
    for index in range(len(read.rows)):
        rows = [*read.rows]
        rows[index] = replace(rows[index], rows=rows[index].rows - 1)
        assert failing(balance(replace(read, rows=tuple(rows)))) == {4}


def test_while_nothing_is_pruned_starts_and_priorities_are_compared_with_rows(unpruned: AuditRead) -> None:
    assert balance(unpruned).balanced
    more = tuple(replace(row, starts=row.starts + 1) for row in unpruned.rows if row.lane == "processing")
    others = tuple(row for row in unpruned.rows if row.lane != "processing")
    assert failing(balance(replace(unpruned, rows=(*more, *others)))) == {3}
    cell = next(cell for cell in unpruned.ledger.cells if cell.number == catalog.ENQUEUED.number)
    elsewhere = changed(changed(unpruned, cell, -1), cell._replace(priority=3), 1)
    assert failing(balance(elsewhere)) == {4}


def test_a_gauge_at_the_wrong_priority_is_found(read: AuditRead) -> None:
    cell = next(cell for cell, n in read.ledger.cells.items() if cell.number == catalog.QUEUE_DEPTH.number and n)
    moved = changed(changed(read, cell, -1), cell._replace(priority=0), 1)
    assert failing(balance(moved)) == {4}


@pytest.mark.parametrize("series", ["jobs_deduplicated_total", "jobs_mailbox_wait_seconds", "sent_total"])
def test_a_negative_number_is_found(read: AuditRead, series: str) -> None:
    numbers = {one.series: number for number, one in BY_NUMBER.items()}
    numbers |= {one.name: one.number for one in read.ledger.user_series}
    cell = next(
        cell for cell, n in read.ledger.cells.items() if cell.number == numbers[series] and cell.cell >= 0 and n
    )
    audit = balance(changed(read, cell, -read.ledger.cells[cell] - 1))
    assert "no negative gauge, counter, bucket or sum" in rules(audit)
    (finding,) = [finding for finding in audit.broken if finding.rule.startswith("no negative")]
    assert series in finding.examples[0]


@pytest.mark.parametrize(
    "cell",
    [
        Cell(1, 99, -1, 0),
        Cell(1, 1, 2, 0),
        Cell(1, 1, -1, 2),
        Cell(5, 1, -1, 0),
        Cell(5, 1, 4, 0),
        Cell(5, 1, 2, len(BOUNDARIES) + 1),
        Cell(21, 1, -1, 3),
        Cell(500, 1, -1, 0),
        Cell(1999, 0, -1, 0),
    ],
)
def test_a_number_that_belongs_nowhere_is_found(read: AuditRead, cell: Cell) -> None:
    assert "no number of an unknown series, type, priority or cell" in rules(balance(changed(read, cell, 0)))


@pytest.mark.parametrize("instrument", [one for one in BY_NUMBER.values() if one.kind is Kind.HISTOGRAM])
def test_a_sum_outside_of_its_buckets_is_found(read: AuditRead, instrument: catalog.Instrument) -> None:
    cell = next(
        cell for cell, n in read.ledger.cells.items() if cell.number == instrument.number and cell.cell >= 0 and n
    )
    total = cell._replace(cell=SUM)
    outside = "every histogram's sum lies within the bounds of its buckets"
    assert rules(balance(changed(read, total, 10**15))) == [outside]
    # An observation beyond the last boundary has no upper bound, but a lower one.
    beyond = changed(read, cell._replace(cell=len(BOUNDARIES)), 1)
    assert outside in rules(balance(beyond))
    assert outside not in rules(balance(changed(beyond, total, 10**15)))


def test_a_row_that_belongs_nowhere_is_found(read: AuditRead) -> None:
    for row in (RowCount(99, "ready", 2, 0, 0), RowCount(1, "limbo", 2, 0, 0), RowCount(1, "ready", 9, 0, 0)):
        assert rules(balance(replace(read, rows=(*read.rows, row)))) == ["no row of an unknown type, lane or priority"]


def test_structural_findings_of_the_store_count(read: AuditRead) -> None:
    finding = Finding("no parked job without a holder", 2, ("a", "b"))
    audit = balance(replace(read, findings=(finding,)))
    assert audit.findings == 1
    assert not audit.balanced
    assert audit.broken == (finding,)


def test_an_audit_of_200_types_is_fast() -> None:
    types = tuple(JobType(number, f"t{number}", f"t{number}") for number in range(1, 201))
    cells = {
        Cell(number, type_.type_id, priority, 0): 1
        for number, one in BY_NUMBER.items()
        for type_ in types
        for priority in (range(4) if one.by_priority else (-1,))
    }
    ledger = LedgerRead(0, cells, types, (), (), 0, 0, 0, frozenset(), {}, None, BOUNDARIES)
    rows = tuple(RowCount(type_.type_id, "ready", priority, 1, 1) for type_ in types for priority in range(4))
    began = time.perf_counter()
    audit = balance(AuditRead(ledger, rows, (), ()))
    assert time.perf_counter() - began < 2
    assert len(audit.checks) > 200 * 20
