"""The answer of a commit is lost: the door finds out what happened, and neither loses nor doubles anything."""

import asyncio

import pytest

from jobledger import AlreadyEnded, App, Cancelled, Context
from jobledger._core.commands import Settle, Submit
from jobledger._runtime.poll import Poll
from jobledger._store.contract import Batch, Committed, Store
from jobledger.errors import Duplicate, Fenced, OutcomeUnknown
from tests.scripted import Fault, busy, fenced, full, lost_after, lost_before, scripted
from tests.waiting import until

BOTH = pytest.mark.parametrize("lost", [lost_after, lost_before])


@BOTH
async def test_submits_are_answered(app: App, lost: Fault) -> None:
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.fail(lost)
        ids = await asyncio.gather(*(app.jobs.submit("work", {"n": n}) for n in range(10)))
        page = await app.jobs.list(newest_first=False)
        assert [job.id for job in page.jobs] == ids
        assert await app.metrics.jobs.enqueued.read() == 10

    assert len(script.batches) == (1 if lost is lost_after else 2)


@BOTH
async def test_a_batch_is_answered(app: App, lost: Fault) -> None:
    async with app:
        await app.declare("work")
        scripted(app).fail(lost)
        ids = await app.jobs.submit("work", [{}] * 10)
        assert {job.id for job in (await app.jobs.list()).jobs} == set(ids)


@BOTH
async def test_duplicates_are_answered(app: App, lost: Fault) -> None:
    async with app:
        await app.declare("work")
        holder = await app.jobs.submit("work", dedupe="k")
        script = scripted(app)
        script.fail(lost)
        again = await app.jobs.submit("work", dedupe="k")
        assert (again, again.created) == (holder, False)
        script.fail(lost)
        with pytest.raises(Duplicate):
            await app.jobs.submit("work", dedupe="k", on_duplicate="raise")


@BOTH
async def test_cancels_are_answered(app: App, lost: Fault) -> None:
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work")
        script = scripted(app)
        script.fail(lost)
        assert await app.jobs.cancel(job_id) == Cancelled()
        assert isinstance(await app.jobs.cancel(job_id), AlreadyEnded)
        assert await app.metrics.jobs.cancellations.read() == 1


@BOTH
async def test_replay_and_discard_are_answered(app: App, lost: Fault) -> None:
    gate = asyncio.Event()

    @app.job("work", max_attempts=1)
    async def work() -> None:
        if not gate.is_set():
            raise OSError

    async with app:
        jobs = [await work.submit(), await work.submit()]
        async with app.worker():
            await until(lambda: dead(app, 2), "both are dead")
        script = scripted(app)
        script.fail(lost)
        await app.jobs.replay(jobs[0])
        script.fail(lost)
        await app.jobs.discard(jobs[1])
        gate.set()
        async with app.worker():
            await work.result(jobs[0], wait=5)
        assert await app.metrics.jobs.replayed.read() == await app.metrics.jobs.discarded.read() == 1


@BOTH
async def test_claimed_jobs_are_read_back_and_run(app: App, lost: Fault) -> None:
    """The jobs that the lost batch started were named only in its answer."""
    runs: list[int] = []

    @app.job("work")
    async def work(*, n: int) -> int:
        runs.append(n)
        return n

    async with app.worker():
        script = scripted(app)
        script.fail(lost)
        jobs = await asyncio.gather(*(work.submit(n=n) for n in range(5)))
        assert [await work.result(job_id, wait=5) for job_id in jobs] == list(range(5))

    assert sorted(runs) == list(range(5))


@BOTH
async def test_settlements_are_written_once(app: App, lost: Fault) -> None:
    gate = asyncio.Event()
    running: list[str] = []

    @app.job("work")
    async def work(ctx: Context) -> None:
        ctx.metrics.counter("works_total").inc()
        ctx.submit("child")
        running.append(ctx.job_id)
        await gate.wait()

    async with app:
        await app.declare("child")
        async with app.worker():
            jobs = [await work.submit() for _ in range(3)]
            await until(lambda: len(running) == 3, "all three run")
            script = scripted(app)
            script.fail(lost, on=Settle)
            gate.set()
            for job_id in jobs:
                await work.result(job_id, wait=5)
        assert await app.metrics.jobs.completions.read(type="work") == 3
        assert len((await app.jobs.list(type="child")).jobs) == 3
        assert b"works_total 3.0" in await app.metrics.text()

    assert len(running) == 3


