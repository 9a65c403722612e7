"""A running job says how far it is."""

import asyncio
import threading

import pytest

from jobledger import App, Context
from jobledger._core.commands import Settle
from jobledger.errors import NotFound
from tests.scripted import scripted
from tests.waiting import until


async def test_progress_is_kept_with_the_job(app: App) -> None:
    """The latest word wins; it is bounded to 0 to 100, and a long message is cut."""
    gate = asyncio.Event()

    @app.job("work")
    async def work(ctx: Context) -> None:
        ctx.progress(-5)
        ctx.progress(250, "x" * 2000)
        await gate.wait()

    async with app.worker():
        job_id = await work.submit()

        async def said() -> tuple[float, str] | None:
            progress = (await app.jobs.status(job_id)).progress
            return None if progress is None else (progress.percent, progress.message)

        async def is_committed() -> bool:
            return await said() == (100, "x" * 1024)

        await until(is_committed, "the latest word is committed")
        gate.set()


async def test_progress_is_a_stream(app: App) -> None:
    """`async for` gives each new word until the job ends."""
    steps: asyncio.Queue[int] = asyncio.Queue()

    @app.job("work")
    async def work(ctx: Context) -> None:
        while (step := await steps.get()) < 100:
            ctx.progress(step, f"step {step}")

    async with app.worker():
        job_id = await work.submit()
        await steps.put(10)
        seen = []
        async for progress in app.jobs.progress(job_id):
            seen.append((progress.percent, progress.message))
            await steps.put({10: 20, 20: 100}[int(progress.percent)])

    assert seen == [(10, "step 10"), (20, "step 20")]


async def test_the_last_word_is_not_lost(app: App) -> None:
    """Also when the handler returns right after it, and it is no stale settlement."""

    @app.job("work")
    async def work(ctx: Context) -> None:
        ctx.progress(100, "all of it")

    @app.job("work in a thread")
    def work_in_a_thread(ctx: Context) -> None:
        ctx.progress(100, "all of it")

    async with app.worker():
        for handler in (work, work_in_a_thread):
            job_id = await handler.submit()
            await handler.result(job_id, wait=5)
            progress = (await app.jobs.status(job_id)).progress
            assert progress is not None
            assert (progress.percent, progress.message) == (100, "all of it")
            assert await app.metrics.jobs.stale_settlements.read(type=handler.name) == 0


async def test_a_thread_reports_too(app: App) -> None:
    """`ctx.progress` never waits, wherever it is called."""
    gate = threading.Event()

    @app.job("work")
    def work(ctx: Context) -> None:
        ctx.progress(float("nan"), "no number")
        gate.wait(10)

    async with app.worker():
        job_id = await work.submit()

        async def is_reported() -> bool:
            return (await app.jobs.status(job_id)).progress is not None

        await until(is_reported, "the progress is committed")
        progress = (await app.jobs.status(job_id)).progress
        gate.set()

    assert progress is not None
    assert (progress.percent, progress.message) == (0, "no number")


async def test_words_after_the_end_change_nothing(app: App) -> None:
    """A context that outlives its attempt reports into the void, also before the end is committed."""
    contexts: list[Context] = []

    @app.job("work")
    async def work(ctx: Context) -> None:
        contexts.append(ctx)

    async with app.worker():
        script = scripted(app)
        script.hold(on=Settle)
        job_id = await work.submit()
        await until(lambda: script.at_gate, "its end is being committed")
        contexts[0].progress(50)
        script.release()
        await work.result(job_id, wait=5)
        contexts[0].progress(60)
        await work.result(await work.submit(), wait=5)
        assert (await app.jobs.status(job_id)).progress is None
        assert await app.metrics.jobs.stale_settlements.read(type="work") == 0


async def test_an_unknown_job_has_no_progress(app: App) -> None:
    """NotFound, as everywhere."""
    async with app:
        await app.declare("work")
        with pytest.raises(NotFound):
            await anext(app.jobs.progress("0193"))
