"""Several workers pay for the same payers while live ones are taken over and jobs are cancelled: each effect once."""

# ruff: noqa: S608 - statements on tables of the test's own
from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from jobledger import App, Context, Retry
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from tests.postgres.payments import Ledger, pay
from tests.waiting import until

SECONDS = float(os.environ.get("JOBLEDGER_TEST_CROWD_SECONDS", "6"))


@pytest.fixture
async def ledger(postgres_schema: str) -> AsyncIterator[Ledger]:
    made = await Ledger.made(postgres_schema)
    yield made
    await made.dropped()


def paying(url: str, rng: random.Random) -> App:
    app = App(url)

    @app.job("pay", retry_base=0.001, retry_cap=0.01, max_losses=1000, max_attempts=1000)
    async def pay_(ctx: Context, *, child: bool) -> object:
        async with ctx.transaction() as connection:
            await pay(ctx, connection, url)
            await connection.execute("SELECT pg_sleep($1)", rng.choice((0.0, 0.0, 0.001, 0.02)))
            if rng.random() < 0.1:
                raise ValueError
        if not child:
            ctx.submit("pay", {"child": True}, entity=f"payer {rng.randrange(4)}")
        ctx.metrics.counter("paid_total").inc()
        if rng.random() < 0.1:
            ctx.progress(50, "nearly")
        return Retry(after=0.001) if rng.random() < 0.1 else None

    return app


async def test_each_effect_happens_once_for_each_complete_job(
    ledger: Ledger, postgres_schema: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    rng = random.Random(11)
    store = PostgresStore(Target.of(postgres_schema))
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await ledger.connection.fetchval(deadlocks)
    takeovers = 0
    async with AsyncExitStack() as stack:
        apps = [paying(postgres_schema, rng) for _ in range(3)]
        for app in apps:
            await stack.enter_async_context(app.worker(slots=8))
        client = apps[0]
        ids: list[str] = []
        loop = asyncio.get_running_loop()
        end = loop.time() + SECONDS
        while loop.time() < end:
            entity = rng.choice((None, *(f"payer {number}" for number in range(4))))
            ids += await client.jobs.submit("pay", [{"child": False}] * rng.randrange(1, 4), entity=entity)
            await client.jobs.cancel(rng.choice(ids))
            if rng.random() < 0.15:
                workers = [vital.writer_id for vital in await asyncio.to_thread(store.vitals) if vital.kind == "worker"]
                takeovers += len(
                    await asyncio.to_thread(store.take_over, tuple(rng.sample(workers, min(1, len(workers)))))
                )
            due = loop.time() + rng.choice((0.02, 0.05, 0.1))
            await until(lambda due=due: loop.time() >= due, "the next submit is due")  # type: ignore[misc]

        async def drained() -> bool:
            return bool(await ledger.connection.fetchval(f"SELECT count(*) = 0 FROM {ledger.schema}.job"))

        await until(drained, "all is done", timeout=30)
    await asyncio.to_thread(store.close)
    found = await ledger.connection.fetch(
        f"SELECT e.id, e.lane, (SELECT count(*) FROM {ledger.schema}.paid p WHERE p.job = e.id) AS paid"
        f" FROM {ledger.schema}.ended e"
    )
    wrong = [tuple(row) for row in found if row["paid"] != (row["lane"] == "complete")]
    complete = sum(row["lane"] == "complete" for row in found)
    assert wrong == []
    assert await ledger.connection.fetchval(f"SELECT count(*) FROM {ledger.schema}.paid") == complete
    assert await ledger.connection.fetchval(deadlocks) == before
    assert complete > 20
    print(f"{len(found)} jobs, {complete} complete, {takeovers} takeovers of live workers")  # noqa: T201 - figures
