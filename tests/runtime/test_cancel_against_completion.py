"""While a cancel is asked: a completion wins, and everything else ends the job as cancelled."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobledger import App, Context, Done, Fail, Retry
from jobledger._runtime.poll import Poll
from tests.waiting import until


async def cancelled_while_running(
    app: App, ends: Callable[[], Any], **options: Any
) -> tuple[str, str | None, str | None]:
    """Run a handler that is cancelled, swallows it, and ends in its own way: the job's status, event and reason."""
    started = asyncio.Event()

    @app.job("work", **options)
    async def work() -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return ends()

    async with app.worker():
        job_id = await work.submit()
        await started.wait()
        await app.jobs.cancel(job_id, wait=5)
        report = await app.jobs.status(job_id)
        last = report.history[-1]
        return report.status, last.event, last.reason


def raises() -> None:
    raise OSError


def stops() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("ends", [lambda: "done", lambda: Done("done"), lambda: None])
async def test_a_completion_wins(app: App, ends: Callable[[], Any]) -> None:
    assert await cancelled_while_running(app, ends) == ("complete", "completed", None)


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        (stops, None),
        (raises, "Processing"),
        (lambda: Retry(after=0), "Processing"),
        (lambda: Fail("no"), "Processing"),
        (object, "Validation"),
    ],
)
async def test_everything_else_is_cancelled(app: App, ends: Callable[[], Any], reason: str | None) -> None:
    """Never requeued, never a dead letter; the failure is in the history."""
    assert await cancelled_while_running(app, ends) == ("cancelled", "cancelled", reason)
    async with app:
        assert await app.metrics.jobs.dlq_size.read() == 0
        assert await app.metrics.jobs.retries.read() == 0


async def test_a_timeout_while_a_cancel_is_asked(app: App) -> None:
    gate = threading.Event()
    contexts: list[Context] = []

    @app.job("work", timeout=0.02)
    def work(ctx: Context) -> None:
        contexts.append(ctx)
        gate.wait(10)
        ctx.check()

    async with app.worker():
        job_id = await work.submit()
        await until(lambda: contexts and contexts[0].cancelled, "the timeout has come")
        await app.jobs.cancel(job_id)
        gate.set()
        await app.jobs.cancel(job_id, wait=5)
        report = await app.jobs.status(job_id)

        assert await app.metrics.jobs.failures.read() == 0

    assert (report.status, report.history[-1].reason, len(report.attempts)) == ("cancelled", None, 1)


async def test_a_release_while_a_cancel_is_asked(new_app: Callable[[], App], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process asks for the cancel, and the worker stops before it hears of it."""

    async def sees_nothing(poll: Poll) -> None: ...

    monkeypatch.setattr(Poll, "step", sees_nothing)
    server, client = new_app(), new_app()
    started = asyncio.Event()

    @server.job("work")
    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    async with client:
        async with server.worker(grace=0):
            job_id = await work.submit()
            await started.wait()
            await client.jobs.cancel(job_id)
        report = await client.jobs.status(job_id)
        assert await client.metrics.jobs.released.read(type="work") == 1

    assert [entry.event for entry in report.history] == ["submitted", "started", "cancel_requested", "cancelled"]


async def test_a_cancel_from_another_process_reaches_the_handler(new_app: Callable[[], App]) -> None:
    """Within a fraction of a second, also when all slots are taken."""
    server, client = new_app(), new_app()
    started = asyncio.Event()

    @server.job("work")
    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    async with client, server.worker(slots=1, threads=0):
        job_id = await work.submit()
        await started.wait()
        assert type(await client.jobs.cancel(job_id, wait=5)).__name__ == "Cancelled"


async def test_cleaning_up_after_a_cancel_is_not_interrupted(app: App) -> None:
    """One request is one cancellation, however many batches go by meanwhile."""
    started, cleaning, gate = asyncio.Event(), asyncio.Event(), asyncio.Event()
    cleaned: list[str] = []

    @app.job("work")
    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cleaning.set()
            await gate.wait()
            cleaned.append("up")
            raise

    async with app.worker():
        job_id = await work.submit()
        await started.wait()
        await app.jobs.cancel(job_id)
        await cleaning.wait()
        for _ in range(5):
            await app.jobs.submit("work", delay=60)
        gate.set()
        await app.jobs.cancel(job_id, wait=5)
        assert (await app.jobs.status(job_id)).status == "cancelled"

    assert cleaned == ["up"]


async def test_a_cancel_before_the_first_step(app: App) -> None:
    """A job that is cancelled in the commit that starts it ends all the same."""
    ran: list[str] = []

    @app.job("work")
    async def work() -> None:
        ran.append("ran")

    async with app.worker():
        for _ in range(20):
            submitting = asyncio.ensure_future(work.submit())
            job_id = await submitting
            await both(app.jobs.cancel(job_id), app.jobs.cancel(job_id))
            await until(lambda job_id=job_id: ended(app, job_id), "the job has ended")  # type: ignore[misc]


async def both(first: Awaitable[object], second: Awaitable[object]) -> None:
    await asyncio.gather(first, second)


async def ended(app: App, job_id: str) -> bool:
    return (await app.jobs.status(job_id)).ended
