"""A file of an older jobledger: whoever may write migrates it, once; whoever only reads says who must."""

import threading
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path

import apsw
import pytest

from jobledger import App
from jobledger._clock import SystemClock
from jobledger._store.sqlite import connection
from jobledger._store.sqlite.lockfile import lock_file
from jobledger._store.sqlite.store import SqliteStore
from jobledger._store.statements import migrations
from jobledger.errors import BoundariesDiffer, SchemaTooOld, StoreBusy

NEWEST = migrations(connection.PACKAGE)[-1][0]


@pytest.fixture
async def old_file(new_app: Callable[[], App], store_path: Path) -> Path:
    """A file as the first version left it: its tables, with one job complete, one dead, one queued for an entity."""
    app = new_app()

    @app.job("work", max_attempts=1)
    async def work(*, fails: bool = False) -> str:
        if fails:
            raise OSError
        return "done"

    async with app:
        async with app.worker():
            jobs = [await work.submit(), await work.submit(fails=True)]
            await work.result(jobs[0], wait=5)
            await app.jobs.cancel(jobs[1], wait=5)
        await work.options(entity="e").submit()
    return as_of_the_first(store_path)


def as_of_the_first(path: Path) -> Path:
    """Turn a store into one of the first version: the tables of the first migration, filled with the same rows."""
    newer = path.rename(path.with_name("newer.db"))
    first = resources.files(connection.PACKAGE).joinpath("migrations", "0001_books.sql").read_text(encoding="utf-8")
    with closing(apsw.Connection(str(path))) as old:
        old.pragma("journal_mode", "wal")
        old.execute(first)
        old.execute("ATTACH ? AS newer", (str(newer),))
        for (table,) in old.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({table})"))
            rows = f"SELECT {columns} FROM newer.{table}"  # noqa: S608 - names of our own tables
            old.execute(f"DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) {rows}")  # noqa: S608 - as above
        old.execute("DETACH newer")
        old.pragma("application_id", connection.APPLICATION_ID)
        old.pragma("user_version", 1)
    return path


def content(path: Path) -> bytes:
    """The bytes of the file, while nobody has it open."""
    return path.read_bytes()


def schema_of(path: Path) -> int:
    with closing(apsw.Connection(str(path))) as looking:
        return int(str(looking.pragma("user_version")))


async def test_a_writer_migrates_it(old_file: Path, app: App) -> None:
    """And goes on with what is in it."""

    @app.job("work")
    async def work(*, fails: bool = False) -> str:
        return "by the new one"

    async with app:
        (waiting,) = (await app.jobs.list(status="queued")).jobs
        async with app.worker():
            assert await app.jobs.result(waiting.id, wait=5) == "by the new one"
        (dead,) = (await app.jobs.list(status="failed")).jobs
        await app.jobs.replay(dead.id)
        async with app.worker():
            await app.jobs.result(dead.id, wait=5)
        assert await app.metrics.jobs.completions.read() == 3
    assert schema_of(old_file) == NEWEST


async def test_a_reader_says_who_must(old_file: Path, url: str) -> None:
    before = content(old_file)
    with pytest.raises(SchemaTooOld, match="jobledger migrate"):
        async with App(url, read_only=True):
            pass
    assert content(old_file) == before
    async with App(url), App(url, read_only=True) as reader:
        assert len((await reader.jobs.list()).jobs) == 3


def test_it_is_migrated_under_the_lock(old_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing meanwhile."""
    monkeypatch.setattr(connection, "LOCK_SECONDS", 0.05)
    store = SqliteStore(old_file, SystemClock().now, "off")
    with lock_file(old_file).writing(1), pytest.raises(StoreBusy):
        store.declare((), 1)
    assert schema_of(old_file) == 1
    store.declare((), 1)
    store.close()
    assert schema_of(old_file) == NEWEST


def test_several_that_open_it_at_once(old_file: Path) -> None:
    stores = [SqliteStore(old_file, SystemClock().now, "off") for _ in range(4)]
    gate = threading.Barrier(len(stores))
    opened: list[int] = []

    def open_it(store: SqliteStore) -> None:
        gate.wait(5)
        store.declare((), 1)
        opened.append(len(store.types()))

    threads = [threading.Thread(target=open_it, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for store in stores:
        store.close()
    assert opened == [1] * len(stores)
    assert schema_of(old_file) == NEWEST


async def test_it_is_not_migrated_for_an_app_that_is_refused(old_file: Path, url: str) -> None:
    before = content(old_file)
    with pytest.raises(BoundariesDiffer):
        async with App(url, boundaries=(1, 2, 3)):
            pass
    assert content(old_file) == before
    assert schema_of(old_file) == 1
    async with App(url):
        pass
