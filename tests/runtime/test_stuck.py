"""Code that does not stop: its job is neither settled nor released while it runs."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger._runtime import node
from jobledger.errors import WorkerStuck
from tests.runtime.processes import ended, said, start
from tests.runtime.test_fenced_workers import take_over
from tests.waiting import until


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_STOP_SECONDS", 0.05)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Lets the stuck thread end with the test."""
    gate = threading.Event()
    yield gate
    gate.set()


async def test_a_thread_that_does_not_stop_is_named(app: App, gate: threading.Event) -> None:
    """Its job stays in processing under a living writer; the other jobs end as they should."""

    @app.job("stuck")
    def stuck() -> None:
        gate.wait(10)

    @app.job("work")
    async def work() -> str:
        return "done"

    async with app:
        with pytest.raises(WorkerStuck) as raised:
            async with app.worker(grace=0.02):
                job_id = await stuck.submit()
                await until(lambda: running(app), "it runs")
                other = await work.submit()
                await work.result(other, wait=5)
        assert raised.value.job_ids == (job_id,)
        assert (await app.jobs.status(job_id)).status == "processing"
        assert (await app.metrics.audit()).balanced


async def test_a_swallowed_cancellation_holds_the_slot(app: App) -> None:
    """An async handler that goes on after its timeout is still running, and counts as that."""
    swallowed, gate = asyncio.Event(), asyncio.Event()

    @app.job("work", timeout=0.02)
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await gate.wait()

    async with app.worker(slots=1):
        first = await work.options(entity="a").submit()
        await swallowed.wait()
        second = await work.options(entity="b").submit()
        assert (await app.jobs.status(first)).status == "processing"
        assert (await app.jobs.status(second)).lane == "ready"
        gate.set()
        await work.result(first, wait=5)


async def test_a_swallowed_release_is_stuck(app: App) -> None:
    gate, started = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    async with app:
        with pytest.raises(WorkerStuck):
            async with app.worker(grace=0):
                job_id = await work.submit()
                await started.wait()
        assert (await app.jobs.status(job_id)).status == "processing"
        gate.set()
        await app.jobs.result(job_id, wait=5)


async def test_a_task_cancelled_by_somebody_else(app: App, gate: threading.Event) -> None:
    """Whoever cancels all tasks stops no thread: its job is neither failed nor released."""

    @app.job("stuck")
    def stuck() -> None:
        gate.wait(10)

    async with app:
        with pytest.raises(WorkerStuck):
            async with app.worker(grace=0) as node:
                job_id = await stuck.submit()
                await until(lambda: running(app), "it runs")
                (attempt,) = node._dispatcher.running.values()
                assert attempt.task is not None
                attempt.task.cancel()
                await asyncio.wait([attempt.task])
                await app.jobs.submit("stuck", delay=60)
                assert (await app.jobs.status(job_id)).status == "processing"


async def test_code_that_ends_after_its_app_was_closed(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody can take its outcome any more: that is said once, and nothing breaks."""
    gate, started = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    with pytest.raises(WorkerStuck):
        async with app.worker(grace=0):
            job_id = await work.submit()
            await started.wait()
    gate.set()
    await until(lambda: f"job {job_id} ended after its worker had closed" in caplog.text, "it has ended")
    gc.collect()

    assert "Dispatcher._run" not in caplog.text  # an error that nobody has retrieved would name it
    async with app:
        assert (await app.jobs.status(job_id)).status == "processing"


async def test_another_worker_of_the_same_app_leaves_it_alone(app: App, gate: threading.Event) -> None:
    """The stuck job belongs to a process that lives, so nobody else may run it."""
    runs: list[str] = []

    @app.job("stuck")
    def stuck() -> None:
        runs.append("ran")
        gate.wait(10)

    async with app:
        with pytest.raises(WorkerStuck):
            async with app.worker(grace=0):
                job_id = await stuck.submit()
                await until(lambda: runs, "it runs")
        async with app.worker():
            await app.jobs.submit("stuck", delay=60)
            assert (await app.jobs.status(job_id)).status == "processing"
            assert (await app.metrics.audit()).balanced
            gate.set()
            await app.jobs.result(job_id, wait=5)

    assert runs == ["ran"]


async def test_a_stop_that_is_itself_cancelled_releases_nothing(app: App, gate: threading.Event) -> None:
    """An impatient caller: what still runs stays with its writer until the process ends."""

    @app.job("stuck")
    def stuck() -> None:
        gate.wait(10)

    async def work() -> None:
        async with app.worker(grace=60):
            await stuck.submit()
            await until(lambda: running(app), "it runs")
            stopping.set()
            await asyncio.Event().wait()

    stopping = asyncio.Event()
    worker = asyncio.ensure_future(work())
    await stopping.wait()
    for _ in range(2):
        worker.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await worker
    async with app:
        (job,) = (await app.jobs.list()).jobs
        assert job.status == "processing"
        assert (await app.metrics.audit()).balanced


async def test_its_jobs_are_taken_over_when_the_process_has_ended(new_app: Callable[[], App], store_path: Path) -> None:
    app = new_app()

    @app.job("stuck")
    async def stuck() -> str:
        return "done by another"

    async with app:
        process = start("stuck", store_path)
        job_id = said(process)
        assert said(process) == f"WorkerStuck {job_id}"
        async with app.worker():
            assert (await app.jobs.status(job_id)).status == "processing"
            assert ended(process) == 70
            assert await app.jobs.result(job_id, wait=5) == "done by another"
        report = await app.jobs.status(job_id)

    assert [entry.event for entry in report.history] == ["submitted", "started", "lost", "started", "completed"]


async def test_code_that_does_not_stop_after_a_fence_ends_the_worker(
    app: App, store_path: Path, gate: threading.Event
) -> None:
    """Others have its job: the block that keeps the worker is interrupted, so that its process can end."""

    @app.job("stuck")
    def stuck() -> None:
        gate.wait(10)

    with pytest.raises(WorkerStuck) as raised:
        async with app.worker(grace=3600):
            job_id = await stuck.submit()
            await until(lambda: running(app), "it runs")
            take_over(app, store_path)
            await asyncio.Event().wait()
    assert raised.value.job_ids == (job_id,)
    gate.set()


def test_where_no_handler_is_to_blame_none_is_named() -> None:
    assert str(WorkerStuck([])).startswith("a batch was not answered in time: end this process")


async def running(app: App) -> bool:
    return bool(await app.metrics.jobs.running.read() > 0)
