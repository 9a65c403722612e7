"""Samples are taken beside the batches: what they wait for, or count for long, is in nobody's way."""

import asyncio

import asyncpg

from jobledger import App
from tests.waiting import until

_WAITING = """
    SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'jobledger.sample'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_no_job_waits_for_a_sample(postgres_database: str) -> None:
    app = App(postgres_database, migrate=True)

    @app.job("noop")
    async def noop() -> None: ...

    async with app:
        other = await asyncpg.connect(postgres_database)
        await other.execute("BEGIN; LOCK TABLE jobledger.sample IN ACCESS EXCLUSIVE MODE")
        async with app.worker():
            try:
                await until(lambda: other.fetchval(_WAITING), "a sample waits for the lock", timeout=5)
                async with asyncio.timeout(5):
                    job_id = await noop.submit()
                    assert await app.jobs.result(job_id, wait=3) is None
            finally:
                await other.close()
