"""A worker that can't renew its lease stops its jobs by itself: others may run them by then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from jobledger import App
from jobledger.testing.postgres import OwnServer
from tests.faults.postgres.conftest import paused
from tests.waiting import until

LEASE = 1.0


class Work:
    """Jobs of one type that run until they are told to end."""

    def __init__(self, app: App) -> None:
        self.started: list[float] = []
        self.stopped: list[float] = []
        self.gate = asyncio.Event()

        @app.job("work")
        async def work() -> str:
            self.started.append(time.monotonic())
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.stopped.append(time.monotonic())
                raise
            return "done"


async def test_a_server_that_answers_nothing(app: App, server: OwnServer, figure: Callable[[str], None]) -> None:
    """No call on the way of the lease ever returns; the worker stops within its lease, and comes back as a new one."""
    work = Work(app)
    async with app.worker(lease=LEASE) as node:
        jobs = [await app.jobs.submit("work") for _ in range(3)]
        await until(lambda: len(work.started) == 3, "all run")
        before = app._opened_door().writer_id
        frozen = time.monotonic()
        server.pause()
        await until(lambda: len(work.stopped) == 3, "they have been stopped")
        took = work.stopped[-1] - frozen
        figure(f"stopped {took:.2f} s after the server froze, lease {LEASE:g} s")
        assert took < LEASE + 1
        assert node._dispatcher.lost
        server.resume()
        work.gate.set()
        assert [await app.jobs.result(job_id, wait=20) for job_id in jobs] == ["done"] * 3
        assert app._opened_door().writer_id != before
        assert await app.metrics.jobs.lost.read() == 0
        assert await app.metrics.jobs.released.read(type="work") == 3
        assert await app.metrics.jobs.workers.read() == 1
        attempts = (await app.jobs.status(jobs[0])).attempts
        assert [attempt.outcome for attempt in attempts] == ["released", "completed"]


async def test_a_short_silence_costs_nothing(app: App, server: OwnServer) -> None:
    """Shorter than the lease: the same attempts go on."""
    work = Work(app)
    async with app.worker(lease=5.0):
        job_id = await app.jobs.submit("work")
        await until(lambda: work.started, "it runs")
        before = app._opened_door().writer_id
        server.pause()
        await paused(1.0)
        server.resume()
        work.gate.set()
        assert await app.jobs.result(job_id, wait=20) == "done"
        assert app._opened_door().writer_id == before
    assert (len(work.started), work.stopped) == (1, [])


async def test_sqlite_needs_none(tmp_path: object, caplog: pytest.LogCaptureFixture) -> None:
    """What keeps one process from the file keeps all others from it, too."""
    app = App(f"sqlite:///{tmp_path}/jobs.db?durability=off")
    work = Work(app)
    async with app.worker(lease=0.2) as node:
        node._liveness._renew = _refused
        job_id = await app.jobs.submit("work")
        await until(lambda: "the lease is not renewed" in caplog.text, "a renewal has failed")
        await until(node._liveness.has_lapsed, "the lease is over")
        assert not any(duty.name == "self-fence" for duty in node._duties)
        work.gate.set()
        assert await app.jobs.result(job_id, wait=5) == "done"
    assert not work.stopped


def _refused() -> None:
    raise OSError("no such device")
