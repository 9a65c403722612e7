"""Samples of the totals, written by whichever worker comes first and read by anyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobledger._core.catalog import USER_NUMBERS
from jobledger._core.samples import COARSE, FINE, KEPT, MOST_BYTES, TotalsAt, is_due, packed, unpacked, whole
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.sqlite.reads import cells_of, snapshot
from jobledger._store.statements import statements

if TYPE_CHECKING:
    import apsw

    from jobledger._types import Micros

_SQL: Final = statements(PACKAGE, "totals.sql")
_THINNED_AT_ONCE: Final = 1000


def take(connection: apsw.Connection, now: Micros) -> None:
    """Take the samples whose time has come, inside a transaction that writes; the others have been taken."""
    if not is_due(connection.execute(_SQL["last_at"], (FINE,)).get, FINE, now):
        return
    cells = {cell: value for cell, value in cells_of(connection).items() if cell.number < USER_NUMBERS}
    if is_due(connection.execute(_SQL["last_at"], (COARSE,)).get, COARSE, now):
        connection.execute(_SQL["add"], (COARSE, now, packed(cells)))
        _forget(connection, now)
    _, frame = connection.execute(_SQL["frame"], (COARSE, now)).fetchone() or (now, packed({}))
    connection.execute(_SQL["add"], (FINE, now, packed(cells, unpacked(frame))))


def _forget(connection: apsw.Connection, now: Micros) -> None:
    for step, kept in KEPT.items():
        connection.execute(_SQL["forget"], (step, now - kept))
    for step in (FINE, COARSE):
        while int(str(connection.execute(_SQL["size"]).get)) > MOST_BYTES:
            last: Micros | None = connection.execute(_SQL["oldest"], (step, _THINNED_AT_ONCE)).get
            if last is None:
                break
            connection.execute(_SQL["forget"], (step, last))


def since(connection: apsw.Connection, step: int, begin: Micros, end: Micros) -> tuple[TotalsAt, ...]:
    """The samples of one kind in a time, in order."""
    with snapshot(connection):
        rows = list(connection.execute(_SQL["since"], (step, begin, end)))
        if step == COARSE:
            return tuple(TotalsAt(at, unpacked(blob)) for at, blob in rows)
        first: list[Any] = connection.execute(_SQL["frame"], (COARSE, begin)).fetchall()
        frames = first + list(connection.execute(_SQL["since"], (COARSE, begin, end)))
    return tuple(whole(rows, frames))


def first_from(connection: apsw.Connection, at: Micros) -> TotalsAt | None:
    """The first sample at or after an instant, fine or coarse."""
    with snapshot(connection):
        found: Any = connection.execute(_SQL["first_from"], (at, FINE, COARSE)).fetchone()
        if found is None:
            return None
        step, taken, blob = found
        frames: list[Any] = (
            connection.execute(_SQL["frame"], (COARSE, taken)).fetchall() if step == FINE else [found[1:]]
        )
    return next(iter(whole([(taken, blob)], frames)), None)
