"""A ladder is fixed when a store is made: an App that asks for another one is refused."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App
from jobledger._clock import SystemClock
from jobledger._core.catalog import BOUNDARIES
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import BoundariesDiffer, InvalidOption
from tests.sqlite_file import SqliteFile

MADE = (0.1, 0.3, 1, 86_400)


@pytest.fixture
async def made(url: str, store_path: Path) -> Path:
    """A store with a ladder of its own, and one observation."""
    app = App(url, boundaries=MADE)

    @app.job("work")
    async def work() -> None: ...

    async with app.worker():
        await work.result(await work.submit(), wait=5)
    return store_path


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("given", [BOUNDARIES, (0.1, 0.3, 1), (*MADE, 90_000), (0.1, 0.300001, 1, 86_400)])
async def test_another_ladder_is_refused(made: Path, url: str, given: tuple[float, ...], read_only: bool) -> None:
    """Nothing is changed, and both ladders are named."""
    before = SqliteFile(made).dump()
    with pytest.raises(BoundariesDiffer, match="fixed when a store is made") as raised:
        async with App(url, boundaries=given, read_only=read_only):
            pass
    assert SqliteFile(made).dump() == before
    assert (raised.value.given, raised.value.stored) == (given, MADE)
    assert "(0.1, 0.3, 1, 86400)" in str(raised.value)
    assert ", ".join(f"{bound:.15g}" for bound in given) in str(raised.value)
    assert isinstance(raised.value, InvalidOption)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("given", [None, MADE, (0.1, 0.1 + 0.2, 1.0, 86_400.0), (0.1, 0.3000000001, 1, 86_400)])
async def test_the_same_ladder_is_taken(made: Path, url: str, given: tuple[float, ...] | None, read_only: bool) -> None:
    """Two floats that the ledger can't tell apart are the same."""
    async with App(url, boundaries=given, read_only=read_only) as app:
        seen = await app.metrics.jobs.duration.read()
    assert (seen.count, [upper for upper, _ in seen.buckets[:-1]]) == (1, [*MADE])


async def test_the_default_may_be_named(new_app: Callable[[], App], url: str) -> None:
    async with new_app(), App(url, boundaries=BOUNDARIES):
        pass


async def test_a_refused_app_may_be_opened_again(made: Path, url: str) -> None:
    """Where it is refused it leaves nothing open; it is refused each time."""
    app = App(url, boundaries=(1, 2))
    for _ in range(2):
        with pytest.raises(BoundariesDiffer):
            await app.__aenter__()
    assert app._door is None
    async with App(url, boundaries=MADE):
        pass


def test_of_two_that_make_it_one_is_told(store_path: Path) -> None:
    """Whoever comes second finds the ladder of the first."""
    ladders = [(1.0, 2.0), (3.0, 4.0)]
    stores = [SqliteStore(store_path, SystemClock().now, "off", ladder) for ladder in ladders]
    gate = threading.Barrier(2)
    told: list[BoundariesDiffer] = []

    def make(store: SqliteStore) -> None:
        gate.wait(5)
        try:
            store.declare((), 1)
        except BoundariesDiffer as error:
            told.append(error)

    threads = [threading.Thread(target=make, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for store in stores:
        store.close()
    (error,) = told
    assert [error.stored, error.given] in ([*ladders], [*reversed(ladders)])
