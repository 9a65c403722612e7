"""An App is opened and closed: by several tasks, over several loops, as client and as worker."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import InvalidOption, StoreBusy, StoreError, StoreReadOnly
from tests.waiting import until


async def test_several_tasks_may_open_it(app: App) -> None:
    """The first one opens, the others wait for it; the last one closes."""

    @app.job("work")
    async def work() -> None: ...

    async def use() -> str:
        async with app:
            return await work.submit()

    assert len(set(await asyncio.gather(*(use() for _ in range(10))))) == 10
    assert app._door is None


async def test_it_may_be_opened_while_it_closes(app: App) -> None:
    used = asyncio.Event()

    async def use() -> None:
        async with app:
            await app.declare("work")
            await app.jobs.submit("work")
            used.set()

    for turns in range(5):
        used.clear()
        first = asyncio.ensure_future(use())
        await used.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        await use()
        await first
    assert app._door is None


async def test_nobody_uses_it_half_open(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when its lock has just come free, and the next in line has not woken yet."""
    opening = 0
    open_once = app._open

    async def opened() -> None:
        nonlocal opening
        opening += 1
        await open_once()
        opening -= 1

    async def use() -> None:
        async with app:
            assert opening == 0

    monkeypatch.setattr(app, "_open", opened)
    await use()
    await app._turn.acquire()
    in_line = asyncio.ensure_future(use())
    await asyncio.wait([in_line], timeout=0)
    app._turn.release()
    await use()
    await in_line


def test_it_may_be_used_in_one_loop_after_the_other(app: App) -> None:
    """Also when several tasks opened it at once."""

    async def use() -> None:
        async with app:
            await app.declare("work")
            await app.jobs.submit("work")

    async def many() -> None:
        await asyncio.gather(*(use() for _ in range(3)))

    for _ in range(3):
        asyncio.run(many())


async def test_what_can_not_be_opened_can_be_opened_later(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/missing/jobs.db")
    for _ in range(2):
        with pytest.raises(StoreError, match="there is no directory"):
            await app.__aenter__()
    (tmp_path / "missing").mkdir()
    async with app:
        await app.declare("work")


async def test_an_error_while_it_closes_leaves_nothing_open(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last write fails: the caller is told, and the App can be opened again."""

    def cannot(_: int) -> None:
        raise StoreBusy("somebody is writing")

    async with app:
        await app.declare("work")
        await app.jobs.submit("work")
    with pytest.raises(StoreBusy):
        async with app:
            await app.jobs.submit("work")
            store = app._opened_door().store
            monkeypatch.setattr(store, "retire", cannot)
    assert isinstance(store, SqliteStore)
    assert (app._door, store._writer, store._reader.connection) == (None, None, None)
    async with app:
        assert len((await app.jobs.list()).jobs) == 2


async def test_without_threads_nobody_handles_def_handlers(app: App) -> None:
    """The gauge says so; their jobs would wait for ever."""
    app.job("blocking")(lambda: None)

    @app.job("work")
    async def work() -> None: ...

    async with app.worker(threads=0):
        waiting = await app.jobs.submit("blocking")
        await work.result(await work.submit(), wait=5)
        assert (await app.jobs.status(waiting)).status == "queued"
        assert await app.metrics.jobs.unhandled.read(type="blocking") == 1
        assert await app.metrics.jobs.unhandled.read(type="work") == 0


async def test_an_app_runs_one_worker(app: App) -> None:
    app.job("work")(lambda: None)
    async with app.worker():
        with pytest.raises(InvalidOption, match="runs a worker already"):
            async with app.worker():
                pass


async def test_a_worker_that_stops_is_still_a_worker(app: App) -> None:
    """Its jobs are being settled: nobody may take its place yet."""
    gate, refused = asyncio.Event(), asyncio.Event()

    @app.job("work")
    async def work() -> None:
        await gate.wait()

    async def start_another() -> None:
        await until(lambda: app._node is not None and app._node._stopping, "the first one stops")
        with pytest.raises(InvalidOption, match="runs a worker already"):
            async with app.worker():
                pass
        refused.set()
        gate.set()

    async with app:
        async with app.worker():
            job_id = await work.submit()
            other = asyncio.ensure_future(start_another())
        await other
        assert (await app.jobs.status(job_id)).status == "complete"
    assert refused.is_set()


@pytest.mark.parametrize("options", [{"slots": 0}, {"slots": -1}, {"threads": -1}, {"grace": -1.0}])
async def test_a_worker_needs_sensible_numbers(app: App, options: dict[str, int]) -> None:
    app.job("work")(lambda: None)
    with pytest.raises(InvalidOption, match="must be at least"):
        async with app.worker(**options):
            pass


async def test_a_worker_that_has_ended_counts_as_none(app: App) -> None:
    """The App is a client again: no slots, and nobody handles the type."""
    app.job("work")(lambda: None)
    async with app:
        async with app.worker(slots=3, threads=4):
            assert await app.metrics.jobs.workers.read() == 1
            assert await app.metrics.jobs.worker_slots.read(state="free") == 7
        await app.jobs.submit("work")
        assert await app.metrics.jobs.workers.read() == 0
        assert await app.metrics.jobs.unhandled.read(type="work") == 1


async def test_read_only_changes_nothing(new_app: Callable[[], App], url: str) -> None:
    reader = App(url, read_only=True)
    async with new_app() as writer:
        await writer.declare("work")
        job_id = await writer.jobs.submit("work")
        async with reader:
            assert (await reader.jobs.status(job_id)).status == "queued"
            for change in (reader.jobs.submit("work"), reader.jobs.cancel(job_id), reader.declare("other")):
                with pytest.raises(StoreReadOnly):
                    await change
        assert (await writer.jobs.status(job_id)).status == "queued"


async def test_an_app_without_a_store(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The URL may come from the environment."""
    monkeypatch.delenv("JOBLEDGER_URL", raising=False)
    with pytest.raises(InvalidOption, match="set JOBLEDGER_URL"):
        await App().__aenter__()
    monkeypatch.setenv("JOBLEDGER_URL", url)
    async with App() as app:
        await app.declare("work")


@pytest.mark.parametrize("boundaries", [(), (1, 1), (2, 1), (0, 1), (-1, 1), (float("nan"),), (1, float("inf"))])
def test_boundaries_rise(boundaries: tuple[float, ...]) -> None:
    with pytest.raises(InvalidOption, match="in rising order"):
        App("sqlite:///x.db", boundaries=boundaries)
