"""Beside half a million jobs every read goes through an index, whatever the statistics say, and touches few pages."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from jobledger._core.job import Lane
from jobledger._core.outcome import Reason
from jobledger._store.contract import Filter, Room, Window
from jobledger._store.postgres import latest, lists, overview, reads
from jobledger._store.postgres.sql import sql_of
from jobledger._types import SECOND
from tests.postgres.filled import SCHEMA, add_counts, add_jobs, connected, migrated

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from jobledger.testing.postgres import Server
    from tests.postgres.filled import Connection

BEFORE: Final = 1_000
JOBS: Final = 600_000
STATES: Final = ("statistics of long ago", "statistics")
BIG: Final = frozenset({"job", "ended", "history"})
QUEUED: Final = (Lane.READY, Lane.ARRIVED, Lane.PARKED, Lane.SCHEDULED)
ALL: Final = tuple(range(1, 11))
FOREIGN: Final = tuple(range(11, 31))
MIDDLE: Final = Window(300_000 * SECOND, 300_050 * SECOND)
SQL: Final = {file: sql_of(SCHEMA, f"{file}.sql") for file in ("reads", "lists", "latest", "overview")}

READS: Final[dict[str, tuple[Callable[[Connection], Coroutine[Any, Any, Any]], int]]] = {
    "ledger": (lambda c: reads.ledger(c, SQL["reads"], JOBS * SECOND), 700),
    "record of a live job": (lambda c: reads.record(c, SQL["reads"], "id300000"), 30),
    "record of an ended job": (lambda c: reads.record(c, SQL["reads"], "id599999"), 30),
    "prospect": (lambda c: reads.prospect(c, SQL["reads"], 1, Room(ALL, suspects=True, stops=0), 0), 150),
    "prospect of nothing": (
        lambda c: reads.prospect(c, SQL["reads"], 9, Room(FOREIGN, suspects=True, stops=0), 0),
        200,
    ),
    "exemplars": (lambda c: latest.exemplars(c, SQL["latest"], 50), 900),
    "overview": (
        lambda c: overview.overview(c, {**SQL["overview"], **SQL["reads"]}, JOBS * SECOND, 20),
        12_000,
    ),
}
"""Each read, and how many pages it may touch."""
PAGES: Final = {
    "all": (Filter(), 200),
    "queued": (Filter(lanes=QUEUED), 1_000),
    "running": (Filter(lanes=(Lane.PROCESSING,)), 600),
    "running and dead": (Filter(lanes=(Lane.PROCESSING, Lane.FAILED)), 12_000),
    "dead": (Filter(lanes=(Lane.FAILED,)), 2_000),
    "dead of another type": (Filter(lanes=(Lane.FAILED,), types=(99,)), 20_000),
    "entity": (Filter(entity="e1"), 1_200),
    "entity with nothing": (Filter(entity="e1", types=(99,)), 2_500),
    "batch": (Filter(batch="b300"), 60),
    "nobody's batch": (Filter(batch="none"), 30),
    "another type": (Filter(types=(99,)), 5_000),
    "reason": (Filter(reason=Reason.VALIDATION), 5_000),
    "submitted in a time": (Filter(submitted=MIDDLE), 700),
    "ended in a time": (Filter(ended=MIDDLE), 12_000),
}
for _name, (_where, _most) in PAGES.items():
    for _newest_first in (True, False):
        _asked = Filter(**{n: getattr(_where, n) for n in _where.__struct_fields__} | {"newest_first": _newest_first})
        READS[f"page of {_name}, {'newest' if _newest_first else 'oldest'} first"] = (
            lambda c, asked=_asked: lists.page(c, SQL["lists"], asked, None, 50),  # type: ignore[misc]
            _most,
        )


class Watched:
    """A connection that tells how the server went about what it was asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.walked: list[str] = []
        self.pages = 0

    def transaction(self, **options: Any) -> Any:
        return self._connection.transaction(**options)

    async def execute(self, text: str) -> str:
        return await self._connection.execute(text)

    async def fetch(self, text: str, *args: object) -> Any:
        await self._explain(text, args)
        return await self._connection.fetch(text, *args)

    async def fetchrow(self, text: str, *args: object) -> Any:
        await self._explain(text, args)
        return await self._connection.fetchrow(text, *args)

    async def fetchval(self, text: str, *args: object) -> Any:
        await self._explain(text, args)
        return await self._connection.fetchval(text, *args)

    async def _explain(self, text: str, args: tuple[object, ...]) -> None:
        found = await self._connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {text}", *args)
        plan = json.loads(found)[0]["Plan"]
        self.pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        self._look(plan)

    def _look(self, node: dict[str, Any]) -> None:
        if (
            node["Node Type"] in {"Seq Scan", "Parallel Seq Scan"}
            and node["Relation Name"] in BIG
            and node["Actual Loops"]
        ):
            self.walked.append(node["Relation Name"])
        for inner in node.get("Plans", ()):
            self._look(inner)


async def fill(connection: Connection) -> None:
    """All jobs, and the statistics of a store with a thousand, all of them running."""
    await migrated(connection)
    for table in BIG:
        await connection.execute(f"ALTER TABLE jobledger.{table} SET (autovacuum_enabled = false)")
    await add_counts(connection)
    await add_jobs(connection, 1, BEFORE)
    await connection.execute("UPDATE jobledger.job SET lane = 'processing', writer_id = 1, eligible_at = NULL")
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("DELETE FROM jobledger.job")
    await add_jobs(connection, BEFORE + 1, JOBS)


async def watch(url: str) -> dict[tuple[str, str], Watched]:
    seen: dict[tuple[str, str], Watched] = {}
    async with connected(url) as connection:
        await fill(connection)
        for state in STATES:
            if state == "statistics":
                await connection.execute("VACUUM ANALYZE")
            for name, (read, _) in READS.items():
                watched = seen[state, name] = Watched(connection)
                await read(cast("Connection", watched))
    return seen


@pytest.fixture(scope="module")
def seen(postgres: Server) -> Iterator[dict[tuple[str, str], Watched]]:
    with postgres.database() as url:
        yield asyncio.run(watch(url))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", READS)
def test_no_table_of_jobs_is_walked_through(seen: dict[tuple[str, str], Watched], state: str, name: str) -> None:
    assert seen[state, name].walked == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", READS)
def test_few_pages_are_touched(seen: dict[tuple[str, str], Watched], state: str, name: str) -> None:
    assert 0 < seen[state, name].pages <= READS[name][1]
