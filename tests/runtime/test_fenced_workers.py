"""A living worker is taken over: whatever it still sends changes nothing, and it comes back as a new one."""

import asyncio
import threading
from pathlib import Path

from jobledger import App, Context
from jobledger._store.sqlite.store import SqliteStore
from tests.waiting import until


def take_over(app: App, path: Path) -> tuple[str, ...]:
    """What somebody does who believes that this App's process is dead."""
    writer_id = app._opened_door().writer_id
    assert writer_id is not None
    other = SqliteStore(path, app._clock.now, "off")
    (taken,) = other.take_over((writer_id,))
    other.close()
    return taken.jobs


async def test_its_attempts_are_stopped_and_nothing_of_them_counts(app: App, store_path: Path) -> None:
    runs: list[str] = []
    stopped: list[str] = []

    @app.job("work")
    async def work(ctx: Context, *, name: str) -> str:
        runs.append(name)
        ctx.metrics.counter("works_total").inc()
        if len(runs) <= 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                stopped.append(name)
                raise
        return name

    async with app.worker():
        names = ["a1", "a2", "b1"]
        jobs = [await work.options(entity=name[0]).submit(name=name) for name in names]
        await until(lambda: len(runs) == 2, "both heads run")
        assert set(take_over(app, store_path)) == {jobs[0], jobs[2]}
        assert [await work.result(job_id, wait=10) for job_id in jobs] == names
        assert await app.metrics.jobs.completions.read() == 3
        assert await app.metrics.jobs.stale_settlements.read(type="work") >= 2
        assert await app.metrics.jobs.workers.read() == 1
        assert b"works_total 3.0" in await app.metrics.text()
        report = await app.jobs.status(jobs[0])

    assert sorted(stopped) == ["a1", "b1"]
    assert [entry.event for entry in report.history] == ["submitted", "started", "lost", "started", "completed"]
    workers = [entry.worker for entry in report.history if entry.event == "started"]
    assert workers[0] != workers[1]


async def test_it_does_not_come_back_before_its_code_has_stopped(app: App, store_path: Path) -> None:
    """Somebody else may run these jobs by now; this process starts nothing on top of its old code."""
    gate = threading.Event()
    runs: list[str] = []

    @app.job("old")
    def old() -> None:
        runs.append("old")
        gate.wait(10)

    @app.job("new")
    async def new() -> str:
        return "done"

    async with app.worker() as node:
        job_id = await old.submit()
        await until(lambda: runs, "it runs")
        take_over(app, store_path)
        waiting = await new.submit()
        await until(lambda: node._dispatcher.lost, "the worker has noticed")
        await node._recover()
        assert node._dispatcher.lost
        assert (await app.jobs.status(waiting)).status == "queued"
        gate.set()
        assert await new.result(waiting, wait=10) == "done"
        await app.jobs.result(job_id, wait=10)

    assert runs == ["old", "old"]


async def test_it_notices_with_nothing_to_write(app: App, store_path: Path) -> None:
    """It went on just before it was taken over, so its one batch after the silence said nothing of that."""

    @app.job("long")
    async def long() -> None:
        await asyncio.Event().wait()

    async with app.worker(slots=1, threads=0, grace=0):
        old = app._opened_door().writer_id
        first = await long.submit()
        await until(lambda: app._node is not None and app._node._dispatcher.running, "it runs")
        take_over(app, store_path)
        await until(lambda: app._opened_door().writer_id not in {None, old}, "it comes back as a new worker")
        await until(lambda: app._node is not None and app._node._dispatcher.running, "it runs again")
        assert (await app.jobs.status(first)).losses == 1


async def test_an_idle_client_never_notices(app: App, store_path: Path) -> None:
    """It is silent for long and folded away; its next submit goes through as if nothing had been."""
    async with app:
        await app.declare("work")
        await app.jobs.submit("work")
        take_over(app, store_path)
        await app.jobs.submit("work")
        assert await app.metrics.jobs.enqueued.read(type="work") == 2
