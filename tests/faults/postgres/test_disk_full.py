"""The server's disk is full, and has space again: callers are told, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from jobledger import App, JobId
from jobledger.errors import StoreError, StoreFull
from jobledger.testing import postgres as servers
from jobledger.testing.postgres import OwnServer
from tests.faults.conftest import BIG, SmallDisk, mount, unmount
from tests.faults.postgres.conftest import audited, made
from tests.own_postgres.rows import do
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENCE = 60.0


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """Where the server's own user can go; nothing but the server is on it."""
    if os.geteuid():
        pytest.skip("only root may mount a small disk")
    root = Path(tempfile.mkdtemp(prefix="jobledger-disk-"))
    mount(root, "size=192m", "mode=0755")
    yield SmallDisk(root)
    unmount(root)
    root.rmdir()


@pytest.fixture
def server(disk: SmallDisk) -> Iterator[OwnServer]:
    """All of it is on the small disk: tables, log and control file."""
    with servers.start(directory=disk.root, settings={"max_wal_size": "64MB"}) as server:
        yield server
        disk.free()
        server.start()


@pytest.fixture
def url(server: OwnServer, disk: SmallDisk) -> Iterator[str]:
    with server.database(made) as url:
        yield url
        disk.free()
        server.start()
        assert audited(url).findings == 0


async def test_tables_can_not_grow(app: App, disk: SmallDisk) -> None:
    """What a handler has come to is kept until it can be written."""
    gate, runs = asyncio.Event(), list[int]()

    @app.job("work")
    async def work(*, n: int) -> int:
        runs.append(n)
        await gate.wait()
        return n

    async with app.worker(slots=2, threads=0):
        await app.declare("big")
        jobs = await app.jobs.submit("work", [{"n": n} for n in range(3)])
        await until(lambda: len(runs) == 2, "both slots are taken")
        disk.fill()
        accepted: list[str] = []
        with pytest.raises(StoreFull, match=r"has no space left .*: nothing was changed; make room on the server"):
            while True:
                accepted.append(await app.jobs.submit("big", BIG))
        gate.set()
        disk.free()
        assert [await work.result(job_id, wait=PATIENCE) for job_id in jobs] == [0, 1, 2]
        assert runs == [0, 1, 2]
        page = await app.jobs.list(type="big", limit=1000, newest_first=False)
        assert [job.id for job in page.jobs] == accepted
        assert await app.metrics.jobs.lost.read() == 0


async def test_the_log_can_not_grow(app: App, disk: SmallDisk, server: OwnServer, url: str) -> None:
    """Then the server gives up by itself. Once it has space and was started again, all is there, and work goes on."""

    @app.job("work")
    async def work(*, n: int) -> int:
        return n

    async with app.worker(slots=2, threads=0):
        accepted = [await app.jobs.submit("work", {"n": n}) for n in range(20)]
        disk.fill()
        await until(lambda: gives_up(server, url), "the server has ended", timeout=PATIENCE)
        with pytest.raises(StoreError):
            await app.jobs.submit("work", {"n": -1})
        disk.free()
        await asyncio.to_thread(server.start)
        accepted.append(await until_accepted(app))
        assert [await work.result(job_id, wait=PATIENCE) for job_id in accepted] == [*range(21)]
        assert (await app.metrics.jobs.enqueued.read(type="work"), await app.metrics.jobs.lost.read()) == (21, 0)


async def gives_up(server: OwnServer, url: str) -> bool:
    """Each look asks for a new segment of its log, which it has no space for."""
    if server.pid is not None:
        try:
            await do(url, "SELECT pg_logical_emit_message(false, 'more', 'log')", "SELECT pg_switch_wal()")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False  # it is going, or is being recovered
    return server.pid is None


async def until_accepted(app: App) -> JobId:
    accepted: list[JobId] = []

    async def accepts() -> bool:
        try:
            accepted.append(await app.jobs.submit("work", {"n": 20}))
        except StoreError:
            return False
        return True

    await until(accepts, "it takes jobs again", timeout=PATIENCE)
    return accepted[0]
