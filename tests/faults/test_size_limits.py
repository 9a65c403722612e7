"""The limits that need no small disk: of the size of files, and of the size of the database."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core.commands import Settle
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import StoreFull
from tests.faults.conftest import BIG
from tests.runtime.processes import ended, said, start
from tests.scripted import scripted
from tests.waiting import until


def test_files_may_not_grow(store_path: Path, books_balance: set[Path]) -> None:
    """The system says so with another error (EFBIG) than of a full disk."""
    books_balance.add(store_path)
    process = start("limited", store_path, package="tests.faults.programs")
    told = json.loads(said(process))
    assert ended(process) == 0
    assert "(ulimit -f)" in told.pop("error")
    assert told == {"started": 1, "results": [0, 1], "runs": [0, 1], "kept": True}


@pytest.mark.parametrize("batch", [False, True])
async def test_the_database_may_not_grow(new_app: Callable[[], App], batch: bool) -> None:
    """SQLite refuses a statement in the middle of a transaction, and has rolled it back by then."""
    app = new_app()
    gate, runs = asyncio.Event(), []

    @app.job("work")
    async def work(*, n: int) -> str:
        runs.append(n)
        await gate.wait()
        return str(n) * 50_000

    async with app.worker(slots=1, threads=0):
        await app.declare("big")
        jobs = await app.jobs.submit("work", [{"n": n} for n in range(2)])
        await until(lambda: runs, "the first one runs")
        grow(app, by=30)
        accepted: list[str] = []
        with pytest.raises(StoreFull, match="nothing was changed"):
            while True:
                accepted += await app.jobs.submit("big", [BIG] * 10) if batch else [await app.jobs.submit("big", BIG)]
        script = scripted(app)
        grow(app, by=0)
        gate.set()
        await until(lambda: len(script.commands(Settle)) > 2, "the settlement is tried several times")
        assert runs == [0]
        grow(app, by=10_000)
        assert [await work.result(job_id, wait=20) for job_id in jobs] == ["0" * 50_000, "1" * 50_000]
        assert runs == [0, 1]
        assert [job.id for job in (await app.jobs.list(type="big", limit=1000, newest_first=False)).jobs] == accepted
        assert await app.metrics.jobs.enqueued.read(type="big") == len(accepted)


def grow(app: App, by: int) -> None:
    """By how many pages the database may still grow."""
    store = app._opened_door().store
    while not isinstance(store, SqliteStore):
        store = store._store  # type: ignore[attr-defined]  # scripted
    assert store._writer is not None
    store._writer.pragma("max_page_count", int(str(store._writer.pragma("page_count"))) + by)
