"""The wall clock of one worker's machine is an hour off, one way and then the other: nobody is taken for dead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core import catalog
from tests.both_stores import url
from tests.faults.chaos.settings import Settings
from tests.faults.freezer import Freezer
from tests.faults.wall_clock import HOUR, WallClock
from tests.waiting import until

__all__ = ["url"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
LEASE = 4.0
JOBS = 6
HALF_AN_HOUR = timedelta(seconds=HOUR / 2)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "wall-clock")


@pytest.fixture
def workers(url: str, tmp_path: Path, clock: WallClock) -> Iterator[tuple[Freezer, Freezer]]:
    """One whose clock will jump, and one whose clock is right."""
    settings = Settings(url=url, folder=str(tmp_path), workers=1, lease=LEASE, slots=2)
    jumping, steady = Freezer(settings, clock.variables), Freezer(settings)
    yield jumping, steady
    for freezer in (jumping, steady):
        freezer.close()


async def test_it_costs_nothing(
    new_app: Callable[[], App], workers: tuple[Freezer, Freezer], clock: WallClock, url: str
) -> None:
    """Each hour of difference lasts until both workers have started and ended jobs, and have beaten for a lease."""
    jumping, steady = workers
    async with new_app() as app:
        await until(lambda: workers_live(app, 2), "both workers are there", timeout=60)
        ids: list[str] = []
        for seconds in (HOUR, -HOUR, 0):
            clock.jump(seconds)
            already = len(jumping.ended)
            for item in range(JOBS):
                payload = {"ticket": seconds, "item": item, "ms": 1000}
                ids.append(str(await app.jobs.submit("plain", payload, entity=f"entity:{item % 4}", delay=0.05)))
            await until(lambda seen=already: len(jumping.ended) == seen + JOBS, "they are done", timeout=60)  # type: ignore[misc]
        assert {line.pid for line in jumping.started} == {jumping.workers[0].pid, steady.workers[0].pid}
        assert [line.run for line in jumping.started] == [1] * len(ids)
        now = await app.metrics.snapshot()
        assert (now.value(catalog.LOST), now.value(catalog.STALE), now.value(catalog.WORKERS)) == (0, 0, 2)
        for job_id in ids:
            await app.jobs.result(job_id, wait=20)
        reports = [await app.jobs.status(job_id) for job_id in ids]
        for report in reports:
            assert report.status == "complete"
            assert all(before.at <= after.at for before, after in pairwise(report.history))
        instants = [entry.at for report in reports for entry in report.history]
        assert abs(min(instants) - datetime.now(UTC)) < HALF_AN_HOUR
        # On PostgreSQL only the server's clock counts; a file's own clock follows the one that is ahead.
        assert (max(instants) - min(instants) < HALF_AN_HOUR) == url.startswith("postgresql:")


async def workers_live(app: App, count: int) -> bool:
    return (await app.metrics.snapshot()).value(catalog.WORKERS) == count
