"""A worker process that is stopped is taken over when its lease is over, and changes nothing when it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from jobledger import App
from tests.faults.freezer import Freezer
from tests.faults.postgres.conftest import known
from tests.waiting import until

pytestmark = pytest.mark.timeout(180)
LEASES = [pytest.param(2.0, id="short"), pytest.param(10.0, id="full", marks=pytest.mark.slow)]
JOBS = 6
FOREVER = 600_000
MARGIN = 2.0


@pytest.mark.parametrize("lease", LEASES)
async def test_it_is_taken_over_and_changes_nothing_any_more(
    new_app: Callable[[], App],
    new_freezer: Callable[..., Freezer],
    lease: float,
    figure: Callable[[str], None],
) -> None:
    async with new_app() as app:
        freezer = new_freezer(workers=2, lease=lease)
        jobs = await submitted(app)
        await until(lambda: len(freezer.started) == JOBS, "all jobs run", timeout=30)
        victim = freezer.busiest()
        held = {line.job for line in freezer.started if line.pid == victim.pid}
        freezer.stop(victim)
        stopped = time.monotonic_ns()
        await until(
            lambda: held == {line.job for line in freezer.started if line.run == 2},
            "the other worker has started them again",
            timeout=lease + 20,
        )
        took = [(line.at - stopped) / 1e9 for line in freezer.started if line.run == 2]
        figure(f"started elsewhere {min(took):.2f} to {max(took):.2f} s after the stop, lease {lease:g} s")
        assert min(took) > 0.7 * lease, "taken over before its lease was over"
        assert min(took) < lease + MARGIN
        for job_id in held:
            await app.jobs.result(job_id, wait=10)
        before = [await app.jobs.status(job_id) for job_id in jobs]

        writers = freezer.writers(victim.pid)
        freezer.proceed(victim)
        await until(lambda: len(freezer.writers(victim.pid)) > len(writers), "it is back as a new worker", timeout=30)
        assert {line.job for line in freezer.ended if line.pid == victim.pid and line.outcome == "stopped"} == held
        assert [await app.jobs.status(job_id) for job_id in jobs] == before
        assert await app.metrics.jobs.lost.read(type="long") == len(held)
        assert await app.metrics.jobs.completions.read(type="long") == len(held)
        await works_again(app, freezer, victim.pid, set(writers))


async def submitted(app: App) -> list[str]:
    await until(lambda: known(app, "long"), "a worker has declared its types", timeout=30)
    payloads = [{"ticket": 0, "item": item, "ms": FOREVER} for item in range(JOBS)]
    return [str(await app.jobs.submit("long", one, entity=f"entity:{one['item']}")) for one in payloads]


async def works_again(app: App, freezer: Freezer, pid: int, old: set[int]) -> None:
    """Alone, it runs what is submitted now, and under another number."""
    freezer.stop(*(worker for worker in freezer.workers if worker.pid != pid))
    job_id = await app.jobs.submit("plain", {"ticket": 1, "item": 0, "ms": 1})
    await app.jobs.result(job_id, wait=20)
    (start,) = [line for line in freezer.started if line.job == str(job_id)]
    assert start.pid == pid
    assert start.writer not in old
