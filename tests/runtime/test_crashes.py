"""A worker's process is killed: its jobs run elsewhere, each entity's in order."""

from collections.abc import Callable
from pathlib import Path

from jobledger import App, Context
from tests.runtime.processes import ended, said, start


async def test_a_killed_workers_jobs_are_taken_over(new_app: Callable[[], App], store_path: Path) -> None:
    app = new_app()
    done: list[str] = []
    fences: dict[str, int] = {}

    @app.job("step")
    async def step(ctx: Context, *, name: str) -> str:
        done.append(name)
        fences[name] = ctx.fence
        return name

    async with app:
        names = ["a1", "b1", "a2", "b2", "a3"]
        jobs = [await step.options(entity=name[0]).submit(name=name) for name in names]
        process = start("endless", store_path)
        assert {said(process), said(process)} == {"a1", "b1"}
        process.kill()
        assert ended(process) == -9
        async with app.worker(grace=5):
            assert [await step.result(job_id, wait=10) for job_id in jobs] == names
        first, third = await app.jobs.status(jobs[0]), await app.jobs.status(jobs[2])
        assert await app.metrics.jobs.lost.read(type="step") == 2
        assert await app.metrics.jobs.workers.read() == 0

    assert [name for name in done if name[0] == "a"] == ["a1", "a2", "a3"]
    assert [name for name in done if name[0] == "b"] == ["b1", "b2"]
    assert fences["a1"] < fences["a2"] < fences["a3"]
    assert [entry.event for entry in first.history] == ["submitted", "started", "lost", "started", "completed"]
    assert (first.attempt, first.losses, first.history[2].reason) == (1, 1, "WorkerLost")
    assert third.losses == 0


async def test_a_living_worker_notices_the_death_of_another(new_app: Callable[[], App], store_path: Path) -> None:
    """Without being told, and long before the lease would be over."""
    app = new_app()

    @app.job("step")
    async def step(*, name: str) -> str:
        return name

    async with app:
        await app.declare("step")
        job_id = await step.submit(name="a")
        process = start("endless", store_path)
        assert said(process) == "a"
        async with app.worker():
            process.kill()
            assert await step.result(job_id, wait=30) == "a"
        ended(process)


async def test_a_cancel_asked_of_a_dead_worker(new_app: Callable[[], App], store_path: Path) -> None:
    """Nobody will acknowledge it: the takeover ends the job, and does not run it again."""
    app = new_app()
    runs: list[str] = []

    @app.job("step")
    async def step(*, name: str) -> None:
        runs.append(name)

    async with app:
        job_id = await step.submit(name="a")
        process = start("endless", store_path)
        assert said(process) == "a"
        process.kill()
        ended(process)
        await app.jobs.cancel(job_id)
        async with app.worker():
            await app.jobs.cancel(job_id, wait=5)
        report = await app.jobs.status(job_id)

    assert (report.status, report.reason, runs) == ("cancelled", "WorkerLost", [])


async def test_submits_of_a_killed_process_are_kept(new_app: Callable[[], App], store_path: Path) -> None:
    """When `submit` has returned, the job is as durable as the file."""
    app = new_app()
    process = start("submitting", store_path)
    accepted = [said(process) for _ in range(50)]
    process.kill()
    ended(process)
    async with app:
        kept = {job.id for job in (await app.jobs.list(limit=1000)).jobs}
        assert await app.metrics.jobs.enqueued.read() == len(kept)

    assert kept.issuperset(accepted)
