"""A handler that computes for long keeps its lease, since a thread renews it; a loop that never runs again loses it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from jobledger import App
from tests.faults.postgres.conftest import known
from tests.runtime.processes import said, start
from tests.waiting import until

PACKAGE = "tests.faults.postgres.programs"
LEASE = 1.0
FOREVER = 600


@pytest.fixture
def new_worker(url: str) -> Iterator[Callable[[float], subprocess.Popen[str]]]:
    """A worker process that claims jobs; its loop may be blocked for so long."""
    workers: list[subprocess.Popen[str]] = []

    def new_worker(limit: float) -> subprocess.Popen[str]:
        workers.append(start("wedging", url, LEASE, limit, package=PACKAGE))
        assert said(workers[-1]) == "ready"
        return workers[-1]

    yield new_worker
    for worker in workers:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()


@pytest.fixture
def other(app: App) -> App:
    """A worker in the test's own process, which would take over."""

    @app.job("block")
    async def block(*, seconds: float) -> int:
        return os.getpid()

    return app


async def test_a_computing_handler_keeps_its_lease(
    new_app: Callable[[], App], other: App, new_worker: Callable[[float], subprocess.Popen[str]]
) -> None:
    """Three leases long, while another worker watches."""
    worker = new_worker(FOREVER)
    async with new_app() as client:
        await until(lambda: known(client, "block"), "its type is known")
        job_id = await client.jobs.submit("block", {"seconds": 3 * LEASE})
        assert said(worker) == f"started {job_id}"
        async with other.worker(lease=LEASE):
            assert await client.jobs.result(job_id, wait=30) == worker.pid
            assert await client.metrics.jobs.lost.read() == 0


async def test_a_wedged_loop_loses_its_lease(
    new_app: Callable[[], App],
    other: App,
    new_worker: Callable[[float], subprocess.Popen[str]],
    figure: Callable[[str], None],
) -> None:
    limit = 1.5
    worker = new_worker(limit)
    async with new_app() as client:
        await until(lambda: known(client, "block"), "its type is known")
        job_id = await client.jobs.submit("block", {"seconds": FOREVER})
        assert said(worker) == f"started {job_id}"
        began = time.monotonic()
        async with other.worker(lease=LEASE):
            assert await client.jobs.result(job_id, wait=30) == os.getpid()
            took = time.monotonic() - began
            figure(f"taken over after {took:.1f} s: limit {limit:g} s, lease {LEASE:g} s")
            assert took > limit
            assert await client.metrics.jobs.lost.read() == 1
