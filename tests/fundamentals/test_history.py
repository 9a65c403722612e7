"""`status(id)` tells all that happened to a job."""

from jobledger import App, Context


async def test_every_transition_is_kept(app: App) -> None:
    """With its time, run, worker, reason and error."""

    @app.job("flaky", retry_base=0)
    async def flaky(ctx: Context) -> str:
        if ctx.attempt == 1:
            raise OSError("no route")
        return "done"

    async with app.worker():
        job_id = await flaky.submit()
        await flaky.result(job_id, wait=5)
        report = await app.jobs.status(job_id)

    events = [(entry.event, entry.run, entry.reason) for entry in report.history]
    assert events == [
        ("submitted", 0, None),
        ("started", 1, None),
        ("retried", 1, "Processing"),
        ("started", 2, None),
        ("completed", 2, None),
    ]
    times = [entry.at for entry in report.history]
    assert times == sorted(times)
    assert len({entry.worker for entry in report.history[1:]}) == 1
    assert "OSError: no route" in (report.history[2].error or "")


async def test_attempts_are_starts_and_what_came_of_them(app: App) -> None:
    """The same history, one line an attempt, with the time that the handler took."""

    @app.job("flaky", retry_base=0)
    async def flaky(ctx: Context) -> None:
        if ctx.attempt == 1:
            raise OSError

    async with app.worker():
        job_id = await flaky.submit()
        await flaky.result(job_id, wait=5)
        attempts = (await app.jobs.status(job_id)).attempts

    assert [(attempt.run, attempt.outcome) for attempt in attempts] == [(1, "retried"), (2, "completed")]
    for attempt in attempts:
        assert attempt.ended_at is not None
        assert attempt.seconds is not None
        assert 0 <= attempt.seconds <= (attempt.ended_at - attempt.started_at).total_seconds() + 0.001


async def test_a_report_has_what_was_submitted(app: App) -> None:
    """Payload and options, as they were given."""
    async with app:
        await app.declare("mail")
        job_id = await app.jobs.submit(
            "mail", {"to": "a"}, entity="e", priority="high", max_attempts=3, dedupe="k", batch="b", trace="t"
        )
        report = await app.jobs.status(job_id)

    assert (report.id, report.type, report.status, report.ended) == (job_id, "mail", "queued", False)
    assert (report.payload, report.result, report.progress) == ({"to": "a"}, None, None)
    assert (report.entity, report.priority, report.max_attempts) == ("e", "high", 3)
    assert (report.dedupe, report.batch, report.trace) == ("k", "b", "t")
    assert report.submitted_at == report.due_at == report.history[0].at
