"""Through a pooler in transaction mode everything works; only notifications can't be heard, so workers poll."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from jobledger import App, Cancelled
from jobledger._core import catalog
from tests.faults.chaos.settings import Settings
from tests.faults.freezer import Freezer
from tests.faults.postgres.conftest import known
from tests.faults.postgres.load import Load
from tests.faults.postgres.pgbouncer import POOL, pgbouncer, until_it_answers
from tests.own_postgres.rows import value
from tests.postgres.payments import Ledger, paying
from tests.waiting import until

pytestmark = [pytest.mark.debian("pgbouncer", "pgbouncer"), pytest.mark.timeout(120)]
LEASE = 2.0


@pytest.fixture
async def pooled(url: str) -> AsyncIterator[str]:
    with pgbouncer(url) as pooled:
        await until_it_answers(pooled)
        yield pooled


def working(url: str) -> App:
    app = App(url)

    @app.job("work")
    async def work(*, item: int) -> int:
        return item

    @app.job("endless")
    async def endless() -> None:
        await asyncio.Event().wait()

    return app


async def test_everything_works(
    pooled: str, url: str, caplog: pytest.LogCaptureFixture, figure: Callable[[str], None]
) -> None:
    """A worker, callers, batches, delays, dedupe keys, a cancel, the audit: many connections on three."""
    app, client = working(pooled), App(pooled)
    with caplog.at_level(logging.WARNING):
        async with app.worker(), client:
            async with Load(client, "work") as load:
                for _ in range(5):
                    await load.goes_on()
                batch = await client.jobs.submit("work", [{"item": -n} for n in range(1, 6)])
                await client.jobs.submit("work", {"item": -6}, delay=0.1, entity="one")
                first = await client.jobs.submit("work", {"item": -7}, dedupe="key", delay=1)
                assert (await client.jobs.submit("work", {"item": -8}, dedupe="key")) == first
                endless = await client.jobs.submit("endless")
                await until(lambda: running(client, "endless"), "it runs")
                assert await client.jobs.cancel(endless, wait=20) == Cancelled()
            for job_id in (*load.acknowledged.values(), *batch, first):
                await client.jobs.result(job_id, wait=20)
            assert not load.refused
            assert not load.unknown
            assert (await client.metrics.audit()).balanced
            assert app._opened_door().store._writing.pooled  # type: ignore[attr-defined]
    assert "a pooler can't pass wake-ups on" in caplog.text
    clients = await value(url, "SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NOT NULL")
    assert isinstance(clients, int)
    assert clients <= POOL + 1
    figure(f"{len(load.acknowledged)} jobs, {clients - 1} connections to the server")


async def test_transactions_are_joined(pooled: str, url: str) -> None:
    """A handler's, with its completion; a caller's, with what it submits. The caller's driver prepares nothing."""
    ledger = await Ledger.made(url)
    app = paying(pooled)
    async with app.worker():
        jobs = [await app.jobs.submit("pay", {"amount": amount}, entity="payer") for amount in range(10)]
        connection = await asyncpg.connect(pooled, statement_cache_size=0)
        async with connection.transaction():
            jobs.append(await app.jobs.submit("pay", {"amount": 10}, connection=connection))
        undone = connection.transaction()
        await undone.start()
        never = await app.jobs.submit("pay", {"amount": 11}, connection=connection)
        await undone.rollback()
        await connection.close()
        assert [await app.jobs.result(job_id, wait=20) for job_id in jobs] == list(range(11))
        assert [await ledger.both(job_id) for job_id in jobs] == [(1, True)] * 11
        assert await ledger.both(never) == (0, False)
        assert (await app.metrics.audit()).balanced
    await ledger.dropped()


async def running(app: App, type_name: str) -> bool:
    return bool(await app.metrics.jobs.running.read(type=type_name))


async def test_takeover_by_silence(pooled: str, tmp_path: Path, figure: Callable[[str], None]) -> None:
    """That a connection has gone says nothing here: a killed worker is missed when its lease is over."""
    freezer = Freezer(Settings(url=pooled, folder=str(tmp_path), workers=2, lease=LEASE))
    try:
        async with App(pooled) as app:
            await until(lambda: known(app, "long"), "a worker has declared its types", timeout=30)
            jobs = [await app.jobs.submit("long", {"ticket": 0, "item": n, "ms": 600_000}) for n in range(6)]
            await until(lambda: len(freezer.started) == len(jobs), "all run", timeout=30)
            victim = freezer.busiest()
            held = {line.job for line in freezer.started if line.pid == victim.pid}
            freezer.replace(victim)
            for job_id in held:
                await app.jobs.result(job_id, wait=30)
            now = await app.metrics.snapshot()
            assert now.value(catalog.LOST) == len(held)
            assert "silent for its whole lease" in freezer.log
            assert "its process has ended" not in freezer.log
            figure(f"{len(held)} jobs of a killed worker, lease {LEASE:g} s")
    finally:
        freezer.close()
