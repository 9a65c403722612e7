"""An attempt may take so long; its slot and its mailbox stay held until its code has stopped."""

import asyncio
import threading

import pytest

from jobledger import App, Context
from jobledger.errors import AttemptTimedOut, JobEnded
from tests.waiting import until


async def test_an_async_handler_is_stopped(app: App) -> None:
    stopped = asyncio.Event()

    @app.job("work", timeout=0.02, max_attempts=2, retry_base=0)
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with app.worker():
        job_id = await work.submit()
        with pytest.raises(JobEnded, match=r"stopped after its timeout of 0\.02 s"):
            await work.result(job_id, wait=5)
        report = await app.jobs.status(job_id)

    assert stopped.is_set()
    assert [attempt.reason for attempt in report.attempts] == ["Timeout", "MaxAttempts"]
    assert all(attempt.seconds is not None and attempt.seconds >= 0.02 for attempt in report.attempts)


async def test_a_timeout_may_be_given_for_one_job(app: App) -> None:
    @app.job("work", timeout=60, max_attempts=1)
    async def work() -> None:
        await asyncio.Event().wait()

    async with app.worker():
        with pytest.raises(JobEnded, match="after its timeout"):
            await work.result(await work.options(timeout=0.02).submit(), wait=5)


async def test_a_thread_finds_out_by_asking(app: App) -> None:
    raised: list[BaseException] = []

    @app.job("work", timeout=0.02, max_attempts=1)
    def work(ctx: Context) -> None:
        while True:
            try:
                ctx.check()
            except AttemptTimedOut as error:
                raised.append(error)
                raise

    async with app.worker():
        job_id = await work.submit()
        with pytest.raises(JobEnded, match="after its timeout"):
            await work.result(job_id, wait=5)
        assert (await app.jobs.status(job_id)).attempts[0].reason == "MaxAttempts"

    assert len(raised) == 1


async def test_a_thread_that_ignores_its_timeout_holds_slot_and_mailbox(app: App) -> None:
    gate = threading.Event()
    contexts: list[Context] = []
    done: list[str] = []

    @app.job("work", timeout=0.02)
    def work(ctx: Context, *, name: str) -> None:
        contexts.append(ctx)
        if name == "slow":
            gate.wait(10)
        done.append(name)

    @app.job("witness")
    async def witness() -> None: ...

    async with app.worker(threads=1):
        slow = await work.options(entity="a").submit(name="slow")
        behind = await work.options(entity="a", timeout=60).submit(name="behind")
        other = await work.options(timeout=60).submit(name="other")
        await until(lambda: contexts and contexts[0].cancelled, "the timeout has come")
        await witness.result(await witness.submit(), wait=5)
        lanes = [(await app.jobs.status(job_id)).lane for job_id in (slow, behind, other)]
        assert lanes == ["processing", "parked", "ready"]
        assert len(contexts) == 1
        gate.set()
        for job_id in (slow, behind, other):
            await work.result(job_id, wait=5)

    assert done[0] == "slow"


async def test_a_completion_after_the_timeout_wins(app: App) -> None:
    gate = threading.Event()
    contexts: list[Context] = []

    @app.job("work", timeout=0.02)
    def work(ctx: Context) -> str:
        contexts.append(ctx)
        gate.wait(10)
        return "late, but done"

    async with app.worker():
        job_id = await work.submit()
        await until(lambda: contexts and contexts[0].cancelled, "the timeout has come")
        gate.set()
        assert await work.result(job_id, wait=5) == "late, but done"
        report = await app.jobs.status(job_id)

    assert (report.history[-1].event, report.history[-1].reason) == ("completed", "Timeout")
    assert await metric_is_zero(app, "failures")


async def test_an_async_handler_that_goes_on_is_not_interrupted_again(app: App) -> None:
    """One timeout is one cancellation: what a handler does to clean up is its own."""
    cleaning, gate = asyncio.Event(), asyncio.Event()

    @app.job("work", timeout=0.02)
    async def work() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cleaning.set()
            await gate.wait()
        return "cleaned up"

    async with app.worker():
        job_id = await work.submit()
        await cleaning.wait()
        await app.jobs.submit("work", delay=60)
        gate.set()
        assert await work.result(job_id, wait=5) == "cleaned up"


async def metric_is_zero(app: App, name: str) -> bool:
    async with app:
        return bool(await getattr(app.metrics.jobs, name).read() == 0)
