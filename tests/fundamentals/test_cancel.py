"""Cancel is a durable request with an acknowledged outcome."""

import asyncio

import pytest

from jobledger import AlreadyEnded, App, Cancelled, Context, Requested
from jobledger._core.job import Status
from jobledger._store.intake import SubmitOptions
from jobledger.errors import NotEnded
from tests.waiting import until


async def test_a_queued_job_is_cancelled_at_once(app: App) -> None:
    """No worker is needed for it."""
    async with app:
        await app.declare("work")
        every: list[SubmitOptions] = [{}, {"delay": 60}, {"entity": "a"}, {"entity": "a"}]
        for options in every:
            job_id = await app.jobs.submit("work", **options)
            assert await app.jobs.cancel(job_id) == Cancelled()
            assert (await app.jobs.status(job_id)).status == "cancelled"


async def test_a_running_job_is_asked_to_stop(app: App) -> None:
    """Its handler is cancelled; with `wait` the answer says how it ended."""
    started = asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    async with app.worker():
        job_id = await work.submit()
        await started.wait()
        assert await app.jobs.cancel(job_id, wait=5) == Cancelled()
        report = await app.jobs.status(job_id)

    assert [entry.event for entry in report.history] == ["submitted", "started", "cancel_requested", "cancelled"]


async def test_without_wait_the_answer_is_that_it_was_asked(app: App) -> None:
    """`Requested`: whether the cancel or the completion wins is not decided yet."""
    started, gate = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        try:
            await gate.wait()
        except asyncio.CancelledError:
            await gate.wait()
            raise

    async with app.worker():
        job_id = await work.submit()
        await started.wait()
        assert await app.jobs.cancel(job_id) == Requested()
        assert (await app.jobs.status(job_id)).cancel_requested
        with pytest.raises(NotEnded):
            await app.jobs.cancel(job_id, wait=0.01)
        gate.set()
        assert await app.jobs.cancel(job_id, wait=5) in {Cancelled(), AlreadyEnded(Status.CANCELLED)}


async def test_what_has_ended_is_not_cancelled(app: App) -> None:
    """`AlreadyEnded` says how it ended."""

    @app.job("work")
    async def work() -> None: ...

    async with app.worker():
        job_id = await work.submit()
        await work.result(job_id, wait=5)
        answer = await app.jobs.cancel(job_id)

    assert isinstance(answer, AlreadyEnded)
    assert answer.status == "complete"


async def test_cancelling_twice_is_one_request(app: App) -> None:
    """The second request finds the first; history keeps one."""
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work")
        assert await app.jobs.cancel(job_id) == Cancelled()
        assert await app.jobs.cancel(job_id) == AlreadyEnded(Status.CANCELLED)
        assert await app.metrics.jobs.cancellations.read(type="work") == 1


async def test_a_thread_is_asked_through_its_context(app: App) -> None:
    """A `def` handler can't be interrupted: it looks at `ctx.cancelled`, or calls `ctx.check()` between its steps."""
    contexts: list[Context] = []

    @app.job("work")
    def work(ctx: Context) -> None:
        contexts.append(ctx)
        while True:
            ctx.check()

    async with app.worker():
        job_id = await work.submit()
        await until(lambda: contexts, "the handler runs")
        assert await app.jobs.cancel(job_id, wait=5) == Cancelled()

    assert contexts[0].cancelled


async def test_a_cancelled_job_lets_its_entity_go_on(app: App) -> None:
    """Whether it was queued or running."""
    started = asyncio.Event()

    @app.job("work")
    async def work(*, wait: bool = False) -> None:
        started.set()
        if wait:
            await asyncio.Event().wait()

    async with app.worker():
        running = await work.options(entity="a").submit(wait=True)
        queued = await work.options(entity="a").submit()
        last = await work.options(entity="a").submit()
        await started.wait()
        await app.jobs.cancel(queued)
        await app.jobs.cancel(running)
        await work.result(last, wait=5)