@BOTH
async def test_the_wake_up_for_a_delayed_job_is_not_lost(
    app: App, lost: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lost answer also said when the next scheduled job is due, and no poll helps."""

    async def sees_nothing(poll: Poll) -> None: ...

    monkeypatch.setattr(Poll, "step", sees_nothing)

    @app.job("work")
    async def work() -> None: ...

    async with app.worker():
        script = scripted(app)
        script.fail(lost)
        job_id = await work.options(delay=0.05).submit()
        await work.result(job_id, wait=5)


async def test_a_cancel_request_in_a_lost_answer_reaches_the_handler(app: App) -> None:
    """The next batch says it again, and there is a next one."""
    started = asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    async with app.worker():
        job_id = await work.submit()
        await started.wait()
        scripted(app).fail(lost_after)
        assert await app.jobs.cancel(job_id, wait=5) == Cancelled()


async def test_lost_again_and_again(app: App) -> None:
    """Also while it is being found out the store may fail."""
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.fail(lost_before, lost_before, busy, full, lost_after)
        ids = await asyncio.gather(*(app.jobs.submit("work") for _ in range(3)))
        assert len((await app.jobs.list()).jobs) == len(set(ids)) == 3


async def test_fenced_while_it_is_being_found_out(app: App) -> None:
    """Somebody took this writer over after its last commit: what was committed is found by its id."""
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.fail(lost_before, fenced)
        ids = await asyncio.gather(*(app.jobs.submit("work") for _ in range(3)))
        assert len((await app.jobs.list()).jobs) == len(set(ids)) == 3


async def test_a_batch_that_was_on_its_way_all_along(app: App) -> None:
    """It arrives after it was asked for, so the second copy is refused: by the first one, not by a takeover."""

    def overtaken(store: Store, batch: Batch) -> Committed:
        store.commit(batch)
        return store.commit(batch)

    async with app:
        await app.declare("work")
        script = scripted(app)
        script.fail(lost_before, overtaken)
        ids = await asyncio.gather(*(app.jobs.submit("work") for _ in range(3)), app.metrics.inc("mine_total"))
        assert {job.id for job in (await app.jobs.list()).jobs} == set(ids[:3])
        assert b"mine_total 1.0" in await app.metrics.text()
        assert len(script.batches) == 2


async def test_a_settlement_whose_answer_is_lost_by_a_fence(app: App) -> None:
    """It was committed before the takeover, so it stands, and the job does not run again."""
    gate = asyncio.Event()
    runs: list[str] = []

    @app.job("work")
    async def work() -> str:
        runs.append("ran")
        await gate.wait()
        return "done"

    async with app.worker():
        job_id = await work.submit()
        await until(lambda: runs, "it runs")
        script = scripted(app)

        def lost_and_taken(store, batch):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            store.commit(batch)
            store.take_over((batch.writer_id,))
            return lost_before(store, batch)

        script.fail(lost_and_taken, on=Settle)
        gate.set()
        assert await work.result(job_id, wait=5) == "done"
        assert await work.result(await work.submit(), wait=5) == "done"

    assert len(runs) == 2
    assert script.commands(Settle)


async def test_what_can_not_be_found_out_is_said(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer's row is gone: neither yes nor no is claimed, and the worker comes back as a new one."""
    gate = asyncio.Event()
    runs: list[str] = []

    @app.job("work")
    async def work() -> str:
        runs.append("ran")
        await gate.wait()
        return "done"

    def gone(batch: Batch) -> None:
        app._opened_door().store.take_over((batch.writer_id,))
        raise Fenced(batch.writer_id)

    async with app.worker():
        running = await work.submit()
        await until(lambda: runs, "it runs")
        script = scripted(app)
        monkeypatch.setattr(script, "recall", gone, raising=False)
        script.fail(lost_after, on=Submit)
        answers = await asyncio.gather(
            app.jobs.submit("work"),
            app.jobs.submit("work", [{}]),
            app.metrics.inc("mine_total"),
            return_exceptions=True,
        )
        gate.set()
        await work.result(running, wait=5)
        listed = {job.id for job in (await app.jobs.list()).jobs}

    (unknown,) = [answer for answer in answers if isinstance(answer, OutcomeUnknown)]
    assert unknown.job_id in listed
    assert "ask status(" in str(unknown)


async def dead(app: App, count: int) -> bool:
    return bool(await app.metrics.jobs.dlq_size.read() == count)
