"""The store can't write: callers are told, settlements wait until it can, and claims go on then."""

import asyncio
from pathlib import Path

import apsw
import pytest

from jobledger import App, Cancelled, JobId
from jobledger._core.commands import Cancel, Replay, Settle, Submit
from jobledger.errors import NotOpen, StoreBusy, StoreError, WorkerStuck
from tests.scripted import Fault, Scripted, busy, full, scripted
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


async def test_closing_writes_what_is_queued(app: App, store_path: Path) -> None:
    """And then, not before, it folds its books and leaves no writer behind."""
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.hold()
        waiting = [asyncio.ensure_future(app.jobs.submit("work"))]
        await until(lambda: script.at_gate, "a batch is being committed")
        waiting += [asyncio.ensure_future(app.jobs.submit("work")) for _ in range(20)]
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.02, script.release)
    ids = await asyncio.gather(*waiting)

    assert {batch.writer_id for batch in script.batches} == {1}
    live = "SELECT count(*) FROM writer WHERE NOT dead"
    assert apsw.Connection(str(store_path)).execute(live).get == 0
    async with app:
        assert {job.id for job in (await app.jobs.list()).jobs} == set(ids)


async def test_nothing_is_taken_while_it_closes(app: App) -> None:
    scripts: list[Scripted] = []

    async def use() -> JobId:
        async with app:
            await app.declare("work")
            scripts.append(scripted(app))
            scripts[0].hold(on=Submit)
            submitting = asyncio.ensure_future(app.jobs.submit("work"))
            await until(lambda: scripts[0].at_gate, "a batch is being committed")
        return await submitting

    using = asyncio.ensure_future(use())
    await until(lambda: scripts and app._opened == 0, "it closes")
    with pytest.raises(NotOpen):
        await app.jobs.submit("work")
    scripts[0].release()
    assert await using


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
    """Settled, replayed and claimed again in one commit: the new life is run, and hears of its cancel."""
    runs: list[int] = []
    gate = asyncio.Event()

    @app.job("work", max_attempts=1)
    async def work() -> None:
        runs.append(len(runs))
        if len(runs) > 1:
            await asyncio.Event().wait()
        await gate.wait()
        raise OSError

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
        await until(lambda: len(runs) == 2, "it runs again")
        assert await app.jobs.cancel(job_id, wait=5) == Cancelled()

    (kinds,) = script.with_a(Replay)
    assert kinds.index(Settle) < kinds.index(Replay)


async def test_no_more_jobs_than_slots(app: App) -> None:
    """Also when more settlements wait than one batch takes: each holds its slot until it is written."""
    gate = asyncio.Event()

    @app.job("work")
    async def work() -> None:
        await gate.wait()

    async with app:
        await app.jobs.submit("work", [{}] * 1_400)
        script = scripted(app)
        async with app.worker(slots=700, threads=0):
            await until(lambda: sum(len(done.claimed) for done in script.committed) == 700, "all slots are taken")
            gate.set()
            await until(lambda: len(script.commands(Settle)) == 1_400, "all have ended")

    running = 0
    for batch, done in zip(script.batches, script.committed, strict=True):
        running += len(done.claimed) - sum(isinstance(command, Settle) for command in batch.commands)
        assert running <= 700
