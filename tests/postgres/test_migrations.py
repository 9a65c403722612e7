"""A schema is made, brought up to date, or refused; old code and new schemas meet."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from jobledger import App
from jobledger._store.open import open_store
from jobledger._store.postgres import migrate
from jobledger._store.postgres.migrate import NEEDED, NEWEST, Step, brought, version_of
from jobledger._store.postgres.target import Target
from jobledger.errors import BoundariesDiffer, SchemaTooNew, SchemaTooOld, StoreError
from tests.postgres.filled import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._store.contract import Store

LADDER = (0.5, 1.0)
PRE = Step(NEWEST + 1, is_post=False, what="more", text="CREATE TABLE {schema}.more (a integer);")
POST = Step(NEWEST + 2, is_post=True, what="less", text="DROP TABLE {schema}.more;")
BROKEN = Step(NEWEST + 2, is_post=False, what="broken", text="CREATE TABLE {schema}.half (a integer); SELECT 1 / 0;")


@pytest.fixture
def target(postgres_database: str) -> Target:
    return Target.of(postgres_database)


@pytest.fixture
def store(postgres_database: str) -> Iterator[Store]:
    with closing(open_store(postgres_database, lambda: 0)) as store:
        yield store


def add_steps(monkeypatch: pytest.MonkeyPatch, *more: Step) -> None:
    """A newer jobledger, with more steps."""
    known = migrate.steps()
    monkeypatch.setattr(migrate, "steps", lambda: [*known, *more])
    monkeypatch.setattr(migrate, "NEWEST", more[-1].number)


def ask(target: Target, statement: str, *values: object) -> object:
    async def asked() -> object:
        async with connected(target.dsn) as connection:
            return await connection.fetchval(statement, *values)

    return asyncio.run(asked())


def test_steps_are_numbered_one_by_one() -> None:
    assert [step.number for step in migrate.steps()] == [*range(1, NEWEST + 1)]
    assert migrate.steps()[0].name == "0001_pre_books"


def test_a_fresh_database(target: Target) -> None:
    assert version_of(target) is None
    done = brought(target, None)
    assert (done.before, done.after, [step.number for step in done.done]) == (None, NEWEST, [*range(1, NEWEST + 1)])
    assert version_of(target) == NEWEST


def test_again_there_is_nothing_to_do(target: Target) -> None:
    brought(target, LADDER)
    assert brought(target, None) == brought(target, LADDER) == (NEWEST, NEWEST, (), ())


def test_many_at_once(target: Target) -> None:
    """A lock: one of them does it, the others wait and find it done."""
    with ThreadPoolExecutor(4) as threads:
        done = [*threads.map(lambda _: brought(target, None), range(4))]
    assert sorted(len(one.done) for one in done) == [0, 0, 0, NEWEST]


def test_a_schema_that_was_made_beforehand(target: Target) -> None:
    """Then the role needs no right to make one."""
    ask(target, "CREATE SCHEMA jobledger")
    assert brought(target, None).after == NEWEST


@pytest.mark.parametrize("name", ["select", "user", "a" * 31, "_1"])
def test_a_schema_may_have_any_name_of_letters(postgres_database: str, name: str) -> None:
    """It is quoted, so words of SQL are names, too."""
    url = f"{postgres_database}?schema={name}"
    brought(Target.of(url), None)
    with closing(open_store(url, lambda: 0)) as store:
        assert store.types() == ()


def test_two_schemas_in_a_database_are_two_stores(postgres_database: str) -> None:
    urls = [f"{postgres_database}?schema={name}" for name in ("a", "b")]
    for url in urls:
        brought(Target.of(url), None)
    asyncio.run(_declare(urls[0]))
    found = [open_store(url, lambda: 0) for url in urls]
    assert [len(store.types()) for store in found] == [1, 0]
    for store in found:
        store.close()


async def _declare(url: str) -> None:
    async with App(url) as app:
        await app.declare("mail")


def test_all_or_nothing(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails undoes those before it."""
    brought(target, None)
    add_steps(monkeypatch, PRE, BROKEN)
    with pytest.raises(StoreError, match="division by zero"):
        brought(target, None)
    assert version_of(target) == NEWEST
    assert ask(target, "SELECT to_regclass('jobledger.more')") is None


