"""A sync fails: what was written may be lost or not, nobody is told otherwise, and the process writes no more."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core.commands import Settle
from jobledger.errors import DiskFailed, OutcomeUnknown
from tests.faults.failing_syncs import FailingSyncs
from tests.runtime.processes import ROOT
from tests.scripted import scripted


@pytest.fixture
def url(store_path: Path) -> str:
    return f"sqlite:///{store_path}"


@pytest.fixture
def disk() -> Iterator[FailingSyncs]:
    disk = FailingSyncs()
    yield disk
    disk.unregister()


async def test_callers_are_told_that_it_is_not_known(disk: FailingSyncs, url: str) -> None:
    """And then that this process can't go on: nothing is tried again."""
    app = App(url)
    async with app:
        await app.declare("work")
        accepted = [await app.jobs.submit("work") for _ in range(3)]
        disk.fails.append("-wal")
        with pytest.raises(OutcomeUnknown) as unknown:
            await app.jobs.submit("work")
        assert not disk.fails
        written = disk.log_writes
        for again in (app.jobs.submit("work"), app.jobs.cancel(accepted[0]), app.jobs.submit("work", [{}])):
            with pytest.raises(DiskFailed, match="look at the disk, and start again"):
                await again
        assert len((await app.jobs.list()).jobs) == 3
    assert disk.log_writes == written

    async with app:
        kept = {job.id for job in (await app.jobs.list()).jobs}
        assert kept - {unknown.value.job_id} == set(accepted)
        accepted.append(await app.jobs.submit("work"))
        assert await app.metrics.jobs.enqueued.read() == len(kept) + 1


async def test_a_worker_ends(disk: FailingSyncs, url: str) -> None:
    """What its handler came to may be written or not: if not, the job runs again elsewhere, as after a crash."""
    app = App(url)
    gate, started = asyncio.Event(), asyncio.Event()
    runs: list[int] = []

    @app.job("work")
    async def work() -> int:
        runs.append(len(runs))
        started.set()
        await gate.wait()
        return runs[-1]

    with pytest.raises(DiskFailed):
        async with app.worker(grace=600):
            script = scripted(app)
            job_id = await work.submit()
            await started.wait()
            disk.fails.append("-wal")
            gate.set()
            await asyncio.Event().wait()
    assert len(script.commands(Settle)) == 1

    async with app.worker(lease=600):
        result = await work.result(job_id, wait=10)
        report = await app.jobs.status(job_id)
        assert (len(runs), result, report.losses) in {(2, 1, 1), (1, 0, 0)}
        assert await app.metrics.jobs.completions.read() == 1
        assert await app.metrics.jobs.lost.read() == report.losses


async def test_a_store_that_can_not_be_made(disk: FailingSyncs, url: str) -> None:
    disk.fails.append("-wal")
    with pytest.raises(DiskFailed):
        async with App(url):
            pass
    async with App(url) as app:
        await app.declare("work")
        await app.jobs.submit("work")


def under_strace(store_path: Path, fault: str, *where: str, submits: int) -> list[str]:
    """What a process says that submits, while syncs fail."""
    command = ["strace", "-f", "-qq", "-o", str(store_path.with_name("trace")), *where]
    command += ["-e", "trace=fsync,fdatasync", "-e", f"inject=fsync,fdatasync:error=EIO:{fault}"]
    command += [sys.executable, "-m", "tests.faults.programs.submitting", str(store_path), str(submits)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    ran = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=50)
    assert "INJECTED" in store_path.with_name("trace").read_text()
    return ran.stdout.splitlines()


@pytest.mark.debian("strace", "strace")
async def test_what_is_not_known_may_come_to_light(url: str, store_path: Path) -> None:
    """The last commit is whole in the log when its sync fails. If the process dies, the next one finds it there."""
    *accepted, unknown = await asyncio.to_thread(under_strace, store_path, "when=40", submits=1_000)
    assert unknown.startswith("unknown ")
    assert 10 < len(accepted) < 1_000
    async with App(url) as app:
        for line in (*accepted, unknown):
            assert (await app.jobs.status(line.split()[1])).status == "queued"
        assert await app.metrics.jobs.enqueued.read() == len(accepted) + 1


@pytest.mark.debian("strace", "strace")
async def test_of_a_checkpoint_nobody_need_hear(url: str, store_path: Path) -> None:
    """What was committed is in the log, and was synced there; the next checkpoint copies it once more."""
    said = await asyncio.to_thread(under_strace, store_path, "when=3+", "-P", str(store_path), submits=600)
    assert [line.split()[0] for line in said] == ["accepted"] * 600
    async with App(url) as app:
        page = await app.jobs.list(limit=1000, newest_first=False)
        assert [job.id for job in page.jobs] == [line.split()[1] for line in said]
