"""A process is forked while an App is open: the child becomes a writer of its own, and the parent notices nothing."""

import asyncio
import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger._store.contract import Batch, Declaration
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import Fenced
from tests.desk import Desk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking a process with threads is for Linux")


@pytest.fixture(autouse=True)
def threads_may_fork() -> Iterator[None]:
    """Python warns of forks beside threads, as well it should."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def in_child(work: Callable[[], object]) -> str:
    """What the work comes to in a forked child, which ends as other processes do."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = str(work())
        except BaseException as error:  # noqa: BLE001 - told to the parent
            said = f"{type(error).__name__}: {error}"
        gc.collect()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    try:
        with os.fdopen(reader) as told:
            return told.read()
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.waitpid(pid, 0)


def in_own_loop(work: Callable[[], object]) -> str:
    """The same on a new loop: the parent's one is running, and has no business in the child."""
    asyncio.events._set_running_loop(None)
    return str(asyncio.run(work()))  # type: ignore[arg-type]


def test_a_bridge_goes_on_in_a_child(new_app: Callable[[], App]) -> None:
    """As under gunicorn with a preloaded application."""
    app = new_app()
    with app.blocking() as run:
        run(app.declare("work"))
        ids: list[str] = [run(app.jobs.submit("work"))]
        for _ in range(3):
            ids.append(in_child(lambda: run(app.jobs.submit("work"))))
            ids.append(run(app.jobs.submit("work")))
        seen = {job.id for job in run(app.jobs.list()).jobs}
        assert seen == set(ids)
        assert run(app.metrics.jobs.enqueued.read(type="work")) == 7


def test_a_child_that_leaves_the_block_leaves_the_parents_writer(new_app: Callable[[], App]) -> None:
    app = new_app()

    def leaves() -> str:
        blocking.__exit__(None, None, None)
        return "left"

    blocking = app.blocking()
    run = blocking.__enter__()
    run(app.declare("work"))
    run(app.jobs.submit("work"))
    writer = app._opened_door().writer_id
    assert in_child(leaves) == "left"
    run(app.jobs.submit("work"))
    assert app._opened_door().writer_id == writer
    blocking.__exit__(None, None, None)


async def test_an_open_app_is_another_writer_in_a_child(app: App) -> None:
    """With or without entering it again."""
    async with app:
        await app.declare("work")
        await app.jobs.submit("work")
        writer = app._opened_door().writer_id

        async def submits() -> tuple[str, bool]:
            job_id = await app.jobs.submit("work")
            return job_id, app._opened_door().writer_id != writer

        async def enters() -> tuple[str, bool]:
            async with app:
                return await submits()

        for work in (submits, enters):
            said = in_child(lambda work=work: in_own_loop(work))  # type: ignore[misc]
            assert said.endswith("True)"), said
        await app.jobs.submit("work")
        assert app._opened_door().writer_id == writer
        assert len((await app.jobs.list()).jobs) == 4


async def test_a_child_of_a_worker_runs_nothing(app: App) -> None:
    """It may submit; the jobs and the lease are the parent's."""
    told: list[str] = []

    @app.job("fork")
    async def forks() -> None:
        told.append(in_child(lambda: in_own_loop(lambda: app.jobs.submit("child"))))

    async with app.worker():
        await app.declare("child")
        job_id = await forks.submit()
        await forks.result(job_id, wait=20)
        assert (await app.jobs.status(told[0])).status == "queued"
        assert (await app.metrics.audit()).balanced


def test_the_second_copy_is_fenced_at_its_first_batch(store_path: Path) -> None:
    """Whichever of the two writes first."""
    desk = Desk(store_path, (Declaration("work", "work"),))
    me = desk.writer_id
    for number in (1, 2):
        said = in_child(lambda: desk.store.commit(Batch(me, number)))  # noqa: B023 - run at once
        assert said.startswith(Fenced.__name__), said
        desk.store.commit(Batch(me, number))
    assert "True" in in_child(lambda: desk.enlist() > me)
    fresh = SqliteStore(store_path, lambda: 1, "off")
    assert {vital.writer_id for vital in fresh.vitals() if vital.ended} == {me + 1}
    fresh.take_over()
    fresh.close()


def test_a_child_that_ends_does_not_end_its_parent(store_path: Path) -> None:
    """Neither its locks nor its connections: what a child has inherited, it leaves alone."""
    desk = Desk(store_path, (Declaration("work", "work"),))
    inherited = (desk.store._open(), desk.store._reader)
    assert in_child(lambda: len(desk.store.types())) == "1"
    assert in_child(lambda: desk.store._open() in inherited) == "False"
    assert in_child(desk.store.close) == "None"
    assert [vital.ended for vital in desk.store.vitals()] == [False]
    desk.store.commit(Batch(desk.writer_id, 1))
