"""Somebody reads for very long: work goes on, and what has grown meanwhile is used again afterwards.

That it grows is told by `jobledger doctor`: see tests/cli/test_doctor_processes.py and test_doctor_postgres.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from jobledger import App
from tests.both_stores import url
from tests.postgres.drivers import plain_dsn
from tests.postgres.filled import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["url"]
BATCHES = 3
BATCH = 100
TEXT = "x" * 6_000


@asynccontextmanager
async def reading(url: str, store_path: Path) -> AsyncIterator[Callable[[], object] | None]:
    """One snapshot, as long as the block; of a file, gives how many jobs are in it."""
    if url.startswith("sqlite:"):
        with closing(apsw.Connection(str(store_path), flags=apsw.SQLITE_OPEN_READONLY)) as file:
            file.execute("BEGIN")
            yield lambda: file.execute("SELECT count(*) FROM job").get
    else:
        async with connected(plain_dsn(url)) as server, server.transaction(isolation="repeatable_read"):
            await server.execute("SELECT txid_current_snapshot()")
            yield None


async def test_work_goes_on(app: App, url: str, store_path: Path) -> None:
    @app.job("work")
    async def work(*, text: str) -> int:
        return len(text)

    log = store_path.with_name("jobs.db-wal")
    async with app.worker(slots=10, threads=0):
        grown = 0
        await app.jobs.result(await work.submit(text=TEXT), wait=20)
        async with reading(url, store_path) as looked:
            assert looked is None or looked() == 1
            for _ in range(BATCHES):
                ids = await app.jobs.submit("work", [{"text": TEXT}] * BATCH)
                assert [await app.jobs.result(job_id, wait=30) for job_id in ids] == [len(TEXT)] * BATCH
            if looked is not None:
                assert looked() == 1
                grown = log.stat().st_size
                assert grown > BATCHES * BATCH * len(TEXT)
        assert (await app.metrics.audit()).balanced
        if grown:
            for _ in range(2 * BATCHES):
                await app.jobs.result((await app.jobs.submit("work", [{"text": TEXT}] * BATCH))[-1], wait=30)
            assert log.stat().st_size < 1.5 * grown, "the log is begun anew, not made longer"
