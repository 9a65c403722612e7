"""The server comes back as a standby, which only reads, and is promoted: as after a failover that went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger.errors import StoreError, StoreReadOnly
from jobledger.testing import postgres as servers
from jobledger.testing.postgres import OwnServer
from tests.own_postgres.rows import connected, do
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def breakable() -> Iterator[OwnServer]:
    """One of its own: whatever fails here, no other test finds a standby."""
    with servers.start() as server:
        yield server


async def test_a_standby_is_read_and_what_is_promoted_is_written(
    new_app: Callable[[], App], server: OwnServer, url: str
) -> None:
    worker, client = new_app(), new_app()

    @worker.job("work")
    async def work(*, n: int) -> int:
        return n

    async with worker.worker(lease=2.0), client:
        before = await client.jobs.submit("work", {"n": 1})
        assert await client.jobs.result(before, wait=10) == 1
        await asyncio.to_thread(become_a_standby, server, await data_directory(url))
        assert (await client.jobs.status(before)).status == "complete"
        with pytest.raises(StoreReadOnly, match=r"only reads .*: use the primary"):
            await client.jobs.submit("work", {"n": 2})
        assert (await client.metrics.audit()).balanced
        await do(url, "SELECT pg_promote()")
        job_id = await accepted(client)
        assert await client.jobs.result(job_id, wait=20) == 3
        assert await client.metrics.jobs.lost.read() == 0


async def data_directory(url: str) -> Path:
    async with connected(url) as connection:
        return Path(await connection.fetchval("SHOW data_directory"))


def become_a_standby(server: OwnServer, data: Path) -> None:
    server.stop()
    (data / "standby.signal").touch()
    server.start()


async def accepted(client: App) -> str:
    """The id of a job that was accepted once the server writes again."""
    ids = list[str]()

    async def is_accepted() -> bool:
        try:
            ids.append(await client.jobs.submit("work", {"n": 3}))
        except StoreError:
            return False
        return True

    await until(is_accepted, "the server writes again", timeout=30)
    return ids[0]
