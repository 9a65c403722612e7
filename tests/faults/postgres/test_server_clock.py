"""The server's clock is set an hour ahead, and an hour back: that is seen as time, and the books balance."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core import catalog
from jobledger.testing import postgres as servers
from tests.faults.chaos.settings import Settings
from tests.faults.freezer import Freezer
from tests.faults.postgres.conftest import audited, made
from tests.faults.wall_clock import EXECUTABLE, HOUR, WallClock
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.debian(EXECUTABLE, EXECUTABLE)]
LEASE = 4.0
JOBS = 6


@pytest.fixture
def clock(tmp_path_factory: pytest.TempPathFactory) -> WallClock:
    """Where the server's own user can read it, too."""
    folder = tmp_path_factory.mktemp("clock")
    for path in (folder, *folder.parents):
        if path.owner() == "root" and path.name.startswith(("pytest-", "clock")):
            path.chmod(0o755)
    return WallClock(folder / "wall-clock")


@pytest.fixture
def url(clock: WallClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store in a server whose clock can be set; clients have their own."""
    for name, value in clock.preloaded.items():
        monkeypatch.setenv(name, value)
    with servers.start() as server:
        for name in clock.preloaded:
            monkeypatch.delenv(name)
        with server.database(made) as url:
            yield url
            assert audited(url).findings == 0


@pytest.fixture
def freezer(url: str, tmp_path: Path) -> Iterator[Freezer]:
    freezer = Freezer(Settings(url=url, folder=str(tmp_path), workers=2, lease=LEASE, slots=4))
    yield freezer
    freezer.close()


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_it_is_set(app: App, freezer: Freezer, clock: WallClock, seconds: int) -> None:
    """Leases are judged by beats, so nobody dies of it; jobs that run are finished, and delays go by the new time."""
    async with app:
        await until(lambda: workers(app, 2), "both workers are there", timeout=60)
        before = (await app.metrics.snapshot()).as_of
        running = [await app.jobs.submit("plain", job(item, 3000), entity=f"entity:{item}") for item in range(JOBS)]
        later = await app.jobs.submit("plain", job(JOBS, 1), delay=HOUR / 2)
        await until(lambda: len(freezer.started) == JOBS, "they run", timeout=30)
        clock.jump(seconds)
        ids = [*running, *([later] if seconds > 0 else [])]
        ids += [await app.jobs.submit("plain", job(item, 100), delay=0.05) for item in range(JOBS)]
        for job_id in ids:
            await app.jobs.result(job_id, wait=60)
        now = await app.metrics.snapshot()
        assert (now.as_of - before > HOUR / 2) == (seconds > 0)
        assert (now.value(catalog.LOST), now.value(catalog.STALE), now.value(catalog.WORKERS)) == (0, 0, 2)
        assert [line.run for line in freezer.started] == [1] * len(ids)
        for job_id in ids:
            history = (await app.jobs.status(job_id)).history
            assert [entry.event.value for entry in history] == ["submitted", "started", "completed"]
            assert seconds < 0 or all(one.at <= other.at for one, other in pairwise(history)), "only a set-back is seen"
        await app.jobs.cancel(later)


async def test_delays_and_retries_go_on_by_a_time_that_was_set_back(app: App, clock: WallClock) -> None:
    runs = list[int]()

    @app.job("flaky", retry_base=1.0, retry_cap=1.0)
    async def flaky() -> None:
        runs.append(len(runs))
        if len(runs) % 2:
            raise ValueError

    async with app.worker(lease=LEASE):
        await app.jobs.result(await flaky.submit(), wait=30)
        clock.jump(-HOUR)
        await app.jobs.result(await flaky.options(delay=1.0).submit(), wait=30)
        await app.jobs.result(await flaky.options(delay=1.0).submit(), wait=30)
    assert runs == [0, 1, 2, 3, 4, 5]


def job(item: int, ms: int) -> dict[str, int]:
    return {"ticket": 0, "item": item, "ms": ms}


async def workers(app: App, count: int) -> bool:
    return (await app.metrics.snapshot()).value(catalog.WORKERS) == count
