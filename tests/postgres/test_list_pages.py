"""Whichever way a page takes through the two tables, the pages are the list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest

from jobledger._core.job import Lane
from jobledger._core.outcome import Reason
from jobledger._store.contract import Filter, Window
from jobledger._store.postgres import lists
from jobledger._store.postgres.sql import sql_of
from jobledger._types import SECOND
from tests.postgres.filled import SCHEMA, add_jobs, connected, migrated

if TYPE_CHECKING:
    from jobledger.testing.postgres import Server
    from tests.postgres.filled import Connection

JOBS: Final = 500
SQL: Final = sql_of(SCHEMA, "lists.sql")
QUEUED: Final = (Lane.READY, Lane.ARRIVED, Lane.PARKED, Lane.SCHEDULED)


def between(since: int | None, until: int | None = None) -> Window:
    return Window(*(None if at is None else at * SECOND for at in (since, until)))


FILTERS: Final[list[tuple[Filter, str]]] = [
    (Filter(), "TRUE"),
    (Filter(types=(2,)), "type_id = 2"),
    (Filter(lanes=()), "FALSE"),
    (Filter(lanes=(Lane.FAILED,)), "lane = 'failed'"),
    (Filter(lanes=(*QUEUED, Lane.PROCESSING)), "ended_at IS NULL"),
    (Filter(lanes=QUEUED), "lane IN ('ready', 'arrived', 'parked', 'scheduled')"),
    (Filter(lanes=(Lane.PARKED,)), "lane = 'parked'"),
    (Filter(lanes=(Lane.ARRIVED, Lane.SCHEDULED)), "lane IN ('arrived', 'scheduled')"),
    (Filter(lanes=(Lane.PROCESSING,), types=(1,)), "lane = 'processing' AND type_id = 1"),
    (Filter(lanes=(Lane.PROCESSING, Lane.FAILED)), "lane IN ('processing', 'failed')"),
    (Filter(lanes=(Lane.COMPLETE, Lane.READY)), "lane IN ('complete', 'ready')"),
    (Filter(lanes=(Lane.CANCELLED,)), "lane = 'cancelled'"),
    (Filter(entity="e1"), "entity = 'e1'"),
    (Filter(entity="box5"), "entity = 'box5'"),
    (Filter(entity="e1", lanes=(Lane.FAILED,)), "entity = 'e1' AND lane = 'failed'"),
    (Filter(entity="e1", batch="b1"), "entity = 'e1' AND batch = 'b1'"),
    (Filter(batch="b1"), "batch = 'b1'"),
    (Filter(reason=Reason.TIMEOUT), "reason = 'Timeout'"),
    (Filter(submitted=between(125, 225)), "key >= 125 AND key < 225"),
    (Filter(submitted=between(495)), "key >= 495"),
    (Filter(submitted=between(None, 5)), "key < 5"),
    (Filter(submitted=between(5_000)), "FALSE"),
    (Filter(ended=between(250, 300)), "ended_at >= 250000000 AND ended_at < 300000000"),
    (Filter(ended=between(500)), "ended_at >= 500000000"),
    (Filter(ended=between(None, 75), lanes=(Lane.FAILED,)), "ended_at < 75000000 AND lane = 'failed'"),
    (Filter(ended=between(250), lanes=(Lane.READY,)), "FALSE"),
]
WAYS: Final = {"as few": {"FEW": 5_000, "CHUNK": 20}, "as many": {"FEW": 0, "CHUNK": 1_000}}


@pytest.fixture(scope="module")
def url(postgres: Server) -> object:
    async def prepare(url: str) -> None:
        async with connected(url) as connection:
            await migrated(connection)
            await add_jobs(connection, 1, JOBS)

    with postgres.database(prepare) as url:
        yield url


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    async with connected(url) as connection:
        yield connection


async def walked(connection: Connection, where: Filter, limit: int) -> list[int]:
    """The keys of all pages, one after the other."""
    found: list[int] = []
    after: int | None = None
    while True:
        page = await lists.page(connection, SQL, where, after, limit)
        assert len(page.jobs) <= limit
        found += [job.key for job in page.jobs]
        if page.next is None:
            return found
        assert page.next != after
        after = page.next


@pytest.mark.parametrize("limit", [3, 5_000])
@pytest.mark.parametrize("few", WAYS)
@pytest.mark.parametrize("newest_first", [True, False])
async def test_whichever_way_it_takes_the_pages_are_the_list(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, newest_first: bool, few: str, limit: int
) -> None:
    monkeypatch.setattr(lists, "GLANCE", 7)
    monkeypatch.setattr(lists, "SLICE", 130)
    for name, value in WAYS[few].items():
        monkeypatch.setattr(lists, name, value)
    for where, condition in FILTERS:
        rows = await connection.fetch(
            f"SELECT key FROM (TABLE jobledger.job UNION ALL TABLE jobledger.ended) AS jobs WHERE {condition}"  # noqa: S608 - conditions of this file
        )
        names = where.__struct_fields__
        asked = Filter(**{name: getattr(where, name) for name in names} | {"newest_first": newest_first})
        expected = sorted((row["key"] for row in rows), reverse=newest_first)
        assert await walked(connection, asked, limit) == expected, condition


async def test_a_page_looks_at_one_slice_of_each_table(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that lets nothing through walks over all jobs, in pages without jobs."""
    monkeypatch.setattr(lists, "GLANCE", 20)
    monkeypatch.setattr(lists, "SLICE", 80)
    page = await lists.page(connection, SQL, Filter(reason=Reason.VALIDATION), None, 10)
    assert (page.jobs, page.next) == ((), JOBS - 125)  # every fifth is alive: 100 of 125 have ended


@pytest.mark.parametrize("at", [2, 31, 125, 499, 500, 501])
async def test_the_first_job_since_an_instant_is_found_by_halving(connection: Connection, at: int) -> None:
    for more in (0, 1):
        found = await connection.fetchval(SQL["first_since"], at * SECOND + more, JOBS)
        assert found == min(at + more, JOBS + 1)


async def test_few_jobs_in_their_lanes_are_found_at_once(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many others there are."""
    monkeypatch.setattr(lists, "GLANCE", 2)
    monkeypatch.setattr(lists, "SLICE", 2)
    page = await lists.page(connection, SQL, Filter(lanes=(Lane.PROCESSING, Lane.PARKED)), None, JOBS)
    assert (len(page.jobs), page.next) == (JOBS // 50, None)
