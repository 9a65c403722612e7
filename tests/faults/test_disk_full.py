"""A disk is full, and has space again: nothing that was acknowledged is lost, and work goes on by itself."""

import asyncio
import logging
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from jobledger import App
from jobledger._core.commands import Settle
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import StoreFull
from jobledger.testing import assert_balanced
from tests.faults.conftest import BIG, SmallDisk, mount, unmount
from tests.scripted import scripted
from tests.sqlite_file import SqliteFile
from tests.waiting import until

INDEXED = 4_062 * (4_096 + 24)
"""Bytes of the log that the first 32 KiB of the shared memory can speak of."""


async def fill_up(app: App) -> list[str]:
    """Submit until nothing goes any more."""
    accepted: list[str] = []
    with pytest.raises(StoreFull, match="nothing was changed; free some space"):
        while True:
            accepted.append(await asyncio.wait_for(app.jobs.submit("big", BIG), 10))
    return accepted


async def test_a_running_worker(small_disk: SmallDisk, caplog: pytest.LogCaptureFixture) -> None:
    """What its handlers have come to is kept until it can be written; nothing new is started before."""
    app = App(small_disk.url)
    gate, runs = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    @app.job("work")
    async def work(*, n: int) -> int:
        runs.append(n)
        await gate.wait()
        return n

    async with app.worker(slots=2, threads=0):
        await app.declare("big")
        jobs = await app.jobs.submit("work", [{"n": n} for n in range(4)])
        await until(lambda: len(runs) == 2, "both slots are taken")
        small_disk.fill()
        accepted = await fill_up(app)
        script = scripted(app)
        caplog.clear()
        gate.set()
        began = loop.time()
        await until(lambda: script.commands(Settle) and loop.time() - began > 2, "it has been tried for 2 s")
        assert len(script.batches) <= 10
        assert runs == [0, 1]
        assert len(caplog.records) <= 1
        assert (await app.jobs.status(jobs[0])).status == "processing"

        small_disk.free()
        assert [await work.result(job_id, wait=20) for job_id in jobs] == [0, 1, 2, 3]
        assert runs == [0, 1, 2, 3]
        page = await app.jobs.list(type="big", limit=1000, newest_first=False)
        assert [job.id for job in page.jobs] == accepted
        assert await app.metrics.jobs.lost.read() == 0
    assert [record.message for record in caplog.records if "again" in record.message] == [
        "the store can be written again"
    ]


async def test_callers_are_told_at_once_and_log_lines_are_few(
    small_disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    async with App(small_disk.url) as app:
        await app.declare("big")
        small_disk.fill()
        accepted = await fill_up(app)
        for _ in range(20):
            with pytest.raises(StoreFull):
                await app.jobs.submit("big", BIG)
        small_disk.free()
        accepted.append(await app.jobs.submit("big", BIG))
        assert {job.id for job in (await app.jobs.list(limit=1000)).jobs} == set(accepted)
    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line.partition(":")[0] for line in told] == ["nothing can be written now", "the store can be written again"]


async def test_the_main_file_can_not_grow(small_disk: SmallDisk) -> None:
    """Checkpoints fail, and nobody need hear of it: what is committed is in the log."""
    async with App(small_disk.url) as app:
        await app.declare("big")
        first = [await app.jobs.submit("big", BIG) for _ in range(60)]  # the log is as long as it gets
        small_disk.fill()
        main = small_disk.store.stat().st_size
        accepted = first + await fill_up(app)
        assert len(accepted) > len(first)
        assert small_disk.store.stat().st_size == main
        assert {job.id for job in (await app.jobs.list(limit=1000)).jobs} == set(accepted)
        small_disk.free()
        accepted += [await app.jobs.submit("big", BIG) for _ in range(3)]
    assert small_disk.store.stat().st_size > main
    async with App(small_disk.url) as app:
        assert {job.id for job in (await app.jobs.list(limit=1000)).jobs} == set(accepted)


