"""Pages of jobs, by whichever index serves the filter; where none does, a bounded slice of the table at a time."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jobledger._core.job import ENDED, STATUS_OF, Lane
from jobledger._store.contract import Page, Window
from jobledger._store.rows import job_of
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.sqlite.reads import snapshot
from jobledger._store.statements import statements

if TYPE_CHECKING:
    import apsw

    from jobledger._core.job import Job
    from jobledger._store.contract import Filter
    from jobledger._types import Micros

SQL: Final = statements(PACKAGE, "lists.sql")
WAYS: Final = ("by_key", "by_entity", "by_batch", "by_death", "by_lane")
SLICE: Final = 100_000
"""Rows that one page looks at: some 20 ms of reading."""
GLANCE: Final = 1_000
"""Rows that it looks at first: mostly enough."""
FEW: Final = 10_000
"""Rows that are collected from the indexes of their lanes and put into order; more are looked for one by one."""
_OPEN: Final = Window()
_ENDED: Final = frozenset(lane for lane in Lane if STATUS_OF[lane] in ENDED)
_ARMS: Final = {
    "ready": {Lane.READY}, "parked": {Lane.PARKED}, "scheduled": {Lane.SCHEDULED}, "processing": {Lane.PROCESSING},
    "failed": {Lane.FAILED}, "ended": _ENDED - {Lane.FAILED},
}  # fmt: skip
"""Which index of ``by_lane`` holds which lanes."""


@cache
def text(statement: str, way: str, *, newest_first: bool) -> str:
    """A statement with its way to the rows and its order."""
    return SQL[statement].format(way=SQL[way], order="DESC" if newest_first else "ASC")


def page(connection: apsw.Connection, where: Filter, after: int | None, limit: int) -> Page:
    """One page."""
    with snapshot(connection):
        return _page(connection, where, after, limit)


def _page(connection: apsw.Connection, where: Filter, after: int | None, limit: int) -> Page:
    asked = _asked(where)
    asked["low"], asked["high"] = _bounds(connection, where, after)
    way = _way(connection, where, asked)
    found: list[Job] = []
    behind: int | None = None
    for rows in (0,) if way == "by_lane" else (GLANCE, SLICE):
        more, behind = _slice(connection, way, asked | {"limit": limit + 1 - len(found)}, rows, where.newest_first)
        found += more
        if len(found) > limit or behind is None:
            break
        asked["high" if where.newest_first else "low"] = behind + (-1 if where.newest_first else 1)
    if len(found) > limit:
        return Page(tuple(found[:limit]), found[limit - 1].key)
    return Page(tuple(found), behind)


def _slice(
    connection: apsw.Connection,
    way: str,
    asked: dict[str, Any],
    rows: int,
    newest_first: bool,  # noqa: FBT001 - a pair of orders
) -> tuple[list[Job], int | None]:
    """Jobs among the next so many rows (0: among all), and the key to go on behind, None at the end."""
    behind = None
    if rows:
        edge = connection.execute(text("edge", way, newest_first=newest_first), asked | {"rows": rows}).get
        if edge is not None:
            behind = edge + (1 if newest_first else -1)
            asked["low" if newest_first else "high"] = behind
    found = connection.execute(text("page", way, newest_first=newest_first), asked)
    return [job_of(row) for row in found], behind


def _asked(where: Filter) -> dict[str, Any]:
    lanes = _lanes(where)
    return {
        "lanes": None if lanes is None else json.dumps(sorted(lanes)),
        "types": None if where.types is None else json.dumps(where.types),
        "entity": where.entity, "batch": where.batch, "reason": where.reason,
        "submitted_since": where.submitted.since, "submitted_until": where.submitted.until,
        "ended_since": where.ended.since, "ended_until": where.ended.until,
        **{arm: lanes is None or bool(holds & lanes) for arm, holds in _ARMS.items()},
    }  # fmt: skip


def _lanes(where: Filter) -> frozenset[Lane] | None:
    if where.ended == _OPEN:
        return None if where.lanes is None else frozenset(where.lanes)
    return _ENDED if where.lanes is None else _ENDED & frozenset(where.lanes)


def _way(connection: apsw.Connection, where: Filter, asked: dict[str, Any]) -> str:
    if where.entity is not None:
        return "by_entity"
    if where.batch is not None:
        return "by_batch"
    lanes = _lanes(where)
    if lanes is None:
        return "by_key"
    if lanes == _ARMS["failed"]:
        return "by_death"
    few = connection.execute(SQL["count_lanes"], asked | {"most": FEW + 1}).get <= FEW
    return "by_lane" if few else "by_key"


def _bounds(connection: apsw.Connection, where: Filter, after: int | None) -> tuple[int, int]:
    """The row numbers that come into question: what was submitted later has a higher one, and ends later still."""
    low, high = 0, int(str(connection.execute(SQL["last_key"]).get))
    if where.submitted.since is not None:
        low = _first_since(connection, where.submitted.since, high)
    for until in (where.submitted.until, where.ended.until):
        if until is not None:
            high = min(high, _first_since(connection, until, high) - 1)
    if after is not None:
        low, high = (low, min(high, after - 1)) if where.newest_first else (max(low, after + 1), high)
    return low, high


def _first_since(connection: apsw.Connection, at: Micros, last: int) -> int:
    """The row number of the first job that was submitted at or after an instant, by halving."""
    low, high = 0, last + 1
    while low < high:
        middle = (low + high) // 2
        key, submitted_at = connection.execute(SQL["first_from"], (middle,)).fetchone() or (high, at)
        if submitted_at >= at:
            high = middle
        else:
            low = key + 1
    return low
