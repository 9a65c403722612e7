"""The drivers that a caller may have, each with a transaction open: the same three things can be done with all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from jobledger import App
from jobledger._store.postgres.target import Target

Opened = Any
Submit = Callable[..., Awaitable[Any]]


def plain_dsn(url: str) -> str:
    """A store's database, without options that only asyncpg understands."""
    return Target.of(url).dsn.partition("?")[0]


class Hand(NamedTuple):
    """An open transaction.

    Attributes:
        submit: as ``app.jobs.submit``, without the connection.
        execute: a statement of the caller's own.
        end: commit, or roll back.
    """

    submit: Submit
    execute: Callable[[str], Awaitable[object]]
    end: Callable[[bool], Awaitable[object]]


def _awaited(app: App, connection: Opened) -> Submit:
    async def submit(*args: Any, **options: Any) -> Any:
        return await app.jobs.submit(*args, connection=connection, **options)

    return submit


def _plain(app: App, connection: Opened) -> Submit:
    async def submit(*args: Any, **options: Any) -> Any:
        return app.jobs.submit_on(connection, *args, **options)

    return submit


@asynccontextmanager
async def _asyncpg(app: App, dsn: str) -> AsyncIterator[Hand]:
    async with asyncpg.create_pool(dsn, min_size=0, max_size=1) as pool, pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()

        async def end(commit: bool) -> None:
            await (transaction.commit() if commit else transaction.rollback())

        yield Hand(_awaited(app, connection), connection.execute, end)


@asynccontextmanager
async def _psycopg(app: App, dsn: str) -> AsyncIterator[Hand]:
    with psycopg.connect(dsn) as connection:

        async def execute(statement: str) -> None:
            connection.execute(statement.encode())

        async def end(commit: bool) -> None:
            (connection.commit if commit else connection.rollback)()

        yield Hand(_plain(app, connection), execute, end)


@asynccontextmanager
async def _psycopg_async(app: App, dsn: str) -> AsyncIterator[Hand]:
    async with await psycopg.AsyncConnection.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:

        async def execute(statement: str) -> None:
            await connection.execute(statement.encode())

        async def end(commit: bool) -> None:
            await (connection.commit if commit else connection.rollback)()

        yield Hand(_awaited(app, connection), execute, end)


def _of_sqlalchemy(dsn: str, driver: str) -> str:
    return dsn.replace("postgresql", f"postgresql+{driver}", 1)


def _synchronous(opening: Callable[[Any], Any]) -> Callable[[App, str], Any]:
    @asynccontextmanager
    async def opened(app: App, dsn: str) -> AsyncIterator[Hand]:
        engine = create_engine(_of_sqlalchemy(dsn, "psycopg"))
        connection = opening(engine)

        async def execute(statement: str) -> None:
            connection.execute(text(statement))

        async def end(commit: bool) -> None:
            (connection.commit if commit else connection.rollback)()

        try:
            yield Hand(_plain(app, connection), execute, end)
        finally:
            connection.close()
            engine.dispose()

    return opened


def _asynchronous(opening: Callable[[Any], Any], driver: str) -> Callable[[App, str], Any]:
    @asynccontextmanager
    async def opened(app: App, dsn: str) -> AsyncIterator[Hand]:
        engine = create_async_engine(_of_sqlalchemy(dsn, driver))
        async with opening(engine) as connection:

            async def execute(statement: str) -> None:
                await connection.execute(text(statement))

            async def end(commit: bool) -> None:
                await (connection.commit if commit else connection.rollback)()

            yield Hand(_awaited(app, connection), execute, end)
        await engine.dispose()

    return opened


DRIVERS: dict[str, Callable[[App, str], Any]] = {
    "asyncpg": _asyncpg,
    "psycopg": _psycopg,
    "psycopg-async": _psycopg_async,
    "sqlalchemy-session": _synchronous(Session),
    "sqlalchemy-scoped-session": _synchronous(lambda engine: scoped_session(sessionmaker(engine))),
    "sqlalchemy-connection": _synchronous(lambda engine: engine.connect()),
    "sqlalchemy-async-session-asyncpg": _asynchronous(AsyncSession, "asyncpg"),
    "sqlalchemy-async-session-psycopg": _asynchronous(AsyncSession, "psycopg"),
    "sqlalchemy-async-connection": _asynchronous(lambda engine: engine.connect(), "asyncpg"),
}
