"""A job that kills its worker ends in the dead-letter queue; its innocent neighbours don't."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from jobledger import App
from tests.runtime.processes import ended, start


async def test_only_the_poison_job_dies(new_app: Callable[[], App], store_path: Path) -> None:
    """One among 99, in a worker that is started again each time."""
    app = new_app()
    async with app:
        await app.declare("poison")
        await app.declare("sleep")
        innocent = await app.jobs.submit("sleep", [{}] * 50)
        poison = await app.jobs.submit("poison")
        innocent += await app.jobs.submit("sleep", [{}] * 49)

        crashes = 0
        while await asyncio.to_thread(ended, start("poison", store_path)) == 9:
            crashes += 1
            assert crashes <= 3

        report = await app.jobs.status(poison)
        others = [await app.jobs.status(job_id) for job_id in innocent]
        assert (await app.metrics.audit()).balanced

    assert crashes == 3
    assert (report.status, report.reason, report.losses, report.attempt) == ("failed", "WorkerLost", 3, 1)
    assert {(other.status, other.losses, other.attempt, len(other.attempts)) for other in others} == {
        ("complete", 1, 1, 2)
    }


async def test_a_worker_runs_one_suspect_at_a_time(app: App) -> None:
    """The next crash then has one to blame; jobs without a loss run beside it."""
    suspects: list[str] = []
    most: list[int] = []
    ran: list[str] = []

    @app.job("suspect")
    async def suspect(*, name: str) -> None:
        suspects.append(name)
        most.append(len(suspects))
        await asyncio.sleep(0)
        suspects.remove(name)

    @app.job("other")
    async def other() -> None:
        ran.append("other")

    async with app:
        jobs = [await suspect.submit(name=f"{number}") for number in range(5)]
        lost = start_and_lose(app)
        assert len(lost) == 5
        async with app.worker():
            for job_id in jobs:
                await app.jobs.result(job_id, wait=5)
            await app.jobs.result(await other.submit(), wait=5)

    assert max(most) == 1


def start_and_lose(app: App) -> list[str]:
    """Start all that is ready under another writer, and take that one over."""
    from jobledger._core.priority import Stride
    from jobledger._store.contract import Batch, Claim, Enlistment, Group

    store = app._opened_door().store
    types = tuple(type_.type_id for type_ in store.types())
    writer_id = store.enlist(Enlistment("worker", "elsewhere", 1, 100, types))
    store.commit(Batch(writer_id, 1, (), Claim((Group(types, 100, Stride()),), 100)))
    (taken,) = store.take_over((writer_id,))
    return list(taken.jobs)
