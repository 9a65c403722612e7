"""While one batch commits the next one gathers; there are no timers."""

import asyncio
from itertools import pairwise
from typing import Any

from jobledger import App, Context
from jobledger._core.commands import Report, Settle, Submit, SubmitAll
from tests.scripted import scripted
from tests.waiting import until


async def test_what_waits_goes_together(app: App) -> None:
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.hold()
        first = asyncio.ensure_future(app.jobs.submit("work"))
        await until(lambda: script.at_gate, "the first batch is being committed")
        others = [asyncio.ensure_future(app.jobs.submit("work")) for _ in range(50)]
        await asyncio.sleep(0)
        script.release()
        ids = await asyncio.gather(first, *others)

    assert script.sizes == [1, 50]
    assert len(set(ids)) == 51


async def test_a_batch_has_at_most_500_commands(app: App) -> None:
    async with app:
        await app.declare("work")
        script = scripted(app)
        ids = await asyncio.gather(*(app.jobs.submit("work", {"n": n}) for n in range(1_200)))
        reports = await asyncio.gather(*(app.jobs.status(job_id) for job_id in ids[::100]))

    assert sorted(script.sizes, reverse=True)[:2] == [500, 500]
    assert len(script.batches) <= 5
    assert [report.payload["n"] for report in reports] == list(range(0, 1_200, 100))


async def test_a_batch_submit_is_a_batch_of_its_own(app: App) -> None:
    """It may be large, and keeps its place in the order."""
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.hold()
        payloads: list[Any] = [{}, {}, [{}, {}], {}, [{}], [{}]]
        waiting = [asyncio.ensure_future(app.jobs.submit("work", payload)) for payload in payloads]
        await until(lambda: script.at_gate, "the first batch is being committed")
        script.release()
        await asyncio.gather(*waiting)

    kinds = [tuple(type(command) for command in batch.commands) for batch in script.batches]
    assert kinds == [(Submit, Submit), (SubmitAll,), (Submit,), (SubmitAll,), (SubmitAll,)]


async def test_a_submit_and_its_start_share_a_commit(app: App) -> None:
    """Where a slot is free: no second commit, no poll."""

    @app.job("work")
    async def work() -> None: ...

    async with app.worker():
        for _ in range(5):
            job_id = await work.submit()
            await work.result(job_id, wait=5)
            submitted, started, completed = (await app.jobs.status(job_id)).history
            assert submitted.at == started.at < completed.at


async def test_one_batch_settles_and_claims(app: App) -> None:
    """The slot that a settlement frees is taken in the same commit."""

    @app.job("work")
    async def work() -> None: ...

    async with app:
        jobs = await app.jobs.submit("work", [{}] * 10)
        script = scripted(app)
        async with app.worker(slots=1, threads=0):
            for job_id in jobs:
                await work.result(job_id, wait=5)
        reports = [await app.jobs.status(job_id) for job_id in jobs]

    for before, after in pairwise(reports):
        assert before.ended_at == after.started_at
    settling = [batch for batch in script.batches if any(isinstance(command, Settle) for command in batch.commands)]
    assert len(settling) == 10


async def test_settlements_go_before_submits(app: App) -> None:
    """A flood of submits does not keep a slot taken."""
    started, gate = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        await gate.wait()

    async with app:
        await app.declare("later")
        async with app.worker(slots=1, threads=0):
            await work.submit()
            await started.wait()
            script = scripted(app)
            script.hold(on=Submit)
            submits = [asyncio.ensure_future(app.jobs.submit("later"))]
            await until(lambda: script.at_gate, "a batch is being committed")
            submits += [asyncio.ensure_future(app.jobs.submit("later")) for _ in range(3)]
            await asyncio.sleep(0)
            gate.set()
            await until(lambda: app._opened_door()._settlements, "the job has ended")
            script.release()
            await asyncio.gather(*submits)

    (kinds,) = script.with_a(Settle)
    assert kinds[0] is Settle
    assert kinds.count(Submit) >= 3


async def test_progress_never_floods_the_door(app: App) -> None:
    """A handler may report as often as it likes: one word is on its way at a time, and the last one is kept."""

    @app.job("work")
    async def work(ctx: Context) -> None:
        for number in range(100_000):
            ctx.progress(number / 1000)
            if number % 100 == 0:
                await asyncio.sleep(0)

    async with app.worker():
        script = scripted(app)
        job_id = await work.submit()
        await work.result(job_id, wait=10)
        progress = (await app.jobs.status(job_id)).progress

    assert progress is not None
    assert progress.percent == 99.999
    assert max(script.sizes) <= 3
    assert len(script.commands(Report)) <= len(script.batches) + 2


async def test_a_worker_starts_and_stops_under_load(app: App) -> None:
    """Becoming a worker, and a client again, waits for one batch, not for a moment without any."""
    ended = asyncio.Event()
    accepted: list[str] = []

    async def submit_without_end() -> None:
        while not ended.is_set():
            accepted.append(await app.jobs.submit("work", delay=60))

    @app.job("work")
    async def work() -> None: ...

    async with app:
        submitting = [asyncio.ensure_future(submit_without_end()) for _ in range(10)]
        await until(lambda: len(accepted) > 20, "there is load")
        async with asyncio.timeout(5), app.worker():
            before = len(accepted)
            await until(lambda: len(accepted) > before + 20, "the load goes on")
        ended.set()
        await asyncio.gather(*submitting)
        assert await app.metrics.jobs.enqueued.read(type="work") == len(accepted)