@pytest.mark.parametrize("read_only", [False, True])
async def test_there_is_no_space_to_open_it(small_disk: SmallDisk, read_only: bool) -> None:
    """The shared memory of the log is a file, too."""
    async with App(small_disk.url) as app:
        await app.declare("big")
        job_id = await app.jobs.submit("big", BIG)
    for leave in (0, 8_192):
        small_disk.fill(leave)
        with pytest.raises(StoreFull):
            async with App(small_disk.url, read_only=read_only):
                pass
        small_disk.free()
    async with App(small_disk.url, read_only=read_only) as app:
        assert (await app.jobs.status(job_id)).payload == BIG


async def test_the_shared_memory_can_not_grow_in_a_commit(small_disk: SmallDisk) -> None:
    """The job is in the log, and the log's index can't say so: not known, until there is space."""
    async with App(small_disk.url) as app:
        await app.declare("big")
        store = app._opened_door().store
        assert isinstance(store, SqliteStore)
        assert store._writer is not None
        store._writer.wal_autocheckpoint(0)  # as behind a long read
        log = small_disk.store.with_name("jobs.db-wal")
        accepted = [await app.jobs.submit("big")]
        before = log.stat().st_size
        accepted.append(await app.jobs.submit("big", {"text": "x" * 40_000}))
        one = log.stat().st_size - before
        accepted += await app.jobs.submit("big", [{"text": "x" * 4_000}] * 1_000)
        while log.stat().st_size < INDEXED - one // 2:
            accepted.append(await app.jobs.submit("big"))
        assert log.stat().st_size < INDEXED
        small_disk.fill(one + 16_384)
        submitting = asyncio.ensure_future(app.jobs.submit("big", {"text": "x" * 40_000}))
        await until(lambda: app._opened_door()._patience._trouble, "the door reads it back in vain")
        small_disk.free()
        accepted.append(await asyncio.wait_for(submitting, 10))
        assert await app.metrics.jobs.enqueued.read() == len(accepted)
        assert (await app.jobs.status(accepted[-1])).status == "queued"


async def test_a_new_store(small_disk: SmallDisk) -> None:
    """It can't be made, and it can be made later."""
    small_disk.fill()
    for _ in range(2):
        with pytest.raises(StoreFull):
            async with App(small_disk.url):
                pass
    small_disk.free()
    async with App(small_disk.url) as app:
        await app.declare("work")
        await app.jobs.submit("work")


@pytest.mark.usefixtures("disk")
@pytest.mark.unaudited("its file system is gone by then: it is audited here")
def test_each_of_its_files_can_be_the_one_too_many(tmp_path: Path) -> None:
    """The file itself, its journal, its log, the shared memory; and the lock file of a store that was there before."""
    mount(tmp_path, "size=4m", "nr_inodes=2")
    try:
        store, refused = tmp_path / "jobs.db", set()
        (tmp_path / "other").touch()
        for inodes in range(2, 10):
            mount(tmp_path, "remount", f"nr_inodes={inodes}")
            try:
                asyncio.run(use(f"sqlite:///{store}"))
                break
            except StoreFull:
                refused.add(" ".join(sorted(path.name for path in tmp_path.iterdir())))
        assert refused >= {"other", "jobs.db other", "jobs.db jobs.db-lock jobs.db-wal other"}
        SqliteFile(store).forget()
        (tmp_path / "jobs.db-lock").unlink()
        mount(tmp_path, "remount", "nr_inodes=5")
        with pytest.raises(StoreFull, match="db-lock"):
            asyncio.run(use(f"sqlite:///{store}"))
        with closing(apsw.Connection(str(store))) as looking:
            assert looking.pragma("integrity_check") == "ok"
        assert_balanced(store)
    finally:
        unmount(tmp_path)


async def use(url: str) -> None:
    async with App(url) as app:
        await app.declare("work")
        await app.jobs.submit("work")
