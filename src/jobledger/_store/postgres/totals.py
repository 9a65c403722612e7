"""Samples of the totals, written by whichever worker comes first and read by anyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import USER_NUMBERS
from jobledger._core.samples import COARSE, FINE, KEPT, MOST_BYTES, TotalsAt, is_due, packed, unpacked, whole
from jobledger._store.postgres.reads import cells_of, snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._store.postgres.reads import Connection
    from jobledger._types import Micros

_THINNED_AT_ONCE: Final = 1000


async def take(connection: Connection, sql: Mapping[str, str], now: Micros) -> None:
    """Take the samples whose time has come, inside a transaction that writes; the others have been taken.

    Whoever calls has the lock of the totals, had by an earlier statement: so this looks at what the last one committed.
    """
    if not await _is_due(connection, sql, FINE, now):
        return
    cells = cells_of(await connection.fetch(sql["cells"], USER_NUMBERS))
    if await _is_due(connection, sql, COARSE, now):
        await connection.execute(sql["add"], COARSE, now, packed(cells))
        await _forget(connection, sql, now)
    frame = await connection.fetchrow(sql["frame"], COARSE, now)
    before = {} if frame is None else unpacked(frame["cells"])
    await connection.execute(sql["add"], FINE, now, packed(cells, before))


async def _is_due(connection: Connection, sql: Mapping[str, str], step: int, now: Micros) -> bool:
    return is_due(await connection.fetchval(sql["last_at"], step), step, now)


async def _forget(connection: Connection, sql: Mapping[str, str], now: Micros) -> None:
    for step, kept in KEPT.items():
        await connection.execute(sql["forget"], step, now - kept)
    for step in (FINE, COARSE):
        while await connection.fetchval(sql["size"]) > MOST_BYTES:
            last: Micros | None = await connection.fetchval(sql["oldest"], step, _THINNED_AT_ONCE)
            if last is None:
                break
            await connection.execute(sql["forget"], step, last)


async def since(
    connection: Connection, sql: Mapping[str, str], step: int, begin: Micros, end: Micros
) -> tuple[TotalsAt, ...]:
    """The samples of one kind in a time, in order."""
    async with snapshot(connection):
        rows = await connection.fetch(sql["since"], step, begin, end)
        if step == COARSE:
            return tuple(TotalsAt(at, unpacked(blob)) for at, blob in rows)
        first = await connection.fetch(sql["frame"], COARSE, begin)
        frames = first + await connection.fetch(sql["since"], COARSE, begin, end)
    return tuple(whole(map(tuple, rows), map(tuple, frames)))


async def first_from(connection: Connection, sql: Mapping[str, str], at: Micros) -> TotalsAt | None:
    """The first sample at or after an instant, fine or coarse."""
    async with snapshot(connection):
        found = await connection.fetchrow(sql["first_from"], at, FINE, COARSE)
        if found is None:
            return None
        step, taken, blob = found
        frames = await connection.fetch(sql["frame"], COARSE, taken) if step == FINE else [(taken, blob)]
    return next(iter(whole([(taken, blob)], map(tuple, frames))), None)
