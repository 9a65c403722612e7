"""A job can be due later."""

from datetime import UTC, datetime, timedelta, timezone

from jobledger import App
from tests.waiting import until


async def test_a_delayed_job_is_run_when_it_is_due(app: App) -> None:
    """`delay` is seconds from now; the worker wakes up for it by itself."""

    @app.job("remind")
    async def remind() -> None: ...

    async with app.worker():
        job_id = await remind.options(delay=0.05).submit()
        report = await app.jobs.status(job_id)
        assert (report.status, report.lane) == ("queued", "scheduled")
        await remind.result(job_id, wait=5)
        report = await app.jobs.status(job_id)

    assert report.due_at - report.submitted_at == timedelta(seconds=0.05)
    assert report.started_at is not None
    assert report.due_at <= report.started_at < report.due_at + timedelta(seconds=2)


async def test_an_instant_with_a_time_zone(app: App) -> None:
    """`at` is an instant instead; one that has passed means now."""

    @app.job("remind")
    async def remind() -> None: ...

    later = datetime(2090, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    async with app.worker():
        far = await app.jobs.status(await remind.options(at=later).submit())
        assert (far.due_at, far.lane) == (later, "scheduled")
        past = await remind.options(at=datetime(2000, 1, 1, tzinfo=UTC)).submit()
        await remind.result(past, wait=5)


async def test_a_delay_is_no_waiting_in_the_metrics(app: App) -> None:
    """A job that is not due is scheduled, not queued: the queue's depth is what could run now."""

    @app.job("remind")
    async def remind() -> None: ...

    async with app:
        await remind.options(delay=3600).submit()
        assert await app.metrics.jobs.queue_depth.read(type="remind") == 0
        assert await app.metrics.jobs.scheduled.read(type="remind") == 1


async def test_delays_survive_a_restart(app: App) -> None:
    """A worker that starts later finds what became due meanwhile."""

    @app.job("remind")
    async def remind() -> None: ...

    async with app:
        job_id = await remind.options(delay=0.02).submit()
        due = (await app.jobs.status(job_id)).due_at
        await until(lambda: datetime.now(UTC) > due, "it is due")
        assert (await app.jobs.status(job_id)).lane == "scheduled"
        async with app.worker():
            await remind.result(job_id, wait=5)