@pytest.mark.unaudited("its schema is made to look newer")
def test_what_older_code_cannot_bear_waits(target: Target, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the steps beside which it works; when it is gone, the rest. From there on it is refused."""
    brought(target, None)
    with monkeypatch.context() as newer:
        add_steps(newer, PRE, POST)
        first = brought(target, None, beside=True)
        assert (first.before, first.after, first.done, first.left) == (NEWEST, NEWEST + 1, (PRE,), (POST,))
    store.sample(0)
    assert store.types() == ()
    with monkeypatch.context() as newer:
        add_steps(newer, PRE, POST)
        assert brought(target, None, beside=False).done == (POST,)
    with pytest.raises(SchemaTooNew, match=f"to schema {NEWEST + 2}, this one knows up to {NEWEST}"):
        store.sample(0)


def test_a_new_store_is_made_whole(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no older code to spare."""
    add_steps(monkeypatch, PRE, POST)
    assert brought(target, None, beside=True).left == ()


@pytest.mark.unaudited("its schema is made to look newer")
async def test_old_code_on_a_newer_schema(postgres_database: str, target: Target) -> None:
    """It works, as long as the schema does not need newer code."""
    await asyncio.to_thread(brought, target, None)
    await asyncio.to_thread(ask, target, "UPDATE jobledger.book SET version = $1", NEWEST + 7)
    app = App(postgres_database)

    @app.job("add")
    async def add(*, a: int) -> int:
        return a + 1

    async with app.worker():
        assert await add.result(await add.submit(a=1), wait=10) == 2
    await asyncio.to_thread(ask, target, "UPDATE jobledger.book SET needs = $1", NEWEST + 7)
    with pytest.raises(SchemaTooNew, match="upgrade it and start again"):
        async with app.worker():
            pass


@pytest.mark.unaudited("its schema is made to look newer")
async def test_a_worker_under_which_it_is_migrated_ends(
    postgres_database: str, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its upkeep sees it, and it says why."""
    await asyncio.to_thread(brought, target, None)
    monkeypatch.setattr("jobledger._runtime.node.SAMPLE_SECONDS", 0.1)
    app = App(postgres_database)

    @app.job("add")
    async def add(*, a: int) -> int:
        return a + 1

    with pytest.raises(SchemaTooNew):
        async with app.worker():
            await asyncio.to_thread(ask, target, "UPDATE jobledger.book SET needs = 1000, version = 1000")
            await asyncio.Event().wait()


@pytest.mark.parametrize("migrating", [False, True])
async def test_an_older_schema(postgres_database: str, target: Target, migrating: bool) -> None:
    """Nobody migrates by the way, unless it is asked for; the message is the command."""
    with pytest.raises(SchemaTooOld, match=r"there is no store in .*: run `jobledger migrate --url 'postgresql://"):
        async with App(postgres_database):
            pass
    await asyncio.to_thread(brought, target, None)
    if migrating:
        async with App(postgres_database, migrate=True):
            return
    await asyncio.to_thread(ask, target, "UPDATE jobledger.book SET version = $1", NEEDED - 1)
    with pytest.raises(SchemaTooOld, match=rf"older schema {NEEDED - 1}: run `jobledger migrate --url '") as raised:
        async with App(postgres_database):
            pass
    assert str(raised.value).count(target.name) == 2


async def test_the_ladder_is_kept(postgres_database: str, target: Target) -> None:
    """Histograms of different ladders can't be added up."""
    await asyncio.to_thread(brought, target, LADDER)
    with pytest.raises(BoundariesDiffer):
        await asyncio.to_thread(brought, target, (1.0, 2.0))
    with pytest.raises(BoundariesDiffer):
        async with App(postgres_database, boundaries=(1.0, 2.0)):
            pass
    async with App(postgres_database, boundaries=LADDER), App(postgres_database):
        pass
