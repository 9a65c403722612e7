"""Handlers answer with values: Done, Retry, Fail, Cancel. A plain return is Done, an exception is a failure."""

import asyncio

import pytest

from jobledger import App, Cancel, Context, Done, Fail, JobReport, Retry
from jobledger.errors import JobEnded
from tests.waiting import until


async def ended(app: App, job_id: str) -> JobReport:
    async def has_ended() -> bool:
        return (await app.jobs.status(job_id)).ended

    await until(has_ended, "the job has ended")
    return await app.jobs.status(job_id)


async def test_done_carries_a_result(app: App) -> None:
    """`Done(value)` means the same as `return value`."""

    @app.job("work")
    async def work() -> Done:
        return Done({"sent": 3})

    async with app.worker():
        assert await app.jobs.result(await work.submit(), wait=5) == {"sent": 3}


async def test_retry_says_when(app: App) -> None:
    """`Retry(after=…)` is a failed attempt with a pause of its own choice."""

    @app.job("work", retry_base=600)
    async def work(ctx: Context) -> str | Retry:
        return "done" if ctx.attempt == 2 else Retry(after=0, error="not yet")

    async with app.worker():
        job_id = await work.submit()
        assert await app.jobs.result(job_id, wait=5) == "done"
        report = await app.jobs.status(job_id)

    assert [attempt.error for attempt in report.attempts] == ["not yet", None]


async def test_retry_counts_as_an_attempt(app: App) -> None:
    """A handler that always asks for a retry ends in the dead-letter queue."""

    @app.job("work", max_attempts=2)
    async def work() -> Retry:
        return Retry(after=0)

    async with app.worker():
        report = await ended(app, await work.submit())

    assert (report.status, report.reason, len(report.attempts)) == ("failed", "MaxAttempts", 2)


async def test_fail_skips_all_retries(app: App) -> None:
    """`Fail(why)`: no attempt more."""

    @app.job("work")
    async def work() -> Fail:
        return Fail("the card is blocked")

    async with app.worker():
        report = await ended(app, await work.submit())

    assert (report.status, report.reason, report.error) == ("failed", "Processing", "the card is blocked")
    assert len(report.attempts) == 1


async def test_cancel_ends_the_job(app: App) -> None:
    """`Cancel()`: there is nothing to do any more; the job ends cancelled, and is no dead letter."""

    @app.job("work")
    async def work() -> Cancel:
        return Cancel("the order is gone")

    async with app.worker():
        report = await ended(app, await work.submit())
        assert await app.metrics.jobs.cancellations.read(type="work") == 1

    assert (report.status, report.error) == ("cancelled", "the order is gone")


@pytest.mark.parametrize("after", [float("nan"), float("inf"), 1e300, "soon", True])
async def test_an_answer_that_makes_no_sense_is_a_failure(app: App, after: object) -> None:
    """It is not left lying about: the attempt failed, and the error says what was wrong with the answer."""

    @app.job("work", max_attempts=1)
    async def work() -> Retry:
        return Retry(after=after)  # type: ignore[arg-type]

    async with app.worker():
        report = await ended(app, await work.submit())

    assert report.status == "failed"
    assert "after must be" in (report.error or "")


@pytest.mark.parametrize("error", ["x" * 100_000, "half a pair \ud800", 5, None, ValueError("as it is")])
@pytest.mark.parametrize("kind", [Fail, Cancel, Retry])
async def test_any_error_text_can_be_kept(app: App, kind: type[Fail | Cancel | Retry], error: object) -> None:
    """What a handler says is made to fit, so that its outcome can always be written."""

    @app.job("work", max_attempts=1)
    async def work() -> Fail | Cancel | Retry:
        return kind(error=error)  # type: ignore[arg-type]

    async with app.worker():
        report = await ended(app, await work.submit())

    assert report.status in {"failed", "cancelled"}
    assert len(report.error or "") <= 8 * 1024 + 1


async def test_any_exception_is_a_failure(app: App) -> None:
    """Also one that is no Exception, and one that means to end the process."""

    class Odd(BaseException):
        pass

    raised: dict[str, BaseException] = {
        "odd": Odd("odd"),
        "exit": SystemExit(3),
        "cancelled": asyncio.CancelledError(),
        "generator": GeneratorExit(),
        "next": StopIteration(),
        "group": BaseExceptionGroup("many", [Odd("odd")]),
    }

    @app.job("work", max_attempts=1)
    async def work(*, what: str) -> None:
        raise raised[what]

    @app.job("work in a thread", max_attempts=1)
    def work_in_a_thread(*, what: str) -> None:
        raise raised[what]

    async with app.worker():
        for what, error in raised.items():
            for handler in (work, work_in_a_thread):
                with pytest.raises(JobEnded) as caught:
                    await app.jobs.result(await handler.submit(what=what), wait=5)
                assert type(error).__name__ in (caught.value.error or "")
