"""An exception is a failed attempt; the job is tried again until its attempts are used up."""

from datetime import timedelta

import pytest

from jobledger import App, Context
from jobledger.errors import JobEnded
from tests.waiting import until


async def test_a_failed_attempt_is_tried_again(app: App) -> None:
    """`ctx.attempt` counts; the error of each attempt stays in the history."""
    attempts: list[int] = []

    @app.job("flaky", retry_base=0)
    async def flaky(ctx: Context) -> str:
        attempts.append(ctx.attempt)
        if ctx.attempt < 3:
            message = f"attempt {ctx.attempt} went wrong"
            raise ConnectionError(message)
        return "at last"

    async with app.worker():
        job_id = await flaky.submit()
        assert await flaky.result(job_id, wait=5) == "at last"
        report = await app.jobs.status(job_id)

    assert attempts == [1, 2, 3]
    assert [attempt.outcome for attempt in report.attempts] == ["retried", "retried", "completed"]
    assert "ConnectionError: attempt 1 went wrong" in (report.attempts[0].error or "")


async def test_attempts_have_a_limit(app: App) -> None:
    """`max_attempts` is set for a type, or for one job; then it is a dead letter, with the last error."""
    runs: list[str] = []

    @app.job("broken", retry_base=0, max_attempts=3)
    async def broken(ctx: Context) -> None:
        runs.append(ctx.job_id)
        raise ZeroDivisionError

    async with app.worker():
        three, one = await broken.submit(), await broken.options(max_attempts=1).submit()
        for job_id in (three, one):
            with pytest.raises(JobEnded, match=r"failed \(MaxAttempts\): ZeroDivisionError"):
                await app.jobs.result(job_id, wait=5)

    assert (runs.count(three), runs.count(one)) == (3, 1)


async def test_the_pause_grows_up_to_a_cap(app: App) -> None:
    """Base, factor and cap are options of the type; the jitter takes anything between nothing and all of it."""

    @app.job("flaky", retry_base=100, retry_factor=10, retry_cap=50)
    async def flaky() -> None:
        raise OSError

    async with app.worker():
        job_id = await flaky.submit()
        await until(lambda: has_failed(app, job_id), "the first attempt has failed")
        report = await app.jobs.status(job_id)

    assert (report.status, report.lane, report.attempt) == ("queued", "scheduled", 2)
    assert timedelta(0) <= report.due_at - report.history[-1].at <= timedelta(seconds=50)


async def test_a_retry_is_counted(app: App) -> None:
    """Failures count attempts, retries those that were put back, dead letters the jobs that ended by it."""

    @app.job("broken", retry_base=0, max_attempts=3)
    async def broken() -> None:
        raise ZeroDivisionError

    async with app.worker():
        job_id = await broken.submit()
        await until(lambda: has_ended(app, job_id), "it is dead")
        metrics = app.metrics.jobs
        assert await metrics.failures.read(type="broken") == 3
        assert await metrics.retries.read(type="broken") == 2
        assert await metrics.dead_lettered.read(type="broken") == 1
        assert await metrics.dlq_size.read(type="broken") == 1


async def has_failed(app: App, job_id: str) -> bool:
    return (await app.jobs.status(job_id)).attempt > 1


async def has_ended(app: App, job_id: str) -> bool:
    return (await app.jobs.status(job_id)).ended
