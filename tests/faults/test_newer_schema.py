"""A newer jobledger migrates the file under processes of an older one: these write nothing more, and end."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from jobledger import App
from jobledger._store.contract import Batch, Committed, Store
from jobledger._store.sqlite import connection
from jobledger._store.statements import migrations
from jobledger.errors import OutcomeUnknown, SchemaTooNew, WorkerStuck
from tests.runtime.processes import ended, said, start
from tests.scripted import Fault, lost_after, lost_before, scripted
from tests.waiting import until

KNOWN = migrations(connection.PACKAGE)[-1][0]


def set_schema(path: Path, number: int) -> None:
    """As the last statement of a migration does it."""
    with closing(apsw.Connection(str(path))) as migrating:
        migrating.set_busy_timeout(5_000)
        migrating.pragma("user_version", number)


async def test_a_worker_process_ends_and_a_newer_one_takes_its_jobs_over(
    new_app: Callable[[], App], store_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = new_app()

    @app.job("step")
    async def step(*, name: str) -> str:
        return name

    async with app:
        jobs = [await step.options(entity=name[0]).submit(name=name) for name in ("a1", "a2", "b1")]
    process = start("endless", store_path)
    assert {said(process), said(process)} == {"a1", "b1"}
    set_schema(store_path, KNOWN + 1)
    assert ended(process) == 1
    told = capfd.readouterr().err
    assert f"has migrated {store_path} to schema {KNOWN + 1}, this one knows up to {KNOWN}" in told
    set_schema(store_path, KNOWN)  # what comes now is the newer jobledger, to which this schema is known

    async with app.worker():
        assert [await step.result(job_id, wait=10) for job_id in jobs] == ["a1", "a2", "b1"]
        reports = [await app.jobs.status(job_id) for job_id in jobs]
        assert [report.losses for report in reports] == [1, 0, 1]
        assert await app.metrics.jobs.lost.read() == 2
        assert await app.metrics.jobs.workers.read() == 1


async def test_who_holds_the_worker_open_is_told(new_app: Callable[[], App], store_path: Path) -> None:
    """Its code is stopped first; then its life byte is free, although this process lives on."""
    app, newer = new_app(), new_app()
    started, stopped = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    @newer.job("work")
    async def works() -> str:
        return "done"

    async with app:
        with pytest.raises(SchemaTooNew, match="upgrade it and start again"):
            async with app.worker(grace=600):
                job_id = await work.submit()
                await started.wait()
                set_schema(store_path, KNOWN + 1)
                await asyncio.Event().wait()
        assert stopped.is_set()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        with pytest.raises(SchemaTooNew):
            await app.jobs.submit("work")
        with pytest.raises(SchemaTooNew):
            await app.jobs.status(job_id)
    set_schema(store_path, KNOWN)
    async with newer.worker(lease=600):
        assert await newer.jobs.result(job_id, wait=10) == "done"
        assert (await newer.jobs.status(job_id)).losses == 1


async def test_nothing_is_written(app: App, store_path: Path) -> None:
    """Not by a batch, nor by an upkeep, a declaration, or the end of a client."""
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work")
        with closing(apsw.Connection(str(store_path))) as looking:
            set_schema(store_path, KNOWN + 1)
            before = looking.pragma("data_version")
            with pytest.raises(SchemaTooNew):
                await app.jobs.cancel(job_id)
            for again in (app.jobs.submit("work"), app.declare("other"), app.jobs.replay(job_id)):
                with pytest.raises(SchemaTooNew):
                    await again
            await app.__aexit__(None, None, None)
            assert looking.pragma("data_version") == before
        set_schema(store_path, KNOWN)
        await app.__aenter__()
        assert (await app.jobs.status(job_id)).status == "queued"


async def test_whoever_waits_for_a_job_is_told(app: App, store_path: Path) -> None:
    """Not only when the wait is over."""
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work", delay=600)
        waiting = asyncio.ensure_future(app.jobs.result(job_id, wait=600))
        await until(lambda: app._opened_door()._watchers._waiting, "it waits")
        set_schema(store_path, KNOWN + 1)
        with pytest.raises(SchemaTooNew):
            await app.jobs.submit("work")
        with pytest.raises(SchemaTooNew):
            await asyncio.wait_for(waiting, 10)
    set_schema(store_path, KNOWN)


@pytest.mark.parametrize("lost", [lost_after, lost_before])
async def test_a_lost_answer_stays_unknown(app: App, store_path: Path, lost: Fault) -> None:
    """It can't be read back under a schema that this process does not know."""

    def migrated(store: Store, batch: Batch) -> Committed:
        try:
            return lost(store, batch)
        finally:
            set_schema(store_path, KNOWN + 1)

    async with app:
        await app.declare("work")
        scripted(app).fail(migrated)
        with pytest.raises(OutcomeUnknown):
            await app.jobs.submit("work")
    set_schema(store_path, KNOWN)


async def test_a_block_that_others_cancel_as_well_is_cancelled(app: App, store_path: Path) -> None:
    """What somebody else asks of its task is not swallowed."""
    app.job("work")(lambda: None)

    async def hold() -> None:
        async with app.worker():
            await asyncio.Event().wait()

    holding = asyncio.ensure_future(hold())
    await until(lambda: app._node is not None and app._node._host is not None, "it is held")
    node = app._node
    assert node is not None
    set_schema(store_path, KNOWN + 1)
    await until(lambda: app._door is not None and app._door.broken is not None, "it is noticed")
    await node._recover()
    assert node._interrupted
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    set_schema(store_path, KNOWN)


async def test_a_block_that_ends_by_itself_is_told_too(app: App, store_path: Path) -> None:
    app.job("work")(lambda: None)
    with pytest.raises(SchemaTooNew):
        async with app.worker():
            set_schema(store_path, KNOWN + 1)
            with pytest.raises(SchemaTooNew):
                await app.jobs.submit("work")
    set_schema(store_path, KNOWN)


async def test_code_that_does_not_stop_keeps_its_life(
    new_app: Callable[[], App], store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may run its job beside it: only the end of this process gives it away."""
    monkeypatch.setattr("jobledger._runtime.node._STOP_SECONDS", 0.05)
    app, newer = new_app(), new_app()
    gate, started = threading.Event(), threading.Event()

    @app.job("work")
    def work() -> None:
        started.set()
        gate.wait(10)

    try:
        with pytest.raises(WorkerStuck) as raised:
            async with app.worker():
                await work.submit()
                await asyncio.to_thread(started.wait, 10)
                set_schema(store_path, KNOWN + 1)
                await asyncio.Event().wait()
        assert isinstance(raised.value.__context__, SchemaTooNew)
        set_schema(store_path, KNOWN)
        async with newer:
            store = newer._opened_door().store
            (stuck,) = store.vitals()
            assert not stuck.ended
            store.take_over((stuck.writer_id,))  # as after its process
    finally:
        gate.set()
