"""The server restarts, crashes or stays away: nothing is lost, nobody is taken over, workers go on by themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from jobledger import App
from jobledger._core import catalog
from jobledger._store.postgres.connected import WatchedConnection
from jobledger.testing.postgres import OwnServer
from jobledger.testing.postgres.server import Mode
from tests.faults.freezer import Freezer
from tests.faults.postgres.conftest import paused
from tests.faults.postgres.load import Load
from tests.waiting import until

pytestmark = pytest.mark.timeout(240)
HOW: list[Mode] = ["immediate", "fast"]
RESTARTS = [pytest.param(3, id="few"), pytest.param(20, id="many", marks=pytest.mark.slow)]
OUTAGES = [
    pytest.param(2.0, 3.0, id="short"),
    pytest.param(10.0, 20.0, id="full", marks=pytest.mark.slow),
]
"""A lease, and how long the server is away: the leases of all workers lapse."""


@pytest.mark.parametrize("restarts", RESTARTS)
async def test_restarts_under_load(
    new_app: Callable[[], App],
    new_freezer: Callable[..., Freezer],
    server: OwnServer,
    restarts: int,
    figure: Callable[[str], None],
) -> None:
    """Two worker processes and eight callers; every second restart is a crash."""
    async with new_app() as app, new_app() as client:
        freezer = new_freezer(workers=2, slots=20)
        await until(lambda: workers(app, 2), "both workers are there", timeout=60)
        async with Load(client, "plain", ticket=0, ms=20) as load:
            for number in range(restarts):
                await load.goes_on()
                await asyncio.to_thread(server.restart, HOW[number % 2])
        await load.settled(app)
        await still(app)
        figure(
            f"{restarts} restarts: acknowledged {len(load.acknowledged)}, refused {len(load.refused)}, "
            f"unknown {len(load.unknown)}, executed {len(freezer.started)}"
        )
        await until(lambda: workers(app, 2), "both have renewed their leases")
        assert await app.metrics.jobs.lost.read() == 0
        assert len(freezer.ended) == len(freezer.started)


@pytest.mark.parametrize(("lease", "away"), OUTAGES)
async def test_a_server_that_is_away_for_longer_than_all_leases(
    new_app: Callable[[], App],
    new_freezer: Callable[..., Freezer],
    server: OwnServer,
    lease: float,
    away: float,
    figure: Callable[[str], None],
) -> None:
    """Three workers, each with jobs that hold on: all stop, none takes another over, and each goes on as a new one."""
    async with new_app() as app:
        freezer = new_freezer(workers=3, slots=4, lease=lease)
        await until(lambda: workers(app, 3), "all workers are there", timeout=60)
        jobs = [await app.jobs.submit("long", {"ticket": 0, "item": n, "ms": 600_000}) for n in range(12)]
        await until(lambda: len(freezer.started) == len(jobs), "all run", timeout=30)
        before = {worker.pid: freezer.writers(worker.pid)[-1] for worker in freezer.workers}
        server.stop("immediate")
        stopped = time.monotonic_ns()
        await paused(away)
        server.start()
        back = time.monotonic()
        for job_id in jobs:
            await app.jobs.result(job_id, wait=60)
        took = time.monotonic() - back
        halted = [(line.at - stopped) / 1e9 for line in freezer.ended if line.outcome == "stopped"]
        figure(
            f"lease {lease:g} s, away {away:g} s: stopped after {min(halted):.1f} to {max(halted):.1f} s, "
            f"all done {took:.1f} s after it was back"
        )
        await until(
            lambda: all(freezer.writers(pid)[-1] != writer for pid, writer in before.items()), "all are new workers"
        )
        await until(lambda: workers(app, 3), "and no others are left")
        assert (await app.metrics.jobs.lost.read(), await app.metrics.jobs.released.read()) == (0, len(jobs))
        assert len(halted) == len(jobs)
        assert "took over" not in freezer.log


@pytest.mark.parametrize("listens", [True, False])
async def test_a_client_notices_nothing_of_a_restart_between_its_calls(
    app: App, server: OwnServer, monkeypatch: pytest.MonkeyPatch, *, listens: bool
) -> None:
    """It had connections, and makes new ones; also when it learns that one has ended only by using it."""
    if not listens:
        monkeypatch.setattr(WatchedConnection, "has_news", lambda _: False)
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work", dedupe="key")
        server.restart("immediate")
        assert (await app.jobs.status(job_id)).status == "queued"
        assert (await app.jobs.submit("work", dedupe="key")).created is False
        server.restart("fast")
        await app.jobs.cancel(job_id)
        assert (await app.metrics.audit()).balanced


async def workers(app: App, count: int) -> bool:
    return (await app.metrics.snapshot()).value(catalog.WORKERS) == count


async def still(app: App) -> None:
    async def is_still() -> bool:
        now = await app.metrics.snapshot()
        return not any(now.value(gauge) for gauge in (catalog.QUEUE_DEPTH, catalog.SCHEDULED, catalog.RUNNING))

    await until(is_still, "nothing runs any more", timeout=60)
