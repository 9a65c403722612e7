"""What a server refuses is said with what to do about it, never with a password; and workers go on when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import asyncpg
import pytest

from jobledger import App
from jobledger.errors import (
    NotAStore,
    SchemaTooOld,
    StoreBusy,
    StoreError,
    StoreReadOnly,
    StoreUnreachable,
)
from jobledger.testing.postgres import OwnServer
from tests.own_postgres.rows import connected, do
from tests.waiting import until

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
SECRET = "correct-horse"  # noqa: S105 - what must not be shown


@pytest.fixture
def worker(app: App) -> App:
    @app.job("work")
    async def work(*, n: int) -> int:
        return n

    return app


@asynccontextmanager
async def told(kind: type[StoreError], *words: str, secret: str) -> AsyncIterator[None]:
    """An error of this kind, with these words; neither it nor what it came from shows the password."""
    with pytest.raises(kind) as raised:
        yield
    error = raised.value
    text = "\n".join(f"{one} {one!r}" for one in (error, error.__cause__))
    for word in words:
        assert word in str(error)
    assert secret not in text


def secret(url: str) -> str:
    return urlsplit(url).password or "none"


async def test_a_database_that_is_not_there(url: str) -> None:
    missing = url + "_missing"
    async with told(NotAStore, "there is no such database", "create it", secret=secret(url)), App(missing):
        pass


async def test_a_wrong_password(url: str) -> None:
    wrong = url.replace(secret(url), SECRET)
    async with told(StoreError, "refuses the login", "check user and password", secret=SECRET), App(wrong):
        pass


async def test_nobody_listens(url: str) -> None:
    parts = urlsplit(url)
    nowhere = parts._replace(netloc=f"postgres:{SECRET}@127.0.0.1:1").geturl()
    async with told(StoreUnreachable, "check that the server runs", "127.0.0.1:1", secret=SECRET), App(nowhere):
        pass


async def test_no_schema(server: OwnServer) -> None:
    with server.database() as url:
        words = "run `jobledger migrate --url", "migrate=True"
        async with told(SchemaTooOld, *words, secret=secret(url)), App(url):
            pass


async def test_a_schema_that_is_dropped_under_an_open_app(app: App, url: str) -> None:
    async with app:
        await do(url, "ALTER SCHEMA jobledger RENAME TO away")
        try:
            async with told(SchemaTooOld, "run `jobledger migrate`", secret=secret(url)):
                await app.declare("work")
        finally:
            await do(url, "ALTER SCHEMA away RENAME TO jobledger")
        await app.declare("work")


async def test_a_server_that_only_reads(worker: App, new_app: Callable[[], App], url: str, server: OwnServer) -> None:
    """As after a failover to a standby: reading goes on, and so does the worker once it is over."""
    database = urlsplit(url).path.strip("/")
    async with worker.worker(), new_app() as client:
        assert await client.jobs.result(await client.jobs.submit("work", {"n": 1}), wait=10) == 1
        await do(server.url(), f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        await ended(server, database)
        await until(partial(hears, client, StoreReadOnly), "it has noticed")
        async with told(StoreReadOnly, "only reads", "use the primary", secret=secret(url)):
            await client.jobs.submit("work", {"n": 2})
        await until(partial(reads, client, 1), "reading goes on")
        await do(server.url(), f"ALTER DATABASE {database} RESET default_transaction_read_only")
        await ended(server, database)
        await until(partial(hears, client, None), "it can write again")
        assert await client.jobs.result(await client.jobs.submit("work", {"n": 3}), wait=20) == 3


async def hears(app: App, kind: type[StoreError] | None) -> bool:
    """Whether its writer is told so, or nothing; at first it may hear that its connection was ended."""
    try:
        await app.declare("other")
    except StoreError as error:
        return type(error) is kind
    return kind is None


async def reads(app: App, jobs: int) -> bool:
    try:
        return len((await app.jobs.list()).jobs) == jobs
    except StoreUnreachable:
        return False  # its connection was ended; the next one is new


async def ended(server: OwnServer, database: str) -> None:
    """All connections to it: new ones have the new settings."""
    async with connected(server.url()) as administrator:
        await administrator.execute(END, database)


async def test_no_connection_is_left(worker: App, new_app: Callable[[], App], url: str, server: OwnServer) -> None:
    """Who comes too late is told; a worker that loses its own goes on when there are some again."""
    database = urlsplit(url).path.strip("/")
    async with worker.worker():
        async with AsyncExitStack() as taken, connected(server.url()) as administrator:
            await exhausted(server, taken)
            await administrator.execute(END, database)
            await exhausted(server, taken)
            async with (
                told(StoreUnreachable, "has no connection left", "max_connections", "pooler", secret=secret(url)),
                new_app(),
            ):
                pass
            await taken.aclose()
        async with new_app() as client:
            assert await client.jobs.result(await client.jobs.submit("work", {"n": 4}), wait=20) == 4


async def exhausted(server: OwnServer, taken: AsyncExitStack) -> None:
    """Take all that are left; the kind that is kept for superusers, too."""
    while True:
        try:
            await taken.enter_async_context(connected(server.url()))
        except asyncpg.TooManyConnectionsError:
            return


async def test_somebody_holds_a_lock(
    worker: App, new_app: Callable[[], App], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for as long as the connection's own limit says; then callers are told, and nothing was changed."""
    monkeypatch.setattr("jobledger._store.postgres.store.WRITE_SETTINGS", {"lock_timeout": "300ms"})
    async with new_app() as client, worker.worker():
        await client.declare("work")
        async with connected(url) as other:
            await other.execute("BEGIN; LOCK TABLE jobledger.job IN SHARE MODE")
            async with told(StoreBusy, "another transaction holds", "Nothing was changed", secret=secret(url)):
                await client.jobs.submit("work", {"n": 5})
            await other.execute("ROLLBACK")
        assert not (await client.jobs.list()).jobs
        assert await client.jobs.result(await client.jobs.submit("work", {"n": 6}), wait=20) == 6


async def test_the_lease_is_renewed_while_a_batch_waits_for_a_lock(
    worker: App, new_app: Callable[[], App], url: str
) -> None:
    lease = 1.0
    async with worker.worker(lease=lease) as node, new_app() as client:
        before = worker._opened_door().writer_id
        async with connected(url) as other:
            await other.execute("BEGIN; LOCK TABLE jobledger.job IN SHARE MODE")
            waiting = asyncio.ensure_future(client.jobs.submit("work", {"n": 7}))
            beats = await beat(client, before)
            for _ in range(8):  # two leases
                beats = await beaten(client, before, beats)
            assert not node._dispatcher.lost
            await other.execute("ROLLBACK")
        assert await client.jobs.result(await waiting, wait=20) == 7
        assert worker._opened_door().writer_id == before


async def beaten(app: App, writer_id: int | None, beats: int) -> int:
    """Wait for one more."""

    async def more() -> bool:
        return await beat(app, writer_id) > beats

    await until(more, "the lease is renewed")
    return beats + 1


async def beat(app: App, writer_id: int | None) -> int:
    vitals = await app._threads.read(app._opened_door().store.vitals)
    (found,) = [vital.beat for vital in vitals if vital.writer_id == writer_id]
    return found
