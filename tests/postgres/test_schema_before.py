"""This version on the oldest schema that it works on: beside workers of the version before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger import App, Context
from jobledger._store.postgres import migrate
from tests.waiting import until

if TYPE_CHECKING:
    import pytest


async def test_jobs_run_and_their_histories_are_whole(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [step for step in migrate.steps() if step.number <= migrate.NEEDED]
    monkeypatch.setattr(migrate, "steps", lambda: known)
    app = App(postgres_database, migrate=True)

    @app.job("flaky", max_attempts=3, retry_base=0.001)
    async def flaky(ctx: Context, fails: int) -> None:
        if ctx.attempt <= fails:
            raise ValueError("not yet")

    async with app:
        ids = [await flaky.submit(fails=fails) for fails in (0, 1, 9)]
        async with app.worker() as worker:
            await until(
                lambda: (worker.ended["completed"], worker.ended["dead_lettered"]) == (2, 1), "all three have ended"
            )
        reports = [await app.jobs.status(job_id) for job_id in ids]
        assert (await app.metrics.audit()).balanced
    assert [[entry.event.value for entry in report.history] for report in reports] == [
        ["submitted", "started", "completed"],
        ["submitted", "started", "retried", "started", "completed"],
        ["submitted", *["started", "retried"] * 2, "started", "dead_lettered"],
    ]
