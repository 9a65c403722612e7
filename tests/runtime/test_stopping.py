"""A worker stops: no new claims, a time of grace for what runs, then it is stopped and released."""

import asyncio
from collections.abc import Callable

import pytest

from jobledger import App, Context
from jobledger._core.commands import Submit
from jobledger._runtime.context import Stop
from jobledger._runtime.dispatcher import Dispatcher
from jobledger._store.contract import Committed
from jobledger.errors import AttemptStopped, NotOpen
from tests.scripted import scripted
from tests.waiting import until


async def test_running_jobs_end_within_the_grace_time(app: App) -> None:
    started, gate = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> str:
        started.set()
        await gate.wait()
        return "done"

    async with app:
        async with app.worker(grace=10):
            job_id = await work.submit()
            await started.wait()
            asyncio.get_running_loop().call_later(0.02, gate.set)
        assert await work.result(job_id) == "done"


async def test_nothing_is_claimed_while_a_worker_stops(app: App) -> None:
    started, gate = asyncio.Event(), asyncio.Event()
    runs: list[str] = []

    @app.job("work")
    async def work(*, name: str) -> None:
        runs.append(name)
        started.set()
        await gate.wait()

    async def submit_while_it_stops() -> str:
        await until(lambda: app._node is not None and app._node._stopping, "the worker stops")
        job_id = await work.submit(name="second")
        gate.set()
        return job_id

    async with app:
        async with app.worker(grace=10):
            first = await work.submit(name="first")
            await started.wait()
            submitting = asyncio.ensure_future(submit_while_it_stops())
        second = await submitting
        await work.result(first)
        assert (await app.jobs.status(second)).status == "queued"

    assert runs == ["first"]


async def test_after_the_grace_time_jobs_are_released(new_app: Callable[[], App]) -> None:
    """It costs them no attempt, and the next worker runs them again, an entity's in order."""
    first, second = new_app(), new_app()
    started: list[str] = []
    gate = asyncio.Event()

    @first.job("work")
    async def hangs(*, name: str) -> None:
        started.append(name)
        await asyncio.Event().wait()

    @second.job("work")
    async def works(ctx: Context, *, name: str) -> tuple[str, int]:
        started.append(name)
        await gate.wait()
        return name, ctx.attempt

    async with second:
        jobs = [await second.jobs.submit("work", {"name": name}, entity=name[0]) for name in ("a1", "b1", "a2")]
        async with first.worker(grace=0.02):
            await until(lambda: len(started) == 2, "both heads run")
        reports = [await second.jobs.status(job_id) for job_id in jobs]
        assert [report.lane for report in reports] == ["ready", "ready", "parked"]
        assert [entry.event for entry in reports[0].history] == ["submitted", "started", "released"]
        assert await second.metrics.jobs.released.read(type="work") == 2
        gate.set()
        async with second.worker():
            results = [await second.jobs.result(job_id, wait=5) for job_id in jobs]

    assert results == [["a1", 1], ["b1", 1], ["a2", 1]]
    assert started[2:].index("a1") < started[2:].index("a2")


async def test_a_thread_is_released_when_it_heeds_its_context(app: App) -> None:
    stopped: list[BaseException] = []

    @app.job("work")
    def work(ctx: Context) -> None:
        try:
            while True:
                ctx.check()
        except AttemptStopped as error:
            stopped.append(error)
            raise

    async with app:
        async with app.worker(grace=0):
            job_id = await work.submit()
            await until(lambda: running(app), "the job runs")
        report = await app.jobs.status(job_id)

    assert type(stopped[0]) is AttemptStopped
    assert (report.status, report.history[-1].event) == ("queued", "released")


async def test_stopping_while_a_claim_is_being_committed(app: App) -> None:
    """What the last claim has started is run, or released; it is not forgotten."""

    @app.job("work")
    async def work() -> None: ...

    @app.job("work in a thread")
    def work_in_a_thread() -> None: ...

    async with app:
        script = scripted(app)
        async with app.worker(grace=5):
            script.hold(on=Submit)
            submits = asyncio.gather(work.submit(), work_in_a_thread.submit())
            await until(lambda: script.at_gate, "the claim is on its way")
            asyncio.get_running_loop().call_later(0.02, script.release)
        for job_id in await submits:
            report = await app.jobs.status(job_id)
            assert (report.status, report.attempt, report.losses) == ("complete", 1, 0)


async def test_stopping_at_once_while_a_claim_is_being_committed(app: App) -> None:
    """No time of grace: what the last claim has started is released, before its first step."""
    runs: list[str] = []

    @app.job("work")
    async def work() -> None:
        runs.append("ran")

    async with app:
        script = scripted(app)
        async with app.worker(grace=0):
            script.hold(on=Submit)
            submitting = asyncio.ensure_future(work.submit())
            await until(lambda: script.at_gate, "the claim is on its way")
            asyncio.get_running_loop().call_later(0.02, script.release)
        report = await app.jobs.status(await submitting)

    assert (report.status, report.attempt, report.losses, runs) == ("queued", 1, 0, [])
    assert report.history[-1].event == "released"


async def test_stopping_before_the_first_step(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is cancelled before it began would never end as one should: it is released all the same.

    Tasks begin at once where they can; a loop that makes them in its own way, as here, begins them later.
    """
    asyncio.get_running_loop().set_task_factory(
        lambda loop, coroutine, **options: asyncio.Task(coroutine, loop=loop, **options)
    )
    take = Dispatcher.take
    runs: list[str] = []

    def takes_and_stops(dispatcher: Dispatcher, committed: Committed) -> None:
        take(dispatcher, committed)
        dispatcher.stop_all(Stop.RELEASE)

    @app.job("work")
    async def work() -> None:
        runs.append("ran")

    monkeypatch.setattr(Dispatcher, "take", takes_and_stops)
    async with app:
        async with app.worker(grace=0):
            job_id = await work.submit()
        report = await app.jobs.status(job_id)

    assert (report.history[-1].event, runs) == ("released", [])


async def test_a_second_signal_ends_the_grace_time(app: App) -> None:
    started = asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    async with app:
        async with app.worker(grace=60) as node:
            job_id = await work.submit()
            await started.wait()
            asyncio.get_running_loop().call_later(0.02, node.hurry)
        assert (await app.jobs.status(job_id)).history[-1].event == "released"


async def test_a_closed_app_takes_nothing(app: App) -> None:
    """Nor does one that is not open yet; the error says how to open it."""
    for _ in range(2):
        with pytest.raises(NotOpen, match="async with app"):
            await app.jobs.submit("work")
        async with app:
            await app.declare("work")


async def test_closing_ends_although_others_go_on_submitting(app: App) -> None:
    refused: list[NotOpen] = []

    async def submit_without_end() -> None:
        try:
            while True:
                await app.jobs.submit("work")
        except NotOpen as error:
            refused.append(error)

    async with app:
        await app.declare("work")
        tasks = [asyncio.ensure_future(submit_without_end()) for _ in range(3)]
        await app.jobs.submit("work")
    await asyncio.gather(*tasks)

    assert len(refused) == 3


async def running(app: App) -> bool:
    return bool(await app.metrics.jobs.running.read() > 0)
