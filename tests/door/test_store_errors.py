"""The store can't write: callers are told, settlements wait until it can, and claims go on then."""

import asyncio

import pytest

from jobledger import App
from jobledger._core.commands import Cancel, Replay, Settle, Submit
from jobledger.errors import StoreBusy, StoreError, WorkerStuck
from tests.scripted import Fault, busy, full, scripted
from tests.waiting import until


@pytest.mark.parametrize(("fault", "error"), [(busy, StoreBusy), (full, StoreError)])
async def test_callers_get_the_error(app: App, fault: Fault, error: type[StoreError]) -> None:
    """All that were in the batch; nothing was written, and the next submit goes through."""
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work")
        script = scripted(app)
        script.fail(fault)
        answers = await asyncio.gather(
            app.jobs.submit("work"), app.jobs.submit("work"), app.jobs.cancel(job_id), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [error] * 3
        assert len(script.commands(Submit)) == 2
        assert len(script.commands(Cancel)) == 1
        await app.jobs.submit("work")
        assert len((await app.jobs.list()).jobs) == 2


@pytest.mark.parametrize("fault", [busy, full])
async def test_settlements_are_kept_and_written_later(app: App, fault: Fault) -> None:
    """Work that is done is not done again because a disk was full for a moment."""
    runs: list[int] = []

    @app.job("work")
    async def work(*, n: int) -> int:
        runs.append(n)
        return n

    async with app.worker():
        script = scripted(app)
        script.fail(fault, fault, fault, on=Settle)
        jobs = await app.jobs.submit("work", [{"n": n} for n in range(3)])
        assert [await work.result(job_id, wait=5) for job_id in jobs] == [0, 1, 2]

    assert sorted(runs) == [0, 1, 2]
    assert not script.faults


@pytest.mark.parametrize("fault", [busy, full])
async def test_claims_go_on(app: App, fault: Fault) -> None:
    """A look that came to nothing is looked again, with nothing else to write."""

    @app.job("work")
    async def work() -> str:
        return "done"

    async with app:
        job_id = await work.submit()
        script = scripted(app)
        script.fail(fault, fault, fault)
        async with app.worker():
            assert await work.result(job_id, wait=5) == "done"


async def test_a_slot_is_held_until_its_settlement_is_written(app: App) -> None:
    """Nobody is started on top of a job that still counts as running."""
    running: list[int] = []
    most: list[int] = []

    @app.job("work")
    async def work(*, n: int) -> None:
        running.append(n)
        most.append(len(running))
        await asyncio.sleep(0)
        running.remove(n)

    async with app.worker(slots=2, threads=0):
        script = scripted(app)
        script.fail(busy, busy, on=Settle)
        jobs = await app.jobs.submit("work", [{"n": n} for n in range(10)])
        for job_id in jobs:
            await work.result(job_id, wait=5)
        assert await app.metrics.jobs.running.read() == 0

    assert max(most) == 2


async def test_a_worker_that_cannot_enlist_keeps_nobody_waiting(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write makes this process known; if that fails, the caller is told."""

    def cannot(_: object) -> int:
        raise StoreBusy("somebody is writing")

    async with app:
        await app.declare("work")
        with monkeypatch.context() as patched:
            patched.setattr(app._opened_door().store, "enlist", cannot)
            with pytest.raises(StoreBusy):
                await app.jobs.submit("work")
        await app.jobs.submit("work")


async def test_closing_writes_what_is_queued(app: App) -> None:
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.hold()
        waiting = [asyncio.ensure_future(app.jobs.submit("work")) for _ in range(20)]
        await until(lambda: script.at_gate, "a batch is being committed")
        asyncio.get_running_loop().call_later(0.02, script.release)
    ids = await asyncio.gather(*waiting)

    async with app:
        assert {job.id for job in (await app.jobs.list()).jobs} == set(ids)


async def test_closing_does_not_wait_for_ever(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk stays full: the worker ends all the same, and its jobs are taken over after its process."""
    monkeypatch.setattr("jobledger._runtime.node._STOP_SECONDS", 0.05)
    monkeypatch.setattr("jobledger._store.commit._LAST_SECONDS", 0.05)

    @app.job("work")
    async def work() -> None: ...

    with pytest.raises(WorkerStuck):
        async with app.worker(grace=0.05):
            script = scripted(app)
            script.fail(*[full] * 100, on=Settle)
            job_id = await work.submit()
            await until(lambda: script.commands(Settle), "it wants to settle")

    async with app:
        assert (await app.jobs.status(job_id)).status == "processing"
        assert (await app.metrics.audit()).balanced


async def test_a_replay_in_the_batch_of_its_failure(app: App) -> None:
    """Settled, replayed and claimed again in one commit: the new life is run."""
    runs: list[int] = []
    gate = asyncio.Event()

    @app.job("work", max_attempts=1)
    async def work() -> str:
        runs.append(len(runs))
        await gate.wait()
        if len(runs) == 1:
            raise OSError
        return "done"

    async with app.worker(slots=1):
        job_id = await work.submit()
        await until(lambda: runs, "it runs")
        script = scripted(app)
        script.hold(on=Submit)
        holding = asyncio.ensure_future(app.jobs.submit("work", delay=60))
        await until(lambda: script.at_gate, "a batch is being committed")
        gate.set()
        await until(lambda: app._opened_door()._settlements, "the job has ended")
        replaying = asyncio.ensure_future(app.jobs.replay(job_id))
        await asyncio.sleep(0)
        script.release()
        await asyncio.gather(holding, replaying)
        assert await work.result(job_id, wait=5) == "done"

    (kinds,) = script.with_a(Replay)
    assert kinds.index(Settle) < kinds.index(Replay)
