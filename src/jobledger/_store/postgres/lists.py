"""Pages of jobs, by whichever index serves the filter; where none does, a bounded slice of the tables at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.job import ENDED, STATUS_OF, Lane
from jobledger._store.contract import Page, Window
from jobledger._store.postgres.reads import snapshot
from jobledger._store.rows import job_of
from jobledger._types import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobledger._core.job import Job
    from jobledger._store.contract import Filter
    from jobledger._store.postgres.reads import Connection
    from jobledger._types import Micros

SLICE: Final = 20_000
"""Rows of each table that one page looks at: some 10 ms of reading."""
GLANCE: Final = 1_000
"""Rows that it looks at first: mostly enough."""
FEW: Final = 5_000
"""Rows that are collected from the indexes of their lanes and put into order; more are looked for one by one."""
CHUNK: Final = 1_000
"""Of those, how many are fetched at once."""
SLACK: Final[Micros] = 30 * SECOND
"""A row number is drawn later than the time of its submit is told, by no more than a statement may take."""
_OPEN: Final = Window()
_GONE: Final = frozenset(lane for lane in Lane if STATUS_OF[lane] in ENDED)
_ALIVE: Final = frozenset(Lane) - _GONE
_DEAD: Final = frozenset({Lane.FAILED})
_ARMS: Final = {
    "few_ready": {Lane.READY}, "few_in_mailboxes": {Lane.ARRIVED, Lane.PARKED}, "few_scheduled": {Lane.SCHEDULED},
    "few_processing": {Lane.PROCESSING}, "few_dead": _DEAD, "few_ended": _GONE - _DEAD,
}  # fmt: skip
"""Which statement finds the jobs of which lanes."""
_ORDERS: Final = {"by_entity": ("entity", "key"), "by_batch": ("batch", "key")}
"""What the index of a way is sorted by, where that is not the row number alone."""
_BEGINNING: Final = 0
_END: Final = 2**63 - 1


async def page(connection: Connection, sql: Mapping[str, str], where: Filter, after: int | None, limit: int) -> Page:
    """One page."""
    async with snapshot(connection):
        return await _Search(connection, sql, where).page(after, limit)


class _Search:
    """A filter, on its way through both tables."""

    def __init__(self, connection: Connection, sql: Mapping[str, str], where: Filter) -> None:
        self._connection = connection
        self._sql = sql
        self._where = where
        self._newest_first = where.newest_first
        self._lanes = _lanes(where)
        self._way = _way(where, self._lanes)

    async def page(self, after: int | None, limit: int) -> Page:
        if self._lanes is not None and not self._lanes:
            return Page(())
        low, high = await self._bounds(after)
        few = await self._few()
        if few is None:
            found, behind = await self._walk(low, high, limit)
        else:
            found, behind = await self._fetch([key for key in few if low <= key <= high], limit), None
        if len(found) > limit:
            return Page(tuple(found[:limit]), found[limit - 1].key)
        return Page(tuple(found), behind)

    async def _walk(self, low: int, high: int, limit: int) -> tuple[list[Job], int | None]:
        """One job more than asked for, or those of two slices, and the key to go on behind, None at the end."""
        found: list[Job] = []
        behind: int | None = None
        for rows in (GLANCE, SLICE):
            edge = await self._edge(low, high, rows)
            behind = None if edge is None else edge + (1 if self._newest_first else -1)
            begin, end = (low, high) if behind is None else (behind, high) if self._newest_first else (low, behind)
            found += await self._slice(begin, end, limit + 1 - len(found))
            if len(found) > limit or edge is None:
                break
            low, high = (low, edge) if self._newest_first else (edge, high)
        return found, behind

    async def _edge(self, low: int, high: int, rows: int) -> int | None:
        edge: int | None = await self._connection.fetchval(self._text("edge"), low, high, rows, self._address())
        return edge

    async def _slice(self, low: int, high: int, limit: int, keys: Sequence[int] | None = None) -> list[Job]:
        where = self._where
        rows = await self._connection.fetch(
            self._text("page"), low, high, limit, self._address(),
            None if self._lanes is None else sorted(self._lanes), where.types, where.entity, where.batch, where.reason,
            where.submitted.since, where.submitted.until, where.ended.since, where.ended.until, keys,
        )  # fmt: skip
        return [job_of(tuple(row)) for row in rows]

    async def _fetch(self, keys: Iterable[int], limit: int) -> list[Job]:
        """One job more than asked for of those with these keys."""
        left = sorted(keys, reverse=self._newest_first)
        found: list[Job] = []
        while left and len(found) <= limit:
            chunk, left = left[:CHUNK], left[CHUNK:]
            found += await self._slice(min(chunk), max(chunk), limit + 1 - len(found), chunk)
        return found

    async def _few(self) -> list[int] | None:
        """The keys of all jobs in the lanes asked for, if they are few and another way would be longer."""
        lanes, ended = self._lanes, self._where.ended
        if self._way != "by_key" or lanes is None or lanes == _ALIVE or (ended == _OPEN and lanes & _GONE - _DEAD):
            return None
        keys: list[int] = []
        for arm in [arm for arm, holds in _ARMS.items() if holds & lanes]:
            window = (ended.since or _BEGINNING, _END if ended.until is None else ended.until)
            asked = (FEW + 1 - len(keys), *(window if arm == "few_ended" else ()))
            keys += [row["key"] for row in await self._connection.fetch(self._sql[arm], *asked)]
            if len(keys) > FEW:
                return None
        return keys

    async def _bounds(self, after: int | None) -> tuple[int, int]:
        """The row numbers that come into question: what was submitted later has a higher one, and ends later still."""
        low, high = _BEGINNING, _END
        if self._where.submitted.since is not None:
            low = await self._first_since(self._where.submitted.since - SLACK)
        for until in (self._where.submitted.until, self._where.ended.until):
            if until is not None:
                high = min(high, await self._first_since(until + SLACK) - 1)
        if after is None:
            return low, high
        return (low, min(high, after - 1)) if self._newest_first else (max(low, after + 1), high)

    async def _first_since(self, at: Micros) -> int:
        last = await self._connection.fetchval(self._sql["last_key"])
        return int(await self._connection.fetchval(self._sql["first_since"], at, last))

    def _address(self) -> str | None:
        return {"by_entity": self._where.entity, "by_batch": self._where.batch}.get(self._way)

    def _text(self, statement: str) -> str:
        """A statement with its ways to the rows and its order."""
        lanes = frozenset(Lane) if self._lanes is None else self._lanes
        return text(
            self._sql, statement,
            self._way if lanes & _ALIVE else "nowhere", self._way if lanes & _GONE else "nowhere",
            newest_first=self._newest_first,
        )  # fmt: skip


def text(sql: Mapping[str, str], statement: str, alive: str, ended: str, *, newest_first: bool) -> str:
    """A statement with a way to the rows of each table, and with its order."""
    direction = "DESC" if newest_first else "ASC"
    columns = _ORDERS.get(alive) or _ORDERS.get(ended) or ("key",)
    filled = sql[statement].replace("{alive}", sql[alive]).replace("{ended}", sql[ended])
    filled = filled.replace("{narrow}", sql["narrow"]).replace("{direction}", direction)
    return filled.replace("{order}", ", ".join(f"{column} {direction}" for column in columns))


def _lanes(where: Filter) -> frozenset[Lane] | None:
    if where.ended == _OPEN:
        return None if where.lanes is None else frozenset(where.lanes)
    return _GONE if where.lanes is None else _GONE & frozenset(where.lanes)


def _way(where: Filter, lanes: frozenset[Lane] | None) -> str:
    if where.entity is not None:
        return "by_entity"
    if where.batch is not None:
        return "by_batch"
    return "by_death" if lanes == _DEAD else "by_key"
