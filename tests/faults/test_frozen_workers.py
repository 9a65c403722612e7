"""A process that is stopped (a debugger, a laptop's lid, a paused container) keeps its locks, but it does not beat."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core import catalog
from jobledger._store.contract import Enlistment
from jobledger._store.sqlite.store import SqliteStore
from tests.faults.chaos.settings import Settings
from tests.faults.freezer import Freezer
from tests.waiting import until

pytestmark = pytest.mark.timeout(180)
LEASES = [pytest.param(2.0, id="short"), pytest.param(10.0, id="full", marks=pytest.mark.slow)]
STOPPED = {2.0: 3.0, 10.0: 20.0}
"""How long all workers are stopped, by lease."""
JOBS = 6
FOREVER = 600_000


@pytest.fixture(params=LEASES)
def lease(request: pytest.FixtureRequest) -> float:
    return float(request.param)


@pytest.fixture
def freezer(store_path: Path, tmp_path: Path, lease: float) -> Iterator[Freezer]:
    settings = Settings(url=f"sqlite:///{store_path}?durability=off", folder=str(tmp_path), workers=2, lease=lease)
    freezer = Freezer(settings)
    yield freezer
    freezer.close()


async def submitted(app: App, type_name: str, ms: int) -> list[str]:
    await until(lambda: known(app, type_name), f"a worker has declared {type_name}", timeout=30)
    payloads = [{"ticket": 0, "item": item, "ms": ms} for item in range(JOBS)]
    return [str(await app.jobs.submit(type_name, one, entity=f"entity:{one['item']}")) for one in payloads]


async def known(app: App, type_name: str) -> bool:
    return type_name in (await app.metrics.snapshot()).types


async def test_a_stopped_worker_is_taken_over_and_changes_nothing_any_more(
    new_app: Callable[[], App], freezer: Freezer, lease: float
) -> None:
    async with new_app() as app:
        jobs = await submitted(app, "long", FOREVER)
        await until(lambda: len(freezer.started) == JOBS, "all jobs run", timeout=30)
        victim = freezer.busiest()
        held = {line.job for line in freezer.started if line.pid == victim.pid}
        freezer.stop(victim)
        began = time.monotonic_ns()
        await until(
            lambda: held == {line.job for line in freezer.started if line.run == 2},
            "the other worker has started them again",
            timeout=lease + 20,
        )
        again = [line for line in freezer.started if line.run == 2]
        assert {line.pid for line in again}.isdisjoint({victim.pid})
        assert min(line.at for line in again) - began > 0.7 * lease * 1e9, "taken over before its lease was over"
        for job_id in held:
            await app.jobs.result(job_id, wait=10)
        before = [await app.jobs.status(job_id) for job_id in jobs]

        writers = freezer.writers(victim.pid)
        freezer.proceed(victim)
        await until(lambda: len(freezer.writers(victim.pid)) > len(writers), "it is back as a new worker", timeout=30)
        stopped = {line.job for line in freezer.ended if line.pid == victim.pid and line.outcome == "stopped"}
        assert stopped == held
        assert [await app.jobs.status(job_id) for job_id in jobs] == before
        assert await app.metrics.jobs.lost.read(type="long") == len(held)
        assert await app.metrics.jobs.completions.read(type="long") == len(held)
        assert await app.metrics.jobs.stale_settlements.read(type="long") >= 1
        for report in before:
            events = [entry.event.value for entry in report.history]
            assert events == ["submitted", "started", *(["lost", "started", "completed"] if report.id in held else [])]

        await works_again(app, freezer, victim.pid, set(writers))


async def works_again(app: App, freezer: Freezer, pid: int, old: set[int]) -> None:
    """Alone, it runs what is submitted now, and under another number."""
    freezer.stop(*(worker for worker in freezer.workers if worker.pid != pid))
    job_id = await app.jobs.submit("plain", {"ticket": 1, "item": 0, "ms": 1})
    await app.jobs.result(job_id, wait=20)
    (start,) = [line for line in freezer.started if line.job == str(job_id)]
    assert start.pid == pid
    assert start.writer not in old


async def test_workers_that_were_all_stopped_take_nobody_over(
    new_app: Callable[[], App], freezer: Freezer, store_path: Path, lease: float
) -> None:
    """A closed laptop, a paused machine: when they go on, one after the other, none was silent to another."""
    async with new_app() as app:
        jobs = await submitted(app, "plain", round(2 * lease * 1000))
        await until(lambda: len(freezer.started) == JOBS, "all jobs run", timeout=30)
        first, second = freezer.workers
        freezer.stop(second)
        await looked(store_path)  # so the first has seen the last beat of the other
        freezer.stop(first)
        assert not freezer.ended
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=STOPPED[lease])
        freezer.proceed(first)
        await looked(store_path)  # and nothing new of the other
        freezer.proceed(second)
        for job_id in jobs:
            await app.jobs.result(job_id, wait=lease + 20)
        await beaten(app, freezer, 5)  # a lease more, in which somebody might be taken over late
        now = await app.metrics.snapshot()
        assert [line.run for line in freezer.started] == [1] * JOBS
        assert (now.value(catalog.LOST), now.value(catalog.STALE), now.value(catalog.WORKERS)) == (0, 0, 2)
        assert [len(freezer.writers(worker.pid)) for worker in freezer.workers] == [1, 1]


async def looked(store_path: Path) -> None:
    """Wait until the worker that is awake has looked after the others: it finds a client that has died just now."""
    store = SqliteStore(store_path, lambda: time.time_ns() // 1000, "off")
    client = store.enlist(Enlistment("client", "here", os.getpid(), 0, ()))
    store.abandon(client)
    await until(lambda: client not in {vital.writer_id for vital in store.vitals()}, "it is taken over", timeout=30)
    store.close()


async def beaten(app: App, freezer: Freezer, beats: int) -> None:
    """Wait until each worker has beaten so often: four times are a lease."""
    pids = {worker.pid for worker in freezer.workers}
    store = app._opened_door().store
    seen: dict[int, set[int]] = {pid: set() for pid in pids}

    def have_beaten() -> bool:
        for vital in store.vitals():
            if vital.pid in pids and vital.lease:
                seen[vital.pid].add(vital.beat)
        return all(len(values) > beats for values in seen.values())

    await until(have_beaten, f"each worker has beaten {beats} times", timeout=60)
