"""A fenced batch changed nothing: what callers sent is sent again under a new writer, what ran belongs to others."""

import asyncio

from jobledger import App, Cancelled
from jobledger._core.commands import Settle, Submit
from tests.scripted import fenced, scripted
from tests.waiting import until


async def test_submits_are_sent_again(app: App) -> None:
    """Their callers never hear of it, and nothing is there twice."""
    async with app:
        await app.declare("work")
        queued = await app.jobs.submit("work")
        script = scripted(app)
        script.fail(fenced)
        ids = await asyncio.gather(*(app.jobs.submit("work") for _ in range(10)))
        page = await app.jobs.list(newest_first=False)
        assert [job.id for job in page.jobs] == [queued, *ids]
        script.fail(fenced)
        assert await app.jobs.cancel(queued) == Cancelled()

    assert len(set(ids)) == 10
    writers = [batch.writer_id for batch in script.batches]
    assert writers == [1, 2, 2, 3]
    assert [batch.number for batch in script.batches] == [2, 1, 2, 1]
    assert len(script.commands(Submit)) == 20


async def refused(app: App, times: int) -> bool:
    return await app.metrics.jobs.stale_settlements.read(type="work") == times


async def test_settlements_are_dropped(app: App) -> None:
    """The job was lost by the takeover, and runs again: nothing of the first attempt counts."""
    runs: list[int] = []
    gate = asyncio.Event()

    @app.job("work")
    async def work() -> int:
        runs.append(len(runs) + 1)
        await gate.wait()
        return runs[-1]

    async with app.worker():
        job_id = await work.submit()
        await until(lambda: runs, "it runs")
        script = scripted(app)
        script.fail(fenced, on=Settle)
        gate.set()
        assert await work.result(job_id, wait=5) == 2
        report = await app.jobs.status(job_id)
        await until(lambda: refused(app, 1), "what was refused is counted")

    assert [entry.event for entry in report.history] == ["submitted", "started", "lost", "started", "completed"]
    assert len(script.commands(Settle)) == 2
    assert (report.losses, report.attempt) == (1, 1)


async def test_settlements_that_wait_are_dropped_too(app: App) -> None:
    """A job ends while the batch that will be fenced is on its way: its outcome is never sent."""
    runs: list[str] = []
    gate = asyncio.Event()

    @app.job("work")
    async def work() -> int:
        runs.append("ran")
        await gate.wait()
        return len(runs)

    async with app.worker():
        job_id = await work.submit()
        await until(lambda: runs, "it runs")
        script = scripted(app)
        script.hold(on=Submit)
        script.fail(fenced, on=Submit)
        submitting = asyncio.ensure_future(app.jobs.submit("work", delay=60))
        await until(lambda: script.at_gate, "a batch is being committed")
        gate.set()
        await until(lambda: app._opened_door()._settlements, "the job has ended")
        script.release()
        await submitting
        assert await work.result(job_id, wait=5) == 2
        await until(lambda: refused(app, 1), "what was refused is counted")

    assert len(script.commands(Settle)) == 1


async def test_a_worker_that_was_fenced_comes_back(app: App) -> None:
    """Also when submits have made it a new writer before its old code has stopped."""
    runs: list[str] = []
    gate, stopped = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work(*, name: str) -> str:
        runs.append(name)
        if len(runs) == 1:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
        return name

    async with app.worker():
        first = await work.submit(name="first")
        await until(lambda: runs, "it runs")
        script = scripted(app)
        script.fail(fenced, on=Submit)
        others = await asyncio.gather(*(work.submit(name=f"{number}") for number in range(5)))
        await stopped.wait()
        for job_id in (first, *others):
            await work.result(job_id, wait=5)
        assert await app.metrics.jobs.workers.read() == 1

    gate.set()
    assert runs.count("first") == 2
